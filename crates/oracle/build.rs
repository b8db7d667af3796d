//! Generates the codec from the proto file; protox stands in for protoc, which no one need have.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let proto = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", proto.display());
    let descriptors = protox::compile(["aggregated_record.proto"], [&proto])?;
    prost_build::Config::new().compile_fds(descriptors)?;
    Ok(())
}

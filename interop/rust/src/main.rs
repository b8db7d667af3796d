//! kinpack-payload for interop/payload/run.py: one JSON request a line in, one JSON answer a line
//! out, as the drivers of its peers speak. It is there for what the command line has no option for:
//! reader schemas, container codecs, zlib in Glue's frames, Confluent's header.
#![forbid(unsafe_code)]

mod compressed;
mod framed;

use std::error::Error;
use std::io::{self, BufRead, Write};

use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let answer = answer(&line?).unwrap_or_else(|error| json!({ "error": error.to_string() }));
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn answer(line: &str) -> Result<Value> {
    let request = serde_json::from_str(line)?;
    let results = match text(&request, "op")? {
        "train" => compressed::train(&request)?,
        "compress" => compressed::compress(&request)?,
        "decompress" => compressed::decompress(&request)?,
        "frame" => framed::frame(&request)?,
        "unframe" => framed::unframe(&request)?,
        op => return Err(format!("no op {op}").into()),
    };
    Ok(json!({ "results": results }))
}

/// A member that is text.
fn text<'a>(request: &'a Value, member: &str) -> Result<&'a str> {
    request[member].as_str().ok_or_else(|| format!("no {member}").into())
}

/// A member that is bytes, in base64.
fn bytes(object: &Value, member: &str) -> Result<Vec<u8>> {
    Ok(base64_simd::STANDARD.decode_to_vec(text(object, member)?)?)
}

/// `data` of each payload.
fn payloads(request: &Value) -> Result<Vec<Vec<u8>>> {
    elements(request, "payloads")?.iter().map(|payload| bytes(payload, "data")).collect()
}

/// A member that is a list.
fn elements<'a>(request: &'a Value, member: &str) -> Result<&'a [Value]> {
    Ok(request[member].as_array().ok_or_else(|| format!("no {member}"))?)
}

/// A result that is bytes.
fn data(bytes: impl AsRef<[u8]>) -> Value {
    json!({ "data": base64_simd::STANDARD.encode_to_string(bytes.as_ref()) })
}

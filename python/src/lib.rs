//! The compiled part of the Python package `kinpack`: objects around `kinpack`, `kinpack-events`,
//! `kinpack-payload` and `kinpack-consumer`, and nothing of its own.

mod aggregator;
mod avro;
mod batch;
mod builder;
mod compression;
mod engine;
mod envelopes;
mod error;
mod input;
mod keys;
mod options;
mod records;
mod shards;
mod text;
mod user_record;

use pyo3::prelude::*;

// Never tried without a GIL: kinpack/__init__.py refuses, and who gets past that gets the GIL.
#[pymodule(gil_used = true)]
mod _kinpack {
    #[pymodule_export]
    use crate::aggregator::Aggregator;
    #[pymodule_export]
    use crate::avro::{AvroReader, AvroSchema, SchemaStore};
    #[pymodule_export]
    use crate::builder::AggregateBuilder;
    #[pymodule_export]
    use crate::compression::{Compressor, Decompressor, Dictionary};
    #[pymodule_export]
    use crate::engine::{Engine, EngineBatch, EngineSettings, early_metrics};
    #[pymodule_export]
    use crate::records::{Records, RecordsIterator, records};
    #[pymodule_export]
    use crate::shards::{ShardMap, hash_key_of};
    #[pymodule_export]
    use crate::user_record::UserRecord;

    /// The version of the package.
    #[expect(non_upper_case_globals, reason = "as Python calls it")]
    #[pymodule_export]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}

//! Avro: framings, stores, resolution, JSON, and bytes that mean harm.
#![cfg(feature = "avro")]
#![allow(clippy::unwrap_used)]

mod foreign;
mod harm;
mod json;
mod resolution;
mod round_trip;
mod serde_types;
mod stores;

use std::sync::Arc;

use kinpack_payload::avro::{AvroSchema, DatumReader};

fn schema(text: &str) -> Arc<AvroSchema> {
    Arc::new(AvroSchema::parse(text).unwrap())
}

fn reader(text: &str) -> DatumReader {
    DatumReader::new(&schema(text))
}

const CLICK: &str = r#"{"type": "record", "name": "Click", "namespace": "kinpack.test", "fields": [
    {"name": "id", "type": "long"},
    {"name": "user", "type": "string"},
    {"name": "score", "type": "double"},
    {"name": "tags", "type": {"type": "array", "items": "string"}},
    {"name": "ref", "type": ["null", "string"], "default": null}
]}"#;

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Click {
    id: i64,
    user: String,
    score: f64,
    tags: Vec<String>,
    r#ref: Option<String>,
}

//! Avro: framings, schemas, and datums as `serde` types, as [`Value`]s and as JSON.
//!
//! - [`AvroReader`] reads payloads: it knows the [`Framing`]s, finds the schema in a
//!   [`SchemaStore`], and hands out [`Datum`]s. It can read all of them as one reader's schema.
//! - [`AvroWriter`] writes payloads of one schema and framing; [`ContainerWriter`] a whole batch as
//!   an object container file.
//! - [`AvroSchema`] writes, and [`DatumReader`] reads, bare datums.
//! - [`Framing::split`] takes a frame off and leaves the payload as it is: for Confluent's and
//!   Glue's JSON and Protobuf.
//! - [`MemoryStore`] holds schemas, or reads a directory of them; [`CachedStore`] stands in front of
//!   a registry.
//!
//! ```
//! use std::sync::Arc;
//!
//! use kinpack_payload::avro::{AvroReader, AvroSchema, AvroWriter, MemoryStore};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct Click {
//!     id: i64,
//!     user: String,
//! }
//!
//! let schema = Arc::new(AvroSchema::parse(
//!     r#"{"type": "record", "name": "Click", "fields": [
//!         {"name": "id", "type": "long"},
//!         {"name": "user", "type": "string"}
//!     ]}"#,
//! )?);
//! let click = Click { id: 42, user: "ada".to_owned() };
//! let mut payload = Vec::new();
//! AvroWriter::single_object(&schema).write(&click, &mut payload)?;
//! assert_eq!(payload.len(), 15);
//!
//! let mut store = MemoryStore::new();
//! store.add(schema);
//! let reader = AvroReader::new(store);
//! let mut opened = reader.open(&payload)?.expect("a single object is looked for");
//! let datum = opened.next()?.expect("one datum");
//! assert_eq!(datum.read::<Click>()?, click);
//! # Ok::<(), kinpack_payload::avro::AvroError>(())
//! ```
//!
//! # JSON
//!
//! | Avro | written as JSON | also understood |
//! |---|---|---|
//! | null, boolean, int, long, string, enum, array, map, record | as is | `5.0` for a whole number |
//! | float, double | a number; `"NaN"`, `"Infinity"`, `"-Infinity"` | |
//! | bytes, fixed | text whose characters are the bytes: `"\u00ff"` | |
//! | decimal, big-decimal | text: `"12.50"`, `"1E+100"` | a number; for decimal, the bytes |
//! | uuid | text | without hyphens |
//! | date, time, timestamp | the number it is stored as | |
//! | duration | `{"months":1,"days":2,"millis":3}` | parts that are 0 left out; the bytes |
//! | union | the value of its branch | `{"name of the branch": value}` |
//!
//! A plain value goes to the branch of a union that suits it best: a whole number to int, else
//! long, double, float; one with a fraction to double first; text to string, else an enum that has
//! it, uuid, decimal, fixed, bytes. Where two records (or the like) take the same value, the branch
//! must be named. A field that is left out takes its default; a field that the schema does not have
//! is an error, as it would be lost.
//!
//! # Limits
//!
//! Each payload has a limit of [`DEFAULT_LIMIT`] bytes, which can be set. It bounds what a payload
//! (or all blocks of a container file) may inflate to, and what the values of one datum may take in
//! memory: 64 bytes each, and their text. No length or count is believed before the bytes are
//! there, and no more than [`MAX_DEPTH`] records, arrays and maps may stand in each other.

mod cached;
mod container;
mod container_codec;
mod container_writer;
mod cursor;
mod datum;
mod de;
mod error;
mod framing;
mod id;
mod json_in;
mod json_out;
mod number;
mod plan;
mod reader;
mod resolve;
mod schema;
mod ser;
mod ser_compound;
mod store;
mod value;
mod writer;

pub use apache_avro;
pub use apache_avro::types::Value;
pub use cached::CachedStore;
pub use container::{ContainerReader, Datum};
pub use container_codec::ContainerCodec;
pub use container_writer::ContainerWriter;
pub use cursor::MAX_DEPTH;
pub use datum::DatumReader;
pub use error::{AvroError, ContainerErrorKind, DatumErrorKind};
pub use framing::{Frame, Framing, Framings, write_header};
pub use id::{InvalidUuid, SchemaId, Uuid};
pub use reader::{AvroReader, Opened};
pub use schema::AvroSchema;
pub use store::{Looked, Lookup, MemoryStore, SchemaStore};
pub use writer::AvroWriter;

/// What a payload may take, if nothing else is said: 64 MiB.
///
/// # Examples
///
/// ```
/// assert_eq!(kinpack_payload::avro::DEFAULT_LIMIT, 64 << 20);
/// ```
pub const DEFAULT_LIMIT: usize = 64 << 20;

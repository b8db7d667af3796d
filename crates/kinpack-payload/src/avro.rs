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
//! memory: 64 bytes each, their text, and the names of their fields. No length or count is believed before the bytes are
//! there, and no more than [`MAX_DEPTH`] records, arrays and maps may stand in each other.
//!
//! # Without the feature `avro`
//!
//! Framings, ids and stores stay, as they need no Avro library; `AvroSchema::parse` answers
//! [`AvroError::Disabled`], and what reads and writes datums is not there.

mod cached;
mod error;
mod framing;
mod id;
mod store;

#[cfg(feature = "avro")]
mod container;
#[cfg(feature = "avro")]
mod container_codec;
#[cfg(feature = "avro")]
mod container_writer;
#[cfg(feature = "avro")]
mod cursor;
#[cfg(feature = "avro")]
mod datum;
#[cfg(feature = "avro")]
mod de;
#[cfg(feature = "avro")]
mod de_compound;
#[cfg(not(feature = "avro"))]
mod disabled;
#[cfg(feature = "avro")]
mod json_in;
#[cfg(feature = "avro")]
mod json_out;
#[cfg(feature = "avro")]
mod number;
#[cfg(feature = "avro")]
mod plan;
#[cfg(feature = "avro")]
mod reader;
#[cfg(feature = "avro")]
mod resolve;
#[cfg(feature = "avro")]
mod schema;
#[cfg(feature = "avro")]
mod ser;
#[cfg(feature = "avro")]
mod ser_compound;
#[cfg(feature = "avro")]
mod value;
#[cfg(feature = "avro")]
mod writer;

pub use cached::CachedStore;
#[cfg(not(feature = "avro"))]
pub use disabled::AvroSchema;
pub use error::{AvroError, ContainerErrorKind, DatumErrorKind};
pub use framing::{Frame, Framing, Framings, write_header};
pub use id::{InvalidUuid, SchemaId, Uuid};
pub use store::{Looked, Lookup, MemoryStore, SchemaStore};

#[cfg(feature = "avro")]
pub use self::{
    container::{ContainerReader, Datum},
    container_codec::ContainerCodec,
    container_writer::ContainerWriter,
    datum::DatumReader,
    reader::{AvroReader, Opened},
    schema::AvroSchema,
    writer::AvroWriter,
};
#[cfg(feature = "avro")]
pub use apache_avro;
#[cfg(feature = "avro")]
pub use apache_avro::types::Value;

/// As many records, arrays and maps may stand in each other.
///
/// # Examples
///
/// ```
/// assert_eq!(kinpack_payload::avro::MAX_DEPTH, 100);
/// ```
pub const MAX_DEPTH: usize = 100;

/// What a payload may take, if nothing else is said: 64 MiB.
///
/// # Examples
///
/// ```
/// assert_eq!(kinpack_payload::avro::DEFAULT_LIMIT, 64 << 20);
/// ```
pub const DEFAULT_LIMIT: usize = 64 << 20;

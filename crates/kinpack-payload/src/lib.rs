//! What is inside a user record: compression and Avro framings. Bytes in, bytes out.
//!
//! Aggregation saves the count of Kinesis records, compression saves their bytes. There are two
//! places for it:
//!
//! - *Per user record*: a [`Compressor`], before the record is pushed into the aggregator. Any KPL
//!   or KCL reader still takes the aggregate apart and sees compressed payloads. Small messages
//!   need a [`Dictionary`] to get smaller by themselves.
//! - *Per Kinesis record*, the [whole aggregate](whole_aggregate): the best ratio, for kinpack
//!   readers only.
//!
//! ```
//! use kinpack_payload::{Codec, Compressor, Decompressor, detect};
//!
//! let message = br#"{"id":42,"user":"ada","tags":["aaaaaaaa","aaaaaaaa","aaaaaaaa"]}"#;
//! let small = Compressor::new(Codec::Gzip)?.compress(message)?;
//! assert!(small.len() < message.len());
//!
//! assert_eq!(detect(&small), Some(Codec::Gzip));
//! assert_eq!(Decompressor::new().decompress(Codec::Gzip, &small)?, message);
//! # Ok::<(), kinpack_payload::CompressionError>(())
//! ```
//!
//! What a payload was before it was compressed may be [Avro](avro), in one of its framings.
//!
//! Features, all on by default: `gzip` (gzip, zlib and raw deflate, in Rust), `zstd` (C), `avro`.
//! A codec that was not compiled in answers
//! [`CodecDisabled`](CompressionError::CodecDisabled).
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod avro;
mod codec;
mod compression;
mod compressor;
mod decompressor;
#[cfg(feature = "gzip")]
mod deflate;
mod detect;
mod dictionary;
#[cfg(not(all(feature = "gzip", feature = "zstd")))]
mod disabled;
mod error;
pub mod whole_aggregate;
#[cfg(feature = "zstd")]
mod zstandard;

#[cfg(not(feature = "gzip"))]
use disabled as deflate;
#[cfg(not(feature = "zstd"))]
use disabled as zstandard;

pub use codec::Codec;
pub use compression::{Compression, ParseCompressionError};
pub use compressor::Compressor;
pub use decompressor::Decompressor;
pub use detect::detect;
pub use dictionary::{Dictionaries, Dictionary};
pub use error::CompressionError;

//! Compression of the *whole* Kinesis record. **For kinpack readers only.**
//!
//! The best ratio there is, as user records share what they have in common. But the KCL, Firehose,
//! Flink and Lambda's own de-aggregation under enhanced fan-out see one opaque record: they do not
//! find the user records inside. Deploy the readers first. (Compressed user records inside a plain
//! aggregate, by contrast, are still found by all of them.)
//!
//! The envelope is specified in `docs/envelope.md`; this is its version 1. A Kinesis record that
//! is a gzip, zlib or zstd stream is an envelope if what is inside begins as an aggregate, which is
//! looked at before the rest is inflated. Anything else passes untouched: CloudWatch Logs, for one,
//! puts gzip records into streams.
//!
//! ```
//! use kinpack::{Aggregator, Digest, deaggregate};
//! use kinpack_payload::{Codec, Compressor, Decompressor, whole_aggregate};
//!
//! let mut aggregator = Aggregator::default();
//! for n in 0..500 {
//!     aggregator.try_push("device-1", None, format!(r#"{{"t":{n}}}"#).as_bytes())?;
//! }
//! let aggregate = aggregator.finish().expect("user records were pushed").data;
//!
//! let (mut small, mut buffer) = (Vec::new(), Vec::new());
//! let mut compressor = Compressor::new(Codec::Zstd)?;
//! whole_aggregate::compress_for_kinpack_readers_only(&aggregate, &mut compressor, &mut small)?;
//! assert!(small.len() < aggregate.len() / 3);
//!
//! let mut decompressor = Decompressor::new();
//! let unwrapped = whole_aggregate::unwrap(&small, &mut decompressor, &mut buffer)?;
//! assert_eq!(unwrapped.codec, Some(Codec::Zstd));
//! assert_eq!(deaggregate(unwrapped.data, Digest::Verify)?.records(None).count(), 500);
//!
//! // A Kinesis record that is no envelope comes back as it is.
//! let plain = whole_aggregate::unwrap(b"plain", &mut decompressor, &mut buffer)?;
//! assert_eq!((plain.data, plain.codec), (&b"plain"[..], None));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use kinpack::MAGIC;

use crate::codec::Codec;
use crate::compressor::Compressor;
use crate::decompressor::Decompressor;
use crate::detect::detect;
use crate::error::CompressionError;

/// The version of the envelope that is written.
pub const VERSION: u32 = 1;

/// The data of a Kinesis record, taken out of its envelope if it had one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unwrapped<'a> {
    /// The aggregate, or the data as it came.
    pub data: &'a [u8],
    /// What the aggregate was compressed by; `None` if the data is as it came.
    pub codec: Option<Codec>,
}

/// Compresses a whole aggregate: readers other than kinpack will not find the user records in it.
/// What `out` held before is gone.
///
/// # Errors
///
/// [`NotAnAggregate`](CompressionError::NotAnAggregate) if the data does not begin with
/// [`kinpack::MAGIC`]: a record that goes alone stays as it is.
/// [`NotForWholeAggregates`](CompressionError::NotForWholeAggregates) if the compressor is for raw
/// deflate or has a dictionary.
pub fn compress_for_kinpack_readers_only(
    aggregate: &[u8],
    compressor: &mut Compressor,
    out: &mut Vec<u8>,
) -> Result<(), CompressionError> {
    out.clear();
    let codec = compressor.compression().codec();
    if codec == Codec::Deflate || compressor.has_dictionary() {
        return Err(CompressionError::NotForWholeAggregates { codec });
    }
    if !aggregate.starts_with(&MAGIC) {
        return Err(CompressionError::NotAnAggregate);
    }
    compressor.compress_into(aggregate, out)
}

/// Takes the data of a Kinesis record out of its envelope, into `buffer`, if it has one. Data
/// without one is given back untouched. An envelope within an envelope is not opened.
///
/// # Errors
///
/// A [`CompressionError`] of an envelope that begins as an aggregate and cannot be read to its
/// end, or not within the limit. [`CodecDisabled`](CompressionError::CodecDisabled) for a stream
/// that cannot be looked into: who never gets envelopes may hand that record on.
pub fn unwrap<'a>(
    data: &'a [u8],
    decompressor: &mut Decompressor,
    buffer: &'a mut Vec<u8>,
) -> Result<Unwrapped<'a>, CompressionError> {
    let untouched = Unwrapped { data, codec: None };
    let Some(codec) = detect(data) else { return Ok(untouched) };
    // To look into a stream of one block is to inflate it.
    let inflated = decompressor.is_one_block(codec, data)
        && decompressor.decompress_into(codec, data, buffer).is_ok();
    let is_aggregate = if inflated {
        buffer.starts_with(&MAGIC)
    } else {
        decompressor.begins_with(codec, data, &MAGIC)?
    };
    if !is_aggregate {
        return Ok(untouched);
    }
    if !inflated {
        decompressor.decompress_into(codec, data, buffer)?;
    }
    Ok(Unwrapped { data: buffer, codec: Some(codec) })
}

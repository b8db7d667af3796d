//! How the blocks of a container file are compressed.

use std::borrow::Cow;

use super::{AvroError, ContainerErrorKind};
use crate::{Codec, CompressionError, Compressor, Decompressor};

/// How the blocks of a container file are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ContainerCodec {
    /// Not at all.
    #[default]
    Null,
    /// Raw deflate (feature `gzip`).
    Deflate,
    /// Zstandard (feature `zstd`).
    Zstandard,
    /// Snappy, and the CRC-32 of what was compressed.
    Snappy,
}

impl ContainerCodec {
    /// All of them.
    pub const ALL: [ContainerCodec; 4] = [
        ContainerCodec::Null,
        ContainerCodec::Deflate,
        ContainerCodec::Zstandard,
        ContainerCodec::Snappy,
    ];

    /// What the file calls it.
    ///
    /// # Examples
    ///
    /// ```
    /// use kinpack_payload::avro::ContainerCodec;
    ///
    /// assert_eq!(ContainerCodec::Zstandard.name(), "zstandard");
    /// assert_eq!(ContainerCodec::by_name("snappy"), Some(ContainerCodec::Snappy));
    /// assert_eq!(ContainerCodec::by_name("xz"), None);
    /// ```
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ContainerCodec::Null => "null",
            ContainerCodec::Deflate => "deflate",
            ContainerCodec::Zstandard => "zstandard",
            ContainerCodec::Snappy => "snappy",
        }
    }

    /// The codec that a file calls so.
    #[must_use]
    pub fn by_name(name: &str) -> Option<ContainerCodec> {
        ContainerCodec::ALL.into_iter().find(|codec| codec.name() == name)
    }
}

/// Inflates blocks.
#[derive(Debug)]
pub(super) struct Inflater {
    codec: ContainerCodec,
    decompressor: Option<Decompressor>,
}

impl Inflater {
    pub(super) fn new(codec: ContainerCodec) -> Self {
        Inflater { codec, decompressor: None }
    }

    pub(super) fn inflate<'a>(
        &mut self,
        block: &'a [u8],
        limit: usize,
    ) -> Result<Cow<'a, [u8]>, AvroError> {
        let codec = match self.codec {
            ContainerCodec::Null => return Ok(Cow::Borrowed(block)),
            ContainerCodec::Snappy => return unsnap(block, limit).map(Cow::Owned).map_err(wrong),
            ContainerCodec::Deflate => Codec::Deflate,
            ContainerCodec::Zstandard => Codec::Zstd,
        };
        let mut decompressor = self.decompressor.take().unwrap_or_default().with_limit(limit);
        let mut inflated = decompressor.decompress(codec, block);
        // fastavro and Python's avro leave the most of zlib's checksum behind the deflate stream.
        if let Err(CompressionError::TrailingBytes { codec: Codec::Deflate, offset }) = inflated
            && block.len() - offset <= 4
        {
            inflated = decompressor.decompress(codec, &block[..offset]);
        }
        self.decompressor = Some(decompressor);
        inflated.map(Cow::Owned).map_err(|error| match error {
            CompressionError::LimitExceeded { limit, .. } => {
                wrong(ContainerErrorKind::Limit { limit })
            }
            error => AvroError::Compression(error),
        })
    }
}

/// The reader knows where the block is.
fn wrong(kind: ContainerErrorKind) -> AvroError {
    AvroError::Container { kind, offset: 0 }
}

/// Three bytes of snappy give 64 at most.
const SNAPPY_RATIO: usize = 22;

fn unsnap(block: &[u8], limit: usize) -> Result<Vec<u8>, ContainerErrorKind> {
    let (block, checksum) = block.split_last_chunk().ok_or(ContainerErrorKind::Snappy)?;
    let length = snap::raw::decompress_len(block).map_err(|_| ContainerErrorKind::Snappy)?;
    if length > limit {
        return Err(ContainerErrorKind::Limit { limit });
    }
    // A length is believed only where the bytes could come to it.
    if length / SNAPPY_RATIO > block.len() {
        return Err(ContainerErrorKind::Snappy);
    }
    let inflated =
        snap::raw::Decoder::new().decompress_vec(block).map_err(|_| ContainerErrorKind::Snappy)?;
    if crc32(&inflated) != u32::from_be_bytes(*checksum) {
        return Err(ContainerErrorKind::Checksum);
    }
    Ok(inflated)
}

/// Compresses a block.
pub(super) fn deflate(codec: ContainerCodec, block: Vec<u8>) -> Result<Vec<u8>, AvroError> {
    let codec = match codec {
        ContainerCodec::Null => return Ok(block),
        ContainerCodec::Snappy => {
            let snapped = snap::raw::Encoder::new().compress_vec(&block);
            let mut snapped = snapped.map_err(|_| wrong(ContainerErrorKind::Snappy))?;
            snapped.extend_from_slice(&crc32(&block).to_be_bytes());
            return Ok(snapped);
        }
        ContainerCodec::Deflate => Codec::Deflate,
        ContainerCodec::Zstandard => Codec::Zstd,
    };
    let compressed = Compressor::new(codec).and_then(|mut to| to.compress(&block));
    compressed.map_err(AvroError::Compression)
}

/// CRC-32 as in gzip.
fn crc32(data: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut at = 0;
        while at < 256 {
            let mut crc = at as u32;
            let mut bit = 0;
            while bit < 8 {
                crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
                bit += 1;
            }
            table[at] = crc;
            at += 1;
        }
        table
    };
    !data.iter().fold(!0, |crc, &byte| TABLE[(crc as u8 ^ byte) as usize] ^ (crc >> 8))
}

#[cfg(test)]
mod tests {
    #[test]
    fn crc32_of_the_check_string() {
        assert_eq!(super::crc32(b"123456789"), 0xcbf4_3926);
    }
}

//! Decompressing, one message after another, under a limit.

use crate::codec::Codec;
use crate::detect::detect;
use crate::dictionary::Dictionaries;
use crate::error::CompressionError;
use crate::{deflate, zstandard};

/// Decompresses messages with contexts that are made once, on first use.
///
/// Concatenated gzip members and zstd frames are one message, empty ones and skippable frames
/// included, and zeros after the last gzip member are padding, as they are for gzip(1). Anything
/// else that follows is an error.
///
/// Sizes that a stream declares are not trusted: memory grows with what really came out of it, and
/// no further than the limit.
///
/// ```
/// use kinpack_payload::{Codec, CompressionError, Compressor, Decompressor};
///
/// let bomb = Compressor::new(Codec::Gzip)?.compress(&[0; 100_000])?;
/// assert!(bomb.len() < 200);
/// let error = Decompressor::new().with_limit(50_000).decompress(Codec::Gzip, &bomb).unwrap_err();
/// assert_eq!(error, CompressionError::LimitExceeded { codec: Codec::Gzip, limit: 50_000 });
/// # Ok::<(), CompressionError>(())
/// ```
#[derive(Debug)]
pub struct Decompressor {
    limit: usize,
    dictionaries: Dictionaries,
    deflate: deflate::Reader,
    zstd: zstandard::Reader,
}

impl Decompressor {
    /// The output limit of who sets none: 64 MiB a message.
    pub const DEFAULT_LIMIT: usize = 64 << 20;

    /// With the default limit and no dictionaries.
    #[must_use]
    pub fn new() -> Self {
        Self {
            limit: Self::DEFAULT_LIMIT,
            dictionaries: Dictionaries::default(),
            deflate: deflate::Reader::default(),
            zstd: zstandard::Reader::default(),
        }
    }

    /// With another limit: the most bytes that a message may decompress to.
    #[must_use]
    pub fn with_limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// With dictionaries to read zstd with. Frames name theirs by its id.
    #[must_use]
    pub fn with_dictionaries(self, dictionaries: Dictionaries) -> Self {
        Self { dictionaries, ..self }
    }

    /// The most bytes that a message may decompress to.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// The dictionaries to read zstd with.
    #[must_use]
    pub fn dictionaries(&self) -> &Dictionaries {
        &self.dictionaries
    }

    /// Decompresses one message. What `out` held before is gone; once it is large enough, nothing
    /// is allocated.
    ///
    /// # Errors
    ///
    /// A [`CompressionError`]; `out` is empty then.
    pub fn decompress_into(
        &mut self,
        codec: Codec,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CompressionError> {
        out.clear();
        let done = match codec {
            Codec::Gzip | Codec::Zlib | Codec::Deflate => {
                self.deflate.decompress(codec, data, self.limit, &self.dictionaries, out)
            }
            Codec::Zstd => self.zstd.decompress(codec, data, self.limit, &self.dictionaries, out),
        };
        if done.is_err() {
            out.clear();
        }
        done
    }

    /// [`decompress_into`](Self::decompress_into) a buffer of its own.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn decompress(&mut self, codec: Codec, data: &[u8]) -> Result<Vec<u8>, CompressionError> {
        let mut out = Vec::new();
        self.decompress_into(codec, data, &mut out)?;
        Ok(out)
    }

    /// Decompresses a message if [`detect`] finds it compressed, and says by which codec. `None`:
    /// it is not, and `out` is empty.
    ///
    /// The two bytes that zlib begins with are weak evidence. If it turns out that no zlib stream
    /// follows, the message is not compressed, and that is no error.
    ///
    /// ```
    /// use kinpack_payload::{Codec, Compressor, Decompressor};
    ///
    /// let (mut decompressor, mut out) = (Decompressor::new(), Vec::new());
    /// let small = Compressor::new(Codec::Gzip)?.compress(b"a message")?;
    /// assert_eq!(decompressor.decompress_detected(&small, &mut out)?, Some(Codec::Gzip));
    /// assert_eq!(out, b"a message");
    /// assert_eq!(decompressor.decompress_detected(b"a message", &mut out)?, None);
    /// # Ok::<(), kinpack_payload::CompressionError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`decompress_into`](Self::decompress_into).
    pub fn decompress_detected(
        &mut self,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Codec>, CompressionError> {
        out.clear();
        let Some(codec) = detect(data) else { return Ok(None) };
        match self.decompress_into(codec, data, out) {
            Ok(()) => Ok(Some(codec)),
            Err(
                CompressionError::Truncated { codec: Codec::Zlib, .. }
                | CompressionError::TrailingBytes { codec: Codec::Zlib, .. }
                | CompressionError::Corrupt { codec: Codec::Zlib, .. },
            ) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the stream is in one block of at most 128 KiB, so that there is nothing to be saved
    /// by looking at its beginning first.
    pub(crate) fn is_one_block(&self, codec: Codec, data: &[u8]) -> bool {
        codec == Codec::Zstd && self.zstd.is_one_block(data)
    }

    /// Whether what is inside begins with these bytes. No more than that is inflated (by zstd, no
    /// more than a block, which is at most 128 KiB). Bytes that cannot be read do not begin so.
    pub(crate) fn begins_with(
        &mut self,
        codec: Codec,
        data: &[u8],
        prefix: &[u8; 4],
    ) -> Result<bool, CompressionError> {
        match codec {
            Codec::Gzip | Codec::Zlib | Codec::Deflate => {
                self.deflate.begins_with(codec, data, prefix)
            }
            Codec::Zstd => self.zstd.begins_with(codec, data, prefix),
        }
    }
}

impl Default for Decompressor {
    fn default() -> Self {
        Self::new()
    }
}

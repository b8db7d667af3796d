//! Compressing, one message after another.

use crate::codec::Codec;
use crate::compression::Compression;
use crate::dictionary::Dictionary;
use crate::error::CompressionError;
use crate::{deflate, zstandard};

/// Compresses messages, each by itself, with contexts that are made once.
///
/// ```
/// use kinpack_payload::{Codec, Compressor, Decompressor};
///
/// let mut compressor = Compressor::new(Codec::Zstd)?;
/// let mut decompressor = Decompressor::new();
/// let mut small = Vec::new();
/// for message in [b"one one one one one one", b"two two two two two two"] {
///     compressor.compress_into(message, &mut small)?;
///     assert!(small.len() < message.len());
///     assert_eq!(decompressor.decompress(Codec::Zstd, &small)?, message);
/// }
/// # Ok::<(), kinpack_payload::CompressionError>(())
/// ```
#[derive(Debug)]
pub struct Compressor {
    compression: Compression,
    has_dictionary: bool,
    writer: Writer,
}

// Made once and kept, so its size is no matter.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
enum Writer {
    Deflate(deflate::Writer),
    Zstd(zstandard::Writer),
}

impl Compressor {
    /// For a [`Compression`], or a [`Codec`] at its default level.
    ///
    /// # Errors
    ///
    /// [`CodecDisabled`](CompressionError::CodecDisabled).
    pub fn new(compression: impl Into<Compression>) -> Result<Self, CompressionError> {
        Self::build(compression.into(), None)
    }

    /// With a dictionary, whose id stands in each message: for messages of some hundred bytes that
    /// are compressed one by one. Readers need the same dictionary.
    ///
    /// ```
    /// use kinpack_payload::{Codec, Compressor, Decompressor, Dictionary};
    ///
    /// let message = |n| format!(r#"{{"device":"sensor-{n}","t":{}.5,"unit":"celsius"}}"#, n % 40);
    /// let dictionary = Dictionary::train((0..2_000).map(message), 4 << 10)?;
    ///
    /// let one = message(7);
    /// let small = Compressor::with_dictionary(Codec::Zstd, &dictionary)?.compress(one.as_bytes())?;
    /// assert!(small.len() < one.len() / 2);
    ///
    /// let mut decompressor = Decompressor::new().with_dictionaries([dictionary].into());
    /// assert_eq!(decompressor.decompress(Codec::Zstd, &small)?, one.as_bytes());
    /// # Ok::<(), kinpack_payload::CompressionError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`CodecDisabled`](CompressionError::CodecDisabled), and
    /// [`DictionaryNotSupported`](CompressionError::DictionaryNotSupported) unless it is zstd.
    pub fn with_dictionary(
        compression: impl Into<Compression>,
        dictionary: &Dictionary,
    ) -> Result<Self, CompressionError> {
        let compression = compression.into();
        match compression.codec() {
            Codec::Zstd => Self::build(compression, Some(dictionary)),
            codec => Err(CompressionError::DictionaryNotSupported { codec }),
        }
    }

    fn build(
        compression: Compression,
        dictionary: Option<&Dictionary>,
    ) -> Result<Self, CompressionError> {
        let writer = match compression.codec() {
            Codec::Gzip | Codec::Zlib | Codec::Deflate => {
                Writer::Deflate(deflate::Writer::new(compression, dictionary)?)
            }
            Codec::Zstd => Writer::Zstd(zstandard::Writer::new(compression, dictionary)?),
        };
        Ok(Self { compression, has_dictionary: dictionary.is_some(), writer })
    }

    /// What it was made for.
    #[must_use]
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// Whether it was made with a dictionary.
    #[must_use]
    pub fn has_dictionary(&self) -> bool {
        self.has_dictionary
    }

    /// Compresses one message. What `out` held before is gone; once it is large enough, nothing
    /// is allocated.
    ///
    /// # Errors
    ///
    /// [`CannotCompress`](CompressionError::CannotCompress), which short of memory nobody has seen.
    /// `out` is empty then.
    pub fn compress_into(
        &mut self,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CompressionError> {
        out.clear();
        let done = match &mut self.writer {
            Writer::Deflate(writer) => writer.compress(data, out),
            Writer::Zstd(writer) => writer.compress(data, out),
        };
        if done.is_err() {
            out.clear();
        }
        done
    }

    /// [`compress_into`](Self::compress_into) a buffer of its own.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn compress(&mut self, data: &[u8]) -> Result<Vec<u8>, CompressionError> {
        let mut out = Vec::new();
        self.compress_into(data, &mut out)?;
        Ok(out)
    }
}

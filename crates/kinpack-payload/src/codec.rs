//! The codecs by name.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::compression::ParseCompressionError;

/// A way to compress bytes.
///
/// All four have a name whatever was compiled in; one that was not answers
/// [`CodecDisabled`](crate::CompressionError::CodecDisabled).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// gzip (RFC 1952), feature `gzip`. 18 bytes around deflate: header, CRC-32 and length.
    Gzip,
    /// zlib (RFC 1950), feature `gzip`. 6 bytes around deflate: header and Adler-32.
    Zlib,
    /// Raw deflate (RFC 1951), feature `gzip`. Nothing around it, so it is never detected, and
    /// most damage goes unnoticed.
    Deflate,
    /// Zstandard (RFC 8878), feature `zstd`. The only one that takes dictionaries.
    Zstd,
}

impl Codec {
    /// All codecs.
    pub const ALL: &'static [Codec] = &[Codec::Gzip, Codec::Zlib, Codec::Deflate, Codec::Zstd];

    /// `gzip`, `zlib`, `deflate` or `zstd`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
        }
    }

    /// Whether the codec was compiled in.
    #[must_use]
    pub fn is_enabled(self) -> bool {
        match self {
            Self::Gzip | Self::Zlib | Self::Deflate => cfg!(feature = "gzip"),
            Self::Zstd => cfg!(feature = "zstd"),
        }
    }

    /// The levels, from fast to small. 0 to 9, where 0 does not compress at all; for zstd −7 to 22,
    /// where 0 is another name for its own default, 3.
    #[must_use]
    pub fn levels(self) -> RangeInclusive<i32> {
        match self {
            Self::Gzip | Self::Zlib | Self::Deflate => 0..=9,
            Self::Zstd => -7..=22,
        }
    }

    /// The level of who names none: 6, for zstd 3.
    #[must_use]
    pub fn default_level(self) -> i32 {
        match self {
            Self::Gzip | Self::Zlib | Self::Deflate => 6,
            Self::Zstd => 3,
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// By [`Codec::name`].
impl FromStr for Codec {
    type Err = ParseCompressionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|codec| codec.name() == text)
            .ok_or_else(|| ParseCompressionError::UnknownCodec { text: text.into() })
    }
}

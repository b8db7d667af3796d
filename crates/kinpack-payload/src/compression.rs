//! A codec and a level, and how they are written.

use std::fmt;
use std::str::FromStr;

use crate::codec::Codec;
use crate::error::CompressionError;

/// A codec with its level: how to compress.
///
/// ```
/// use kinpack_payload::{Codec, Compression};
///
/// let gzip: Compression = "gzip:9".parse()?;
/// assert_eq!((gzip.codec(), gzip.level()), (Codec::Gzip, 9));
/// assert_eq!("zstd".parse(), Ok(Compression::from(Codec::Zstd)));
/// assert_eq!(Compression::from(Codec::Zstd).to_string(), "zstd:3");
///
/// let error = "gzip:10".parse::<Compression>().unwrap_err();
/// assert_eq!(error.to_string(), "gzip has no level 10: its levels are 0 to 9");
/// # Ok::<(), kinpack_payload::ParseCompressionError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Compression {
    codec: Codec,
    level: i32,
}

impl Compression {
    /// This codec at this level.
    ///
    /// # Errors
    ///
    /// [`LevelOutOfRange`](CompressionError::LevelOutOfRange) outside [`Codec::levels`].
    pub fn new(codec: Codec, level: i32) -> Result<Self, CompressionError> {
        if codec.levels().contains(&level) {
            Ok(Self { codec, level })
        } else {
            Err(CompressionError::LevelOutOfRange { codec, level })
        }
    }

    /// The codec.
    #[must_use]
    pub fn codec(self) -> Codec {
        self.codec
    }

    /// The level, within [`Codec::levels`].
    #[must_use]
    pub fn level(self) -> i32 {
        self.level
    }
}

/// At the codec's default level.
impl From<Codec> for Compression {
    fn from(codec: Codec) -> Self {
        Self { codec, level: codec.default_level() }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.codec, self.level)
    }
}

/// `CODEC` or `CODEC:LEVEL`.
impl FromStr for Compression {
    type Err = ParseCompressionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((codec, level)) = text.split_once(':') else {
            return Ok(Self::from(text.parse::<Codec>()?));
        };
        let codec = codec.parse()?;
        let level = level
            .parse()
            .map_err(|_| ParseCompressionError::LevelNotANumber { text: level.into() })?;
        Self::new(codec, level).map_err(|_| ParseCompressionError::LevelOutOfRange { codec, level })
    }
}

/// Why a text names no [`Compression`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseCompressionError {
    /// Not the name of a [`Codec`].
    UnknownCodec {
        /// What stands for a name.
        text: Box<str>,
    },
    /// What follows the colon is no whole number.
    LevelNotANumber {
        /// What stands for a level.
        text: Box<str>,
    },
    /// A level that the codec does not have.
    LevelOutOfRange {
        /// The codec.
        codec: Codec,
        /// The level.
        level: i32,
    },
}

impl fmt::Display for ParseCompressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCodec { text } => {
                write!(f, "no codec is called {text:?}; there are gzip, zlib, deflate and zstd")
            }
            Self::LevelNotANumber { text } => write!(f, "the level {text:?} is no whole number"),
            &Self::LevelOutOfRange { codec, level } => {
                CompressionError::LevelOutOfRange { codec, level }.fmt(f)
            }
        }
    }
}

impl std::error::Error for ParseCompressionError {}

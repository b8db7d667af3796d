//! What can go wrong with compressed bytes, and where.

use std::fmt;

use crate::codec::Codec;

/// Why bytes cannot be compressed or decompressed.
///
/// Offsets count from 0 in what was given to be decompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CompressionError {
    /// The codec was not compiled in.
    CodecDisabled {
        /// The codec.
        codec: Codec,
    },
    /// A level that the codec does not have.
    LevelOutOfRange {
        /// The codec.
        codec: Codec,
        /// The level.
        level: i32,
    },
    /// What is compressed is larger than the output limit: a decompression bomb, or a limit that
    /// is too small.
    LimitExceeded {
        /// The codec.
        codec: Codec,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The bytes break off before the stream does.
    Truncated {
        /// The codec.
        codec: Codec,
        /// Where: the length of the bytes.
        offset: usize,
    },
    /// Bytes behind the end of the stream that belong to no other one.
    TrailingBytes {
        /// The codec.
        codec: Codec,
        /// The first of them.
        offset: usize,
    },
    /// Not what the codec writes.
    Corrupt {
        /// The codec.
        codec: Codec,
        /// How far reading came: for zstd where the faulty frame begins, else the faulty place.
        offset: usize,
        /// What is wrong, for people.
        reason: &'static str,
    },
    /// A zstd frame that needs a dictionary which is not among the
    /// [`Dictionaries`](crate::Dictionaries).
    UnknownDictionary {
        /// The dictionary's id.
        id: u32,
        /// Where the frame begins.
        offset: usize,
    },
    /// A dictionary for a codec other than zstd.
    DictionaryNotSupported {
        /// The codec.
        codec: Codec,
    },
    /// Bytes that are no trained zstd dictionary with an id.
    NotADictionary {
        /// What is wrong, for people.
        reason: &'static str,
    },
    /// No dictionary can be trained from the samples.
    TrainingFailed {
        /// How many samples there were.
        samples: usize,
        /// Their bytes together.
        bytes: usize,
        /// What is wrong, for people.
        reason: &'static str,
    },
    /// The codec's library gave up on compressing, as it does without memory.
    CannotCompress {
        /// The codec.
        codec: Codec,
        /// What the library says.
        reason: &'static str,
    },
    /// A whole aggregate was asked for, and the data is none: no reader would find it again.
    NotAnAggregate,
    /// A compressor that whole aggregates must not be compressed by: raw deflate, which no reader
    /// detects, or one with a dictionary, which they do not look for.
    NotForWholeAggregates {
        /// The codec.
        codec: Codec,
    },
}

impl fmt::Display for CompressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::CodecDisabled { codec } => write!(f, "{codec} was not compiled in"),
            Self::LevelOutOfRange { codec, level } => {
                let (first, last) = codec.levels().into_inner();
                write!(f, "{codec} has no level {level}: its levels are {first} to {last}")
            }
            Self::LimitExceeded { codec, limit } => {
                write!(f, "{codec} data of more than {limit} bytes, which is the limit")
            }
            Self::Truncated { codec, offset } => {
                write!(f, "the {codec} data breaks off (byte {offset})")
            }
            Self::TrailingBytes { codec, offset } => {
                write!(f, "bytes that belong to nothing follow the {codec} data (byte {offset})")
            }
            Self::Corrupt { codec, offset, reason } => {
                write!(f, "no {codec} data: {reason} (byte {offset})")
            }
            Self::UnknownDictionary { id, offset } => {
                write!(f, "the zstd dictionary {id} is not known (byte {offset})")
            }
            Self::DictionaryNotSupported { codec } => {
                write!(f, "{codec} takes no dictionary, only zstd does")
            }
            Self::NotADictionary { reason } => write!(f, "no zstd dictionary: {reason}"),
            Self::TrainingFailed { samples, bytes, reason } => write!(
                f,
                "no dictionary comes of {samples} samples of {bytes} bytes together: {reason}"
            ),
            Self::CannotCompress { codec, reason } => {
                write!(f, "{codec} cannot compress: {reason}")
            }
            Self::NotAnAggregate => f.write_str("no aggregate: it does not begin with the magic"),
            Self::NotForWholeAggregates { codec: Codec::Zstd } => {
                f.write_str("whole aggregates are compressed without a dictionary")
            }
            Self::NotForWholeAggregates { codec } => write!(
                f,
                "whole aggregates are not compressed by {codec}, which no reader can detect"
            ),
        }
    }
}

impl std::error::Error for CompressionError {}

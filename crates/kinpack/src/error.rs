//! What can be wrong with bytes, and where.

use std::fmt;

/// What is wrong with an aggregated record, and where.
///
/// # Examples
///
/// ```
/// use kinpack::{AggregatedRecord, DecodeErrorKind, Digest};
///
/// let error = AggregatedRecord::parse(b"plain", Digest::Verify).unwrap_err();
/// assert_eq!(error.kind, DecodeErrorKind::NoMagic);
/// assert_eq!(error.to_string(), "no aggregation magic (byte 0)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DecodeError {
    /// What is wrong.
    pub kind: DecodeErrorKind,
    /// Where, in bytes from the start of the Kinesis record's data.
    pub offset: usize,
}

/// The kinds of [`DecodeError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The data does not begin with `F3 89 9A C2`: a plain record.
    NoMagic,
    /// No more than the 16 bytes of a digest follow the magic.
    TooShort,
    /// The last 16 bytes are not the MD5 of the protobuf.
    DigestMismatch,
    /// The data is longer than [`MAX_DATA_LEN`](crate::MAX_DATA_LEN).
    TooLong,
    /// A value runs past the end of what holds it.
    Truncated,
    /// A varint of more than ten bytes.
    VarintTooLong,
    /// A field with the number 0.
    FieldNumberZero,
    /// Wire type 6 or 7.
    WireType(u8),
    /// The end of a group that was not begun, or of another one.
    EndGroup,
    /// More than 100 levels of groups and messages (protobuf-java's limit).
    TooDeep,
    /// A required field is missing.
    MissingField {
        /// Position of the user record, from 0.
        record: u32,
        /// The field.
        field: RequiredField,
    },
    /// A tag or a length above 32 bits, which protobuf-java cuts: the KCL reads something that was
    /// not written.
    NumberTooLarge(u64),
    /// A partition key index outside its table.
    PartitionKeyIndex {
        /// Position of the user record, from 0.
        record: u32,
        /// The index.
        index: u64,
        /// Entries in the table.
        entries: u32,
    },
    /// An explicit hash key index outside its table.
    ExplicitHashKeyIndex {
        /// Position of the user record, from 0.
        record: u32,
        /// The index.
        index: u64,
        /// Entries in the table.
        entries: u32,
    },
    /// Text that is not UTF-8.
    NotUtf8(TextField),
    /// An explicit hash key that is no decimal number, met by a hash-key-range filter.
    ExplicitHashKeyNotANumber {
        /// Position of the user record, from 0.
        record: u32,
    },
}

/// The required fields of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequiredField {
    /// `Record.partition_key_index`
    PartitionKeyIndex,
    /// `Record.data`
    Data,
    /// `Tag.key`
    TagKey,
}

/// The text fields of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TextField {
    /// This entry of the partition key table.
    PartitionKey(u32),
    /// This entry of the explicit hash key table.
    ExplicitHashKey(u32),
    /// A tag of this user record.
    Tag(u32),
}

impl DecodeErrorKind {
    /// Whether the KCL silently hands such a record on as it came.
    ///
    /// The other kinds are faults: the KCL would lose user records or deliver something that was
    /// not written, so no policy of kinpack is silent about them. (Keys that are not UTF-8 are
    /// neither: the KCL replaces what it cannot read.)
    #[must_use]
    pub fn is_plain_to_kcl(self) -> bool {
        match self {
            Self::NoMagic
            | Self::TooShort
            | Self::DigestMismatch
            | Self::TooLong
            | Self::Truncated
            | Self::VarintTooLong
            | Self::FieldNumberZero
            | Self::WireType(_)
            | Self::EndGroup
            | Self::TooDeep
            | Self::MissingField { .. } => true,
            Self::NumberTooLarge(_)
            | Self::PartitionKeyIndex { .. }
            | Self::ExplicitHashKeyIndex { .. }
            | Self::NotUtf8(_)
            | Self::ExplicitHashKeyNotANumber { .. } => false,
        }
    }

    pub(crate) fn at(self, offset: usize) -> DecodeError {
        DecodeError { kind: self, offset }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (byte {})", self.kind, self.offset)
    }
}

impl fmt::Display for DecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMagic => f.write_str("no aggregation magic"),
            Self::TooShort => f.write_str("nothing between the aggregation magic and the digest"),
            Self::DigestMismatch => f.write_str("the MD5 digest does not match the aggregate"),
            Self::TooLong => write!(f, "longer than {} bytes", crate::MAX_DATA_LEN),
            Self::Truncated => f.write_str("a value runs past the end of what holds it"),
            Self::VarintTooLong => f.write_str("a varint of more than ten bytes"),
            Self::FieldNumberZero => f.write_str("a field with the number 0"),
            Self::WireType(wire) => write!(f, "the wire type {wire}, which does not exist"),
            Self::EndGroup => f.write_str("the end of a group that was not begun"),
            Self::TooDeep => f.write_str("groups nested deeper than 100 levels"),
            Self::MissingField { record, field } => {
                write!(f, "user record {record} has no {field}")
            }
            Self::NumberTooLarge(number) => {
                write!(f, "a tag or length of more than 32 bits ({number})")
            }
            Self::PartitionKeyIndex { record, index, entries } => write!(
                f,
                "user record {record} points at partition key {index} of a table of {entries}"
            ),
            Self::ExplicitHashKeyIndex { record, index, entries } => write!(
                f,
                "user record {record} points at explicit hash key {index} of a table of {entries}"
            ),
            Self::NotUtf8(text) => write!(f, "{text} is not UTF-8"),
            Self::ExplicitHashKeyNotANumber { record } => {
                write!(f, "the explicit hash key of user record {record} is no decimal number")
            }
        }
    }
}

impl fmt::Display for RequiredField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PartitionKeyIndex => "partition key index",
            Self::Data => "data",
            Self::TagKey => "key in one of its tags",
        })
    }
}

impl fmt::Display for TextField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PartitionKey(entry) => write!(f, "partition key {entry} of the table"),
            Self::ExplicitHashKey(entry) => write!(f, "explicit hash key {entry} of the table"),
            Self::Tag(record) => write!(f, "a tag of user record {record}"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Why a user record cannot be packed, whatever the state of the aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncodeError {
    /// The partition key is empty or longer than 256 UTF-16 units (as the KPL counts).
    PartitionKeyLength {
        /// Its length in UTF-16 units.
        utf16_units: usize,
    },
    /// The user record cannot go out, not even alone: it is above the stream's record limit.
    RecordTooLarge {
        /// Bytes of the smallest Kinesis record that would hold it: data and outer partition key.
        size: usize,
        /// The limit, in bytes.
        limit: usize,
    },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PartitionKeyLength { utf16_units: 0 } => {
                f.write_str("the partition key is empty")
            }
            Self::PartitionKeyLength { utf16_units } => write!(
                f,
                "the partition key has {utf16_units} UTF-16 units, Kinesis takes at most 256"
            ),
            Self::RecordTooLarge { size, limit } => write!(
                f,
                "the record needs {size} bytes with its partition key, the stream's limit is {limit}"
            ),
        }
    }
}

impl std::error::Error for EncodeError {}

//! What can be wrong with a frame, a schema or a datum.

use std::fmt;

use super::{Framing, SchemaId};

/// Why something could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AvroError {
    /// The crate was built without the feature `avro`.
    Disabled,
    /// The data does not begin as this framing does.
    NotFramed {
        /// The framing that was asked for.
        framing: Framing,
    },
    /// The message indexes of a Protobuf payload are cut short or out of range.
    ProtobufIndexes,
    /// The payload of a frame, or a block of a container file, could not be inflated or deflated.
    Compression(crate::CompressionError),
    /// No store knows this schema.
    UnknownSchema(SchemaId),
    /// A store could not answer.
    Store {
        /// What was asked for.
        id: SchemaId,
        /// What the store says.
        message: String,
    },
    /// A bare datum, and no word of its schema.
    NoSchema,
    /// The text is no Avro schema; says why.
    Schema(String),
    /// A file of a schema directory could not be read, or is no schema, or names a schema twice.
    SchemaFile {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The reader's schema cannot read what the writer's wrote.
    Resolution {
        /// Where, as a path of fields from the root, such as `user.address`; empty for the root.
        path: String,
        /// What does not fit.
        message: String,
    },
    /// The bytes are no datum of the schema.
    Datum {
        /// What is wrong.
        kind: DatumErrorKind,
        /// Where, in bytes from the start of the datum.
        offset: usize,
    },
    /// The value is none of the schema's, so it cannot be written.
    Value {
        /// Where, as a path such as `user.tags[3]`; empty for the root.
        path: String,
        /// What does not fit.
        message: String,
    },
    /// A serde type does not fit the schema; says why.
    Serde(String),
    /// An object container file is damaged.
    Container {
        /// What is wrong.
        kind: ContainerErrorKind,
        /// Where, in bytes from the start of the file.
        offset: usize,
    },
}

/// What is wrong with a datum.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatumErrorKind {
    /// A value runs past the end.
    Truncated,
    /// Bytes are left after the last value.
    TrailingBytes,
    /// A number of more than ten bytes, or one that does not fit its type.
    Number,
    /// A negative length.
    Length(i64),
    /// A boolean that is neither 0 nor 1.
    Boolean(u8),
    /// Text that is not UTF-8.
    NotUtf8,
    /// A union branch or an enum symbol that the schema does not have.
    Index(i64),
    /// Text or bytes that are no UUID.
    Uuid,
    /// A big-decimal whose own lengths do not fit.
    BigDecimal,
    /// A decimal of more than 1,024 bytes, which is not written out.
    DecimalTooLong,
    /// More than [`MAX_DEPTH`](super::MAX_DEPTH) records, arrays and maps in each other.
    TooDeep,
    /// What the datum says it holds takes more memory than is allowed.
    Limit {
        /// The limit in bytes.
        limit: usize,
    },
    /// The writer's value is none the reader's schema can take; says why.
    Unresolvable(String),
}

/// What is wrong with an object container file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContainerErrorKind {
    /// The header or a block runs past the end.
    Truncated,
    /// A length or count is negative, or no number.
    Length,
    /// The header has no `avro.schema`.
    NoSchema,
    /// The schema or the codec's name is not UTF-8.
    NotUtf8,
    /// A codec other than null, deflate, zstandard and snappy.
    UnknownCodec(String),
    /// The 16 bytes after a block are not those of the header.
    SyncMarker,
    /// The checksum of a snappy block does not match.
    Checksum,
    /// A block is no snappy block.
    Snappy,
    /// Bytes are left in a block after its last datum.
    TrailingBytes,
    /// The header, or what the blocks inflate to, is larger than is allowed, or they say they hold
    /// more objects without bytes than that.
    Limit {
        /// The limit in bytes.
        limit: usize,
    },
}

impl fmt::Display for AvroError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AvroError::Disabled => f.write_str("this build has no Avro (feature avro)"),
            AvroError::NotFramed { framing } => write!(f, "not framed as {framing}"),
            AvroError::ProtobufIndexes => f.write_str("the Protobuf message indexes are damaged"),
            AvroError::Compression(error) => error.fmt(f),
            AvroError::UnknownSchema(id) => write!(f, "no schema for {id}"),
            AvroError::Store { id, message } => write!(f, "no answer for {id}: {message}"),
            AvroError::NoSchema => f.write_str("a bare Avro datum, and no schema for it"),
            AvroError::Schema(message) => write!(f, "not an Avro schema: {message}"),
            AvroError::SchemaFile { path, message } => {
                write!(f, "schema file {}: {message}", path.display())
            }
            AvroError::Resolution { path, message } => {
                write!(f, "the reader's schema does not fit the writer's{}: {message}", At(path))
            }
            AvroError::Datum { kind, offset } => write!(f, "Avro datum: {kind} (byte {offset})"),
            AvroError::Value { path, message } => {
                write!(f, "not a value of the Avro schema{}: {message}", At(path))
            }
            AvroError::Serde(message) => write!(f, "not a type of the Avro schema: {message}"),
            AvroError::Container { kind, offset } => {
                write!(f, "Avro object container file: {kind} (byte {offset})")
            }
        }
    }
}

/// ` at user.tags`, or nothing for the root.
struct At<'a>(&'a str);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " at {}", self.0) }
    }
}

impl fmt::Display for DatumErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DatumErrorKind::Truncated => f.write_str("a value runs past the end"),
            DatumErrorKind::TrailingBytes => f.write_str("bytes are left after the value"),
            DatumErrorKind::Number => f.write_str("a number that does not fit its type"),
            DatumErrorKind::Length(length) => write!(f, "the length {length}"),
            DatumErrorKind::Boolean(byte) => write!(f, "the boolean {byte}"),
            DatumErrorKind::NotUtf8 => f.write_str("text that is not UTF-8"),
            DatumErrorKind::Index(index) => {
                write!(f, "the union branch or enum symbol {index}, which the schema does not have")
            }
            DatumErrorKind::Uuid => f.write_str("no UUID"),
            DatumErrorKind::BigDecimal => f.write_str("no big-decimal"),
            DatumErrorKind::DecimalTooLong => f.write_str("a decimal of more than 1024 bytes"),
            DatumErrorKind::TooDeep => {
                write!(f, "more than {} records, arrays and maps in each other", super::MAX_DEPTH)
            }
            DatumErrorKind::Limit { limit } => {
                write!(f, "its values take more than the limit of {limit} bytes")
            }
            DatumErrorKind::Unresolvable(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for ContainerErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ContainerErrorKind::Truncated => f.write_str("it ends too early"),
            ContainerErrorKind::Length => f.write_str("a length or count that is none"),
            ContainerErrorKind::NoSchema => f.write_str("no schema in its header"),
            ContainerErrorKind::NotUtf8 => f.write_str("a header that is not UTF-8"),
            ContainerErrorKind::UnknownCodec(codec) => write!(f, "the unknown codec {codec:?}"),
            ContainerErrorKind::SyncMarker => f.write_str("a block without its sync marker"),
            ContainerErrorKind::Checksum => f.write_str("a block whose checksum does not match"),
            ContainerErrorKind::Snappy => f.write_str("a block that is not snappy"),
            ContainerErrorKind::TrailingBytes => {
                f.write_str("a block with bytes after its last object")
            }
            ContainerErrorKind::Limit { limit } => {
                write!(f, "more than the limit of {limit} bytes")
            }
        }
    }
}

impl std::error::Error for AvroError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            AvroError::Compression(error) => Some(error),
            _ => None,
        }
    }
}

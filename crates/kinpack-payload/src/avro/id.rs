//! How a schema is named: the ids that travel in front of a datum.

use std::fmt;
use std::str::FromStr;

/// The name of a schema, as a frame or a header carries it.
///
/// # Examples
///
/// ```
/// use kinpack_payload::avro::SchemaId;
///
/// assert_eq!(SchemaId::Confluent(301).to_string(), "Confluent schema id 301");
/// let uuid = "b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63".parse()?;
/// assert_eq!(
///     SchemaId::Glue(uuid).to_string(),
///     "Glue schema version b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63",
/// );
/// # Ok::<(), kinpack_payload::avro::InvalidUuid>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SchemaId {
    /// The CRC-64-AVRO fingerprint of the schema's canonical form (single-object encoding).
    Fingerprint(u64),
    /// The id of a schema in a Confluent registry.
    Confluent(u32),
    /// The GUID of a schema in a Confluent registry, which travels in a header.
    ConfluentGuid(Uuid),
    /// The id of a schema version in AWS Glue.
    Glue(Uuid),
}

impl SchemaId {
    /// Reads the value of Confluent's header `__value_schema_id` or `__key_schema_id`: `00` and a
    /// big-endian id, or `01` and a GUID. The payload beside it is a bare datum.
    ///
    /// # Examples
    ///
    /// ```
    /// use kinpack_payload::avro::SchemaId;
    ///
    /// let header = [0, 0, 0, 1, 0x2d];
    /// assert_eq!(SchemaId::from_confluent_header(&header), Some(SchemaId::Confluent(301)));
    /// assert_eq!(SchemaId::from_confluent_header(b"?"), None);
    /// ```
    #[must_use]
    pub fn from_confluent_header(header: &[u8]) -> Option<SchemaId> {
        match header {
            [0, id @ ..] => Some(SchemaId::Confluent(u32::from_be_bytes(id.try_into().ok()?))),
            [1, guid @ ..] => Some(SchemaId::ConfluentGuid(Uuid(guid.try_into().ok()?))),
            _ => None,
        }
    }

    /// The value of Confluent's header for this id; `None` for the ids of others.
    ///
    /// # Examples
    ///
    /// ```
    /// use kinpack_payload::avro::SchemaId;
    ///
    /// assert_eq!(SchemaId::Confluent(301).to_confluent_header(), Some(vec![0, 0, 0, 1, 0x2d]));
    /// assert_eq!(SchemaId::Fingerprint(1).to_confluent_header(), None);
    /// ```
    #[must_use]
    pub fn to_confluent_header(self) -> Option<Vec<u8>> {
        match self {
            SchemaId::Confluent(id) => Some([&[0][..], &id.to_be_bytes()].concat()),
            SchemaId::ConfluentGuid(guid) => Some([&[1][..], &guid.0].concat()),
            _ => None,
        }
    }
}

impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // As other tools print it: the bytes in the order in which they stand in the frame.
            SchemaId::Fingerprint(print) => {
                write!(f, "schema fingerprint {:016x}", print.swap_bytes())
            }
            SchemaId::Confluent(id) => write!(f, "Confluent schema id {id}"),
            SchemaId::ConfluentGuid(guid) => write!(f, "Confluent schema GUID {guid}"),
            SchemaId::Glue(uuid) => write!(f, "Glue schema version {uuid}"),
        }
    }
}

/// 16 bytes that are written as `b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63`.
///
/// # Examples
///
/// ```
/// use kinpack_payload::avro::Uuid;
///
/// let uuid: Uuid = "B7B4A7F0-9C96-4E4A-A687-FB5DE9EF0C63".parse()?;
/// assert_eq!(uuid.0[..2], [0xb7, 0xb4]);
/// assert_eq!(uuid.to_string(), "b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63");
/// assert!("b7b4a7f0".parse::<Uuid>().is_err());
/// # Ok::<(), kinpack_payload::avro::InvalidUuid>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid(pub [u8; 16]);

/// Where the hyphens of a UUID stand: before these bytes.
const HYPHENS: [usize; 4] = [4, 6, 8, 10];

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let hyphen = if HYPHENS.contains(&at) { "-" } else { "" };
            write!(f, "{hyphen}{byte:02x}")?;
        }
        Ok(())
    }
}

/// Text that is no UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidUuid;

impl fmt::Display for InvalidUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a UUID: 32 hexadecimal digits as 8-4-4-4-12")
    }
}

impl std::error::Error for InvalidUuid {}

impl FromStr for Uuid {
    type Err = InvalidUuid;

    fn from_str(text: &str) -> Result<Self, InvalidUuid> {
        let mut rest = text.as_bytes();
        let mut bytes = [0; 16];
        for (at, byte) in bytes.iter_mut().enumerate() {
            if HYPHENS.contains(&at) {
                rest = rest.strip_prefix(b"-").ok_or(InvalidUuid)?;
            }
            let (digits, after) = rest.split_at_checked(2).ok_or(InvalidUuid)?;
            let digit = |digit: u8| (digit as char).to_digit(16).ok_or(InvalidUuid);
            *byte = (digit(digits[0])? * 16 + digit(digits[1])?) as u8;
            rest = after;
        }
        if rest.is_empty() { Ok(Uuid(bytes)) } else { Err(InvalidUuid) }
    }
}

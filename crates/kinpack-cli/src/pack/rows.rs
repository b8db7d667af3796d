//! The user records to pack: rows of NDJSON, or lines.

use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};

use kinpack::{EncodeError, HashKey, ParseHashKeyError};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::payload::PayloadFault;
use crate::data_text::{DataFormat, Misfit};
use crate::lambda_event::AboveEvent;

/// A user record to pack.
#[derive(Debug, PartialEq)]
pub(crate) struct NewRecord<'a> {
    pub(crate) partition_key: &'a str,
    pub(crate) explicit_hash_key: Option<HashKey>,
    pub(crate) data: &'a [u8],
}

/// What a line of input is.
pub(crate) enum Reader {
    /// A JSON object.
    Rows { format: DataFormat, buffers: Buffers },
    /// The data itself.
    Lines(Keys),
}

/// What the user record of a row is put together in; used again for the next one.
#[derive(Default)]
pub(crate) struct Buffers {
    partition_key: String,
    data: Vec<u8>,
}

/// Where lines have their partition keys from.
pub(crate) enum Keys {
    /// All have this one.
    One(String),
    /// Each has its own.
    Random { state: RandomState, count: u64, key: String },
}

impl Keys {
    pub(crate) fn random() -> Self {
        Self::Random { state: RandomState::new(), count: 0, key: String::new() }
    }

    fn next(&mut self) -> &str {
        match self {
            Self::One(key) => key,
            Self::Random { state, count, key } => {
                *count += 1;
                *key = format!("{:016x}", state.hash_one(*count));
                key
            }
        }
    }
}

/// A row as `unpack` writes it; other members are of no interest.
#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    partition_key: Option<Cow<'a, str>>,
    explicit_hash_key: Option<String>,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    error: Option<serde_json::Value>,
}

/// Whatever stands there, also null: with `--data json` that is a payload.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(value).map(Some)
}

impl Reader {
    /// The user record in a line, which has lost its line feed; `None` if the line is blank.
    pub(crate) fn read<'a>(&'a mut self, line: &'a [u8]) -> Result<Option<NewRecord<'a>>, Fault> {
        match self {
            Self::Rows { format, buffers } => {
                // Some programs begin their files with a byte order mark.
                let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
                if line.trim_ascii().is_empty() {
                    return Ok(None);
                }
                row(line, *format, buffers).map(Some)
            }
            Self::Lines(keys) => {
                let partition_key = keys.next();
                Ok(Some(NewRecord { partition_key, explicit_hash_key: None, data: line }))
            }
        }
    }
}

fn row<'a>(
    line: &[u8],
    format: DataFormat,
    buffers: &'a mut Buffers,
) -> Result<NewRecord<'a>, Fault> {
    if !line.trim_ascii_start().starts_with(b"{") {
        // A list of as many values would do for a row, too.
        let error = serde::de::Error::custom("not a JSON object");
        return Err(Fault::Json(serde_json::from_slice::<IgnoredAny>(line).err().unwrap_or(error)));
    }
    let row: Row<'_> = serde_json::from_slice(line).map_err(Fault::Json)?;
    if let Some(error) = row.error {
        let text = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
        return Err(Fault::Marked(text));
    }
    let partition_key = row.partition_key.ok_or(Fault::NoPartitionKey)?;
    let explicit_hash_key = row.explicit_hash_key.map(|text| text.parse()).transpose();
    let is_payload = |data: &&RawValue| format == DataFormat::Json || data.get() != "null";
    let data = row.data.filter(is_payload).ok_or(Fault::NoData)?;
    buffers.partition_key.clear();
    buffers.partition_key.push_str(&partition_key);
    buffers.data.clear();
    format.decode(data.get(), &mut buffers.data).map_err(Fault::Data)?;
    Ok(NewRecord {
        partition_key: &buffers.partition_key,
        explicit_hash_key: explicit_hash_key.map_err(Fault::ExplicitHashKey)?,
        data: &buffers.data,
    })
}

/// Why a line is not packed.
#[derive(Debug)]
pub(crate) enum Fault {
    Json(serde_json::Error),
    /// `unpack` put an error into the row.
    Marked(String),
    NoPartitionKey,
    NoData,
    ExplicitHashKey(ParseHashKeyError),
    Data(Misfit),
    /// It cannot be made what it should be.
    Payload(PayloadFault),
    /// No Kinesis record takes it.
    Refused(EncodeError),
    /// No Lambda event takes it.
    AboveEvent(AboveEvent),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => {
                // It is line 1 of each line: the column is what says something.
                let text = error.to_string();
                let place = format!(" at line {} column {}", error.line(), error.column());
                let reason = text.strip_suffix(&place).unwrap_or(&text);
                write!(f, "not a row: {reason} (byte {})", error.column())
            }
            Self::Marked(error) => write!(f, "the row is marked as faulty: {error}"),
            Self::NoPartitionKey => f.write_str(
                "no partition key; an aggregate needs one for each record (records of a stream \
                 with service-managed distribution may have none, and it takes no aggregates)",
            ),
            Self::NoData => f.write_str("no data"),
            Self::ExplicitHashKey(error) => write!(f, "the explicit hash key: {error}"),
            Self::Data(misfit) => misfit.fmt(f),
            Self::Payload(fault) => fault.fmt(f),
            Self::Refused(error) => error.fmt(f),
            Self::AboveEvent(above) => above.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<(String, Option<HashKey>, Vec<u8>), String> {
        let mut reader = Reader::Rows { format: DataFormat::Base64, buffers: Buffers::default() };
        match reader.read(line.as_bytes()) {
            Ok(Some(it)) => {
                Ok((it.partition_key.to_owned(), it.explicit_hash_key, it.data.to_vec()))
            }
            Ok(None) => Err("blank".to_owned()),
            Err(fault) => Err(fault.to_string()),
        }
    }

    #[test]
    fn null_is_absent_and_other_members_are_ignored() {
        let expected = Ok(("k\"é".to_owned(), None, b"hi".to_vec()));
        for row in [
            r#"{"partition_key":"k\"é","data":"aGk="}"#,
            r#" {"x":{"error":[1]},"data":"aGk=","explicit_hash_key":null,"error":null,"partition_key":"k\"\u00e9"} "#,
        ] {
            assert_eq!(read(row), expected);
        }
        let row = r#"{"partition_key":"k","explicit_hash_key":"+007","data":""}"#;
        assert_eq!(read(row), Ok(("k".to_owned(), Some(HashKey(7)), Vec::new())));
        assert!(read("\u{feff}{\"partition_key\":\"k\",\"data\":\"\"}").is_ok());
        assert_eq!(read(" \t"), Err("blank".to_owned()));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (row, fault) in [
            (r#"{"partition_key":5}"#, "invalid type: integer `5`, expected a string (byte 18)"),
            (r#"{"partition_key":"k","data":"aGk="}}"#, "trailing characters (byte 36)"),
            (r#"{"partition_key""#, "EOF while parsing an object (byte 16)"),
            ("[]", "not a JSON object"),
            (r#"["k",null,"aGk=",null]"#, "not a JSON object"),
            ("x", "expected value"),
            (r#"{"data":"aGk="}"#, "no partition key"),
            (r#"{"partition_key":null,"data":"aGk="}"#, "no partition key"),
            (r#"{"partition_key":"k"}"#, "no data"),
            (r#"{"partition_key":"k","data":null}"#, "no data"),
            (r#"{"partition_key":"k","data":5}"#, "not a JSON string"),
            (r#"{"partition_key":"k","data":"a?=="}"#, "not base64 (byte 1)"),
            (r#"{"partition_key":"k","data":"","explicit_hash_key":"x"}"#, "decimal number"),
            (r#"{"partition_key":"k","data":"","explicit_hash_key":""}"#, "decimal number"),
            (r#"{"partition_key":"k","data":"aGk=","error":"why"}"#, "marked as faulty: why"),
            (r#"{"partition_key":"k","data":"aGk=","error":[1]}"#, "marked as faulty: [1]"),
        ] {
            let message = read(row).unwrap_err();
            assert!(message.contains(fault), "{row}: {message}");
        }
    }

    #[test]
    fn a_payload_may_be_null_where_payloads_are_json() {
        let mut reader = Reader::Rows { format: DataFormat::Json, buffers: Buffers::default() };
        let record = reader.read(br#"{"partition_key":"k","data":null}"#).unwrap().unwrap();
        assert_eq!(record.data, b"null");
        assert!(reader.read(br#"{"partition_key":"k"}"#).is_err());
    }

    #[test]
    fn random_keys_differ() {
        let mut keys = Keys::random();
        let first = keys.next().to_owned();
        assert_eq!(first.len(), 16);
        assert_ne!(first, keys.next());
    }
}

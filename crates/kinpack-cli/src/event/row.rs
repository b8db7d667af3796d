//! Rows of NDJSON as the records of an event.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::data_text::DataFormat;
use crate::input::source::without_mark;
use crate::pack::rows::Fault;

/// A row, its data decoded.
pub(super) struct Row<'a> {
    pub(super) partition_key: Option<Cow<'a, str>>,
    pub(super) sequence_number: Option<Cow<'a, str>>,
    pub(super) data: Vec<u8>,
}

/// A row as `unpack` writes it; other members are of no interest.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    partition_key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    sequence_number: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    error: Option<serde_json::Value>,
}

/// Whatever stands there, also null: with `--data json` that is a payload.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(value).map(Some)
}

/// Whether an input that begins with this line is rows: no document has such a member.
pub(super) fn is_row(line: &[u8]) -> bool {
    serde_json::from_slice::<BTreeMap<Cow<'_, str>, IgnoredAny>>(without_mark(line).trim_ascii())
        .is_ok_and(|members| members.contains_key("partition_key"))
}

/// The row in a line; `None` if the line is blank.
pub(super) fn read(line: &[u8], format: DataFormat) -> Result<Option<Row<'_>>, Fault> {
    let line = without_mark(line);
    if line.trim_ascii().is_empty() {
        return Ok(None);
    }
    let members: Members<'_> = serde_json::from_slice(line).map_err(Fault::Json)?;
    if let Some(error) = members.error {
        let text = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
        return Err(Fault::Marked(text));
    }
    let is_payload = |data: &&RawValue| format == DataFormat::Json || data.get() != "null";
    let value = members.data.filter(is_payload).ok_or(Fault::NoData)?;
    let mut data = Vec::new();
    format.decode(value.get(), &mut data).map_err(Fault::Data)?;
    let Members { partition_key, sequence_number, .. } = members;
    Ok(Some(Row { partition_key, sequence_number, data }))
}

#[cfg(test)]
mod tests {
    use super::{is_row, read};
    use crate::data_text::DataFormat;

    #[test]
    fn rows_are_told_from_documents() {
        for line in [
            r#"{"partition_key":null,"data":"aGk="}"#,
            "\u{feff}\r\n {\"data\":\"\",\"partition_key\":\"k\"}\r",
            r#"{"partition_\u006bey":"k"}"#,
        ] {
            assert!(is_row(line.as_bytes()), "{line}");
        }
        for line in ["", "{", "[]", r#"{"Records":[]}"#, r#"{"Data":"","PartitionKey":"k"}"#] {
            assert!(!is_row(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, fault) in [
            (r#"{"partition_key":"k"}"#, "no data"),
            (r#"{"partition_key":"k","data":null}"#, "no data"),
            (r#"{"partition_key":"k","data":"?"}"#, "not base64"),
            (r#"{"partition_key":1,"data":""}"#, "expected a string"),
            (r#"{"partition_key":"k","data":"","error":"why"}"#, "marked as faulty: why"),
            ("[", "not a row"),
        ] {
            let Err(message) = read(line.as_bytes(), DataFormat::Base64) else { panic!("{line}") };
            assert!(message.to_string().contains(fault), "{line}: {message}");
        }
        assert!(read(b" \t\r", DataFormat::Base64).unwrap().is_none());
    }
}

//! `--json`: a row for each Kinesis record.

use serde::Serialize;

use super::Report;
use super::facts::{Content, Facts, Fault, Keys};
use super::hex_dump;
use crate::data_text::push_hex;
use crate::input::Found;

/// Rows of JSON; they have no state.
pub(super) struct Json;

#[derive(Serialize)]
struct Row<'a> {
    file: &'a str,
    line: Option<u64>,
    record: Option<usize>,
    format: &'static str,
    sequence_number: Option<&'a str>,
    partition_key: Option<&'a str>,
    explicit_hash_key: Option<&'a str>,
    content: Content,
    compressed: Option<&'static str>,
    user_records: usize,
    partition_keys: Keys,
    explicit_hash_keys: Keys,
    bytes: usize,
    payload: usize,
    overhead: usize,
    digest: Option<&'static str>,
    looks_like: Option<&'static str>,
    because: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<FaultRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

#[derive(Default, Serialize)]
struct FaultRow {
    reason: String,
    /// A byte of the record's data; of text that is no record, a byte of its line.
    offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_kcl: Option<&'static str>,
    /// Where `bytes` begins in the record's data.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_offset: Option<usize>,
    /// The bytes around the offset in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
}

impl Report for Json {
    fn record(&mut self, found: &Found<'_>, facts: &Facts, out: &mut Vec<u8>) {
        let spot = found.place.spot.as_ref();
        let (fault, text) = match (&found.data, &facts.fault) {
            (Err(unreadable), _) => {
                let fault = FaultRow {
                    reason: unreadable.reason.clone(),
                    offset: spot.and_then(|spot| spot.byte),
                    ..FaultRow::default()
                };
                (Some(fault), Some(String::from_utf8_lossy(unreadable.text).into_owned()))
            }
            (Ok(data), Some(Fault { error, to_kcl })) => {
                let around = hex_dump::around(data.len(), error.offset);
                let fault = FaultRow {
                    reason: error.kind.to_string(),
                    offset: Some(error.offset as u64),
                    to_kcl: Some(to_kcl),
                    bytes_offset: Some(around.start),
                    bytes: Some(hex(&data[around])),
                };
                (Some(fault), None)
            }
            (Ok(_), None) => (None, None),
        };
        let row = Row {
            file: found.place.file,
            line: spot.map(|spot| spot.line),
            record: spot.and_then(|spot| spot.record),
            format: found.format.name(),
            sequence_number: found.sequence_number,
            partition_key: found.partition_key,
            explicit_hash_key: found.explicit_hash_key,
            content: facts.content,
            compressed: facts.compressed,
            user_records: facts.user_records,
            partition_keys: facts.partition_keys,
            explicit_hash_keys: facts.explicit_hash_keys,
            bytes: facts.bytes,
            payload: facts.payload,
            overhead: facts.overhead(),
            digest: facts.digest.map(|right| if right { "right" } else { "wrong" }),
            looks_like: facts.writer.map(|guess| guess.writer),
            because: facts.writer.map(|guess| guess.because),
            fault,
            text,
        };
        serde_json::to_writer(&mut *out, &row).expect("a row is JSON, and a vector takes it");
        out.push(b'\n');
    }

    fn end(&mut self, _out: &mut Vec<u8>) {}
}

fn hex(bytes: &[u8]) -> String {
    let mut digits = Vec::new();
    push_hex(bytes, &mut digits);
    String::from_utf8_lossy(&digits).into_owned()
}

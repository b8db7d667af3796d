//! The rows that `unpack` writes.

use std::io;
use std::io::Write as _;

use kinpack::{HashKey, UserRecord};

use super::payload::{Payload, PayloadFault};
use crate::data_text::{DataFormat, push_json_string};
use crate::input::Found;
use crate::output::Output;

/// What a row is.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// A JSON object, its data in this format.
    Json(DataFormat),
    /// The payload alone.
    Raw,
}

/// A Kinesis record that is no aggregate, as the user record it is.
///
/// Documents of what goes into a stream have an explicit hash key for each record. One that is not
/// the partition key's is the user record's own: without it the record may go to another shard when
/// it is packed again.
pub(super) fn plain<'a>(found: &Found<'a>, data: &'a [u8]) -> UserRecord<'a> {
    let of_key = |text: &str, key: &str| text.parse() == Ok(HashKey::of_partition_key(key));
    let is_own = |text: &&str| !found.partition_key.is_some_and(|key| of_key(text, key));
    let mut record = UserRecord::plain(found.partition_key, data);
    record.sub_sequence_number = found.sub_sequence_number;
    record.explicit_hash_key = found.explicit_hash_key.filter(is_own);
    record
}

/// Writes a row for each user record; once the buffers have grown nothing is allocated for it.
pub(super) struct Rows {
    output: Output,
    shape: Shape,
    /// The members that all rows of a Kinesis record begin with.
    begin: Vec<u8>,
}

impl Rows {
    pub(super) fn new(shape: Shape) -> Self {
        Self { output: Output::new(), shape, begin: Vec::new() }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }

    /// The rows that follow are of this Kinesis record.
    pub(super) fn begin(&mut self, found: &Found<'_>) {
        self.begin.clear();
        self.begin.extend_from_slice(br#"{"sequence_number":"#);
        push_optional(found.sequence_number, &mut self.begin);
        self.begin.extend_from_slice(br#","sub_sequence_number":"#);
    }

    /// A user record, its data as it was before it was packed. What cannot be had like that, or does
    /// not fit the format, is there as base64, as it came.
    pub(super) fn user_record(
        &mut self,
        record: &UserRecord<'_>,
        payload: Result<Payload<'_>, PayloadFault>,
    ) -> io::Result<Option<String>> {
        let Shape::Json(format) = self.shape else {
            let (bytes, fault) = match payload {
                Ok(Payload::Bytes(bytes)) => (bytes, None),
                Ok(Payload::Json(text)) => (text.as_bytes(), None),
                Err(fault) => (record.data, Some(fault.to_string())),
            };
            return self.raw(bytes).map(|()| fault);
        };
        let row = self.members(record);
        let fault = match payload {
            Ok(Payload::Json(text)) => {
                row.extend_from_slice(text.as_bytes());
                None
            }
            Ok(Payload::Bytes(bytes)) => {
                format.encode(bytes, row).err().map(|misfit| misfit.to_string())
            }
            Err(fault) => {
                DataFormat::Base64.encode(record.data, row).expect("base64 holds any data");
                Some(fault.to_string())
            }
        };
        if let Some(fault) = &fault {
            push_error(fault, row);
        }
        row.push(b'}');
        self.output.end_row()?;
        Ok(fault)
    }

    /// A Kinesis record whose user records cannot be told.
    pub(super) fn faulty(&mut self, found: &Found<'_>, data: &[u8], error: &str) -> io::Result<()> {
        if matches!(self.shape, Shape::Raw) {
            return self.raw(data);
        }
        self.begin(found);
        let record = plain(found, data);
        let row = self.members(&record);
        // Whatever the format: the bytes are an aggregate's, not a payload.
        DataFormat::Base64.encode(data, row).expect("base64 holds any data");
        push_error(error, row);
        row.push(b'}');
        self.output.end_row()
    }

    /// What should have been a Kinesis record.
    pub(super) fn unreadable(
        &mut self,
        found: &Found<'_>,
        text: &[u8],
        error: &str,
    ) -> io::Result<()> {
        if matches!(self.shape, Shape::Raw) {
            return self.raw(text);
        }
        self.begin(found);
        let record = plain(found, &[]);
        let row = self.members(&record);
        row.extend_from_slice(br#"null,"text":"#);
        push_json_string(&String::from_utf8_lossy(text), row);
        push_error(error, row);
        row.push(b'}');
        self.output.end_row()
    }

    /// All members up to the data.
    fn members(&mut self, record: &UserRecord<'_>) -> &mut Vec<u8> {
        let row = self.output.rows();
        row.extend_from_slice(&self.begin);
        write!(row, "{}", record.sub_sequence_number).expect("a vector takes all");
        row.extend_from_slice(br#","partition_key":"#);
        push_optional(record.partition_key, row);
        row.extend_from_slice(br#","explicit_hash_key":"#);
        push_optional(record.explicit_hash_key, row);
        row.extend_from_slice(match record.aggregated {
            true => br#","aggregated":true,"data":"#,
            false => br#","aggregated":false,"data":"#,
        });
        row
    }

    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.rows().extend_from_slice(bytes);
        self.output.end_row()
    }
}

fn push_optional(text: Option<&str>, out: &mut Vec<u8>) {
    match text {
        Some(text) => push_json_string(text, out),
        None => out.extend_from_slice(b"null"),
    }
}

fn push_error(error: &str, row: &mut Vec<u8>) {
    row.extend_from_slice(br#","error":"#);
    push_json_string(error, row);
}

//! Where finished Kinesis records go.

use std::io::{self, Write};

use base64_simd::STANDARD as BASE64;
use kinpack::{KinesisRecord, PlacedRecord};

use crate::data_text::push_json_string;

/// Takes Kinesis records in the order they were finished.
pub(super) trait Output {
    fn put(&mut self, placed: &PlacedRecord) -> io::Result<()>;

    /// Writes what is held back.
    fn finish(&mut self) -> io::Result<()>;
}

/// One entry a line.
pub(super) struct Entries<W> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write> Entries<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, line: Vec::new() }
    }
}

impl<W: Write> Output for Entries<W> {
    fn put(&mut self, placed: &PlacedRecord) -> io::Result<()> {
        self.line.clear();
        push_entry(&placed.record, &mut self.line);
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Appends an entry of PutRecords.
pub(super) fn push_entry(record: &KinesisRecord, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"Data\":\"");
    push_base64(&record.data, out);
    out.extend_from_slice(b"\",\"PartitionKey\":");
    push_json_string(&record.partition_key, out);
    out.extend_from_slice(b",\"ExplicitHashKey\":\"");
    out.extend_from_slice(record.explicit_hash_key.to_string().as_bytes());
    out.extend_from_slice(b"\"}");
}

pub(super) fn push_base64(data: &[u8], out: &mut Vec<u8>) {
    BASE64.encode_append(data, out);
}

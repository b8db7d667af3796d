//! `--output event`: Lambda events, for handlers under test.

use std::collections::BTreeMap;
use std::io::{self, Write};

use kinpack::{KinesisRecord, PlacedRecord};

use super::output::{Output, push_base64};
use crate::data_text::push_json_string;

/// Bytes of an event at most. Lambda's documents say 6 MB.
const MAX_EVENT: usize = 6_000_000;
/// Records of an event at most.
const MAX_RECORDS: usize = 10_000;
/// More than all else in an event of one record can be, whatever the names: the longest key is 256
/// escapes of 6 bytes.
const ENVELOPE: usize = 8 << 10;
/// Bytes of a Kinesis record's data that an event certainly has room for.
pub(super) const MAX_RECORD: usize = (MAX_EVENT - ENVELOPE) / 4 * 3;
/// The same of a user record's data. A lane aggregates even a lone one, with a partition key of up
/// to 768 bytes and an explicit hash key.
pub(super) const MAX_DATA: usize = MAX_RECORD - 1024;
/// Bytes of all open events at most, so that many shards do not fill the memory.
const MAX_OPEN: usize = 32 << 20;

const HEAD: &[u8] = b"{\"Records\":[";
const TAIL: &[u8] = b"]}\n";

// Nothing in an event is of this moment: the same input gives the same bytes. Times and names are
// made up, as in the examples of Lambda's documents.
const ARRIVAL: &str = "1545084650.987";
const SEQUENCE_NUMBERS: &str = "4959033827149025660855969253836157109592";
const REGION: &str = "us-east-2";
const ROLE: &str = "arn:aws:iam::123456789012:role/lambda-role";

/// The stream that events are of.
pub(super) struct Stream {
    /// Both in JSON.
    arn: Vec<u8>,
    region: Vec<u8>,
}

impl Stream {
    /// By name or ARN.
    pub(super) fn new(stream: &str) -> Self {
        let (arn, region) = match stream.strip_prefix("arn:") {
            Some(rest) => (stream.to_owned(), rest.split(':').nth(2).unwrap_or(REGION)),
            None => (format!("arn:aws:kinesis:{REGION}:123456789012:stream/{stream}"), REGION),
        };
        let mut json = Self { arn: Vec::new(), region: Vec::new() };
        push_json_string(&arn, &mut json.arn);
        push_json_string(region, &mut json.region);
        json
    }

    /// Whether an event can carry this record, alone if need be.
    pub(super) fn has_room(&self, record: &KinesisRecord, shard: &str) -> bool {
        if record.data.len() <= MAX_RECORD {
            return true;
        }
        let mut around = Vec::new();
        self.push_record(1, shard, &record.partition_key, &[], &mut around);
        let data = record.data.len().div_ceil(3) * 4;
        HEAD.len() + around.len() + data + TAIL.len() <= MAX_EVENT
    }

    fn push_record(&self, number: u64, shard: &str, key: &str, data: &[u8], out: &mut Vec<u8>) {
        let sequence_number = format!("{SEQUENCE_NUMBERS}{number:016}");
        out.extend_from_slice(b"{\"kinesis\":{\"kinesisSchemaVersion\":\"1.0\",\"partitionKey\":");
        push_json_string(key, out);
        out.extend_from_slice(
            format!(",\"sequenceNumber\":\"{sequence_number}\",\"data\":\"").as_bytes(),
        );
        push_base64(data, out);
        out.extend_from_slice(
            format!(
                "\",\"approximateArrivalTimestamp\":{ARRIVAL}}},\
                 \"eventSource\":\"aws:kinesis\",\"eventVersion\":\"1.0\",\"eventID\":"
            )
            .as_bytes(),
        );
        push_json_string(&format!("{shard}:{sequence_number}"), out);
        out.extend_from_slice(
            format!(
                ",\"eventName\":\"aws:kinesis:record\",\"invokeIdentityArn\":\"{ROLE}\",\
                 \"awsRegion\":"
            )
            .as_bytes(),
        );
        out.extend_from_slice(&self.region);
        out.extend_from_slice(b",\"eventSourceARN\":");
        out.extend_from_slice(&self.arn);
        out.push(b'}');
    }
}

/// One event a line, each of one shard.
pub(super) struct Events<W> {
    out: W,
    stream: Stream,
    /// By shard id.
    open: BTreeMap<String, Event>,
    /// Bytes of all of `open`.
    held: usize,
    /// Records so far.
    count: u64,
    record: Vec<u8>,
}

#[derive(Default)]
struct Event {
    json: Vec<u8>,
    records: usize,
}

impl Event {
    fn write(&mut self, out: &mut impl Write, held: &mut usize) -> io::Result<()> {
        *held -= self.json.len();
        self.records = 0;
        self.json.extend_from_slice(TAIL);
        out.write_all(&self.json)?;
        // Not kept: of many shards each may have its turn to be large.
        self.json = Vec::new();
        Ok(())
    }
}

impl<W: Write> Events<W> {
    pub(super) fn new(out: W, stream: Stream) -> Self {
        Self { out, stream, open: BTreeMap::new(), held: 0, count: 0, record: Vec::new() }
    }

    /// Makes the next record. Its sequence number is above all before it, whatever their shards.
    fn make_record(&mut self, placed: &PlacedRecord) {
        self.count += 1;
        self.record.clear();
        let KinesisRecord { partition_key, data, .. } = &placed.record;
        self.stream.push_record(
            self.count,
            &placed.shard.id,
            partition_key,
            data,
            &mut self.record,
        );
    }

    /// Writes the largest open event.
    fn write_largest(&mut self) -> io::Result<()> {
        match self.open.values_mut().max_by_key(|event| event.json.len()) {
            Some(event) => event.write(&mut self.out, &mut self.held),
            None => Ok(()),
        }
    }
}

impl<W: Write> Output for Events<W> {
    fn put(&mut self, placed: &PlacedRecord) -> io::Result<()> {
        self.make_record(placed);
        let event = match self.open.get_mut(&placed.shard.id) {
            Some(event) => event,
            None => self.open.entry(placed.shard.id.clone()).or_default(),
        };
        let len = event.json.len() + 1 + self.record.len() + TAIL.len();
        if event.records > 0 && (event.records >= MAX_RECORDS || len > MAX_EVENT) {
            event.write(&mut self.out, &mut self.held)?;
        }
        let before = event.json.len();
        event.json.extend_from_slice(if event.records == 0 { HEAD } else { b"," });
        event.json.extend_from_slice(&self.record);
        event.records += 1;
        self.held += event.json.len() - before;
        if self.held > MAX_OPEN { self.write_largest() } else { Ok(()) }
    }

    fn finish(&mut self) -> io::Result<()> {
        for event in self.open.values_mut().filter(|event| event.records > 0) {
            event.write(&mut self.out, &mut self.held)?;
        }
        self.out.flush()
    }
}

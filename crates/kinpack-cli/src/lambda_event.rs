//! Lambda events, for handlers under test.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

use base64_simd::STANDARD as BASE64;

use crate::data_text::push_json_string;

/// Bytes of an event at most. Lambda's documents say 6 MB.
const MAX_EVENT: usize = 6_000_000;
/// Records of an event at most.
pub(crate) const MAX_RECORDS: usize = 10_000;
/// More than all else in an event of one record can be, whatever the names: the longest key is 256
/// escapes of 6 bytes.
const ENVELOPE: usize = 8 << 10;
/// Bytes of a Kinesis record's data that an event certainly has room for.
pub(crate) const MAX_RECORD: usize = (MAX_EVENT - ENVELOPE) / 4 * 3;
/// The same of a user record's data. A lane aggregates even a lone one, with a partition key of up
/// to 768 bytes and an explicit hash key.
pub(crate) const MAX_DATA: usize = MAX_RECORD - 1024;
/// Bytes of all open events at most, so that many shards do not fill the memory.
const MAX_OPEN: usize = 32 << 20;

const HEAD: &[u8] = b"{\"Records\":[";
const TAIL: &[u8] = b"]}\n";

// Nothing in an event is of this moment: the same input gives the same bytes. Times and names are
// made up, as in the examples of Lambda's documents.
const ARRIVAL: &str = "1545084650.987";
const SEQUENCE_NUMBERS: &str = "4959033827149025660855969253836157109592";
const REGION: &str = "us-east-2";
/// When a consumer was registered, in seconds since 1970.
const CREATION: &str = "1542889200";
const ROLE: &str = "arn:aws:iam::123456789012:role/lambda-role";

/// One that is made up.
fn sequence_number(number: u64) -> String {
    format!("{SEQUENCE_NUMBERS}{number:016}")
}

/// A record for an event.
#[derive(Clone, Copy)]
pub(crate) struct EventRecord<'a> {
    pub(crate) shard: &'a str,
    /// Made up if there is none.
    pub(crate) sequence_number: Option<&'a str>,
    /// Left out if there is none, as on streams with service-managed distribution.
    pub(crate) partition_key: Option<&'a str>,
    /// When it came to the stream, in seconds since 1970; made up if that is not known.
    pub(crate) arrival: Option<f64>,
    pub(crate) data: &'a [u8],
}

/// A record's data is above what any event can carry: so many bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AboveEvent(pub(crate) usize);

impl fmt::Display for AboveEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0;
        write!(f, "{size} bytes are above what a Lambda event can carry (6 MB as base64 in JSON)")
    }
}

/// The stream that events are of.
pub(crate) struct Stream {
    /// Both in JSON.
    arn: Vec<u8>,
    region: Vec<u8>,
}

impl Stream {
    /// By name or ARN.
    pub(crate) fn new(stream: &str) -> Self {
        Self::of_source(stream, "")
    }

    /// What a consumer with enhanced fan-out reads from a stream.
    pub(crate) fn of_consumer(stream: &str, consumer: &str) -> Self {
        Self::of_source(stream, &format!("/consumer/{consumer}:{CREATION}"))
    }

    fn of_source(stream: &str, consumer: &str) -> Self {
        let (arn, region) = match stream.strip_prefix("arn:") {
            Some(rest) => (stream.to_owned(), rest.split(':').nth(2).unwrap_or(REGION)),
            None => (format!("arn:aws:kinesis:{REGION}:123456789012:stream/{stream}"), REGION),
        };
        let mut json = Self { arn: Vec::new(), region: Vec::new() };
        push_json_string(&(arn + consumer), &mut json.arn);
        push_json_string(region, &mut json.region);
        json
    }

    /// Whether an event can carry this record, alone if need be.
    pub(crate) fn has_room(&self, record: &EventRecord<'_>) -> bool {
        /// Beside so much data there is room for names that are as long, each byte of them escaped
        /// (six for one) and twice there.
        const SURELY: usize = MAX_RECORD / 16;
        let names = [record.partition_key, record.sequence_number, Some(record.shard)];
        let names: usize = names.into_iter().flatten().map(str::len).sum();
        if record.data.len().max(names) <= SURELY {
            return true;
        }
        let mut around = Vec::new();
        self.push_record(1, &EventRecord { data: &[], ..*record }, &mut around);
        let data = record.data.len().div_ceil(3) * 4;
        HEAD.len() + around.len() + data + TAIL.len() <= MAX_EVENT
    }

    fn push_record(&self, number: u64, record: &EventRecord<'_>, out: &mut Vec<u8>) {
        let made_up: String;
        let sequence_number = match record.sequence_number {
            Some(given) => given,
            None => {
                made_up = sequence_number(number);
                &made_up
            }
        };
        out.extend_from_slice(b"{\"kinesis\":{\"kinesisSchemaVersion\":\"1.0\"");
        if let Some(key) = record.partition_key {
            out.extend_from_slice(b",\"partitionKey\":");
            push_json_string(key, out);
        }
        out.extend_from_slice(b",\"sequenceNumber\":");
        push_json_string(sequence_number, out);
        out.extend_from_slice(b",\"data\":\"");
        BASE64.encode_append(record.data, out);
        out.extend_from_slice(b"\",\"approximateArrivalTimestamp\":");
        match record.arrival {
            Some(seconds) => out.extend_from_slice(seconds.to_string().as_bytes()),
            None => out.extend_from_slice(ARRIVAL.as_bytes()),
        }
        out.extend_from_slice(
            b"},\"eventSource\":\"aws:kinesis\",\"eventVersion\":\"1.0\",\"eventID\":",
        );
        push_json_string(&format!("{}:{sequence_number}", record.shard), out);
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
pub(crate) struct Events<W> {
    out: W,
    stream: Stream,
    batch_size: usize,
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
    /// Events of at most `batch_size` records.
    pub(crate) fn new(out: W, stream: Stream, batch_size: usize) -> Self {
        let open = BTreeMap::new();
        Self { out, stream, batch_size, open, held: 0, count: 0, record: Vec::new() }
    }

    /// Whether an event can carry this record.
    pub(crate) fn has_room(&self, record: &EventRecord<'_>) -> bool {
        self.stream.has_room(record)
    }

    /// What would be made up for the next record.
    pub(crate) fn next_sequence_number(&self) -> String {
        sequence_number(self.count + 1)
    }

    /// The next record, for which events have room. A sequence number that is made up is above all
    /// such before it, whatever their shards.
    pub(crate) fn put(&mut self, record: &EventRecord<'_>) -> io::Result<()> {
        self.count += 1;
        self.record.clear();
        self.stream.push_record(self.count, record, &mut self.record);
        let event = match self.open.get_mut(record.shard) {
            Some(event) => event,
            None => self.open.entry(record.shard.to_owned()).or_default(),
        };
        let len = event.json.len() + 1 + self.record.len() + TAIL.len();
        if event.records > 0 && (event.records >= self.batch_size || len > MAX_EVENT) {
            event.write(&mut self.out, &mut self.held)?;
        }
        let before = event.json.len();
        event.json.extend_from_slice(if event.records == 0 { HEAD } else { b"," });
        event.json.extend_from_slice(&self.record);
        event.records += 1;
        self.held += event.json.len() - before;
        if self.held > MAX_OPEN { self.write_largest() } else { Ok(()) }
    }

    /// Writes the largest open event.
    fn write_largest(&mut self) -> io::Result<()> {
        match self.open.values_mut().max_by_key(|event| event.json.len()) {
            Some(event) => event.write(&mut self.out, &mut self.held),
            None => Ok(()),
        }
    }

    /// Writes what is held back.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        for event in self.open.values_mut().filter(|event| event.records > 0) {
            event.write(&mut self.out, &mut self.held)?;
        }
        self.out.flush()
    }
}

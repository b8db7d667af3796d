//! From the bytes of a Lambda event to user records.

use std::hint::black_box;
use std::ops::Range;

use aws_lambda_events::kinesis::KinesisEvent;
use kinpack::{Digest, UserRecord, deaggregate_many};
use kinpack_events::Document;

use crate::{Batch, Keys, kinpack_decode_many, touch};

/// A Lambda event as its bytes.
#[derive(Debug)]
pub struct Event {
    /// What it is, for the tables.
    pub name: String,
    /// The JSON.
    pub json: Vec<u8>,
    /// Bytes of the user records' data, and how many there are.
    pub payload: (usize, usize),
}

impl Event {
    /// The aggregates of a batch.
    ///
    /// # Panics
    ///
    /// If kinpack and its rival do not read the same user records.
    #[must_use]
    pub fn of_aggregates(batch: &Batch) -> Self {
        let records = batch.aggregates.iter().map(|it| ("a", it.data.as_slice()));
        let count = batch.aggregates.iter().map(|it| it.records().len()).sum();
        let bytes = batch.aggregates.iter().map(crate::Workload::payload).sum();
        Self::new(batch.name.clone(), records, (bytes, count))
    }

    /// Small records that nobody has packed.
    ///
    /// # Panics
    ///
    /// If kinpack and its rival do not read the same user records.
    #[must_use]
    pub fn of_plain_records(count: usize, size: usize) -> Self {
        let workload = crate::Workload::new(size, 1 << 21, Keys::Unique);
        let records = workload.records().take(count).map(|(key, _, data)| (key, data));
        Self::new(format!("{count} plain records of {size} B"), records, (count * size, count))
    }

    /// The same, but each is of another size, from `sizes.start` on.
    ///
    /// # Panics
    ///
    /// If kinpack and its rival do not read the same user records.
    #[must_use]
    pub fn of_unequal_records(count: usize, sizes: Range<usize>) -> Self {
        let workload = crate::Workload::new(sizes.end, 10 << 20, Keys::Unique);
        // Prime to any range here, so that no two neighbours are alike and all sizes come up.
        let size = |i: usize| sizes.start + i * 7919 % sizes.len();
        let records = workload.records().enumerate().take(count);
        let records = records.map(|(i, (key, _, data))| (key, &data[..size(i)]));
        let name = format!("{count} plain records of {} to {} B", sizes.start, sizes.end);
        Self::new(name, records, ((0..count).map(size).sum(), count))
    }

    fn new<'a>(
        name: String,
        records: impl Iterator<Item = (&'a str, &'a [u8])>,
        payload: (usize, usize),
    ) -> Self {
        let records: Vec<String> =
            records.zip(0..).map(|((key, data), i)| record(key, data, i)).collect();
        let json = format!(r#"{{"Records":[{}]}}"#, records.join(",")).into_bytes();
        let event = Self { name, json, payload };
        event.assert_equal();
        event
    }

    /// That both read the same: every user record, and whose it is.
    fn assert_equal(&self) {
        type Row<'a> = (Option<&'a str>, Option<&'a str>, &'a [u8]);
        let rival: KinesisEvent = serde_json::from_slice(&self.json).expect("a right event");
        let document = parse_only(self.json.clone());
        assert_eq!(document.len(), rival.records.len(), "{}", self.name);
        let datas: Vec<&[u8]> = document.records().map(|it| it.data.expect("base64")).collect();
        let contents = deaggregate_many(&datas, Digest::Verify);
        let mut user_records = 0;
        for ((record, contents), rival) in document.records().zip(contents).zip(&rival.records) {
            let (key, data) = (&rival.kinesis.partition_key, &rival.kinesis.data.0);
            assert_eq!(record.partition_key, Some(key.as_str()));
            assert_eq!(record.sequence_number, Some(rival.kinesis.sequence_number.as_str()));
            let contents = contents.expect("a right aggregate");
            let ours = contents.records(Some(key));
            let ours: Vec<Row<'_>> =
                ours.map(|it| (it.partition_key, it.explicit_hash_key, it.data)).collect();
            let message = oracle::decode(data);
            let theirs: Vec<Row<'_>> = match &message {
                Some(message) => crate::prost_rows(message).collect(),
                None => vec![(Some(key), None, data)],
            };
            assert_eq!(ours, theirs, "{}", self.name);
            user_records += ours.len();
        }
        assert_eq!(user_records, self.payload.1, "{}", self.name);
        assert_eq!(kinpack_event(self.json.clone()), rival_event(&self.json), "{}", self.name);
    }
}

/// As Lambda writes it.
fn record(key: &str, data: &[u8], i: u64) -> String {
    let data = base64_simd::STANDARD.encode_to_string(data);
    let number = format!("4959033827149025660855969253836157109592{i:016}");
    format!(
        r#"{{"kinesis":{{"kinesisSchemaVersion":"1.0","partitionKey":"{key}","sequenceNumber":"{number}","data":"{data}","approximateArrivalTimestamp":1545084650.987}},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"shardId-000000000006:{number}","eventName":"aws:kinesis:record","invokeIdentityArn":"arn:aws:iam::123456789012:role/lambda-role","awsRegion":"us-east-2","eventSourceARN":"arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream"}}"#
    )
}

/// Parses the event in its own bytes, verifies the aggregates together, visits every user record.
///
/// # Panics
///
/// If the event or an aggregate is faulty.
#[must_use]
pub fn kinpack_event(json: Vec<u8>) -> usize {
    let document = Document::parse(black_box(json)).expect("a right event");
    let mut touched = 0;
    let datas: Vec<&[u8]> = document.records().map(|it| it.data.expect("right base64")).collect();
    for (contents, record) in deaggregate_many(&datas, Digest::Verify).zip(document.records()) {
        let contents = contents.expect("a right aggregate");
        contents.records(record.partition_key).for_each(|record| touched += visit(&record));
    }
    touched
}

/// The stages of [`kinpack_event`] for their own times: the parse.
///
/// # Panics
///
/// If the event is faulty.
#[must_use]
pub fn parse_only(json: Vec<u8>) -> Document {
    Document::parse(black_box(json)).expect("a right event")
}

/// The stages of [`kinpack_event`] for their own times: digests and walk.
///
/// # Panics
///
/// If an aggregate is faulty.
#[must_use]
pub fn decode_only(document: &Document) -> usize {
    let datas: Vec<&[u8]> = document.records().map(|it| it.data.expect("right base64")).collect();
    kinpack_decode_many(&datas)
}

/// The same with the `aws_lambda_events` types, what prost generates, and `md-5`.
///
/// # Panics
///
/// If the event is faulty.
#[must_use]
pub fn rival_event(json: &[u8]) -> usize {
    let event: KinesisEvent = serde_json::from_slice(black_box(json)).expect("a right event");
    let mut touched = 0;
    for record in &event.records {
        let (key, data) = (&record.kinesis.partition_key, &record.kinesis.data.0);
        match oracle::decode(data) {
            Some(message) => touched += crate::prost_visit(&message),
            None => touched += visit(&UserRecord::plain(Some(key), data)),
        }
    }
    touched
}

fn visit(record: &UserRecord<'_>) -> usize {
    touch(record.partition_key, record.explicit_hash_key, record.data)
}

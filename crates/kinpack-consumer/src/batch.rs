//! What the engine must know of a batch: who came, in what order, under which key. No payloads.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

use kinpack::ExtendedSequenceNumber;

use crate::id::RecordId;
use crate::sequence_number;

/// The key of a record that has none.
pub(crate) const NO_KEY: u32 = u32::MAX;

/// A Kinesis record, as far as the engine cares.
#[derive(Clone, Copy, Debug, Default)]
pub struct KinesisRecord<'a> {
    /// The sequence number, a decimal of up to 129 digits.
    pub sequence_number: &'a str,
    /// When it came to the stream, since 1970-01-01T00:00:00Z.
    pub arrival: Option<Duration>,
    /// Length of its data in bytes; for the metrics.
    pub bytes: usize,
    /// With enhanced fan-out: a [hash](crate::fingerprint) of partition key and data, the same in
    /// every process. Failed attempts on a record of a group are counted under it, because its place in the group may
    /// change from delivery to delivery. Without one they are not counted.
    pub fingerprint: Option<u64>,
}

/// Names a user record to the driver and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    /// Place among all user records of the batch in the order of the shard, from 0.
    pub index: u32,
    /// Which Kinesis record of the event, from 0.
    pub kinesis_record: u32,
    /// Which user record inside it, from 0.
    pub user_record: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    number: Range<u32>,
    event_index: u32,
    pub(crate) first: u32,
    pub(crate) count: u32,
    pub(crate) broken: bool,
    pub(crate) fingerprint: Option<u64>,
}

/// The Kinesis records that share a sequence number: one, or with enhanced fan-out several.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) entry: usize,
    pub(crate) first: u32,
    pub(crate) count: u32,
}

/// Collects a [`Batch`].
///
/// ```
/// use kinpack_consumer::{BatchBuilder, KinesisRecord};
///
/// let mut builder = BatchBuilder::new("orders", "shardId-000000000006");
/// let aggregate = KinesisRecord { sequence_number: "49", bytes: 120, ..Default::default() };
/// builder.kinesis_record(aggregate, [Some("key 1"), Some("key 2"), Some("key 1")])?;
/// let plain = KinesisRecord { sequence_number: "50", bytes: 9, ..Default::default() };
/// builder.kinesis_record(plain, [None])?;
/// let batch = builder.finish();
/// assert_eq!((batch.kinesis_records(), batch.user_records()), (2, 4));
/// # Ok::<(), kinpack_consumer::BatchError>(())
/// ```
#[derive(Debug)]
pub struct BatchBuilder {
    batch: Batch,
    keys: HashMap<Box<str>, u32>,
}

/// The description of a batch: [`BatchBuilder`].
#[derive(Clone, Debug)]
pub struct Batch {
    stream: String,
    shard: String,
    fan_out: bool,
    numbers: String,
    entries: Vec<Entry>,
    groups: Vec<Group>,
    shared_digits: usize,
    keys: Vec<u32>,
    key_count: u32,
    bytes: u64,
    oldest: Option<Duration>,
    broken: u64,
}

/// A record that cannot be part of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BatchError {
    /// The sequence number is absent or no decimal: it could not be reported.
    SequenceNumber {
        /// Which Kinesis record of the event, from 0.
        kinesis_record: usize,
    },
    /// More than 2^32 − 2 user records.
    TooMany {
        /// Which Kinesis record of the event, from 0.
        kinesis_record: usize,
    },
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SequenceNumber { kinesis_record } => {
                write!(f, "the sequence number of record {kinesis_record} is no decimal number")
            }
            Self::TooMany { kinesis_record } => {
                write!(f, "more than 2^32 − 2 user records, counted up to record {kinesis_record}")
            }
        }
    }
}

impl std::error::Error for BatchError {}

impl BatchBuilder {
    /// An empty batch of this stream (its name or its ARN) and shard.
    #[must_use]
    pub fn new(stream: &str, shard: &str) -> Self {
        let batch = Batch {
            stream: stream.to_owned(),
            shard: shard.to_owned(),
            fan_out: false,
            numbers: String::new(),
            entries: Vec::new(),
            groups: Vec::new(),
            shared_digits: 0,
            keys: Vec::new(),
            key_count: 0,
            bytes: 0,
            oldest: None,
            broken: 0,
        };
        Self { batch, keys: HashMap::new() }
    }

    /// An empty batch of this event source and shard. The source is the ARN of a stream, or of an
    /// enhanced fan-out consumer (`…:stream/orders/consumer/reader:1700000000`): then the batch is
    /// of the stream, and [came by fan-out](Self::fan_out).
    ///
    /// ```
    /// use kinpack_consumer::BatchBuilder;
    ///
    /// let source = "arn:aws:kinesis:eu-west-1:1:stream/orders/consumer/reader:1700000000";
    /// let builder = BatchBuilder::of_event_source(source, "shardId-000000000006");
    /// assert!(builder.is_fan_out());
    /// assert_eq!(builder.finish().stream(), "arn:aws:kinesis:eu-west-1:1:stream/orders");
    /// ```
    #[must_use]
    pub fn of_event_source(source: &str, shard: &str) -> Self {
        match source.split_once("/consumer/") {
            Some((stream, _)) => {
                let mut builder = Self::new(stream, shard);
                builder.fan_out();
                builder
            }
            None => Self::new(source, shard),
        }
    }

    /// Says that the batch comes through enhanced fan-out (the event source is a consumer's ARN),
    /// so that Lambda unpacked the aggregates. Two records with one sequence number say so too.
    pub fn fan_out(&mut self) {
        self.batch.fan_out = true;
    }

    /// Whether it was said that the batch comes through enhanced fan-out.
    #[must_use]
    pub fn is_fan_out(&self) -> bool {
        self.batch.fan_out
    }

    /// Adds the next Kinesis record of the event and the partition keys of its user records, in
    /// order.
    ///
    /// # Errors
    ///
    /// The sequence number is no decimal, or there are too many user records. The batch is then
    /// of no use.
    pub fn kinesis_record<'k>(
        &mut self,
        record: KinesisRecord<'_>,
        partition_keys: impl IntoIterator<Item = Option<&'k str>>,
    ) -> Result<(), BatchError> {
        self.add(record, partition_keys, false)
    }

    /// Adds a Kinesis record that is a broken aggregate. It counts as one user record under its
    /// own partition key; whether it fails or is handed on is [`BrokenAggregates`]'s matter.
    ///
    /// # Errors
    ///
    /// As [`kinesis_record`](Self::kinesis_record).
    ///
    /// [`BrokenAggregates`]: crate::BrokenAggregates
    pub fn broken_aggregate(
        &mut self,
        record: KinesisRecord<'_>,
        partition_key: Option<&str>,
    ) -> Result<(), BatchError> {
        self.batch.broken += 1;
        self.add(record, [partition_key], true)
    }

    fn add<'k>(
        &mut self,
        record: KinesisRecord<'_>,
        partition_keys: impl IntoIterator<Item = Option<&'k str>>,
        broken: bool,
    ) -> Result<(), BatchError> {
        let batch = &mut self.batch;
        let kinesis_record = batch.entries.len();
        let digits = sequence_number::normal(record.sequence_number)
            .ok_or(BatchError::SequenceNumber { kinesis_record })?;
        let too_many = BatchError::TooMany { kinesis_record };
        let small = |n: usize| u32::try_from(n).ok().filter(|&n| n < NO_KEY).ok_or(too_many);

        let start = small(batch.numbers.len())?;
        batch.numbers.push_str(digits);
        let number = start..small(batch.numbers.len())?;
        let first = small(batch.keys.len())?;
        for key in partition_keys {
            let id = match key {
                None => NO_KEY,
                Some(key) => match self.keys.get(key) {
                    Some(&id) => id,
                    None => {
                        let id = small(self.keys.len())?;
                        self.keys.insert(key.into(), id);
                        id
                    }
                },
            };
            batch.keys.push(id);
        }
        let count = small(batch.keys.len())? - first;
        batch.entries.push(Entry {
            number,
            event_index: small(kinesis_record)?,
            first,
            count,
            broken,
            fingerprint: record.fingerprint,
        });
        batch.bytes += record.bytes as u64;
        batch.oldest = match (batch.oldest, record.arrival) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Ok(())
    }

    /// The batch. Lambda's records come in ascending order of sequence number; if these do not,
    /// they are put so.
    #[must_use]
    pub fn finish(self) -> Batch {
        let mut batch = self.batch;
        // At most 2^32 − 2 of them, as `add` saw to.
        batch.key_count = self.keys.len() as u32;
        batch.sort();
        batch.group();
        batch
    }
}

impl Batch {
    /// The stream, as it was given.
    #[must_use]
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// The shard.
    #[must_use]
    pub fn shard(&self) -> &str {
        &self.shard
    }

    /// Whether Lambda unpacked the aggregates (enhanced fan-out). Such a batch is not resumed.
    #[must_use]
    pub fn is_fan_out(&self) -> bool {
        self.fan_out
    }

    /// How many Kinesis records there are in the event.
    #[must_use]
    pub fn kinesis_records(&self) -> usize {
        self.entries.len()
    }

    /// How many user records there are; a broken aggregate counts as one.
    #[must_use]
    pub fn user_records(&self) -> usize {
        self.keys.len()
    }

    /// The name of a user record.
    ///
    /// # Panics
    ///
    /// The record is of another batch, with more records than this one.
    #[must_use]
    pub fn id(&self, record: Record) -> RecordId {
        let group = self.group_of(record.index);
        let sub = record.index - self.groups[group].first;
        let place = ExtendedSequenceNumber::new(self.sequence_number(group), u64::from(sub));
        RecordId::new(&self.stream, &self.shard, place, self.fan_out)
    }

    /// Data of all Kinesis records, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn oldest(&self) -> Option<Duration> {
        self.oldest
    }

    pub(crate) fn broken(&self) -> u64 {
        self.broken
    }

    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    pub(crate) fn sequence_number(&self, group: usize) -> &str {
        self.number(&self.entries[self.groups[group].entry])
    }

    /// Digits that all sequence numbers begin with.
    pub(crate) fn shared_digits(&self) -> usize {
        self.shared_digits
    }

    pub(crate) fn key(&self, index: u32) -> u32 {
        self.keys[index as usize]
    }

    pub(crate) fn key_count(&self) -> usize {
        self.key_count as usize
    }

    pub(crate) fn group_of(&self, index: u32) -> usize {
        self.groups.partition_point(|group| group.first + group.count <= index)
    }

    pub(crate) fn entry_of(&self, index: u32) -> &Entry {
        &self.entries[self.entries.partition_point(|entry| entry.first + entry.count <= index)]
    }

    pub(crate) fn record(&self, index: u32) -> Record {
        let entry = self.entry_of(index);
        Record { index, kinesis_record: entry.event_index, user_record: index - entry.first }
    }

    fn number(&self, entry: &Entry) -> &str {
        &self.numbers[entry.number.start as usize..entry.number.end as usize]
    }

    fn sort(&mut self) {
        let order = |a: &Entry, b: &Entry| sequence_number::compare(self.number(a), self.number(b));
        if self.entries.is_sorted_by(|a, b| order(a, b) != Ordering::Greater) {
            return;
        }
        let mut entries = self.entries.clone();
        entries.sort_by(order);
        let mut keys = Vec::with_capacity(self.keys.len());
        for entry in &mut entries {
            let from = entry.first as usize;
            entry.first = keys.len() as u32;
            keys.extend_from_slice(&self.keys[from..from + entry.count as usize]);
        }
        (self.entries, self.keys) = (entries, keys);
    }

    fn group(&mut self) {
        let mut groups: Vec<Group> = Vec::with_capacity(self.entries.len());
        for (at, entry) in self.entries.iter().enumerate() {
            match groups.last_mut() {
                Some(last) if self.number(&self.entries[last.entry]) == self.number(entry) => {
                    last.count += entry.count;
                    self.fan_out = true;
                }
                _ => groups.push(Group { entry: at, first: entry.first, count: entry.count }),
            }
        }
        self.groups = groups;
        if let (Some(first), Some(last)) = (self.entries.first(), self.entries.last()) {
            // They are in order, so what the outer two share all share.
            let (first, last) = (self.number(first).bytes(), self.number(last).bytes());
            if first.len() == last.len() {
                self.shared_digits = first.zip(last).take_while(|(a, b)| a == b).count();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(numbers: &[(&str, usize)]) -> Batch {
        let mut builder = BatchBuilder::new("s", "shardId-0");
        for &(sequence_number, users) in numbers {
            let record = KinesisRecord { sequence_number, ..Default::default() };
            builder.kinesis_record(record, vec![None; users]).unwrap();
        }
        builder.finish()
    }

    #[test]
    fn records_are_found_by_index_though_some_aggregates_are_empty() {
        let batch = batch(&[("1", 2), ("2", 0), ("3", 1), ("4", 0)]);
        assert_eq!(batch.record(1), Record { index: 1, kinesis_record: 0, user_record: 1 });
        assert_eq!(batch.record(2), Record { index: 2, kinesis_record: 2, user_record: 0 });
        assert_eq!(batch.group_of(2), 2);
        assert_eq!(batch.id(batch.record(1)).to_string(), "s/shardId-0/1:1");
    }

    #[test]
    fn records_in_no_order_are_put_in_order_and_keep_their_place_in_the_event() {
        let batch = batch(&[("10", 1), ("9", 2)]);
        assert_eq!(batch.record(0), Record { index: 0, kinesis_record: 1, user_record: 0 });
        assert_eq!(batch.record(2), Record { index: 2, kinesis_record: 0, user_record: 0 });
        assert!(!batch.is_fan_out());
    }

    #[test]
    fn records_that_share_a_number_are_a_group_of_ambiguous_ids() {
        let batch = batch(&[("1", 1), ("2", 1), ("2", 1)]);
        assert!(batch.is_fan_out());
        assert_eq!(batch.groups().len(), 2);
        assert_eq!(batch.id(batch.record(2)).to_string(), "s/shardId-0/2:1?");
        assert_eq!(batch.record(2).kinesis_record, 2);
    }

    #[test]
    fn a_number_that_cannot_be_reported_is_refused() {
        let mut builder = BatchBuilder::new("s", "shardId-0");
        let error = builder.kinesis_record(KinesisRecord::default(), [None]).unwrap_err();
        assert_eq!(error, BatchError::SequenceNumber { kinesis_record: 0 });
    }
}

//! From the text of an event to what the engine and the handlers see of it.

use std::collections::BTreeMap;
use std::time::Duration;

use kinpack::{AggregatedRecord, Contents, Digest, UserRecord, UserRecords};
use kinpack::{deaggregate, deaggregate_strict_many};
use kinpack_consumer::{Batch, BatchBuilder, BrokenAggregates, KinesisRecord, fingerprint};
use kinpack_events::{Document, Kind, Record};

use crate::access::Access;
use crate::error::ConsumerError;

/// A parsed event, and what is the same for all of its records.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) document: Document,
    /// The ARN of the event source; empty if the event does not say.
    pub(crate) source: String,
    pub(crate) shard: String,
    /// Aggregates that came compressed as a whole, by the index of their Kinesis record.
    inflated: Inflated,
}

type Inflated = BTreeMap<u32, Result<Vec<u8>, String>>;

/// Why a Kinesis record has no user records to show.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It is a broken aggregate.
    Aggregate(String),
    /// Its data is not base64, or is not there.
    Data(String),
}

/// A batch whose aggregates are taken apart.
pub(crate) struct Unpacked<'a> {
    pub(crate) batch: Batch,
    /// The aggregates, by the index of their Kinesis record.
    pub(crate) aggregates: Vec<Option<Box<AggregatedRecord<'a>>>>,
    pub(crate) faults: BTreeMap<u32, Fault>,
}

impl Event {
    pub(crate) fn parse(json: Vec<u8>) -> Result<Self, ConsumerError> {
        let document = Document::parse_as(Kind::Lambda, json)?;
        let (mut source, mut shard) = (None, None);
        for (kinesis_record, record) in document.records().enumerate() {
            source = source.or(record.event_source_arn);
            if shard.is_some() && record.shard_id.is_some() && shard != record.shard_id {
                return Err(ConsumerError::Shards { kinesis_record });
            }
            shard = shard.or(record.shard_id);
        }
        let source = source.unwrap_or_default().to_owned();
        let shard = shard.unwrap_or_default().to_owned();
        let inflated = inflate(&document);
        Ok(Self { document, source, shard, inflated })
    }

    pub(crate) fn record(&self, kinesis_record: u32) -> Option<Record<'_>> {
        self.document.record(kinesis_record as usize)
    }

    /// The data of a Kinesis record, inflated if it is an aggregate that was compressed as a whole;
    /// of one whose data is not base64 the text.
    pub(crate) fn data(&self, kinesis_record: u32) -> &[u8] {
        if let Some(Ok(inflated)) = self.inflated.get(&kinesis_record) {
            return inflated;
        }
        match self.record(kinesis_record).map(|record| record.data) {
            Some(Ok(data)) => data,
            Some(Err(bad)) => bad.text().as_bytes(),
            None => &[],
        }
    }

    pub(crate) fn unpack(&self, broken: BrokenAggregates) -> Result<Unpacked<'_>, ConsumerError> {
        let data: Vec<&[u8]> = (0..)
            .zip(self.document.records())
            .map(|(at, record)| match self.inflated.get(&at) {
                Some(Ok(inflated)) => inflated,
                _ => record.data.unwrap_or_default(),
            })
            .collect();
        let mut builder = BatchBuilder::of_event_source(&self.source, &self.shard);
        let mut faults = BTreeMap::new();
        let mut aggregates = Vec::with_capacity(data.len());
        let contents = deaggregate_strict_many(&data, Digest::Verify);
        for ((at, record), contents) in (0..).zip(self.document.records()).zip(contents) {
            let outer = KinesisRecord {
                sequence_number: record.sequence_number.unwrap_or_default(),
                arrival: arrival(&record),
                bytes: record.data.map_or(0, <[u8]>::len),
                fingerprint: builder
                    .is_fan_out()
                    .then(|| fingerprint(record.partition_key, record.data.unwrap_or_default())),
            };
            if let Err(bad) = record.data {
                faults.insert(at, Fault::Data(bad.to_string()));
            }
            let contents = match (self.inflated.get(&at), contents) {
                (Some(Err(error)), _) => {
                    faults.insert(at, Fault::Aggregate(error.clone()));
                    None
                }
                (_, Err(error)) => {
                    faults.insert(at, Fault::Aggregate(error.to_string()));
                    // The KCL delivers some of what is broken here, with other keys.
                    match (broken, deaggregate(self.data(at), Digest::Verify)) {
                        (BrokenAggregates::PassThrough, Ok(Contents::Aggregated(known))) => {
                            Some(Contents::Aggregated(known))
                        }
                        _ => None,
                    }
                }
                (_, Ok(contents)) => Some(contents),
            };
            let mut aggregate = None;
            match contents {
                Some(Contents::Aggregated(known)) => {
                    let known = aggregate.insert(Box::new(known));
                    builder
                        .kinesis_record(outer, known.records().map(|user| user.partition_key))?;
                }
                Some(_) => builder.kinesis_record(outer, [record.partition_key])?,
                None => builder.broken_aggregate(outer, record.partition_key)?,
            }
            aggregates.push(aggregate);
        }
        Ok(Unpacked { batch: builder.finish(), aggregates, faults })
    }
}

/// What the aggregates of an event that are compressed as a whole may inflate to, in all.
#[cfg(feature = "compression")]
const INFLATED_LIMIT: usize = 64 << 20;

#[cfg(feature = "compression")]
fn inflate(document: &Document) -> Inflated {
    use kinpack_payload::{Decompressor, whole_aggregate};

    let mut inflated = Inflated::new();
    let mut decompressor = Decompressor::new().with_limit(INFLATED_LIMIT);
    for (at, record) in (0..).zip(document.records()) {
        let mut buffer = Vec::new();
        let data = record.data.unwrap_or_default();
        match whole_aggregate::unwrap(data, &mut decompressor, &mut buffer) {
            Ok(unwrapped) if unwrapped.codec.is_none() => continue,
            Ok(_) => {
                let left = decompressor.limit().saturating_sub(buffer.len());
                decompressor = decompressor.with_limit(left);
                inflated.insert(at, Ok(buffer));
            }
            Err(error) => {
                inflated.insert(at, Err(error.to_string()));
            }
        }
    }
    inflated
}

#[cfg(not(feature = "compression"))]
fn inflate(_: &Document) -> Inflated {
    Inflated::new()
}

pub(crate) fn arrival(record: &Record<'_>) -> Option<Duration> {
    // The service says milliseconds, which are no exact fractions.
    let micros = (record.approximate_arrival_timestamp? * 1e6).round();
    (0.0..=u64::MAX as f64).contains(&micros).then(|| Duration::from_micros(micros as u64))
}

/// Finds user records, and lends them.
pub(crate) struct Lender<'u> {
    event: &'u Event,
    aggregates: &'u [Option<Box<AggregatedRecord<'u>>>],
    /// The aggregate that was asked last.
    open: Option<(u32, Access<UserRecords<'u>>)>,
}

impl<'u> Lender<'u> {
    pub(crate) fn new(event: &'u Event, unpacked: &'u Unpacked<'u>) -> Self {
        Self { event, aggregates: &unpacked.aggregates, open: None }
    }

    pub(crate) fn lend(&mut self, kinesis_record: u32, user_record: u32) -> UserRecord<'u> {
        let aggregate = self.aggregates.get(kinesis_record as usize).and_then(Option::as_deref);
        let Some(aggregate) = aggregate else { return self.plain(kinesis_record) };
        if self.open.as_ref().is_none_or(|(at, _)| *at != kinesis_record) {
            self.open = Some((kinesis_record, Access::new(aggregate.records(), drop)));
        }
        let open = self.open.as_mut();
        let found = open.and_then(|(_, access)| access.nth(user_record as usize));
        found.unwrap_or_else(|| self.plain(kinesis_record))
    }

    fn plain(&self, kinesis_record: u32) -> UserRecord<'u> {
        let key = self.event.record(kinesis_record).and_then(|record| record.partition_key);
        UserRecord::plain(key, self.event.data(kinesis_record))
    }
}

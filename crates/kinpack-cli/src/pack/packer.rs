//! User records in, Kinesis records to the output, with a word about those that will cause trouble.

use std::io;

use kinpack::{
    Contents, Digest, KinesisRecord, Limits, MAGIC, OuterKeyPolicy, PlacedRecord, ShardMap,
    ShardedAggregator, deaggregate,
};

use super::event;
use super::output::Output;
use super::payload::Envelopes;
use super::rows::{Fault, NewRecord};
use crate::envelope::{Opened, Opener};
use crate::lambda_event::{self, AboveEvent, Stream};
use crate::progress::Progress;

pub(super) struct Packer<'a> {
    aggregator: ShardedAggregator,
    limits: Limits,
    policy: OuterKeyPolicy,
    envelopes: Envelopes,
    /// Opens envelopes as readers do.
    opener: Opener,
    output: Box<dyn Output>,
    /// The stream of the events that the records are for, or may come in.
    stream: Stream,
    /// Whether a record must fit an event.
    for_events: bool,
    progress: &'a Progress,
    /// Kinesis records that are finished together, their digests computed side by side.
    together: usize,
    /// Kinesis records so far.
    count: u64,
}

impl<'a> Packer<'a> {
    pub(super) fn new(
        (shards, limits, policy): (ShardMap, Limits, OuterKeyPolicy),
        envelopes: Envelopes,
        output: Box<dyn Output>,
        (stream, for_events): (Stream, bool),
        progress: &'a Progress,
    ) -> Self {
        /// As many as keep the lanes busy, as long as they are not large.
        const MOST: usize = 16;
        const BYTES: usize = 4 << 20;
        let together = (BYTES / limits.max_size()).clamp(1, MOST);
        let aggregator = ShardedAggregator::new(shards, limits, policy);
        Self {
            aggregator,
            limits,
            policy,
            envelopes,
            opener: Opener::default(),
            output,
            stream,
            for_events,
            progress,
            together,
            count: 0,
        }
    }

    /// Takes a user record, or says why it cannot be packed.
    pub(super) fn push(&mut self, record: &NewRecord<'_>) -> io::Result<Result<(), Fault>> {
        let NewRecord { partition_key, explicit_hash_key, data } = *record;
        if self.for_events && data.len() > lambda_event::MAX_DATA && !self.event_has_room(record) {
            return Ok(Err(Fault::AboveEvent(AboveEvent(data.len()))));
        }
        let taken = self.aggregator.push(partition_key, explicit_hash_key, data);
        if self.aggregator.finished_len() >= self.together {
            self.put_finished()?;
        }
        Ok(taken.map_err(Fault::Refused))
    }

    /// Whether an event can carry a user record that goes alone. (No aggregate of more than one is
    /// too large for events.) It is packed to see, which few are large enough for.
    fn event_has_room(&self, record: &NewRecord<'_>) -> bool {
        let shards = self.aggregator.shards().clone();
        let mut alone = ShardedAggregator::new(shards, self.limits, self.policy);
        // What is refused has no need of room.
        let _ = alone.push(record.partition_key, record.explicit_hash_key, record.data);
        alone.flush();
        alone.next_finished().is_none_or(|it| self.stream.has_room(&event::record(&it)))
    }

    /// Writes all that was taken.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.aggregator.flush();
        self.put_finished()?;
        self.output.finish()
    }

    fn put_finished(&mut self) -> io::Result<()> {
        while let Some(mut placed) = self.aggregator.next_finished() {
            self.envelopes.close(&mut placed.record)?;
            self.count += 1;
            if let Some(warning) = self.warning(&placed) {
                let key = &placed.record.partition_key;
                let number = self.count;
                self.progress.complain(&format_args!(
                    "warning: Kinesis record {number} (key {key:?}) {warning}"
                ));
            }
            self.output.put(&placed)?;
            self.aggregator.recycle(placed.record);
        }
        Ok(())
    }

    /// What is wrong with a Kinesis record that the stream would take.
    fn warning(&mut self, placed: &PlacedRecord) -> Option<&'static str> {
        let record = &placed.record;
        if !self.stream.has_room(&event::record(placed)) {
            return Some("is above what a Lambda event can carry (6 MB as base64 in JSON)");
        }
        if record.aggregated {
            return None;
        }
        if is_aggregate(record) {
            return Some(
                "is one user record whose own bytes are an aggregate: readers will unpack it",
            );
        }
        let is_envelope = !matches!(self.opener.open(&record.data), Ok(Opened { codec: None, .. }));
        is_envelope.then_some(
            "is one user record whose own bytes are a compressed aggregate: kinpack readers will \
             unpack it",
        )
    }
}

fn is_aggregate(record: &KinesisRecord) -> bool {
    let is_plain = || matches!(deaggregate(&record.data, Digest::Verify), Ok(Contents::Plain(_)));
    record.data.starts_with(&MAGIC) && !is_plain()
}

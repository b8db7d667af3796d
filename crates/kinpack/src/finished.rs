//! What is finished and not handed out yet, and buffers to use again.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::encode::{Aggregator, seal_many};
use crate::kinesis_record::{KinesisRecord, OuterKey};
use crate::limits::Limits;
use crate::shard_map::Shard;

/// A Kinesis record and the shard it is meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedRecord {
    /// The shard that takes it, by the map it was packed with.
    pub shard: Arc<Shard>,
    /// The entry for PutRecords.
    pub record: KinesisRecord,
}

/// Finished records in order, their digests computed together when the first is asked for.
#[derive(Debug)]
pub(crate) struct Finished {
    limits: Limits,
    queue: VecDeque<PlacedRecord>,
    /// How many at the front of the queue have their digest.
    sealed: usize,
    spare_records: Vec<KinesisRecord>,
    spare_aggregators: Vec<Aggregator>,
}

/// As many buffers are kept for use again, and none that a large record has blown up.
const MOST_SPARE: usize = 64;

impl Finished {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            queue: VecDeque::new(),
            sealed: 0,
            spare_records: Vec::new(),
            spare_aggregators: Vec::new(),
        }
    }

    /// An empty aggregator.
    pub(crate) fn aggregator(&mut self, outer_key: OuterKey) -> Aggregator {
        match self.spare_aggregators.pop() {
            Some(mut aggregator) => {
                aggregator.set_outer_key(outer_key);
                aggregator
            }
            None => Aggregator::new(self.limits, outer_key),
        }
    }

    /// Takes what is in the aggregator.
    pub(crate) fn finish(&mut self, aggregator: &mut Aggregator, shard: &Arc<Shard>) {
        let mut record = self.spare_records.pop().unwrap_or_default();
        if aggregator.finish_unsealed(&mut record) {
            self.queue.push_back(PlacedRecord { shard: Arc::clone(shard), record });
        } else {
            self.spare_records.push(record);
        }
    }

    /// [`finish`](Self::finish) for an aggregator that is not needed any more.
    pub(crate) fn retire(&mut self, mut aggregator: Aggregator, shard: &Arc<Shard>) {
        self.finish(&mut aggregator, shard);
        if self.spare_aggregators.len() < MOST_SPARE {
            self.spare_aggregators.push(aggregator);
        }
    }

    pub(crate) fn next(&mut self) -> Option<PlacedRecord> {
        if self.sealed == 0 {
            seal_many(self.queue.iter_mut().map(|placed| &mut placed.record));
            self.sealed = self.queue.len();
        }
        let placed = self.queue.pop_front()?;
        self.sealed -= 1;
        Some(placed)
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn recycle(&mut self, record: KinesisRecord) {
        let fits = record.data.capacity() <= 2 * self.limits.max_size();
        if fits && self.spare_records.len() < MOST_SPARE {
            self.spare_records.push(record);
        }
    }
}

//! Aggregates for a whole stream: one shard's records are never packed with another's.

use std::collections::BTreeMap;

use crate::encode::Aggregator;
use crate::error::EncodeError;
use crate::finished::{Finished, PlacedRecord};
use crate::hash_key::HashKey;
use crate::kinesis_record::{KinesisRecord, OuterKey, Push};
use crate::limits::Limits;
use crate::outer_key::OuterKeyPolicy;
use crate::per_key::PerKey;
use crate::shard_map::ShardMap;

/// Packs user records for a stream, and hands out what it has finished as it goes.
///
/// # Examples
///
/// ```
/// use kinpack::{Limits, OuterKeyPolicy, ShardMap, ShardedAggregator};
///
/// let shards = ShardMap::even(4.try_into().unwrap());
/// let mut aggregator = ShardedAggregator::new(shards, Limits::default(), OuterKeyPolicy::Kpl);
/// for i in 0..1000 {
///     aggregator.push(&format!("device-{i}"), None, &[b'.'; 100])?;
///     while let Some(placed) = aggregator.next_finished() {
///         println!("{}: {} bytes", placed.shard.id, placed.record.data.len());
///     }
/// }
/// aggregator.flush();
/// assert_eq!(std::iter::from_fn(|| aggregator.next_finished()).count(), 4);
/// # Ok::<(), kinpack::EncodeError>(())
/// ```
///
/// Memory: at most twice the limits' `max_size` for each open aggregate, or six times if nearly all
/// in it are different keys. There is one a shard, times the lanes, or as many as
/// [`OuterKeyPolicy::PerKey`] says; and what is finished and not handed out.
#[derive(Debug)]
pub struct ShardedAggregator {
    shards: ShardMap,
    policy: OuterKeyPolicy,
    /// Open aggregates by shard and lane (0 without lanes).
    open: BTreeMap<(usize, u16), Aggregator>,
    per_key: PerKey,
    out: Finished,
    /// What is open is being handed out.
    flushing: bool,
}

/// As many open aggregates are finished together: enough for the lanes of the digest.
const TOGETHER: usize = 32;

impl ShardedAggregator {
    /// An aggregator with nothing in it.
    #[must_use]
    pub fn new(shards: ShardMap, limits: Limits, policy: OuterKeyPolicy) -> Self {
        Self {
            shards,
            policy,
            open: BTreeMap::new(),
            per_key: PerKey::default(),
            out: Finished::new(limits),
            flushing: false,
        }
    }

    /// Adds a user record to the open aggregate where it belongs, which is finished before if the
    /// record does not fit, and at once if nothing more will.
    ///
    /// # Errors
    ///
    /// The user record can go into no Kinesis record at all; nothing has changed.
    pub fn push(
        &mut self,
        partition_key: &str,
        explicit_hash_key: Option<HashKey>,
        data: &[u8],
    ) -> Result<(), EncodeError> {
        if self.flushing {
            self.finish_open(usize::MAX);
            self.flushing = false;
        }
        let lanes = match self.policy {
            OuterKeyPolicy::Lanes(lanes) => Some(lanes),
            _ => None,
        };
        // The MD5 of a key costs as much as the rest: only where something depends on it.
        let one_shard = self.shards.open().len() == 1;
        let key_hash = (lanes.is_some() || !one_shard && explicit_hash_key.is_none())
            .then(|| HashKey::of_partition_key(partition_key));
        let hash_key = explicit_hash_key.or(key_hash);
        let shard = hash_key.filter(|_| !one_shard).map_or(0, |key| self.shards.index_for(key));
        let record = NewRecord { partition_key, explicit_hash_key, data, hash_key };

        if let OuterKeyPolicy::PerKey { max_open } = self.policy {
            let max_open = max_open.max(1);
            return self.per_key.push(&record, shard, max_open, &mut self.out, &self.shards);
        }
        let lane = lanes.zip(key_hash).map_or(0, |(lanes, hash)| lanes.lane_of_hash(hash));
        let outer_key = match self.policy {
            OuterKeyPolicy::Kpl => OuterKey::Kpl,
            OuterKeyPolicy::First => OuterKey::First,
            OuterKeyPolicy::PerKey { .. } => OuterKey::PerKey,
            OuterKeyPolicy::Lanes(_) => OuterKey::Lane(lane),
        };
        let aggregator =
            self.open.entry((shard, lane)).or_insert_with(|| self.out.aggregator(outer_key));
        let taker = &self.shards.open()[shard];
        if record.push_to(aggregator)? == Push::Full {
            self.out.finish(aggregator, taker);
            // An empty aggregator takes what is not refused.
            let _ = record.push_to(aggregator)?;
        }
        if aggregator.is_full() {
            self.out.finish(aggregator, taker);
        }
        Ok(())
    }

    /// Finishes all open aggregates: shard by shard, or the longest open one first if they are
    /// per key. They are taken apart as [`next_finished`](Self::next_finished) hands them out.
    pub fn flush(&mut self) {
        self.flushing = true;
    }

    /// Moves what is open to what is finished, at most so many aggregates. Those with nothing in
    /// them do not count.
    fn finish_open(&mut self, most: usize) {
        let mut moved = 0;
        while moved < most {
            let Some(((shard, _), aggregator)) = self.open.pop_first() else { break };
            moved += usize::from(!aggregator.is_empty());
            self.out.retire(aggregator, &self.shards.open()[shard]);
        }
        self.per_key.flush(most, &mut self.out, &self.shards);
    }

    /// Uses another shard map from now on. What is open was packed for the old one and is finished.
    ///
    /// ```
    /// use kinpack::{HashKey, Limits, OuterKeyPolicy, ShardMap, ShardedAggregator};
    ///
    /// let old = ShardMap::even(1.try_into().unwrap());
    /// let new = old.split("shardId-000000000000", HashKey(1 << 127), ["low", "high"]).unwrap();
    /// let mut aggregator = ShardedAggregator::new(old, Limits::default(), OuterKeyPolicy::Kpl);
    /// aggregator.push("key", None, b"data")?;
    /// aggregator.set_shards(new);
    /// assert_eq!(aggregator.next_finished().unwrap().shard.id, "shardId-000000000000");
    /// # Ok::<(), kinpack::EncodeError>(())
    /// ```
    pub fn set_shards(&mut self, shards: ShardMap) {
        self.finish_open(usize::MAX);
        self.shards = shards;
    }

    /// The shard map in use.
    #[must_use]
    pub fn shards(&self) -> &ShardMap {
        &self.shards
    }

    /// The next finished Kinesis record; of one shard, and of one lane or key, in the order that
    /// its user records were pushed in.
    ///
    /// The digests of all that is finished by then are computed together, in SIMD lanes: fastest
    /// for callers who let some [`finished_len`](Self::finished_len) records come together.
    pub fn next_finished(&mut self) -> Option<PlacedRecord> {
        while self.flushing && self.out.len() == 0 {
            self.finish_open(TOGETHER);
            self.flushing = self.open.len() + self.per_key.len() > 0;
        }
        self.out.next()
    }

    /// Finished Kinesis records that [`next_finished`](Self::next_finished) has not handed out,
    /// without those that a [`flush`](Self::flush) still leaves open.
    ///
    /// ```
    /// use kinpack::{Limits, OuterKeyPolicy, ShardMap, ShardedAggregator};
    ///
    /// let shards = ShardMap::even(1.try_into().unwrap());
    /// let mut aggregator = ShardedAggregator::new(shards, Limits::default(), OuterKeyPolicy::Kpl);
    /// aggregator.push("key", None, b"small")?;
    /// assert_eq!(aggregator.finished_len(), 0);
    /// // Nothing goes with a record of this size, and what was before it goes out before it.
    /// aggregator.push("key", None, &[0; 60_000])?;
    /// assert_eq!(aggregator.finished_len(), 2);
    /// # Ok::<(), kinpack::EncodeError>(())
    /// ```
    #[must_use]
    pub fn finished_len(&self) -> usize {
        self.out.len()
    }

    /// Gives back a record that was sent, so that its buffers are used again: up to 64 of those
    /// that are not over twice the limits' `max_size`.
    ///
    /// ```
    /// use kinpack::{Limits, OuterKeyPolicy, ShardMap, ShardedAggregator};
    ///
    /// let shards = ShardMap::even(1.try_into().unwrap());
    /// let mut aggregator = ShardedAggregator::new(shards, Limits::default(), OuterKeyPolicy::Kpl);
    /// aggregator.push("key", None, b"data")?;
    /// aggregator.flush();
    /// while let Some(placed) = aggregator.next_finished() {
    ///     // Send it, then:
    ///     aggregator.recycle(placed.record);
    /// }
    /// # Ok::<(), kinpack::EncodeError>(())
    /// ```
    pub fn recycle(&mut self, record: KinesisRecord) {
        self.out.recycle(record);
    }
}

/// A user record on its way in.
pub(crate) struct NewRecord<'a> {
    pub(crate) partition_key: &'a str,
    explicit_hash_key: Option<HashKey>,
    data: &'a [u8],
    hash_key: Option<HashKey>,
}

impl NewRecord<'_> {
    pub(crate) fn push_to(&self, aggregator: &mut Aggregator) -> Result<Push, EncodeError> {
        aggregator.try_push_hashed(
            self.partition_key,
            self.explicit_hash_key,
            self.data,
            self.hash_key,
        )
    }
}

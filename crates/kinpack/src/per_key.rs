//! The open aggregates of `OuterKeyPolicy::PerKey`.

use std::collections::{BTreeMap, HashMap};

use crate::encode::Aggregator;
use crate::error::EncodeError;
use crate::finished::Finished;
use crate::kinesis_record::{OuterKey, Push};
use crate::shard_map::ShardMap;
use crate::sharded::NewRecord;

#[derive(Debug, Default)]
pub(crate) struct PerKey {
    /// In the order they were opened.
    open: BTreeMap<u64, Open>,
    /// Of each partition key: shard (explicit hash keys may lead to several) and key of `open`.
    by_key: HashMap<String, Vec<(usize, u64)>>,
    opened: u64,
}

#[derive(Debug)]
struct Open {
    shard: usize,
    partition_key: String,
    aggregator: Aggregator,
}

impl PerKey {
    pub(crate) fn push(
        &mut self,
        record: &NewRecord<'_>,
        shard: usize,
        max_open: usize,
        out: &mut Finished,
        shards: &ShardMap,
    ) -> Result<(), EncodeError> {
        let open = self
            .by_key
            .get(record.partition_key)
            .and_then(|places| places.iter().find(|place| place.0 == shard).map(|place| place.1));
        if let Some(opened) = open
            && let Some(open) = self.open.get_mut(&opened)
        {
            let pushed = record.push_to(&mut open.aggregator)?;
            let is_full = open.aggregator.is_full();
            if pushed == Push::Added && !is_full {
                return Ok(());
            }
            // The next one of this key begins its own time.
            self.close(opened, out, shards);
            if pushed == Push::Added {
                return Ok(());
            }
        }
        let mut aggregator = out.aggregator(OuterKey::PerKey);
        // An empty aggregator takes what is not refused.
        let _ = record.push_to(&mut aggregator)?;
        if aggregator.is_full() {
            out.retire(aggregator, &shards.open()[shard]);
            return Ok(());
        }
        while self.open.len() >= max_open {
            let Some((&longest, _)) = self.open.first_key_value() else { break };
            self.close(longest, out, shards);
        }
        let partition_key = record.partition_key.to_owned();
        self.by_key.entry(partition_key.clone()).or_default().push((shard, self.opened));
        self.open.insert(self.opened, Open { shard, partition_key, aggregator });
        self.opened += 1;
        Ok(())
    }

    fn close(&mut self, opened: u64, out: &mut Finished, shards: &ShardMap) {
        let Some(open) = self.open.remove(&opened) else { return };
        out.retire(open.aggregator, &shards.open()[open.shard]);
        if let Some(places) = self.by_key.get_mut(&open.partition_key) {
            places.retain(|place| place.1 != opened);
            if places.is_empty() {
                self.by_key.remove(&open.partition_key);
            }
        }
    }

    /// Closes the longest open aggregates, `most` at most.
    pub(crate) fn flush(&mut self, most: usize, out: &mut Finished, shards: &ShardMap) {
        for _ in 0..most {
            let Some((&longest, _)) = self.open.first_key_value() else { break };
            self.close(longest, out, shards);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }
}

//! Did the entry go where it was meant to?

use crate::decode::AggregatedRecord;
use crate::digest::Digest;
use crate::error::DecodeError;
use crate::kinesis_record::KinesisRecord;
use crate::record::OwnedUserRecord;
use crate::shard_map::Shard;

/// The user records of `entry` that lie outside the shard that took it, and must be sent again.
///
/// When shards were split or merged after the map was made, PutRecords answers with another shard
/// than `predicted`. Readers with a hash key range then drop what does not belong to it, the KCL
/// even the whole aggregate (kinesis-aggregation's `potential_data_loss.md`). A plain record is
/// always where it belongs.
///
/// If the answered shard is in no map that the caller has, its range is not known: send all of the
/// entry again, as the KPL does.
///
/// # Errors
///
/// The entry's data is not the aggregate that was made: it was compressed as a whole, or changed.
/// Nobody can say then which user records lie outside: send all of the entry again, or check what
/// it was before.
///
/// # Examples
///
/// ```
/// use kinpack::{HashKey, OuterKeyPolicy, Limits, ShardMap, ShardedAggregator, check_placement};
///
/// let old = ShardMap::even(1.try_into().unwrap());
/// let mut aggregator = ShardedAggregator::new(old.clone(), Limits::default(), OuterKeyPolicy::Kpl);
/// aggregator.push("key", Some(HashKey(1)), b"low")?;
/// aggregator.push("key", Some(HashKey(100)), b"high")?;
/// aggregator.flush();
/// let sent = aggregator.next_finished().unwrap();
///
/// // PutRecords answers with a shard that did not exist when the entry was made.
/// let new = old.split("shardId-000000000000", HashKey(50), ["low", "high"]).unwrap();
/// let again = check_placement(&sent.record, &sent.shard, new.by_id("low").unwrap())?;
/// assert_eq!(again.len(), 1);
/// assert_eq!(again[0].data, b"high");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check_placement(
    entry: &KinesisRecord,
    predicted: &Shard,
    actual: &Shard,
) -> Result<Vec<OwnedUserRecord>, DecodeError> {
    if predicted.id == actual.id || !entry.aggregated {
        return Ok(Vec::new());
    }
    let aggregate = AggregatedRecord::parse(&entry.data, Digest::Skip)?;
    let outside = aggregate.records().filter(|record| match record.hash_key() {
        Ok(Some(key)) => !actual.range.contains(key),
        Ok(None) | Err(_) => true,
    });
    Ok(outside.map(crate::UserRecord::into_owned).collect())
}

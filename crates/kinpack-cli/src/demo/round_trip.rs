//! Packs messages for a stream, unpacks them, and holds one against the other.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use kinpack::{
    Digest, Limits, OuterKeyPolicy, PlacedRecord, ShardMap, ShardedAggregator, deaggregate,
};

use super::messages::Message;

/// Packs the messages for a stream with these shards.
pub(super) fn pack(messages: &[Message], shards: &ShardMap) -> Result<Vec<PlacedRecord>, String> {
    let mut records = Vec::new();
    pack_to(messages, shards, |placed, _| records.push(placed))?;
    Ok(records)
}

/// Hands each Kinesis record out with the aggregator, which may want its buffers back.
fn pack_to(
    messages: &[Message],
    shards: &ShardMap,
    mut put: impl FnMut(PlacedRecord, &mut ShardedAggregator),
) -> Result<(), String> {
    let policy = OuterKeyPolicy::Kpl;
    let mut aggregator = ShardedAggregator::new(shards.clone(), Limits::default(), policy);
    for (number, message) in messages.iter().enumerate() {
        aggregator
            .push(&message.partition_key, None, &message.data)
            .map_err(|error| format!("message {number} was refused: {error}"))?;
        while let Some(placed) = aggregator.next_finished() {
            put(placed, &mut aggregator);
        }
    }
    aggregator.flush();
    while let Some(placed) = aggregator.next_finished() {
        put(placed, &mut aggregator);
    }
    Ok(())
}

/// Whether each message comes back once, on the shard where its key belongs, and in order among
/// those of its partition key.
pub(super) fn check(messages: &[Message], records: &[PlacedRecord]) -> Result<(), String> {
    // Of each key, the messages that have not come back yet, the next one last.
    let mut missing: HashMap<&str, Vec<usize>> = HashMap::new();
    for (number, message) in messages.iter().enumerate().rev() {
        missing.entry(&message.partition_key).or_default().push(number);
    }
    for placed in records {
        let (shard, record) = (&placed.shard, &placed.record);
        let contents =
            deaggregate(&record.data, Digest::Verify).map_err(|error| error.to_string())?;
        for user_record in contents.records(Some(&record.partition_key)) {
            let key = user_record.partition_key.unwrap_or_default();
            let number = missing
                .get_mut(key)
                .and_then(Vec::pop)
                .ok_or_else(|| format!("{key} has more messages than went in"))?;
            if messages[number].data != user_record.data {
                return Err(format!("message {number} ({key}) came back changed or out of order"));
            }
            if !matches!(user_record.hash_key(), Ok(Some(hash)) if shard.range.contains(hash)) {
                return Err(format!("message {number} ({key}) does not belong to {}", shard.id));
            }
        }
    }
    match missing.values().map(Vec::len).sum::<usize>() {
        0 => Ok(()),
        lost => Err(format!("{lost} messages did not come back")),
    }
}

/// How long it takes to pack the messages, and to unpack them.
pub(super) fn times(
    messages: &[Message],
    shards: &ShardMap,
    records: &[PlacedRecord],
) -> (Duration, Duration) {
    let pack = || {
        // They were packed before, so none is refused.
        let _ = pack_to(messages, shards, |placed, aggregator| {
            aggregator.recycle(black_box(placed).record);
        });
    };
    let unpack = || {
        for placed in records {
            let Ok(contents) = deaggregate(&placed.record.data, Digest::Verify) else { return };
            for user_record in contents.records(Some(&placed.record.partition_key)) {
                black_box(user_record);
            }
        }
    };
    (best(pack), best(unpack))
}

/// The shortest of the runs that a fifth of a second has room for, at least one.
fn best(run: impl Fn()) -> Duration {
    let start = Instant::now();
    let mut best = Duration::MAX;
    while best == Duration::MAX || start.elapsed() < Duration::from_millis(200) {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed());
    }
    best
}

#[cfg(test)]
mod tests {
    use super::super::messages::messages;
    use super::*;

    #[test]
    fn what_is_wrong_is_noticed() {
        let shards = ShardMap::even(4.try_into().unwrap());
        let sent = messages(20_000);
        let records = pack(&sent, &shards).unwrap();
        assert_eq!(check(&sent, &records), Ok(()));

        assert!(
            check(&sent, &records[..records.len() - 1]).unwrap_err().contains("did not come back")
        );
        assert!(check(&sent[..19_999], &records).unwrap_err().contains("more messages than"));
        let mut backwards = records.clone();
        backwards.reverse();
        assert!(check(&sent, &backwards).unwrap_err().contains("out of order"));
        let mut misplaced = records.clone();
        misplaced[0].shard =
            records.iter().find(|it| it.shard != records[0].shard).unwrap().shard.clone();
        assert!(check(&sent, &misplaced).unwrap_err().contains("does not belong"));
    }
}

//! Packing for a whole stream: shards apart, order kept, nothing lost, limits held.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use kinpack::{
    Digest, EncodeError, HashKey, Lanes, Limits, OuterKeyPolicy, PlacedRecord, ShardMap,
    ShardedAggregator, check_placement, deaggregate,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

type Input = (String, Option<HashKey>, Vec<u8>);

fn inputs() -> impl Strategy<Value = Vec<Input>> {
    let hash_key = prop_oneof![any::<u128>(), 0..3_u128].prop_map(HashKey);
    let data = prop_oneof![5 => 0_usize..80, 1 => 200_usize..3_000].prop_map(|n| vec![b'x'; n]);
    let record = ("[a-f]{1,2}", option::weighted(0.2, hash_key), data);
    // Every payload says which it is.
    vec(record, 1..300).prop_map(|mut records| {
        for (i, record) in records.iter_mut().enumerate() {
            record.2.splice(0..0, format!("{i} ").into_bytes());
        }
        records
    })
}

fn policies() -> impl Strategy<Value = OuterKeyPolicy> {
    prop_oneof![
        Just(OuterKeyPolicy::Kpl),
        Just(OuterKeyPolicy::First),
        (1_usize..12).prop_map(|max_open| OuterKeyPolicy::PerKey { max_open }),
        (1_u16..8).prop_map(|n| OuterKeyPolicy::Lanes(Lanes::new(n).unwrap())),
    ]
}

fn drain(aggregator: &mut ShardedAggregator) -> Vec<PlacedRecord> {
    std::iter::from_fn(|| aggregator.next_finished()).collect()
}

fn number(data: &[u8]) -> usize {
    let digits = data.split(|&byte| byte == b' ').next().unwrap();
    std::str::from_utf8(digits).unwrap().parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn all_come_back_in_order_on_their_own_shard(
        inputs in inputs(),
        policy in policies(),
        shards in 1_u32..6,
        max_size in 64_usize..4_000,
        max_count in prop_oneof![1_u32..6, Just(u32::MAX)],
    ) {
        let map = ShardMap::even(shards.try_into().unwrap());
        let limits = Limits::new(max_size, max_count, 4_100).unwrap();
        let mut aggregator = ShardedAggregator::new(map.clone(), limits, policy);
        let mut sent = Vec::new();
        for (key, explicit, data) in &inputs {
            aggregator.push(key, *explicit, data).unwrap();
            for placed in drain(&mut aggregator) {
                aggregator.recycle(placed.record.clone());
                sent.push(placed);
            }
        }
        aggregator.flush();
        sent.extend(drain(&mut aggregator));

        let mut seen = vec![false; inputs.len()];
        // Of each shard and key, and each shard and outer key, the last one that was seen.
        let mut order: BTreeMap<(String, String), usize> = BTreeMap::new();
        for placed in &sent {
            let record = &placed.record;
            prop_assert!(record.size() <= limits.record_limit());
            let contents = deaggregate(&record.data, Digest::Verify).unwrap();
            let rows: Vec<_> = contents.records(Some(&record.partition_key)).collect();
            prop_assert_eq!(rows.len(), record.user_records as usize);
            prop_assert_eq!(rows[0].aggregated, record.aggregated);
            if rows.len() > 1 {
                prop_assert!(record.data.len() <= max_size && rows.len() <= max_count as usize);
            }
            let first = number(rows[0].data);
            prop_assert_eq!(record.explicit_hash_key, HashKey::of(&inputs[first].0, inputs[first].1));
            for row in &rows {
                let i = number(row.data);
                let (key, explicit, data) = &inputs[i];
                prop_assert!(!std::mem::replace(&mut seen[i], true), "{i} came twice");
                prop_assert_eq!(row.partition_key, Some(key.as_str()));
                prop_assert_eq!(row.data, data.as_slice());
                prop_assert!(placed.shard.range.contains(HashKey::of(key, *explicit)));
                if record.aggregated {
                    let written = row.explicit_hash_key.map(|text| text.parse().unwrap());
                    prop_assert_eq!(written, *explicit);
                }
                // Order is kept per key and, by the policy, of all that shares an outer key.
                let shared = match policy {
                    OuterKeyPolicy::Kpl | OuterKeyPolicy::First => String::new(),
                    _ => record.partition_key.clone(),
                };
                for kind in [format!("key {key}"), format!("outer {shared}")] {
                    let last = order.insert((placed.shard.id.clone(), kind), i);
                    prop_assert!(last < Some(i), "{i} after {last:?}");
                }
                match policy {
                    OuterKeyPolicy::PerKey { .. } => {
                        prop_assert_eq!(&record.partition_key, key);
                    }
                    OuterKeyPolicy::Lanes(lanes) => {
                        prop_assert!(record.aggregated);
                        let lane = format!("lane-{}", lanes.lane_of(key));
                        prop_assert_eq!(&record.partition_key, &lane);
                    }
                    OuterKeyPolicy::First => {
                        prop_assert_eq!(&record.partition_key, &inputs[first].0);
                    }
                    _ if record.aggregated => prop_assert_eq!(&record.partition_key, "a"),
                    _ => prop_assert_eq!(&record.partition_key, key),
                }
            }
        }
        prop_assert!(seen.iter().all(|&it| it), "some did not come back");
    }
}

#[test]
fn a_record_too_large_for_an_aggregate_goes_out_alone_and_in_order() {
    let map = ShardMap::even(1.try_into().unwrap());
    let mut aggregator = ShardedAggregator::new(map, Limits::default(), OuterKeyPolicy::Kpl);
    let large = vec![b'L'; 60_000];
    for data in [b"1".as_slice(), b"2", &large, b"3", b"4"] {
        aggregator.push("k", None, data).unwrap();
    }
    aggregator.flush();
    let sent = drain(&mut aggregator);
    let counts: Vec<_> = sent.iter().map(|placed| placed.record.user_records).collect();
    assert_eq!(counts, [2, 1, 2]);
    assert_eq!(sent[1].record.data, large);
    assert_eq!(sent[1].record.partition_key, "k");
}

#[test]
fn only_what_no_kinesis_record_can_hold_is_refused_and_nothing_else_changes() {
    let map = ShardMap::even(1.try_into().unwrap());
    let limits = Limits::new(100, u32::MAX, 1_000).unwrap();
    for (policy, room) in [
        (OuterKeyPolicy::Kpl, 1_000 - 3),
        (OuterKeyPolicy::First, 1_000 - 3),
        (OuterKeyPolicy::PER_KEY, 1_000 - 3),
        // magic and digest, key, tags and lengths of the record, and `lane-0`
        (OuterKeyPolicy::Lanes(Lanes::new(1).unwrap()), 1_000 - 20 - 5 - 8 - 6),
    ] {
        let mut aggregator = ShardedAggregator::new(map.clone(), limits, policy);
        aggregator.push("key", None, b"first").unwrap();
        let refused = aggregator.push("key", None, &vec![0; room + 1]);
        assert_eq!(refused, Err(EncodeError::RecordTooLarge { size: 1_001, limit: 1_000 }));
        assert_eq!(
            aggregator.push("", None, b""),
            Err(EncodeError::PartitionKeyLength { utf16_units: 0 })
        );
        aggregator.push("key", None, &vec![0; room]).unwrap();
        aggregator.flush();
        let sent = drain(&mut aggregator);
        assert_eq!(sent.len(), 2, "{policy:?}");
        assert_eq!(sent[1].record.size(), 1_000, "{policy:?}");
    }
}

#[test]
fn partition_keys_are_counted_in_utf16_units_as_the_kpl_counts() {
    let map = ShardMap::even(1.try_into().unwrap());
    let mut aggregator = ShardedAggregator::new(map, Limits::default(), OuterKeyPolicy::Kpl);
    for (key, units) in [("é".repeat(256), 256), ("𝟘".repeat(128), 256), ("€".repeat(256), 256)]
    {
        assert_eq!(key.encode_utf16().count(), units);
        aggregator.push(&key, None, b"").unwrap();
    }
    for (key, utf16_units) in [("k".repeat(257), 257), ("𝟘".repeat(129), 258)] {
        let refused = aggregator.push(&key, None, b"");
        assert_eq!(refused, Err(EncodeError::PartitionKeyLength { utf16_units }));
    }
}

#[test]
fn per_key_the_longest_open_goes_out_first() {
    let map = ShardMap::even(1.try_into().unwrap());
    let policy = OuterKeyPolicy::PerKey { max_open: 2 };
    let mut aggregator = ShardedAggregator::new(map, Limits::default(), policy);
    for key in ["a", "b", "a", "c", "b", "d"] {
        aggregator.push(key, None, key.as_bytes()).unwrap();
    }
    let keys = |sent: Vec<PlacedRecord>| -> Vec<_> {
        sent.into_iter().map(|it| (it.record.partition_key, it.record.user_records)).collect()
    };
    assert_eq!(keys(drain(&mut aggregator)), [("a".to_owned(), 2), ("b".to_owned(), 2)]);
    aggregator.flush();
    assert_eq!(keys(drain(&mut aggregator)), [("c".to_owned(), 1), ("d".to_owned(), 1)]);
}

#[test]
fn a_new_shard_map_finishes_what_was_packed_for_the_old_one() {
    let old = ShardMap::even(1.try_into().unwrap());
    let new = old.split("shardId-000000000000", HashKey(1 << 127), ["low", "high"]).unwrap();
    for policy in [OuterKeyPolicy::Kpl, OuterKeyPolicy::PER_KEY] {
        let mut aggregator = ShardedAggregator::new(old.clone(), Limits::default(), policy);
        aggregator.push("k", Some(HashKey::MIN), b"old").unwrap();
        aggregator.push("k", Some(HashKey::MAX), b"old").unwrap();
        aggregator.set_shards(new.clone());
        aggregator.push("k", Some(HashKey::MIN), b"new").unwrap();
        aggregator.push("k", Some(HashKey::MAX), b"new").unwrap();
        aggregator.flush();
        let mut shards: Vec<_> =
            drain(&mut aggregator).into_iter().map(|it| it.shard.id.clone()).collect();
        shards[1..].sort();
        assert_eq!(shards, ["shardId-000000000000", "high", "low"], "{policy:?}");
    }
}

#[test]
fn what_lies_outside_the_shard_that_took_the_entry_is_sent_again() {
    let old = ShardMap::even(1.try_into().unwrap());
    let parent = &old.open()[0];
    let new = old.split(&parent.id, HashKey(100), ["low", "high"]).unwrap();
    let mut aggregator =
        ShardedAggregator::new(old.clone(), Limits::default(), OuterKeyPolicy::Kpl);
    for (key, explicit) in [("a", Some(99)), ("b", Some(100)), ("c", None), ("d", Some(0))] {
        aggregator.push(key, explicit.map(HashKey), key.as_bytes()).unwrap();
    }
    aggregator.flush();
    let sent = aggregator.next_finished().unwrap();
    let again = |actual: &str| -> Vec<_> {
        let actual = new.by_id(actual).unwrap();
        let records = check_placement(&sent.record, &sent.shard, actual).unwrap();
        records.into_iter().map(|it| (it.sub_sequence_number, it.partition_key.unwrap())).collect()
    };
    let keys =
        |it: &[(u64, &str)]| -> Vec<_> { it.iter().map(|it| (it.0, it.1.to_owned())).collect() };
    assert_eq!(again("low"), keys(&[(1, "b"), (2, "c")]));
    assert_eq!(again("high"), keys(&[(0, "a"), (3, "d")]));
    assert_eq!(again(&parent.id), []);

    aggregator.push("alone", None, b"").unwrap();
    aggregator.flush();
    let alone = aggregator.next_finished().unwrap();
    let low = new.by_id("low").unwrap();
    assert_eq!(check_placement(&alone.record, &alone.shard, low), Ok(Vec::new()));

    // What cannot be read is not said to be where it belongs.
    let mut changed = sent.record.clone();
    changed.data[4] = 0xff;
    assert!(check_placement(&changed, &sent.shard, low).is_err());
}

#[test]
fn a_flush_hands_out_all_that_is_open_past_any_number_of_empty_aggregates() {
    let shards = ShardMap::even(1_000.try_into().unwrap());
    for policy in [OuterKeyPolicy::Kpl, OuterKeyPolicy::Lanes(Lanes::new(3).unwrap())] {
        let mut aggregator = ShardedAggregator::new(shards.clone(), Limits::default(), policy);
        let mut sent = 0;
        for (shard, i) in shards.open().iter().zip(0..) {
            // Some are full at once and leave an empty aggregator behind, some are refused.
            let data = vec![7; if i % 100 < 40 { 60_000 } else { 10 }];
            aggregator.push("key", Some(shard.range.start()), &data).unwrap();
            let refused = aggregator.push("key", Some(shard.range.end()), &vec![0; 2 << 20]);
            assert!(refused.is_err());
            sent += drain(&mut aggregator).len();
        }
        assert_eq!(sent, 400);
        aggregator.flush();
        sent += drain(&mut aggregator).len();
        assert_eq!(sent, 1_000, "{policy:?}");
    }
}

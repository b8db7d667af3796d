//! Any user records for a stream of several shards: each comes out once, in the shard it belongs
//! to, in order per key.
#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use kinpack::{
    AggregatedRecord, Digest, HashKey, Lanes, OuterKeyPolicy, PlacedRecord, ShardMap,
    ShardedAggregator, check_placement,
};
use kinpack_fuzz::records::{Built, Record, SmallLimits};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    shards: u8,
    limits: SmallLimits,
    policy: Policy,
    steps: Vec<Step<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Policy {
    Kpl,
    First,
    PerKey(u8),
    Lanes(u8),
}

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    Push(Record<'a>),
    Flush,
    /// The stream is resharded to so many shards.
    SetShards(u8),
}

/// What went to each shard under each partition key, in order. A plain record has its hash key
/// outside, given or not, so here every record has one.
type Streams = BTreeMap<(String, String), Vec<Built>>;

fuzz_target!(|input: Input<'_>| {
    let policy = match input.policy {
        Policy::Kpl => OuterKeyPolicy::Kpl,
        Policy::First => OuterKeyPolicy::First,
        Policy::PerKey(max_open) => OuterKeyPolicy::PerKey { max_open: max_open.into() },
        Policy::Lanes(lanes) => {
            OuterKeyPolicy::Lanes(Lanes::new(u16::from(lanes) + 1).expect("not 0"))
        }
    };
    let limits = input.limits.build();
    let mut aggregator = ShardedAggregator::new(shard_map(input.shards), limits, policy);
    let (mut pushed, mut read) = (Streams::new(), Streams::new());
    for step in input.steps {
        match step {
            Step::Push(record) => {
                let mut record = record.build();
                let pushing = aggregator.push(&record.key, record.explicit_hash_key, &record.data);
                if pushing.is_ok() {
                    let hash_key = HashKey::of(&record.key, record.explicit_hash_key);
                    record.explicit_hash_key = Some(hash_key);
                    let shard = aggregator.shards().shard_for(hash_key).id.clone();
                    pushed.entry((shard, record.key.clone())).or_default().push(record);
                }
            }
            Step::Flush => aggregator.flush(),
            Step::SetShards(shards) => aggregator.set_shards(shard_map(shards)),
        }
        while let Some(placed) = aggregator.next_finished() {
            assert!(placed.record.size() <= limits.record_limit());
            unpack(&placed, policy, &mut read);
            aggregator.recycle(placed.record);
        }
    }
    aggregator.flush();
    while let Some(placed) = aggregator.next_finished() {
        unpack(&placed, policy, &mut read);
    }
    assert_eq!(read, pushed);
});

fn shard_map(shards: u8) -> ShardMap {
    ShardMap::even((u32::from(shards % 16) + 1).try_into().expect("not 0"))
}

fn unpack(placed: &PlacedRecord, policy: OuterKeyPolicy, read: &mut Streams) {
    let PlacedRecord { shard, record } = placed;
    assert!(shard.range.contains(record.explicit_hash_key));
    let outer = &record.partition_key;
    let mut take = |built: Built| {
        match policy {
            OuterKeyPolicy::PerKey { .. } => assert_eq!(*outer, built.key),
            OuterKeyPolicy::Lanes(lanes) => {
                assert_eq!(*outer, format!("lane-{}", lanes.lane_of(&built.key)));
            }
            _ => {}
        }
        read.entry((shard.id.clone(), built.key.clone())).or_default().push(built);
    };
    if !record.aggregated {
        assert_eq!(record.user_records, 1);
        take(Built {
            key: outer.clone(),
            explicit_hash_key: Some(record.explicit_hash_key),
            data: record.data.clone(),
        });
        return;
    }
    let aggregate = AggregatedRecord::parse(&record.data, Digest::Verify).expect("our own");
    assert_eq!(aggregate.len(), record.user_records as usize);
    assert_eq!(aggregate.all_within(shard.range), Ok(true));
    assert!(check_placement(record, shard, shard) == Ok(Vec::new()));
    for user_record in &aggregate {
        take(Built {
            key: user_record.partition_key.expect("of an aggregate").to_owned(),
            explicit_hash_key: user_record.hash_key().expect("our own"),
            data: user_record.data.to_vec(),
        });
    }
}

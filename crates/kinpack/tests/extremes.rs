//! Input as no writer makes it: no panic, no quadratic time, no memory beyond a small multiple of
//! the input; and on good input no allocation that is not announced.
#![allow(clippy::unwrap_used)]

mod common;

use allocation_counter::measure;
use kinpack::{
    AggregatedRecord, Aggregator, DecodeErrorKind, Digest, HashKey, HashKeyRange, KinesisRecord,
    Limits, OuterKey, Push, deaggregate, deaggregate_strict,
};

/// Everything a reader can be asked to do with the bytes.
fn read_all(data: &[u8]) {
    for digest in [Digest::Verify, Digest::Skip] {
        for policy in [deaggregate, deaggregate_strict] {
            let Ok(contents) = policy(data, digest) else { continue };
            let bytes: usize = contents.records(None).map(|record| record.data.len()).sum();
            assert!(bytes <= data.len());
            let tags = contents.records(None).map(|record| record.tags().count());
            assert!(tags.sum::<usize>() <= data.len());
            if let kinpack::Contents::Aggregated(aggregate) = contents {
                let half = HashKeyRange::new(HashKey::MIN, HashKey(1 << 127)).unwrap();
                let all = aggregate.all_within(half);
                let some = aggregate.records_within(half).map(Iterator::count);
                assert_eq!(all.is_ok(), some.is_ok());
                assert_eq!(all.unwrap_or(false), some.is_ok_and(|n| n == aggregate.len()));
            }
        }
    }
}

#[test]
fn flipped_bits_and_truncations_are_errors_or_records_and_never_a_panic() {
    for (_, data) in common::reader_inputs() {
        if data.len() > 2_000 {
            continue;
        }
        for cut in 0..data.len() {
            read_all(&data[..cut]);
            // The same under a right digest.
            if cut > 20 {
                read_all(&oracle::frame(&data[4..cut - 16]));
            }
        }
        for bit in 0..data.len() * 8 {
            let mut flipped = data.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            read_all(&flipped);
        }
    }
}

/// Reads `data` and says how much memory that took, at most at once.
fn memory_to_read(data: &[u8]) -> u64 {
    measure(|| {
        let aggregate = AggregatedRecord::parse(data, Digest::Verify);
        if let Ok(aggregate) = aggregate {
            assert_eq!(aggregate.records().count(), aggregate.len());
            let half = HashKeyRange::new(HashKey::MIN, HashKey(1 << 127)).unwrap();
            let _ = aggregate.all_within(half);
        }
        let _ = deaggregate(data, Digest::Skip).map(|it| it.records(None).count());
    })
    .bytes_max
}

fn repeated(bytes: &[u8], total: usize) -> Vec<u8> {
    oracle::frame(&bytes.repeat(total / bytes.len()))
}

#[test]
fn memory_stays_a_small_multiple_of_the_input() {
    const MIB10: usize = 10 << 20;
    let tiny = [[0x0A, 0x01, b'k'].as_slice(), &[0x1A, 0x04, 0x08, 0, 0x1A, 0].repeat(1_000_000)];
    let unreadable = [[0x0A, 0xFC, 0xFF, 0x3F].as_slice(), &[0xFF; (1 << 20) - 4]].concat();
    let inputs = [
        ("millions of empty table entries", repeated(&[0x0A, 0], MIB10)),
        ("of both kinds", repeated(&[0x0A, 0, 0x12, 0], MIB10)),
        ("entries that become three times as long", repeated(&[0x0A, 1, 0xFF], MIB10)),
        ("one such", oracle::frame(&unreadable)),
        ("a million tiny user records", oracle::frame(&tiny.concat())),
        ("empty groups", repeated(&[0x2B, 0x2C], MIB10)),
        ("groups that are never ended", repeated(&[0x2B], MIB10)),
        ("missing fields", repeated(&[0x1A, 0], MIB10)),
        ("zeros", repeated(&[0], MIB10)),
        ("lying lengths", repeated(&[0x0A, 0xFF, 0xFF, 0xFF, 0x7F], MIB10)),
        ("one large unknown field", {
            let mut out = vec![0x2A, 0x80, 0x80, 0x80, 0x05];
            out.resize(5 + MIB10, 7);
            oracle::frame(&out)
        }),
    ];
    for (what, data) in inputs {
        let used = memory_to_read(&data);
        assert!(used <= 7 * data.len() as u64, "{what}: {used} bytes for {}", data.len());
    }
}

#[test]
fn large_aggregates_are_written_and_read() {
    // As many keys as there are user records, and more than two bytes of index hold.
    let limits = Limits::new(10 << 20, u32::MAX, 10 << 20).unwrap();
    let mut aggregator = Aggregator::new(limits, OuterKey::Kpl);
    for i in 0..65_536_u32 {
        let explicit = (i % 3 == 0).then_some(HashKey(u128::from(i)));
        let pushed = aggregator.try_push(&format!("key-{i}"), explicit, &i.to_le_bytes());
        assert_eq!(pushed, Ok(Push::Added));
    }
    let many_keys = aggregator.finish().unwrap();
    let read = AggregatedRecord::parse(&many_keys.data, Digest::Verify).unwrap();
    for (i, record) in read.records().enumerate() {
        assert_eq!(record.partition_key, Some(format!("key-{i}").as_str()));
        assert_eq!(record.explicit_hash_key.is_some(), i % 3 == 0);
    }

    // A million user records.
    let mut pushed = 0;
    while aggregator.try_push("k", None, b"").unwrap() == Push::Added {
        pushed += 1;
    }
    let tiny = aggregator.finish().unwrap();
    assert!(pushed > 1_000_000);
    assert!(tiny.size() <= 10 << 20 && tiny.size() > (10 << 20) - 10);
    assert_eq!(AggregatedRecord::parse(&tiny.data, Digest::Verify).unwrap().len(), pushed);

    // Two halves of ten MiB.
    let half = vec![1; (5 << 20) - 40];
    for _ in 0..2 {
        assert_eq!(aggregator.try_push("k", None, &half), Ok(Push::Added));
    }
    let large = aggregator.finish().unwrap();
    let read = AggregatedRecord::parse(&large.data, Digest::Verify).unwrap();
    assert!(read.records().all(|record| record.data == half));
}

#[test]
fn an_aggregate_inside_an_aggregate_is_a_payload() {
    let pack = |data: &[u8]| {
        let mut aggregator = Aggregator::default();
        for _ in 0..2 {
            assert_eq!(aggregator.try_push("k", None, data), Ok(Push::Added));
        }
        aggregator.finish().unwrap().data
    };
    let inner = pack(b"data");
    let outer = pack(&inner);
    let read = AggregatedRecord::parse(&outer, Digest::Verify).unwrap();
    assert!(read.records().all(|record| record.data == inner));
}

#[test]
fn steady_state_allocates_nothing() {
    let mut aggregator = Aggregator::default();
    let mut record = KinesisRecord::default();
    let keys: Vec<_> = (0..300).map(|i| format!("device-{i}")).collect();
    let mut fill = |record: &mut KinesisRecord| {
        for (i, key) in keys.iter().enumerate() {
            let explicit = (i % 2 == 0).then_some(HashKey(u128::MAX - i as u128));
            assert_eq!(aggregator.try_push(key, explicit, b"some payload"), Ok(Push::Added));
        }
        assert!(aggregator.finish_into(record));
    };
    fill(&mut record);
    let packing = measure(|| (0..10).for_each(|_| fill(&mut record)));
    assert_eq!(packing.count_total, 0);

    // A reader allocates the key tables: text and ends.
    let reading = measure(|| {
        let aggregate = AggregatedRecord::parse(&record.data, Digest::Verify).unwrap();
        assert_eq!(aggregate.records().filter(|it| it.explicit_hash_key.is_some()).count(), 150);
    });
    assert_eq!(reading.count_total, 2);
}

#[test]
fn faults_below_the_digest_say_where_they_are() {
    let at = |protobuf: &[u8]| {
        let error = AggregatedRecord::parse(&oracle::frame(protobuf), Digest::Verify).unwrap_err();
        (error.kind, error.offset - 4)
    };
    let key = [0x0A, 1, b'k'];
    let with_key = |rest: &[u8]| at(&[key.as_slice(), rest].concat());
    assert_eq!(with_key(&[0x0A]), (DecodeErrorKind::Truncated, 4));
    assert_eq!(with_key(&[0x0A, 9, b'x']), (DecodeErrorKind::Truncated, 4));
    assert_eq!(with_key(&[0x00]), (DecodeErrorKind::FieldNumberZero, 3));
    assert_eq!(with_key(&[0x2E]), (DecodeErrorKind::WireType(6), 3));
    assert_eq!(with_key(&[0x2C]), (DecodeErrorKind::EndGroup, 3));
    assert_eq!(with_key(&[0xFF; 11]), (DecodeErrorKind::VarintTooLong, 3));
    let (kind, offset) = with_key(&[0x0A, 2, b'a', 0xFF]);
    assert_eq!(kind, DecodeErrorKind::NotUtf8(kinpack::TextField::PartitionKey(1)));
    assert_eq!(offset, 6);
    let whole = [0x1A, 4, 0x08, 0, 0x1A, 0];
    let (kind, offset) = with_key(&[whole.as_slice(), &[0x1A, 4, 0x08, 1, 0x1A, 0]].concat());
    assert_eq!(kind, DecodeErrorKind::PartitionKeyIndex { record: 1, index: 1, entries: 1 });
    assert_eq!(offset, 9);
}

#[test]
fn packing_large_records_keeps_no_memory_for_them() {
    use kinpack::{Lanes, OuterKeyPolicy, ShardMap, ShardedAggregator};

    let limits = Limits::new(51_200, u32::MAX, 10 << 20).unwrap();
    let large = vec![7; 5 << 20];
    for policy in [
        OuterKeyPolicy::Kpl,
        OuterKeyPolicy::PER_KEY,
        OuterKeyPolicy::Lanes(Lanes::new(64).unwrap()),
    ] {
        let shards = ShardMap::even(4.try_into().unwrap());
        let mut aggregator = ShardedAggregator::new(shards, limits, policy);
        let used = measure(|| {
            for i in 0..100 {
                aggregator.push(&format!("key-{i}"), None, &large).unwrap();
                // Out at once: nothing goes with it.
                let placed = aggregator.next_finished().unwrap();
                assert!(placed.record.data.len() >= large.len());
                aggregator.recycle(placed.record);
            }
        });
        assert!(used.bytes_max < 40 << 20, "{policy:?}: {used:?}");
        assert!(used.bytes_current < 16 << 20, "{policy:?}: {used:?}");
    }
}

#[test]
fn a_flush_does_not_copy_all_that_is_open_at_once() {
    use kinpack::{OuterKeyPolicy, ShardMap, ShardedAggregator};

    let shards = ShardMap::even(1.try_into().unwrap());
    let mut aggregator = ShardedAggregator::new(shards, Limits::default(), OuterKeyPolicy::PER_KEY);
    for i in 0..1_000 {
        aggregator.push(&format!("key-{i}"), None, &[7; 40_000]).unwrap();
    }
    aggregator.flush();
    let used = measure(|| {
        let mut sent = 0;
        while aggregator.next_finished().is_some() {
            sent += 1;
        }
        assert_eq!(sent, 1_000);
    });
    assert!(used.bytes_max < 4 << 20, "{used:?}");
}

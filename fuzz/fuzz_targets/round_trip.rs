//! Any user records into an aggregator: what comes out is what prost would have written, within
//! the limits, no smaller than it need be, and reads as what went in.
#![no_main]

use arbitrary::Arbitrary;
use kinpack::{
    AggregatedRecord, Aggregator, Digest, EncodeError, HashKey, KinesisRecord, Limits, OuterKey,
    Push,
};
use kinpack_fuzz::records::{Built, Record, SmallLimits};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    limits: SmallLimits,
    outer_key: Outer,
    records: Vec<Record<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Outer {
    Kpl,
    First,
    PerKey,
    Lane(u16),
}

fuzz_target!(|input: Input<'_>| {
    let limits = input.limits.build();
    let outer_key = match input.outer_key {
        Outer::Kpl => OuterKey::Kpl,
        Outer::First => OuterKey::First,
        Outer::PerKey => OuterKey::PerKey,
        Outer::Lane(lane) => OuterKey::Lane(lane),
    };
    let mut aggregator = Aggregator::new(limits, outer_key);
    let mut finished = KinesisRecord::default();
    let mut inside: Vec<Built> = Vec::new();
    for record in input.records.iter().map(Record::build) {
        let push = |aggregator: &mut Aggregator| {
            aggregator.try_push(&record.key, record.explicit_hash_key, &record.data)
        };
        let before = (aggregator.len(), aggregator.data_len());
        match push(&mut aggregator) {
            Ok(Push::Added) => assert_eq!(refusal(&record, limits, outer_key), None),
            Ok(Push::Full) => {
                assert_eq!((aggregator.len(), aggregator.data_len()), before);
                assert!(is_full(&inside, &record, limits, outer_key));
                check(&mut aggregator, &mut finished, &inside, limits, outer_key);
                inside.clear();
                assert_eq!(push(&mut aggregator), Ok(Push::Added));
            }
            Err(error) => {
                assert_eq!((aggregator.len(), aggregator.data_len()), before);
                assert_eq!(refusal(&record, limits, outer_key), Some(error));
                continue;
            }
        }
        inside.push(record);
    }
    check(&mut aggregator, &mut finished, &inside, limits, outer_key);
});

/// What prost makes of the records.
fn encode<'a>(records: impl IntoIterator<Item = &'a Built>) -> Vec<u8> {
    let records: Vec<_> = records
        .into_iter()
        .map(|it| (it, it.explicit_hash_key.map(|key| key.to_string())))
        .collect();
    let message = oracle::aggregate(
        records.iter().map(|(it, explicit)| (&*it.key, explicit.as_deref(), &*it.data)),
    );
    oracle::encode(&message)
}

fn outer_key_of(outer_key: OuterKey, first: &Built, aggregated: bool) -> String {
    match outer_key {
        OuterKey::Kpl if aggregated => "a".to_owned(),
        OuterKey::Lane(lane) => format!("lane-{lane}"),
        _ => first.key.clone(),
    }
}

/// The bytes of these records in one Kinesis record, and its outer partition key.
fn packed(records: &[&Built], outer_key: OuterKey) -> (Vec<u8>, String) {
    let aggregated = records.len() > 1 || matches!(outer_key, OuterKey::Lane(_));
    let data = if aggregated { encode(records.iter().copied()) } else { records[0].data.clone() };
    (data, outer_key_of(outer_key, records[0], aggregated))
}

fn refusal(record: &Built, limits: Limits, outer_key: OuterKey) -> Option<EncodeError> {
    let utf16_units = record.key.encode_utf16().count();
    if !(1..=256).contains(&utf16_units) {
        return Some(EncodeError::PartitionKeyLength { utf16_units });
    }
    let (data, key) = packed(&[record], outer_key);
    let (size, limit) = (data.len() + key.len(), limits.record_limit());
    (size > limit).then_some(EncodeError::RecordTooLarge { size, limit })
}

fn is_full(inside: &[Built], next: &Built, limits: Limits, outer_key: OuterKey) -> bool {
    let all: Vec<&Built> = inside.iter().chain([next]).collect();
    let (data, key) = packed(&all, outer_key);
    !inside.is_empty()
        && (data.len() > limits.max_size()
            || data.len() + key.len() > limits.record_limit()
            || all.len() > limits.max_count() as usize
            || outer_key == OuterKey::PerKey && next.key != inside[0].key)
}

/// Finishes the aggregator and compares with what went `inside`.
fn check(
    aggregator: &mut Aggregator,
    finished: &mut KinesisRecord,
    inside: &[Built],
    limits: Limits,
    outer_key: OuterKey,
) {
    assert_eq!(aggregator.len(), inside.len());
    let announced = aggregator.data_len();
    assert_eq!(aggregator.finish_into(finished), !inside.is_empty());
    assert!(aggregator.is_empty());
    let Some(first) = inside.first() else { return };

    let all: Vec<&Built> = inside.iter().collect();
    let (data, key) = packed(&all, outer_key);
    assert_eq!(finished.data, data);
    assert_eq!(announced, data.len());
    assert_eq!(finished.partition_key, key);
    assert_eq!(finished.explicit_hash_key, HashKey::of(&first.key, first.explicit_hash_key));
    assert_eq!(finished.user_records as usize, inside.len());
    assert!(finished.size() <= limits.record_limit());
    if inside.len() > 1 {
        assert!(data.len() <= limits.max_size() && inside.len() <= limits.max_count() as usize);
    }
    if !finished.aggregated {
        assert_eq!(finished.data, first.data);
        return;
    }
    let aggregate = AggregatedRecord::parse(&finished.data, Digest::Verify).expect("our own");
    assert_eq!(aggregate.len(), inside.len());
    for (read, written) in aggregate.records().zip(inside) {
        assert_eq!(read.partition_key, Some(&*written.key));
        let explicit_hash_key = written.explicit_hash_key.map(|key| key.to_string());
        assert_eq!(read.explicit_hash_key, explicit_hash_key.as_deref());
        assert_eq!(read.data, written.data);
    }
}

//! Records that share the outer bytes: the same records, `'static`, and no payload copied.
#![cfg(feature = "bytes")]
#![allow(clippy::unwrap_used)]

mod common;

use allocation_counter::measure;
use bytes::Bytes;
use common::Row;
use kinpack::{
    Aggregator, DecodeErrorKind, Digest, Push, SharedContents, SharedUserRecord, deaggregate,
};

#[test]
fn they_are_the_records_that_borrow() {
    for (key, data) in common::reader_inputs() {
        let (key, data) = (key.as_deref(), Bytes::from(data));
        let shared = SharedContents::deaggregate(data.clone(), key, Digest::Verify);
        let contents = match (deaggregate(&data, Digest::Verify), &shared) {
            (Ok(contents), Ok(_)) => contents,
            (Err(one), Err(other)) => {
                assert_eq!(one, *other);
                continue;
            }
            (one, other) => panic!("{one:?} but {other:?}"),
        };
        let expected: Vec<_> = contents.records(key).map(Row::of).collect();
        let shared: Vec<SharedUserRecord> = shared.unwrap().records().collect();
        let rows: Vec<_> = shared.iter().map(|it| Row::of(it.as_user_record())).collect();
        assert_eq!(rows, expected);
        for (one, other) in shared.iter().zip(contents.records(key)) {
            assert_eq!(one.partition_key(), other.partition_key);
            assert_eq!(one.explicit_hash_key(), other.explicit_hash_key);
            assert_eq!(one.is_aggregated(), other.aggregated);
            assert!(one.as_user_record().tags().eq(other.tags()));
        }
    }
}

#[test]
fn no_record_allocates_and_no_payload_is_copied() {
    fn is_static<T: Send + Sync + 'static>(_: &T) {}

    let mut aggregator = Aggregator::default();
    for _ in 0..100 {
        assert_eq!(aggregator.try_push("k", None, &[7; 100]), Ok(Push::Added));
    }
    let data = Bytes::from(aggregator.finish().unwrap().data);
    let within = data.as_ptr_range();
    let shared = SharedContents::deaggregate(data.clone(), None, Digest::Verify).unwrap();
    let used = measure(|| {
        for record in shared.records() {
            is_static(&record);
            assert!(within.contains(&record.data().as_ptr()));
        }
    });
    // The bytes begin to be counted at their first share.
    assert!(used.count_total <= 1, "{used:?}");
}

#[test]
fn the_strict_policy_is_there_too() {
    let data = Bytes::from_static(b"\xF3\x89\x9A\xC2");
    let error = SharedContents::deaggregate_strict(data.clone(), None, Digest::Verify).unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::TooShort);
    let plain = SharedContents::deaggregate(data, None, Digest::Verify).unwrap();
    assert!(!plain.is_aggregated());
    assert_eq!(plain.records().next().unwrap().partition_key(), None);
}

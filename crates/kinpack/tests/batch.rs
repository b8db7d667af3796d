//! Many records at once give what they give one by one.
#![allow(clippy::unwrap_used)]

mod common;

use common::Row;
use kinpack::{
    AggregatedRecord, Aggregator, Contents, DecodeError, Digest, KinesisRecord, Push, deaggregate,
    deaggregate_many, deaggregate_strict, deaggregate_strict_many,
};

fn rows(read: Result<Contents<'_>, DecodeError>) -> Result<Vec<Row>, DecodeError> {
    Ok(read?.records(Some("outer")).map(Row::of).collect())
}

#[test]
fn reading() {
    let inputs = common::reader_inputs();
    let records: Vec<&[u8]> = inputs.iter().map(|(_, data)| data.as_slice()).collect();
    for digest in [Digest::Verify, Digest::Skip] {
        // All of them, a few, and one by itself.
        for records in [&records[..], &records[20..27], &records[..1], &[]] {
            let kcl = deaggregate_many(records, digest);
            let strict = deaggregate_strict_many(records, digest);
            let facts = AggregatedRecord::parse_many(records, digest);
            assert_eq!(
                (kcl.len(), strict.len(), facts.len()),
                (records.len(), records.len(), records.len())
            );
            for (((data, kcl), strict), facts) in records.iter().zip(kcl).zip(strict).zip(facts) {
                assert_eq!(rows(kcl), rows(deaggregate(data, digest)));
                assert_eq!(rows(strict), rows(deaggregate_strict(data, digest)));
                let fact = AggregatedRecord::parse(data, digest);
                assert_eq!(facts.map(|it| it.len()), fact.map(|it| it.len()));
            }
        }
    }
}

/// More than what is verified together: in several groups, with plain records and wrong digests at
/// every place in them.
#[test]
fn reading_group_by_group() {
    let mut inputs: Vec<Vec<u8>> = Vec::new();
    for i in 0..150_usize {
        let mut aggregator = Aggregator::default();
        for record in 0..2 {
            let data = vec![i as u8; 8_000 + i * 100 + record];
            assert_eq!(aggregator.try_push("key", None, &data), Ok(Push::Added));
        }
        inputs.push(aggregator.finish().unwrap().data);
        if i % 7 == 0 {
            inputs.push(format!("plain {i}").into_bytes());
        }
        if i % 5 == 0 {
            inputs.last_mut().unwrap().extend_from_slice(b"more");
        }
    }
    let records: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    assert!(records.iter().map(|it| it.len()).sum::<usize>() > 3 << 20);
    // Where the first group ends depends on where it begins.
    for first in (0..70).step_by(9) {
        let records = &records[first..];
        let many = deaggregate_strict_many(records, Digest::Verify);
        assert_eq!(many.len(), records.len());
        let mut faults = 0;
        for (many, data) in many.zip(records) {
            let one = rows(deaggregate_strict(data, Digest::Verify));
            faults += usize::from(one.is_err());
            assert_eq!(rows(many), one);
        }
        assert!(faults > 10);
    }
}

#[test]
fn writing() {
    let filled = || -> Vec<Aggregator> {
        let fill = |n: usize| {
            let mut aggregator = Aggregator::default();
            for i in 0..n * 3 {
                let pushed = aggregator.try_push("key", None, &vec![n as u8; i]);
                assert_eq!(pushed, Ok(Push::Added));
            }
            aggregator
        };
        let mut filled: Vec<_> = (0..40).map(fill).collect();
        // One that goes out plain.
        assert_eq!(filled[0].try_push("alone", None, b"alone"), Ok(Push::Added));
        filled.insert(5, Aggregator::default());
        filled
    };
    let one_by_one: Vec<KinesisRecord> =
        filled().iter_mut().filter_map(Aggregator::finish).collect();
    assert_eq!(one_by_one.len(), 40);
    assert_eq!(Aggregator::finish_many(&mut filled()), one_by_one);
    // Into buffers that are used again, too few of them and too many.
    let mut records = one_by_one[..7].to_vec();
    for _ in 0..2 {
        Aggregator::finish_many_into(&mut filled(), &mut records);
        assert_eq!(records, one_by_one);
        records.extend_from_within(3..9);
    }
}

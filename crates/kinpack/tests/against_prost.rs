//! The codec against one that prost generated from the format's proto file.
#![allow(clippy::unwrap_used)]

mod common;
mod wire_gen;

use common::Row;
use kinpack::{
    AggregatedRecord, Aggregator, DecodeErrorKind, Digest, HashKey, Limits, OuterKey, Push,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn user_record() -> impl Strategy<Value = (String, Option<HashKey>, Vec<u8>)> {
    let key = prop_oneof![
        3 => "[a-d]",
        2 => "[a-z]{1,20}",
        1 => "\\PC{1,40}",
        1 => (200_usize..257).prop_map(|n| "k".repeat(n)),
    ];
    let hash_key = prop_oneof![0..3_u128, any::<u128>(), Just(u128::MAX)].prop_map(HashKey);
    let data = prop_oneof![
        4 => vec(any::<u8>(), 0..60),
        2 => (100_usize..300).prop_map(|n| vec![7; n]),
        1 => (16_300_usize..16_500).prop_map(|n| vec![9; n]),
    ];
    (key, option::weighted(0.3, hash_key), data)
}

fn reference(records: &[(String, Option<HashKey>, Vec<u8>)]) -> Vec<u8> {
    let texts: Vec<_> = records.iter().map(|it| it.1.map(|key| key.to_string())).collect();
    let rows = records.iter().zip(&texts);
    let message =
        oracle::aggregate(rows.map(|(it, text)| (it.0.as_str(), text.as_deref(), it.2.as_slice())));
    oracle::encode(&message)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_what_prost_writes(
        records in vec(user_record(), 1..200),
        max_size in 64_usize..60_000,
        max_count in prop_oneof![1_u32..8, Just(u32::MAX)],
    ) {
        let limits = Limits::new(max_size, max_count, 1 << 20).unwrap();
        let mut aggregator = Aggregator::new(limits, OuterKey::Kpl);
        let mut open = Vec::new();
        for record in &records {
            let (key, explicit, data) = record;
            if aggregator.try_push(key, *explicit, data).unwrap() == Push::Full {
                // It is full: one more would have been over a limit.
                let mut more = open.clone();
                more.push(record.clone());
                let over = reference(&more).len() > max_size || more.len() > max_count as usize;
                prop_assert!(over);
                prop_assert!(open.len() <= max_count as usize);
                check(&mut aggregator, &open, max_size)?;
                open.clear();
                prop_assert_eq!(aggregator.try_push(key, *explicit, data), Ok(Push::Added));
            }
            open.push(record.clone());
        }
        prop_assert!(open.len() <= max_count as usize);
        check(&mut aggregator, &open, max_size)?;
        prop_assert!(aggregator.finish().is_none());
    }

    #[test]
    fn what_prost_reads_is_read_the_same(message in wire_gen::message()) {
        let data = oracle::frame(&message.bytes);
        let decoded = oracle::decode(&data);
        let read = AggregatedRecord::parse(&data, Digest::Verify);
        let Some(decoded) = decoded else {
            return Err(TestCaseError::fail(format!("prost does not read {message:?}")));
        };
        let in_table = |index: u64, table: &[String]| index < table.len() as u64;
        let outside = decoded.records.iter().position(|record| {
            !in_table(record.partition_key_index, &decoded.partition_key_table)
                || record
                    .explicit_hash_key_index
                    .is_some_and(|index| !in_table(index, &decoded.explicit_hash_key_table))
        });
        let position = match message.missing.or(outside) {
            None => {
                let read = read.unwrap();
                let rows: Vec<_> = read.records().map(Row::of).collect();
                prop_assert_eq!(rows, expected(&decoded));
                for (record, theirs) in read.records().zip(&decoded.records) {
                    let tags: Vec<_> = record
                        .into_owned()
                        .tags
                        .into_iter()
                        .map(|(key, value)| oracle::Tag { key, value })
                        .collect();
                    prop_assert_eq!(&tags, &theirs.tags);
                }
                return Ok(());
            }
            Some(position) => position,
        };
        let named = match read.unwrap_err().kind {
            DecodeErrorKind::MissingField { record, .. } => {
                prop_assert!(message.missing.is_some());
                record
            }
            DecodeErrorKind::PartitionKeyIndex { record, .. }
            | DecodeErrorKind::ExplicitHashKeyIndex { record, .. } => {
                prop_assert!(message.missing.is_none());
                record
            }
            kind => return Err(TestCaseError::fail(format!("{kind:?}"))),
        };
        prop_assert_eq!(named as usize, position);
    }
}

fn check(
    aggregator: &mut Aggregator,
    records: &[(String, Option<HashKey>, Vec<u8>)],
    max_size: usize,
) -> Result<(), TestCaseError> {
    let promised = aggregator.data_len();
    let written = aggregator.finish().unwrap();
    prop_assert_eq!(written.data.len(), promised);
    prop_assert_eq!(written.user_records as usize, records.len());
    let (key, explicit, data) = &records[0];
    prop_assert_eq!(written.explicit_hash_key, HashKey::of(key, *explicit));
    if records.len() == 1 {
        prop_assert_eq!(&written.data, data);
        prop_assert_eq!(&written.partition_key, key);
        return Ok(());
    }
    prop_assert!(written.data.len() <= max_size);
    prop_assert_eq!(&written.partition_key, "a");
    prop_assert!(written.data == reference(records));
    let read = AggregatedRecord::parse(&written.data, Digest::Verify).unwrap();
    prop_assert_eq!(read.len(), records.len());
    for (read, (key, explicit, data)) in read.records().zip(records) {
        prop_assert_eq!(read.partition_key, Some(key.as_str()));
        prop_assert_eq!(read.data, data.as_slice());
        prop_assert_eq!(read.hash_key(), Ok(Some(HashKey::of(key, *explicit))));
    }
    Ok(())
}

fn expected(decoded: &oracle::AggregatedRecord) -> Vec<Row> {
    let rows = decoded.records.iter().zip(0..);
    rows.map(|(record, sub_sequence_number)| {
        let key = &decoded.partition_key_table[record.partition_key_index as usize];
        let explicit = record.explicit_hash_key_index;
        Row {
            partition_key: Some(key.clone()),
            explicit_hash_key: explicit
                .map(|index| decoded.explicit_hash_key_table[index as usize].clone()),
            data: record.data.to_vec(),
            sub_sequence_number,
            aggregated: true,
            refused: None,
            entry: None,
        }
    })
    .collect()
}

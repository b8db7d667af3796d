//! What other libraries write, read as two independent protobuf readers read it.
#![allow(clippy::unwrap_used)]

mod common;

use common::Row;
use kinpack::{Aggregator, DecodeErrorKind, Digest, Push, deaggregate, deaggregate_strict};
use serde::Deserialize;

#[derive(Deserialize)]
struct Writer {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    input: Vec<Row>,
    entries: Vec<Entry>,
    #[serde(default)]
    decoded: Vec<Row>,
    #[serde(default)]
    invalid_entries: Vec<usize>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(deserialize_with = "common::base64")]
    data: Vec<u8>,
    partition_key: String,
    explicit_hash_key: Option<String>,
}

#[test]
fn every_entry_is_read_right() {
    let mut entries = 0;
    for (writer, content) in common::load::<Writer>("peers") {
        for case in content.cases {
            for (i, entry) in case.entries.iter().enumerate() {
                entries += 1;
                let place = format!("{writer}, {}, entry {i}", case.name);
                for policy in [deaggregate, deaggregate_strict] {
                    let read = policy(&entry.data, Digest::Verify);
                    if case.invalid_entries.contains(&i) {
                        let kind = read.unwrap_err().kind;
                        let index = matches!(
                            kind,
                            DecodeErrorKind::PartitionKeyIndex { .. }
                                | DecodeErrorKind::ExplicitHashKeyIndex { .. }
                        );
                        assert!(index, "{place}: {kind:?}");
                        continue;
                    }
                    let read = read.unwrap();
                    let rows: Vec<_> = read
                        .records(Some(&entry.partition_key))
                        .map(|record| Row { entry: Some(i), ..Row::of(record) })
                        .collect();
                    let expected: Vec<_> =
                        case.decoded.iter().filter(|row| row.entry == Some(i)).cloned().collect();
                    assert_eq!(rows, expected, "{place}");
                }
            }
        }
    }
    assert_eq!(entries, ENTRIES);
}

#[test]
fn aiokpl_writes_the_kpls_bytes_and_so_does_kinpack() {
    let writers = common::load::<Writer>("peers");
    let (_, aiokpl) = writers.iter().find(|it| it.0 == "py-aiokpl").unwrap();
    for case in &aiokpl.cases {
        for (i, entry) in case.entries.iter().enumerate() {
            let rows: Vec<_> = case.decoded.iter().filter(|row| row.entry == Some(i)).collect();
            let mut aggregator = Aggregator::default();
            for row in &rows {
                let key = row.partition_key.as_deref().unwrap();
                // A lone record's own explicit hash key is the outer one.
                let explicit = match rows.len() {
                    1 => case
                        .input
                        .iter()
                        .find(|it| it.data == row.data && it.partition_key == row.partition_key)
                        .and_then(|it| it.explicit_hash_key.clone()),
                    _ => row.explicit_hash_key.clone(),
                };
                let explicit = explicit.map(|text| text.parse().unwrap());
                assert_eq!(aggregator.try_push(key, explicit, &row.data), Ok(Push::Added));
            }
            let written = aggregator.finish().unwrap();
            assert!(written.data == entry.data, "{}, entry {i}", case.name);
            assert_eq!(written.partition_key, entry.partition_key, "{}, entry {i}", case.name);
            if let Some(given) = &entry.explicit_hash_key {
                assert_eq!(
                    written.explicit_hash_key.to_string(),
                    *given,
                    "{}, entry {i}",
                    case.name
                );
            }
        }
    }
}

const ENTRIES: usize = 139;

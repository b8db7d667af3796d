//! What the KPL 1.1.1 puts on a stream: read as the KCL reads it, and written again byte for byte.
#![allow(clippy::unwrap_used)]

mod common;

use common::Row;
use kinpack::{
    Aggregator, Contents, DecodeError, Digest, HashKey, KinesisRecord, Limits, OuterKey, Push,
    deaggregate, deaggregate_strict,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Scenario {
    config: std::collections::BTreeMap<String, String>,
    input: serde_json::Value,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(deserialize_with = "common::base64")]
    data: Vec<u8>,
    partition_key: String,
    explicit_hash_key: Option<String>,
    inputs: Vec<usize>,
    kcl: Kcl,
}

#[derive(Deserialize)]
struct Kcl {
    records: serde_json::Value,
}

/// The input is given in full, or, in `indices-over-16383`, by a rule.
fn input(name: &str, scenario: &Scenario) -> Vec<Row> {
    if name == "indices-over-16383" {
        let row = |i: u32| Row {
            partition_key: Some(i.to_string()),
            explicit_hash_key: None,
            data: Vec::new(),
            sub_sequence_number: 0,
            aggregated: false,
            refused: None,
            entry: None,
        };
        return (0..16_500).map(row).collect();
    }
    serde_json::from_value(scenario.input.clone()).unwrap()
}

fn expected(entry: &Entry, input: &[Row]) -> Vec<Row> {
    if entry.kcl.records == "as inputs" {
        let rows = entry.inputs.iter().zip(0..);
        return rows
            .map(|(&i, sub_sequence_number)| Row {
                sub_sequence_number,
                aggregated: true,
                ..input[i].clone()
            })
            .collect();
    }
    serde_json::from_value(entry.kcl.records.clone()).unwrap()
}

type Policy = fn(&[u8], Digest) -> Result<Contents<'_>, DecodeError>;

#[test]
fn every_entry_is_read_as_the_kcl_reads_it() {
    let mut entries = 0;
    for (name, scenario) in common::load::<Scenario>("kpl") {
        let input = input(&name, &scenario);
        for (i, entry) in scenario.entries.iter().enumerate() {
            let rows = |policy: Policy| -> Result<Vec<Row>, DecodeError> {
                let contents = policy(&entry.data, Digest::Verify)?;
                Ok(contents.records(Some(&entry.partition_key)).map(Row::of).collect())
            };
            let expected: Vec<Row> = expected(entry, &input);
            assert_eq!(rows(deaggregate).as_ref(), Ok(&expected), "{name}, entry {i}");
            match name.as_str() {
                // A lone record of the four bytes of the magic.
                "one-record-magic-only" => assert!(rows(deaggregate_strict).is_err()),
                _ => assert_eq!(rows(deaggregate_strict), Ok(expected), "{name}, entry {i}"),
            }
            entries += 1;
        }
    }
    assert_eq!(entries, ENTRIES);
}

#[test]
fn every_entry_is_written_as_the_kpl_wrote_it() {
    for (name, scenario) in common::load::<Scenario>("kpl") {
        // Here the KPL sends no explicit hash key of its own: its shard map is missing, or of no use.
        let silent = name.starts_with("cold-start") || name == "stream-distributes";
        let input = input(&name, &scenario);
        let max_size =
            scenario.config.get("AggregationMaxSize").map_or(51_200, |it| it.parse().unwrap());
        let max_count =
            scenario.config.get("AggregationMaxCount").map_or(u32::MAX, |it| it.parse().unwrap());
        let limits = Limits::new(max_size, max_count, 1 << 20).unwrap();
        for (i, entry) in scenario.entries.iter().enumerate() {
            let mut aggregator = Aggregator::new(limits, OuterKey::Kpl);
            let numbers = expected(entry, &input);
            for &position in &entry.inputs {
                let row = &input[position];
                // The KPL takes ` 7 ` for 7, and kinpack does not: from the number.
                let row = match name.as_str() {
                    "explicit-hash-key-normalised" => &numbers[position],
                    _ => row,
                };
                let explicit = row.explicit_hash_key.as_deref();
                let explicit = explicit.map(|text| text.parse::<HashKey>().unwrap());
                let key = row.partition_key.as_deref().unwrap();
                let pushed = aggregator.try_push(key, explicit, &row.data);
                assert_eq!(pushed, Ok(Push::Added), "{name}, entry {i}: more than the KPL put in");
            }
            let promised = aggregator.data_len();
            let written = aggregator.finish().unwrap();
            assert!(written.data == entry.data, "{name}, entry {i}");
            assert_eq!(written.data.len(), promised, "{name}, entry {i}");
            assert_eq!(written.partition_key, entry.partition_key, "{name}, entry {i}");
            assert_eq!(written.user_records as usize, entry.inputs.len());
            let hash_key = written.explicit_hash_key.to_string();
            match &entry.explicit_hash_key {
                Some(given) => assert_eq!(hash_key, *given, "{name}, entry {i}"),
                None => assert!(silent, "{name}, entry {i}"),
            }
        }
    }
}

#[test]
fn what_the_kpl_refuses_is_refused() {
    let scenarios = common::load::<Scenario>("kpl");
    let (name, refused) = scenarios.iter().find(|it| it.0 == "refused").unwrap();
    let mut seen = 0;
    for row in input(name, refused) {
        let key = row.partition_key.as_deref().unwrap();
        let explicit = row.explicit_hash_key.as_deref().map(str::parse::<HashKey>).transpose();
        let pushed =
            explicit.map(|explicit| Aggregator::default().try_push(key, explicit, &row.data));
        let taken = matches!(pushed, Ok(Ok(Push::Added)));
        assert_eq!(taken, row.refused.is_none(), "{row:?}");
        seen += usize::from(!taken);
    }
    assert_eq!(seen, REFUSED);
}

#[test]
fn an_aggregator_writes_the_same_when_it_is_used_again() {
    let mut aggregator = Aggregator::default();
    let mut record = KinesisRecord::default();
    for (name, scenario) in common::load::<Scenario>("kpl") {
        if name == "explicit-hash-key-normalised" {
            continue;
        }
        let input = input(&name, &scenario);
        for (i, entry) in scenario.entries.iter().enumerate().filter(|it| it.1.inputs.len() > 1) {
            for &position in &entry.inputs {
                let row = &input[position];
                let explicit = row.explicit_hash_key.as_deref().map(|text| text.parse().unwrap());
                let key = row.partition_key.as_deref().unwrap();
                let pushed = aggregator.try_push(key, explicit, &row.data).unwrap();
                if pushed == Push::Full {
                    break;
                }
            }
            if aggregator.len() < entry.inputs.len() {
                // Larger than this aggregator's limits.
                aggregator.clear();
                continue;
            }
            assert!(aggregator.finish_into(&mut record));
            assert!(record.data == entry.data, "{name}, entry {i}");
        }
    }
}

const ENTRIES: usize = 230;
const REFUSED: usize = 10;

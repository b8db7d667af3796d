//! The bytes are the KPL's.

use std::path::Path;

use serde_json::{Value, json};

use crate::pack;

/// Each entry that the KPL sent comes out as it was, from the user records that are in it.
#[test]
fn entries_are_those_of_the_kpl() {
    for name in [
        "few-keys",
        "explicit-hash-key-some",
        "unicode-keys",
        "control-characters",
        "empty-data",
        "one-record-explicit-hash-key-max",
        "max-count-3",
        "record-over-max-size",
        "size-4096-mixed",
        "four-shards",
    ] {
        let path = format!("../kinpack/tests/vectors/kpl/{name}.json");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let vector: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let mut options = format!("--shards {}", vector["shards"]);
        for (property, option) in
            [("AggregationMaxSize", "--max-size"), ("AggregationMaxCount", "--max-count")]
        {
            if let Some(value) = vector["config"][property].as_str() {
                options += &format!(" {option} {value}");
            }
        }
        for entry in vector["entries"].as_array().unwrap() {
            let inputs = entry["inputs"].as_array().unwrap().iter();
            let rows: String = inputs
                .map(|input| format!("{}\n", vector["input"][input.as_u64().unwrap() as usize]))
                .collect();
            let expected = json!({
                "Data": entry["data"],
                "PartitionKey": entry["partition_key"],
                "ExplicitHashKey": entry["explicit_hash_key"],
            });
            assert_eq!(pack(&options, rows), [expected], "{name}");
        }
    }
}

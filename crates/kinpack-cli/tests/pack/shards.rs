//! Records of different shards are never packed together.

use std::collections::HashSet;

use kinpack::{HashKey, ShardMap};
use serde_json::{Value, json};

use crate::{file, kinpack, pack, row, rows, unpacked};

/// The two halves of the hash keys, split from one shard, which is closed.
fn listed() -> Value {
    let half = 1_u128 << 127;
    let shard = |id: &str, start: u128, end: u128, closed: bool| {
        let mut shard = json!({
            "ShardId": id,
            "HashKeyRange": {
                "StartingHashKey": start.to_string(), "EndingHashKey": end.to_string(),
            },
            "SequenceNumberRange": {"StartingSequenceNumber": "1"},
        });
        match closed {
            true => shard["SequenceNumberRange"]["EndingSequenceNumber"] = "2".into(),
            false => shard["ParentShardId"] = "shardId-000000000000".into(),
        }
        shard
    };
    json!({"Shards": [
        shard("shardId-000000000000", 0, u128::MAX, true),
        shard("shardId-000000000001", 0, half - 1, false),
        shard("shardId-000000000002", half, u128::MAX, false),
    ]})
}

#[test]
fn each_entry_is_of_one_shard() {
    let path = file("shards-two", listed().to_string());
    let by_file = format!("--shard-map {}", path.display());
    for (options, count) in [("", 1), ("--shards 2", 2), (&by_file, 2), ("--shards 7", 7)] {
        let map = ShardMap::even(count.try_into().unwrap());
        let entries = pack(options, rows(500, 200));
        let shard_of = |key| map.shard_for(key).id.clone();
        let mut used = HashSet::new();
        for entry in &entries {
            let outer: HashKey = entry["ExplicitHashKey"].as_str().unwrap().parse().unwrap();
            for (key, _) in unpacked(entry) {
                assert_eq!(shard_of(HashKey::of_partition_key(&key)), shard_of(outer));
            }
            used.insert(shard_of(outer));
        }
        assert_eq!(used.len(), count.min(6) as usize, "ten keys miss one of seven shards");
        assert_eq!(entries.iter().flat_map(unpacked).count(), 500, "{options}");
    }
}

#[test]
fn an_explicit_hash_key_chooses_the_shard() {
    let half = (1_u128 << 127).to_string();
    let input = [
        row("k", Some("0"), b"low"),
        row("k", Some(&half), b"high"),
        row("k", Some("00000000001"), b"low"),
    ];
    let entries = pack("--shards 2", input.concat());
    assert_eq!(entries[0]["ExplicitHashKey"], "0");
    assert_eq!(unpacked(&entries[0]).len(), 2);
    assert_eq!(entries[1]["ExplicitHashKey"], half);
}

#[test]
fn events_name_the_shards_of_the_map() {
    let path = file("shards-events", listed().to_string());
    let options = format!("--output event --shard-map {}", path.display());
    let events = pack(&options, rows(100, 10));
    let ids: Vec<&str> = events
        .iter()
        .map(|event| event["Records"][0]["eventID"].as_str().unwrap().split(':').next().unwrap())
        .collect();
    assert_eq!(ids, ["shardId-000000000001", "shardId-000000000002"]);
}

#[test]
fn a_map_that_is_none_is_refused() {
    let mut gap = listed();
    gap["Shards"].as_array_mut().unwrap().pop();
    let mut cut = gap.clone();
    cut["NextToken"] = "more".into();
    let with_id = |id: &str| {
        let mut shards = listed();
        shards["Shards"][1]["ShardId"] = id.into();
        shards.to_string()
    };
    for (name, content, complaint) in [
        ("shards-no-json", "Shards".to_owned(), "not the output of list-shards"),
        ("shards-other", "{\"Streams\":[]}".to_owned(), "missing field `Shards`"),
        ("shards-gap", gap.to_string(), "no open shard takes the hash keys 17014118346046923173"),
        ("shards-id", with_id("a:b"), "\"a:b\" is no shard id: 1 to 128 of"),
        ("shards-no-id", with_id(""), "is no shard id"),
        ("shards-long-id", with_id(&"i".repeat(129)), "is no shard id"),
        ("shards-cut", cut.to_string(), "(the list goes on: it has a NextToken)"),
    ] {
        let path = file(name, content);
        let run = kinpack(&["pack", "--shard-map", path.to_str().unwrap()], rows(1, 1));
        assert_eq!((run.status, run.stdout.as_str()), (2, ""));
        assert!(
            run.stderr.starts_with(&format!("kinpack: {}: ", path.display())),
            "{}",
            run.stderr
        );
        assert!(run.stderr.contains(complaint), "{}", run.stderr);
    }
    let run = kinpack(&["pack", "--shard-map", "/nowhere/at/all"], "");
    assert_eq!(run.status, 2);
    assert!(run.stderr.starts_with("kinpack: /nowhere/at/all: No such file"));
}

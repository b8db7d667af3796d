//! The policies for outer keys, and the frozen rule for lanes.

use std::collections::{HashMap, HashSet};

use kinpack::{HashKey, Lanes};

use crate::{data_of, is_aggregate, numbered, pack, row, rows, unpacked};

#[test]
fn the_policies_choose_the_outer_key() {
    let keys = |policy: &str| -> HashSet<String> {
        let entries = pack(&format!("--outer-key {policy}"), rows(1_000, 100));
        entries.iter().map(|entry| entry["PartitionKey"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(keys("kpl"), ["a".to_owned()].into());
    assert!(keys("first").iter().all(|key| key.starts_with("key-")));
    assert_eq!(keys("per-key"), (0..10).map(|i| format!("key-{i}")).collect());
    assert_eq!(keys("lanes:2"), ["lane-0".to_owned(), "lane-1".to_owned()].into());
    assert_eq!(keys("lanes:1"), ["lane-0".to_owned()].into());
}

/// What `docs/outer-keys.md` promises of `per-key` and `lanes`.
#[test]
fn all_records_of_a_key_have_one_outer_key_and_keep_their_order() {
    // Large ones among small ones, which are alone in their Kinesis records.
    let size = |i: usize| if i.is_multiple_of(17) { 3_000 } else { 100 };
    let input: String = (0..2_000)
        .map(|i| row(&format!("key-{}", i * i % 37), None, &numbered(i, size(i))))
        .collect();
    for policy in ["per-key", "lanes:5"] {
        let options = format!("--outer-key {policy} --max-size 2KiB --shards 2");
        let mut outer_keys: HashMap<String, String> = HashMap::new();
        let mut last: HashMap<String, Vec<u8>> = HashMap::new();
        let mut count = 0;
        for entry in pack(&options, &input) {
            let outer = entry["PartitionKey"].as_str().unwrap();
            for (key, data) in unpacked(&entry) {
                let known = outer_keys.entry(key.clone()).or_insert_with(|| outer.to_owned());
                assert_eq!(known, outer, "{policy}: {key}");
                if let Some(before) = last.insert(key, data.clone()) {
                    assert!(before < data, "{policy}");
                }
                count += 1;
            }
        }
        assert_eq!(count, 2_000);
    }
}

#[test]
fn a_lane_s_lone_record_is_aggregated_and_the_others_are_not() {
    let large = row("device-7", None, &[b'x'; 60_000]);
    for policy in ["kpl", "first", "per-key"] {
        let entries = pack(&format!("--outer-key {policy}"), &large);
        assert_eq!(entries[0]["PartitionKey"], "device-7");
        assert!(!is_aggregate(&entries[0]));
    }
    let entries = pack("--outer-key lanes:10", &large);
    assert_eq!(entries[0]["PartitionKey"], "lane-5");
    assert_eq!(entries[0]["ExplicitHashKey"], HashKey::of_partition_key("device-7").to_string());
    assert!(is_aggregate(&entries[0]));
    assert!(data_of(&entries[0]).len() > 60_000);
}

#[test]
fn lanes_are_those_of_the_document() {
    let document = include_str!("../../../../docs/outer-keys.md");
    let table = document.split("### Test values").nth(1).unwrap();
    let mut tested = 0;
    for line in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let key = cells[1].trim_matches('`');
        assert_eq!(HashKey::of_partition_key(key).to_string(), cells[2], "{key}");
        for (n, cell) in [(1, 3), (10, 4), (64, 5), (65_535, 6)] {
            let lane = Lanes::new(n).unwrap().lane_of(key);
            assert_eq!(lane.to_string(), cells[cell], "{key}, n = {n}");
        }
        let entry = &pack("--outer-key lanes:10", row(key, Some("1"), b"x"))[0];
        assert_eq!(entry["PartitionKey"], format!("lane-{}", cells[4]));
        assert_eq!(entry["ExplicitHashKey"], "1", "an explicit hash key chooses no lane");
        tested += 1;
    }
    assert_eq!(tested, 9);
}

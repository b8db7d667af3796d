//! What goes into an aggregate, what goes alone, what is refused.

use crate::{data_of, is_aggregate, kinpack, numbered, pack, row, rows, unpacked};

#[test]
fn aggregates_are_as_full_as_they_may_be() {
    for (options, max_size) in
        [("", 51_200), ("--max-size 4096", 4096), ("--max-size 100KiB", 102_400)]
    {
        let entries = pack(options, rows(2_000, 100));
        let sizes: Vec<usize> = entries.iter().map(|entry| data_of(entry).len()).collect();
        let (last, full) = sizes.split_last().unwrap();
        // One more record takes 106 bytes.
        assert!(full.iter().all(|size| (max_size - 106..=max_size).contains(size)), "{sizes:?}");
        assert!(*last <= max_size);
        let numbers: Vec<_> = entries.iter().flat_map(unpacked).map(|(_, data)| data).collect();
        let expected: Vec<_> = (0..2_000).map(|i| numbered(i, 100)).collect();
        assert!(numbers == expected, "{options}: all are there, in order");
    }
}

#[test]
fn the_count_is_bounded() {
    let entries = pack("--max-count 7", rows(20, 10));
    let counts: Vec<usize> = entries.iter().map(|entry| unpacked(entry).len()).collect();
    assert_eq!(counts, [7, 7, 6]);
    assert!(!is_aggregate(&pack("--max-count 1", rows(1, 10))[0]));
}

#[test]
fn what_is_too_large_for_an_aggregate_goes_alone_and_in_order() {
    let input =
        [row("a", None, b"1"), row("b", None, &[b'x'; 60_000]), row("a", None, b"2")].concat();
    let entries = pack("", &input);
    let keys: Vec<_> =
        entries.iter().map(|entry| entry["PartitionKey"].as_str().unwrap()).collect();
    assert_eq!(keys, ["a", "b", "a"]);
    assert!(!is_aggregate(&entries[1]));
    assert_eq!(data_of(&entries[1]), [b'x'; 60_000]);
    // Its hash key, so that it goes to the shard it was meant for.
    assert_eq!(entries[1]["ExplicitHashKey"], "195289424170611159128911017612795795343");
}

#[test]
fn what_is_above_the_record_limit_is_refused_and_the_rest_goes_on() {
    let input =
        [row("a", None, b"1"), row("b", None, &[b'x'; 2_000]), row("a", None, b"2")].concat();
    let run = kinpack(&["pack", "--record-limit", "2000"], &input);
    assert_eq!(run.status, 1);
    assert_eq!(
        run.stderr,
        "kinpack: standard input: line 2: the record needs 2001 bytes with its partition key, \
         the stream's limit is 2000\n"
    );
    assert_eq!(unpacked(&run.documents()[0]).len(), 2);
    // The limit is that of the largest streams at most, and no aggregate is above it.
    assert_eq!(pack("--record-limit 2001", &input).len(), 3);
    assert_eq!(pack("--record-limit 10MiB", &input).len(), 1);
}

#[test]
fn keys_of_impossible_length_are_refused() {
    let long = "é".repeat(257);
    let input = [row("", None, b"1"), row(&long, None, b"2"), row(&"é".repeat(256), None, b"3")];
    let run = kinpack(&["pack"], input.concat());
    assert_eq!(run.status, 1);
    let complaints: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(
        complaints,
        [
            "kinpack: standard input: line 1: the partition key is empty",
            "kinpack: standard input: line 2: the partition key has 257 UTF-16 units, \
             Kinesis takes at most 256",
        ]
    );
    assert_eq!(data_of(&run.documents()[0]), b"3");
}

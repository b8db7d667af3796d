//! Bad input, and what is said of it.

use serde_json::Value;

use super::{SCHEMA, file, kinpack, rows};

#[test]
fn lines_that_are_no_messages_are_left_out() {
    let stdin = format!("{{}}\n{}not JSON\n", rows(10));
    let run = kinpack(&["plan", "--json", "--data", "json"], &stdin);
    assert_eq!(run.status, 1);
    let said: Vec<&str> = run.stderr.lines().collect();
    assert!(said[0].starts_with("kinpack: standard input: line 1: no partition key"), "{said:?}");
    assert!(said[1].starts_with("kinpack: standard input: line 12: not a row"), "{said:?}");
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["sample"]["messages"], 10);
}

#[test]
fn messages_that_cannot_be_sent_are_left_out() {
    let large = format!("{{\"partition_key\":\"k\",\"data\":\"{}\"}}\n", "x".repeat(2_000));
    let options = ["plan", "--json", "--data", "json", "--record-limit", "1000"];
    let run = kinpack(&options, &format!("{}{large}", rows(3)));
    assert_eq!(run.status, 1);
    assert!(run.stderr.contains("line 4: ") && run.stderr.contains("1000"), "{}", run.stderr);

    let schema = file("faults.avsc", SCHEMA);
    let options = ["plan", "--json", "--data", "json", "--avro-schema", schema.to_str().unwrap()];
    let other = "{\"partition_key\":\"k\",\"data\":{\"device\":5}}\n";
    let run = kinpack(&options, &format!("{other}{}", rows(3)));
    assert_eq!(run.status, 1);
    let said = "line 1: not a value of the Avro schema: ";
    assert!(run.stderr.contains(said), "{}", run.stderr);
}

#[test]
fn a_dictionary_that_cannot_be_trained_is_left_out() {
    let run = kinpack(&["plan", "--json", "--data", "json"], &rows(4));
    assert_eq!(run.status, 0, "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["skipped"][0]["id"], "zstd-dictionary-record");
    let reason = report["skipped"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("2 samples") && reason.contains("too few"), "{reason}");
    let run = kinpack(&["plan", "--data", "json"], &rows(4));
    let text = run.stdout.replace("\n  ", " ");
    assert!(text.contains("left out: zstd dictionary, each message: no dictionary"), "{text}");
}

#[test]
fn files_that_cannot_be_read_or_written_are_named() {
    let run = kinpack(&["plan", "--data", "json", "/no/such/sample", "-"], &rows(10));
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("/no/such/sample: "), "{}", run.stderr);
    assert!(run.stdout.contains("as the 10 messages of the sample"), "the others were used");
    let bad_prices = file("bad-prices.json", r#"{"shard_hour": 1}"#);
    let negative = file("negative.json", r#"{"shard_hour": -1, "million_put_units": 1}"#);
    let no_schema = file("no-schema.avsc", r#"{"type": "recor"}"#);
    for (option, path, said) in [
        ("--prices", "/no/such/prices", "/no/such/prices: "),
        ("--prices", bad_prices.to_str().unwrap(), "not a file of prices: missing field"),
        ("--prices", negative.to_str().unwrap(), "a price is 0 or more"),
        ("--avro-schema", "/no/such/schema", "/no/such/schema: "),
        ("--avro-schema", no_schema.to_str().unwrap(), "no-schema.avsc: "),
        ("--html", "/no/such/directory/page.html", "/no/such/directory/page.html: "),
    ] {
        let run = kinpack(&["plan", "--data", "json", option, path], &rows(3));
        assert_eq!(run.status, 2, "{option} {path}");
        assert!(run.stderr.contains(said), "{option} {path}: {}", run.stderr);
    }
}

#[test]
fn messages_that_are_aggregates_are_to_be_unpacked_first() {
    for options in [&[][..], &["--compress", "zstd", "--at", "aggregate-kinpack-only"]] {
        let packed = kinpack(&[&["pack", "--data", "json"], options].concat(), &rows(100));
        let entry: Value = serde_json::from_str(&packed.stdout).unwrap();
        let row = serde_json::json!({ "partition_key": "a", "data": entry["Data"] });
        let run = kinpack(&["plan"], &format!("{row}\n"));
        assert_eq!(run.status, 2);
        let said = "1 of 1 messages are aggregates themselves";
        assert!(
            run.stderr.contains(said) && run.stderr.contains("kinpack unpack"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn without_messages_there_is_no_plan() {
    let run = kinpack(&["plan"], "");
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    assert_eq!(run.stderr, "kinpack: no messages to plan with\n");
}

#[test]
fn wrong_usage_is_said() {
    for (words, said) in [
        (&["--rate", "0"][..], "messages a second"),
        (&["--rate", "x"], "messages a second"),
        (&["--linger", "5"], "100ms or 2s"),
        (&["--producers", "0"], "0 is not in"),
        (&["--lines"], "--partition-key"),
        (&["--max-size", "10"], "64 bytes"),
        (&["--record-limit", "11MiB"], "10 MiB"),
        (&["--lanes", "0"], "1 to 65535"),
        (&["--price-shard-hour=-1"], "a price is 0 or more"),
    ] {
        let run = kinpack(&[&["plan"], words].concat(), &rows(1));
        assert_eq!(run.status, 2, "{words:?}");
        assert!(run.stderr.contains(said), "{words:?}: {}", run.stderr);
    }
}

//! `kinpack demo`, as it is run.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

#[test]
fn the_demo_goes_well_and_fits_a_terminal() {
    let output = Command::new(env!("CARGO_BIN_EXE_kinpack")).arg("demo").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(output.stderr.is_empty());
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    // Not a terminal: no control characters.
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text}");
    for part in [
        "all 100,000 came back, in order per partition key",
        "At 20,000 messages a second",
        "Kinesis records a second          20,000",
        "shards needed                         20           2     -90.0 %",
        "日本語",
        "and 56 more",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// The embedded event is what the KPL wrote, by the vectors that `assets/README.md` names.
#[test]
fn the_event_is_that_of_the_vectors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| -> Value {
        serde_json::from_slice(&std::fs::read(root.join(path)).unwrap()).unwrap()
    };
    let event = read("assets/kpl-lambda-event.json");
    let mut records = event["Records"].as_array().unwrap().iter();
    let vectors =
        ["few-keys", "explicit-hash-key-some", "unicode-keys", "same-key-twice", "one-record"];
    for vector in vectors {
        let vector = read(&format!("../kinpack/tests/vectors/kpl/{vector}.json"));
        for entry in vector["entries"].as_array().unwrap() {
            let record = &records.next().unwrap()["kinesis"];
            assert_eq!(record["data"], entry["data"]);
            assert_eq!(record["partitionKey"], entry["partition_key"]);
        }
    }
    assert!(records.next().is_none());
}

//! What is planned is what `kinpack pack` does.

use base64_simd::STANDARD as BASE64;
use serde_json::Value;

use super::{SCHEMA, file, kinpack, plan, row, rows};

/// Kinesis records that `pack` makes, and their bytes.
fn pack(options: &str, stdin: &str) -> (u64, u64) {
    let words = ["pack", "--data", "json"].into_iter();
    let words: Vec<&str> = words.chain(options.split_whitespace()).collect();
    let run = kinpack(&words, stdin);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "pack {options}");
    let size = |line: &str| {
        let entry: Value = serde_json::from_str(line).unwrap();
        let data = BASE64.decode_to_vec(entry["Data"].as_str().unwrap()).unwrap();
        (data.len() + entry["PartitionKey"].as_str().unwrap().len()) as u64
    };
    (run.stdout.lines().count() as u64, run.stdout.lines().map(size).sum())
}

#[test]
fn records_and_bytes_are_those_of_pack() {
    let schema = file("agreement.avsc", SCHEMA);
    let avro = format!("--avro-schema {} --framing single", schema.display());
    let whole = "--compress zstd --at aggregate-kinpack-only";
    let rows = rows(1_500);
    for limits in ["", "--shards 3 --max-size 10KiB", "--max-size 200 --record-limit 300"] {
        let options = format!("--linger none {limits} --avro-schema {}", schema.display());
        let report = plan(&options, &rows);
        for (list, id, options) in [
            ("payloads", "aggregate", ""),
            ("payloads", "gzip-record", "--compress gzip"),
            ("payloads", "zstd-record", "--compress zstd"),
            ("payloads", "zstd-aggregate", whole),
            ("payloads", "avro", &avro),
            ("payloads", "avro-zstd-aggregate", &format!("{avro} {whole}")),
            ("outer_keys", "kpl", "--outer-key kpl"),
            ("outer_keys", "first", "--outer-key first"),
            ("outer_keys", "per-key", "--outer-key per-key"),
            ("outer_keys", "lanes", "--outer-key lanes:10"),
        ] {
            let packed = pack(&format!("{limits} {options}"), &rows);
            let row = row(&report, list, id);
            let planned = ["kinesis_records", "kinesis_bytes"].map(|it| row[it].as_u64().unwrap());
            assert_eq!(planned, [packed.0, packed.1], "{limits} {id}");
        }
    }
}

#[test]
fn per_key_with_more_keys_than_stay_open_is_that_of_pack() {
    let rows: String = (0..2_500)
        .map(|n| format!("{{\"partition_key\":\"{}\",\"data\":{n}}}\n", n * 7 % 1_500))
        .collect();
    let report = plan("--linger none", &rows);
    let packed = pack("--outer-key per-key", &rows);
    let row = row(&report, "outer_keys", "per-key");
    assert_eq!(row["kinesis_records"], packed.0);
    assert_eq!(row["kinesis_bytes"], packed.1);
}

#[test]
fn an_event_holds_as_many_messages_as_pack_puts_into_one() {
    let data = "x".repeat(20_000);
    let rows = format!("{{\"partition_key\":\"k\",\"data\":\"{data}\"}}\n").repeat(300);
    let report = plan("--linger none --max-size 64", &rows);
    let planned = row(&report, "payloads", "aggregate")["messages_per_lambda_event"].as_f64();
    let words = ["pack", "--data", "json", "--max-size", "64", "--output", "event"];
    let run = kinpack(&words, &rows);
    let event: Value = serde_json::from_str(run.stdout.lines().next().unwrap()).unwrap();
    let records = event["Records"].as_array().unwrap().len() as f64;
    let (planned, packed) = (planned.unwrap(), records);
    assert!(run.stdout.lines().count() > 1, "the first event is full");
    assert!((planned / packed - 1.0).abs() < 0.01, "{planned} {packed}");
}

//! Whole aggregates.

use base64_simd::STANDARD as BASE64;
use kinpack::MAGIC;
use kinpack_payload::{Codec, Compressor};
use serde_json::{Value, json};

use crate::run::kinpack;
use crate::{assert_unpacks, packed, unpack};

const ENVELOPE: [&str; 2] = ["--at", "aggregate-kinpack-only"];

#[test]
fn whole_aggregates_are_unwrapped_without_being_asked() {
    for codec in ["gzip", "zlib:9", "zstd:19"] {
        let packed = packed(&[&["--compress", codec], &ENVELOPE[..]].concat());
        assert_unpacks(&[], &packed);
        let entry: Value = serde_json::from_slice(&packed).unwrap();
        let data = BASE64.decode_to_vec(entry["Data"].as_str().unwrap()).unwrap();
        assert!(!data.starts_with(&MAGIC));
    }
}

#[test]
fn a_record_that_goes_alone_stays_as_it_is() {
    let row = r#"{"partition_key":"k","data":{"a":1}}"#;
    let args = [&["pack", "--data", "json", "--compress", "zstd"][..], &ENVELOPE].concat();
    let run = kinpack(&args, row);
    let entry: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(entry["Data"], json!(BASE64.encode_to_string(br#"{"a":1}"#)));
    assert_eq!(unpack(&[], &run.stdout).rows()[0]["data"], json!({"a": 1}));
}

#[test]
fn an_aggregate_that_would_not_get_smaller_stays_as_it_is() {
    let rows = "{\"partition_key\":\"k\",\"data\":1}\n{\"partition_key\":\"k\",\"data\":2}\n";
    let plain = kinpack(&["pack", "--data", "json"], rows);
    let args = [&["pack", "--data", "json", "--compress", "gzip"][..], &ENVELOPE].concat();
    assert_eq!(kinpack(&args, rows).stdout, plain.stdout);
}

#[test]
fn a_lone_message_that_kinpack_readers_would_take_apart_is_warned_of() {
    let aggregate: Value = serde_json::from_slice(&packed(&[])).unwrap();
    let row = json!({"partition_key": "k", "data": aggregate["Data"]}).to_string();
    let run = kinpack(&["pack", "--compress", "gzip"], &row);
    let warning = "kinpack: warning: Kinesis record 1 (key \"k\") is one user record whose own bytes \
                   are a compressed aggregate: kinpack readers will unpack it\n";
    assert_eq!((run.status, &*run.stderr), (0, warning));
    // They do.
    assert_unpacks(&[], &run.stdout);

    // In company it is a message like any other.
    let run = kinpack(&["pack", "--compress", "gzip"], format!("{row}\n{row}\n"));
    assert_eq!((run.status, &*run.stderr), (0, ""));
    let rows = kinpack(&["unpack", "--decompress", "gzip"], &run.stdout);
    assert_eq!(rows.member("data"), [aggregate["Data"].clone(), aggregate["Data"].clone()]);
}

#[test]
fn requests_and_events_hold_envelopes_too() {
    for output in [&["--output", "put-records", "--stream", "s"][..], &["--output", "event"]] {
        let packed = packed(&[&["--compress", "zstd"], &ENVELOPE[..], output].concat());
        assert_unpacks(&[], &packed);
    }
}

#[test]
fn inspect_says_what_the_envelope_was_compressed_by() {
    let packed = packed(&[&["--compress", "zstd"], &ENVELOPE[..]].concat());
    let run = kinpack(&["inspect", "--json"], &packed);
    let row = &run.rows()[0];
    assert_eq!((&row["compressed"], &row["user_records"]), (&json!("zstd"), &json!(60)));
    let table = kinpack(&["inspect"], &packed);
    assert!(table.text().contains("KPL or compatible, zstd"), "{}", table.text());
}

#[test]
fn a_bomb_is_handed_on_whole() {
    let mut aggregate = MAGIC.to_vec();
    aggregate.resize(2 << 20, 0);
    let bomb = Compressor::new(Codec::Zstd).unwrap().compress(&aggregate).unwrap();
    let record = json!({"Data": BASE64.encode_to_string(&bomb)}).to_string();
    let run = unpack(&["--inflate-limit", "1MiB"], record.as_bytes());
    let error = "zstd data of more than 1048576 bytes, which is the limit";
    assert_eq!((run.status, &run.member("error")[0]), (1, &json!(error)));
    assert_eq!(run.member("data")[0], json!(BASE64.encode_to_string(&bomb)));
}

#[test]
fn compressed_text_is_not_an_envelope() {
    // As CloudWatch Logs sends it.
    let logs = br#"{"messageType":"DATA_MESSAGE","logEvents":[]}"#;
    let data = Compressor::new(Codec::Gzip).unwrap().compress(logs).unwrap();
    let record = json!({"Data": BASE64.encode_to_string(&data)}).to_string();
    let run = kinpack(&["unpack"], &record);
    assert_eq!(run.rows()[0]["data"], json!(BASE64.encode_to_string(&data)));
    let run = unpack(&["--decompress", "auto"], record.as_bytes());
    assert_eq!(run.rows()[0]["data"]["messageType"], json!("DATA_MESSAGE"));
}

#[test]
fn many_envelopes_of_one_document_are_opened_in_turn() {
    // 16 MiB of aggregates in one request of few bytes.
    let line = "x".repeat(900);
    let lines = vec![line; 18_000].join("\n");
    let args = ["pack", "--lines", "--partition-key", "k", "--max-size", "1MiB", "--compress"];
    let more =
        ["zstd", "--at", "aggregate-kinpack-only", "--output", "put-records", "--stream", "s"];
    let packed = kinpack(&[&args[..], &more].concat(), &lines);
    assert!(packed.stdout.len() < 100_000);
    let run = kinpack(&["unpack", "--raw"], &packed.stdout);
    assert_eq!((run.status, run.text().trim_end()), (0, &*lines));
}

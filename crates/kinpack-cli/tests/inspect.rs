//! `kinpack inspect`, as it is run.
#![allow(clippy::unwrap_used)]

// Not all of it is of use here.
#[allow(dead_code)]
#[path = "unpack/run.rs"]
mod run;

use run::{AGGREGATE, Run, Scratch, command, kinpack, reader_case, vectors};
use serde_json::{Value, json};

fn inspect(args: &[&str], input: impl AsRef<[u8]>) -> Run {
    kinpack(&[&["inspect"], args].concat(), input)
}

fn record(data: &str, partition_key: &str) -> String {
    json!({"Data": data, "PartitionKey": partition_key, "SequenceNumber": "7"}).to_string()
}

#[test]
fn a_table_for_human_eyes() {
    let wrong = reader_case("envelope", "digest-zero");
    let file = Scratch::new(
        "table.json",
        [&record(AGGREGATE, "k"), &record("aGk=", "k"), &record(&wrong, "k"), "{oops"].join("\n"),
    );
    let run: Run = command(&["inspect", file.path()]).output().unwrap().into();
    assert_eq!((run.status, &*run.stderr), (1, ""));
    let expected = "\
FILE: records
  line record  content      inside        keys   hash keys    payload  overhead  digest  looks like
     1      0  aggregate         2         2/2         0/2          2        44  right   zio-kinesis
     2      0  plain             1           -           -          2         0  -       -
     3      0  broken            2         2/2           -         11        38  wrong   -
       sequence number 7
       the MD5 digest does not match the aggregate (byte 33); the KCL hands the record on as a plain one
       00000010  66 69 72 73 74 1a 0a 08 01 1a 06 73 65 63 6f 6e  |first......secon|
       00000020  64>00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  |d...............|
       00000030  00                                               |.|

FILE: json
  line record  content      inside        keys   hash keys    payload  overhead  digest  looks like
     4      -  unreadable        0           -           -          0         0  -       -
       not JSON: key must be a string (byte 1 of the line)
       {oops

4 Kinesis records: 1 aggregate, 1 plain, 1 broken, 1 unreadable
5 user records, 15 bytes of payload, 82 of overhead (546.7 %)
";
    assert_eq!(run.text().replace(file.path(), "FILE"), expected);
}

#[test]
fn json_says_all_of_it() {
    let run = inspect(&["--json"], record(AGGREGATE, "k"));
    assert_eq!(
        run.rows(),
        [json!({"file": "standard input", "line": 1, "record": 0, "format": "records",
            "sequence_number": "7", "partition_key": "k", "explicit_hash_key": null,
            "content": "aggregate", "compressed": null, "user_records": 2,
            "partition_keys": {"in_use": 2, "table": 2},
            "explicit_hash_keys": {"in_use": 0, "table": 2},
            "bytes": 46, "payload": 2, "overhead": 44, "digest": "right",
            "looks_like": "zio-kinesis",
            "because": "a partition key for each record, and hash keys 0 that none uses"})]
    );
}

#[test]
fn the_first_fault_has_its_place_and_its_bytes() {
    let data = reader_case("indices", "key-index-middle");
    let run = inspect(&["--json"], record(&data, "k"));
    assert_eq!(run.status, 1);
    let row = &run.faulty_rows()[0];
    assert_eq!((&row["content"], &row["digest"]), (&json!("broken"), &json!("right")));
    let fault = &row["fault"];
    assert_eq!(fault["offset"], 17);
    assert_eq!(fault["reason"], "user record 1 points at partition key 2 of a table of 2");
    assert_eq!(fault["to_kcl"], "the KCL loses user records of it");
    let bytes = base64_simd::STANDARD.decode_to_vec(&data).unwrap();
    let hex: String = bytes.iter().take(48).map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((&fault["bytes_offset"], &fault["bytes"]), (&json!(0), &json!(hex)));

    for (file, case, to_kcl) in [
        ("envelope", "magic-only", "the KCL hands the record on as a plain one"),
        (
            "strings",
            "key-not-utf8-ff",
            "the KCL unpacks it and replaces what it cannot read by U+FFFD",
        ),
        ("varints", "index-2-to-32", "the KCL loses user records of it"),
        (
            "varints",
            "length-bits-over-32",
            "the KCL cuts the number to 32 bits and reads something that was not written",
        ),
    ] {
        let run = inspect(&["--json"], record(&reader_case(file, case), "k"));
        assert_eq!(run.faulty_rows()[0]["fault"]["to_kcl"], to_kcl, "{case}");
    }
}

#[test]
fn what_is_no_record_is_shown_too() {
    let run = inspect(&["--json"], format!("{{oops\n{}", r#"{"Data":"a?"}"#));
    let rows = run.faulty_rows();
    assert_eq!((run.status, rows.len()), (1, 2));
    assert_eq!((&rows[0]["content"], &rows[0]["text"]), (&json!("unreadable"), &json!("{oops")));
    assert_eq!(rows[0]["fault"], json!({"reason": "not JSON: key must be a string", "offset": 1}));
    assert_eq!(rows[1]["fault"]["offset"], 10);
}

/// What the libraries have written is taken for theirs, or for that of others with their habits.
#[test]
fn writers_are_known_by_their_habits() {
    let looks_like = |data: &Value, key: &Value| {
        let record = json!({"Data": data, "PartitionKey": key}).to_string();
        inspect(&["--json"], record).faulty_rows()[0]["looks_like"].take()
    };
    for (file, name) in [
        ("java-awslabs", "kinesis-aggregation"),
        ("node-aws-kinesis-agg", "kinesis-aggregation"),
        ("py-aws-kinesis-agg", "kinesis-aggregation"),
        ("py-aiokpl", "KPL"),
        ("py-async-kinesis", "async-kinesis"),
        ("go-a8m", "a8m"),
        ("zio-kinesis", "zio-kinesis"),
    ] {
        let (mut asked, mut known) = (0, 0);
        for case in vectors(&format!("peers/{file}.json"))["cases"].as_array().unwrap() {
            for entry in case["entries"].as_array().unwrap().iter().take(2) {
                let looks_like = looks_like(&entry["data"], &entry["partition_key"]);
                // Plain records look like nothing, neither do those that cannot be read; and a
                // first key `a` looks like the KPL's outer one.
                let Some(looks_like) = looks_like.as_str() else { continue };
                if entry["partition_key"] != "a" || file == "py-aiokpl" || file == "zio-kinesis" {
                    assert!(looks_like.contains(name), "{file} {}: {looks_like}", case["name"]);
                    known += 1;
                }
                asked += 1;
            }
        }
        assert!(known > 0 && known + 6 > asked, "{file}: {known} of {asked}");
    }
    for scenario in ["few-keys", "explicit-hash-key-some", "four-shards"] {
        let vectors = vectors(&format!("kpl/{scenario}.json"));
        let entry = &vectors["entries"][0];
        let looks_like = looks_like(&entry["data"], &entry["partition_key"]);
        assert_eq!(looks_like, "KPL or compatible", "{scenario}");
    }
}

#[test]
fn mixed_up_keys_are_seen() {
    let vectors = vectors("peers/node-aws-kinesis-agg.json");
    let mut cases = vectors["cases"].as_array().unwrap().iter();
    let entry = &cases.find(|case| case["name"] == "integer-keys").unwrap()["entries"][0];
    let record = record(entry["data"].as_str().unwrap(), entry["partition_key"].as_str().unwrap());
    let row = &inspect(&["--json"], record).rows()[0];
    assert_eq!(row["looks_like"], "kinesis-aggregation (Node.js), keys mixed up");
}

#[test]
fn nothing_is_no_record() {
    let run = inspect(&[], "");
    assert_eq!((run.status, run.text()), (0, "no Kinesis records\n"));
    assert_eq!(inspect(&["--json"], "").text(), "");
    assert_eq!(inspect(&[], "{\"Records\":[").status, 2);
}

/// A length, as protobuf writes it, and the bytes after it.
fn delimited(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let (mut field, mut length) = (vec![tag], bytes.len());
    while length > 0x7f {
        field.push(length as u8 | 0x80);
        length >>= 7;
    }
    field.push(length as u8);
    [&field, bytes].concat()
}

/// Were a key gone through for each record that points to it, this would take minutes.
#[test]
fn a_long_key_of_many_records_is_gone_through_once() {
    let long = "0".repeat(250_000);
    for (key, hash_key, digest) in [
        (&*long, "7", 0x263802c801be07ebda616f673cac6152_u128),
        ("k", &*long, 0x56e2589017d5e09c2cd460b137203c85),
    ] {
        let tables = [delimited(0x0a, key.as_bytes()), delimited(0x12, hash_key.as_bytes())];
        let records = delimited(0x1a, &[0x08, 0, 0x10, 0, 0x1a, 0]).repeat(30_000);
        let message = [tables.concat(), records].concat();
        let data = [b"\xF3\x89\x9A\xC2", &*message, &digest.to_be_bytes()].concat();
        let data = base64_simd::STANDARD.encode_to_string(data);

        let start = std::time::Instant::now();
        let row = &inspect(&["--json"], record(&data, "k")).rows()[0];
        let taken = start.elapsed();
        assert!(taken.as_secs() < 5, "{taken:?}");
        assert_eq!((&row["user_records"], &row["digest"]), (&json!(30_000), &json!("right")));
        assert_eq!(row["partition_keys"], json!({"in_use": 1, "table": 1}));
        assert_eq!(row["explicit_hash_keys"], json!({"in_use": 1, "table": 1}));
    }
}

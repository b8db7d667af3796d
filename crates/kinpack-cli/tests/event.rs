//! `kinpack event`, as it is run.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use base64_simd::STANDARD as BASE64;
use kinpack::{Contents, Digest, deaggregate};
use kinpack_events::{Document, Kind};
use serde_json::{Value, json};

struct Run {
    status: i32,
    stdout: String,
    stderr: String,
}

fn kinpack(words: &str, stdin: impl AsRef<[u8]>) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kinpack"))
        .args(words.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to_child = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        let stdin = stdin.as_ref();
        // It may end before it has read all.
        scope.spawn(move || to_child.write_all(stdin));
        child.wait_with_output().unwrap()
    });
    Run {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The records of each event of a run that goes well.
fn events(words: &str, stdin: impl AsRef<[u8]>) -> Vec<Vec<Value>> {
    let run = kinpack(&format!("event {words}"), stdin);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "event {words}");
    all_events(&run)
}

fn all_events(run: &Run) -> Vec<Vec<Value>> {
    let event = |line: &str| {
        assert!(line.len() < 6_000_000);
        let document = Document::parse(line.as_bytes().to_vec()).unwrap();
        assert_eq!(document.kind(), Kind::Lambda);
        let event: Value = serde_json::from_str(line).unwrap();
        event["Records"].as_array().unwrap().clone()
    };
    run.stdout.lines().map(event).collect()
}

fn rows(count: usize) -> String {
    let row = |i: usize| json!({"partition_key": format!("k{}", i % 3), "data": format!("m{i}")});
    (0..count).map(|i| format!("{}\n", row(i))).collect()
}

/// Entries with aggregates.
fn packed(options: &str, count: usize) -> String {
    let run = kinpack(&format!("pack --data utf8 {options}"), rows(count));
    assert_eq!(run.status, 0, "{}", run.stderr);
    run.stdout
}

fn data(record: &Value) -> Vec<u8> {
    BASE64.decode_to_vec(record["kinesis"]["data"].as_str().unwrap()).unwrap()
}

fn sequence_number(record: &Value) -> &str {
    let number = record["kinesis"]["sequenceNumber"].as_str().unwrap();
    let id = record["eventID"].as_str().unwrap();
    assert_eq!(id.split_once(':').unwrap().1, number);
    number
}

#[test]
fn rows_are_records_of_their_own() {
    let events = events("--data utf8 --stream clicks --shard shardId-000000000007", rows(5));
    let [records] = &events[..] else { panic!("{}", events.len()) };
    let number = sequence_number(&records[0]);
    let expected = json!({
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "k0",
            "sequenceNumber": number,
            "data": "bTA=",
            "approximateArrivalTimestamp": 1_545_084_650.987,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": format!("shardId-000000000007:{number}"),
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
        "awsRegion": "us-east-2",
        "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/clicks",
    });
    assert_eq!(records[0], expected);
    let payloads: Vec<_> = records.iter().map(data).collect();
    assert_eq!(payloads, ["m0", "m1", "m2", "m3", "m4"].map(|it| it.as_bytes().to_vec()));
    assert!(records.windows(2).all(|pair| sequence_number(&pair[0]) < sequence_number(&pair[1])));
}

#[test]
fn what_get_records_says_is_kept() {
    let document = json!({
        "Records": [
            {
                "SequenceNumber": "49001", "ApproximateArrivalTimestamp": 1_714_566_896.25,
                "Data": "aGk=", "PartitionKey": "a\"b", "EncryptionType": "KMS",
            },
            {
                "SequenceNumber": "49002",
                "ApproximateArrivalTimestamp": "2024-05-01T12:34:57+00:00", "Data": "",
            },
        ],
        "NextShardIterator": "AAA", "MillisBehindLatest": 0,
    });
    for text in [document.to_string(), format!("{document:#}")] {
        let events = events("--stream arn:aws:kinesis:eu-west-1:111122223333:stream/s", text);
        let [records] = &events[..] else { panic!("{}", events.len()) };
        let [first, second] = &records[..] else { panic!("{}", records.len()) };
        assert_eq!((sequence_number(first), sequence_number(second)), ("49001", "49002"));
        assert_eq!(first["kinesis"]["partitionKey"], "a\"b");
        assert_eq!(second["kinesis"].get("partitionKey"), None);
        assert_eq!(first["kinesis"]["approximateArrivalTimestamp"], 1_714_566_896.25);
        let second_arrival = second["kinesis"]["approximateArrivalTimestamp"].as_f64();
        assert_eq!(second_arrival, Some(1_714_566_897.0));
        assert_eq!(first["awsRegion"], "eu-west-1");
        assert_eq!(first["eventSourceARN"], "arn:aws:kinesis:eu-west-1:111122223333:stream/s");
        assert_eq!(first["eventID"], "shardId-000000000000:49001");
    }
}

#[test]
fn an_event_of_its_own_comes_back() {
    let once = kinpack("event --data utf8 --stream s --shard shardId-000000000003", rows(3));
    let twice = kinpack("event --stream s", &once.stdout);
    assert_eq!(once.stdout, twice.stdout);
}

#[test]
fn aggregates_stay_whole_without_fan_out() {
    let events = events("", packed("", 10));
    let record = &events[0][0];
    assert_eq!((events.len(), events[0].len()), (1, 1));
    assert_eq!(record["kinesis"]["partitionKey"], "a");
    let data = data(record);
    let Ok(Contents::Aggregated(aggregate)) = deaggregate(&data, Digest::Verify) else { panic!() };
    assert_eq!(aggregate.len(), 10);
}

#[test]
fn fan_out_unpacks_under_one_sequence_number() {
    let events = events("--fan-out --stream s --consumer c", packed("--max-count 4", 10));
    let [records] = &events[..] else { panic!("{}", events.len()) };
    let payloads: Vec<_> = records.iter().map(data).collect();
    let expected: Vec<_> = (0..10).map(|i| format!("m{i}").into_bytes()).collect();
    assert_eq!(payloads, expected);
    let keys: Vec<_> = records.iter().map(|it| it["kinesis"]["partitionKey"].clone()).collect();
    assert_eq!(keys[..4], [json!("k0"), json!("k1"), json!("k2"), json!("k0")]);
    let numbers: Vec<_> = records.iter().map(sequence_number).collect();
    let groups: Vec<usize> = numbers.chunk_by(|a, b| a == b).map(<[_]>::len).collect();
    assert_eq!(groups, [4, 4, 2]);
    assert!(numbers.is_sorted());
    for record in records {
        let arn = "arn:aws:kinesis:us-east-2:123456789012:stream/s/consumer/c:1542889200";
        assert_eq!(record["eventSourceARN"], arn);
    }
}

#[test]
fn what_is_compressed_as_a_whole_stays_opaque() {
    let entries = packed("--compress zstd --at aggregate-kinpack-only", 200);
    let entry: Value = serde_json::from_str(&entries).unwrap();
    let events = events("--fan-out", &entries);
    assert_eq!((events.len(), events[0].len()), (1, 1));
    assert_eq!(events[0][0]["kinesis"]["data"], entry["Data"]);
    assert_eq!(events[0][0]["kinesis"]["partitionKey"], "a");
}

#[test]
fn rows_of_unpack_keep_their_groups_only_with_fan_out() {
    let once = kinpack("event --stream s", packed("--max-count 5", 10));
    let rows = kinpack("unpack", &once.stdout).stdout;
    let fan_out = events("--fan-out", &rows);
    let distinct = |records: &[Value]| {
        records.iter().map(|it| sequence_number(it).to_owned()).collect::<BTreeSet<_>>().len()
    };
    assert_eq!((fan_out[0].len(), distinct(&fan_out[0])), (10, 2));
    assert_eq!(fan_out, events("--fan-out", &once.stdout));
    let plain = events("", &rows);
    assert_eq!((plain[0].len(), distinct(&plain[0])), (10, 10));
}

#[test]
fn fan_out_drops_what_is_not_of_the_shard() {
    let run = kinpack("event --fan-out --hash-range 0:0", packed("", 10));
    assert_eq!((run.status, run.stdout.as_str()), (0, ""));
    assert!(run.stderr.contains("dropped: 10 user records"), "{}", run.stderr);
    let all = "0:340282366920938463463374607431768211455";
    let events = events(&format!("--fan-out --hash-range {all}"), packed("", 10));
    assert_eq!(events[0].len(), 10);
}

#[test]
fn batches_have_a_limit() {
    let count = |words: &str, rows: String| -> Vec<usize> {
        events(words, rows).iter().map(Vec::len).collect()
    };
    assert_eq!(count("--data utf8 --batch-size 3", rows(7)), [3, 3, 1]);
    assert_eq!(count("--data utf8", rows(10_001)), [10_000, 1]);
    assert_eq!(count("--fan-out --batch-size 4", packed("", 10)), [4, 4, 2]);
    // 6 MB: four of 1 MiB as base64.
    let row = json!({"partition_key": "k", "data": "x".repeat(1 << 20)}).to_string() + "\n";
    assert_eq!(count("--data utf8", row.repeat(9)), [4, 4, 1]);
}

#[test]
fn shards_have_their_own_events() {
    let entries = kinpack("pack --data utf8 --shards 2 --output event", rows(50)).stdout;
    let shards = |words: &str| -> Vec<Vec<String>> {
        let shard =
            |it: &Value| it["eventID"].as_str().unwrap().split(':').next().unwrap().to_owned();
        events(words, &entries).iter().map(|it| it.iter().map(shard).collect()).collect()
    };
    let (zero, one) = ("shardId-000000000000", "shardId-000000000001");
    assert_eq!(shards(""), [[zero], [one]]);
    assert_eq!(shards("--shard s"), [["s", "s"]]);
}

#[test]
fn what_is_faulty_is_named_and_left_out() {
    let big = json!({"partition_key": "k", "data": "x".repeat(4_600_000)});
    let input =
        format!("{}nonsense\n{big}\n{{\"partition_key\":null,\"data\":\"last\"}}\n", rows(1));
    let run = kinpack("event --data utf8", input);
    assert_eq!(run.status, 1);
    let messages: Vec<_> = run.stderr.lines().collect();
    assert!(messages[0].contains("standard input: line 2: not a row"), "{}", messages[0]);
    assert!(messages[1].contains("line 3: 4600000 bytes are above what a Lambda event"));
    let events = all_events(&run);
    assert_eq!(events[0].iter().map(data).collect::<Vec<_>>(), [b"m0".to_vec(), b"last".to_vec()]);
    assert_eq!(events[0][1]["kinesis"].get("partitionKey"), None);

    let run = kinpack("event", r#"{"Records":[{"Data":"?"},{"Data":"aGk="}]}"#);
    assert_eq!((run.status, all_events(&run)[0].len()), (1, 1));
    assert!(run.stderr.contains("not base64"), "{}", run.stderr);
}

#[test]
fn an_aggregate_that_cannot_be_unpacked_goes_on_whole() {
    // One user record of partition key 5, in a table of one.
    let bytes = "84mawgoBaxoECAUaAKVfPO9wE1+/bp/1V8XUBDQ=";
    let entry = json!({"Data": bytes, "PartitionKey": "a"}).to_string();
    let run = kinpack("event --fan-out", &entry);
    assert_eq!(run.status, 1);
    assert_eq!(all_events(&run)[0][0]["kinesis"]["data"], bytes);
    assert!(!run.stderr.is_empty());
    assert_eq!(events("", &entry)[0].len(), 1);
}

#[test]
fn usage_and_broken_input_end_with_2() {
    for (words, input) in [
        ("--batch-size 0", ""),
        ("--batch-size 10001", ""),
        ("--stream a/b", ""),
        ("--shard a:b", ""),
        ("--consumer c", ""),
        ("--hash-range 0:1", ""),
        ("--fan-out --hash-range 2:1", ""),
        ("no-such-file", ""),
        ("", r#"{"x":1}"#),
        ("", r#"{"Records":["#),
    ] {
        let run = kinpack(&format!("event {words}"), input);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{words} {input}");
        assert!(!run.stderr.is_empty());
    }
    // Nothing in, nothing out.
    assert!(events("", "").is_empty());
    assert!(events("--rows", "\n\n").is_empty());
}

#[test]
fn a_closed_pipe_is_no_error() {
    let input = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("event-much.ndjson");
    std::fs::write(&input, rows(20_000)).unwrap();
    for options in ["--data utf8", "--data utf8 --fan-out", "--data utf8 --batch-size 1"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kinpack"))
            .arg("event")
            .args(options.split(' '))
            .arg(&input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""), "{options}");
    }
}

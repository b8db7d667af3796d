//! Requests and events keep to the service's limits.

use std::collections::{HashMap, HashSet};

use kinpack::ShardMap;
use kinpack_events::{Document, Kind};
use serde_json::{Value, json};

use crate::{data_of, kinpack, numbered, pack, row, rows, unpacked};

#[test]
fn an_entry_is_what_put_records_takes() {
    let entries = pack("", row("key", None, b"data"));
    let expected = json!({
        "Data": "ZGF0YQ==",
        "PartitionKey": "key",
        "ExplicitHashKey": "80325066489831061459460196859901989661",
    });
    assert_eq!(entries, [expected]);
}

#[test]
fn requests_have_a_stream_and_entries() {
    let request = |stream: &str| {
        pack(&format!("--output put-records --stream {stream}"), row("k", Some("7"), b"hi"))
    };
    let records = json!([{"Data": "aGk=", "PartitionKey": "k", "ExplicitHashKey": "7"}]);
    assert_eq!(request("s"), [json!({"StreamName": "s", "Records": records})]);
    let arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/s";
    assert_eq!(request(arn), [json!({"StreamARN": arn, "Records": records})]);
    assert!(pack("--output put-records --stream s", "").is_empty());
}

#[test]
fn requests_keep_to_the_limits_of_the_service() {
    let put_records = "--output put-records --stream s --record-limit 10MiB";
    let mebibyte = row("k", None, &vec![b'x'; 1 << 20]).repeat(3);
    for (options, input) in [
        // Entries …
        ("--max-count 1", rows(1_200, 1)),
        // … bytes of a shard …
        ("", rows(20_000, 100)),
        // … and single entries that are above that.
        ("", mebibyte),
    ] {
        let requests = pack(&format!("{put_records} {options}"), &input);
        let mut count = 0;
        for request in &requests {
            let entries = request["Records"].as_array().unwrap();
            assert!((1..=500).contains(&entries.len()));
            let size = |it: &Value| data_of(it).len() + it["PartitionKey"].as_str().unwrap().len();
            let sizes: Vec<usize> = entries.iter().map(size).collect();
            assert!(sizes.iter().sum::<usize>() <= 5 << 20);
            assert!(sizes[..sizes.len() - 1].iter().sum::<usize>() < 256 << 10);
            count += entries.iter().map(|entry| unpacked(entry).len()).sum::<usize>();
        }
        assert_eq!(count, input.lines().count());
        assert!(requests.len() >= 3, "{}", requests.len());
    }
    // Over many shards it is 5 MiB that count.
    let large: String =
        (0..45).map(|i| row(&format!("key-{i}"), None, &vec![b'x'; 250_000])).collect();
    let requests = pack(&format!("{put_records} --shards 10000"), large);
    let counts: Vec<_> =
        requests.iter().map(|request| request["Records"].as_array().unwrap().len()).collect();
    assert_eq!(counts, [20, 20, 5]);
}

/// Whoever keeps order must not send two entries of one key at once.
#[test]
fn where_order_counts_a_request_has_one_entry_per_outer_key() {
    for (policy, in_order) in
        [("kpl", false), ("first", false), ("per-key", true), ("lanes:3", true)]
    {
        let options =
            format!("--output put-records --stream s --max-size 1KiB --outer-key {policy}");
        let requests = pack(&options, rows(400, 50));
        let mut repeated = false;
        for request in &requests {
            let mut keys: Vec<_> = request["Records"]
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| entry["PartitionKey"].as_str().unwrap())
                .collect();
            let count = keys.len();
            keys.sort_unstable();
            keys.dedup();
            repeated |= keys.len() < count;
        }
        assert_eq!(repeated, !in_order, "{policy}");
    }
}

/// A key's records on two shards have no order among them that a request could upset.
#[test]
fn an_outer_key_of_another_shard_does_not_end_a_request() {
    let input: String =
        (0..3_000).map(|i| row(&format!("key-{i}"), None, &numbered(i, 50))).collect();
    let put_records = "--output put-records --stream s --max-size 1KiB --outer-key lanes:4";
    let map = ShardMap::even(16.try_into().unwrap());
    let slot = |entry: &Value| {
        let hash_key = entry["ExplicitHashKey"].as_str().unwrap().parse().unwrap();
        (map.shard_for(hash_key).id.clone(), entry["PartitionKey"].as_str().unwrap().to_owned())
    };
    let requests = pack(&format!("{put_records} --shards 16"), input);
    let mut all = 0;
    for request in &requests {
        let entries = request["Records"].as_array().unwrap();
        let slots: HashSet<_> = entries.iter().map(slot).collect();
        assert_eq!(slots.len(), entries.len(), "no two of one key and shard");
        all += entries.len();
    }
    // Four keys, but 64 places for an entry.
    assert!(all / requests.len() > 8, "{all} entries in {} requests", requests.len());
}

/// The records of an event, after a look at what all of them have.
fn records(event: &Value) -> &Vec<Value> {
    let records = event["Records"].as_array().unwrap();
    let shard =
        |record: &Value| record["eventID"].as_str().unwrap().split_once(':').unwrap().0.to_owned();
    for record in records {
        let number = record["kinesis"]["sequenceNumber"].as_str().unwrap();
        assert_eq!(number.len(), 56);
        assert_eq!(record["eventID"], format!("{}:{number}", shard(&records[0])));
    }
    records
}

#[test]
fn events_are_as_lambda_makes_them() {
    let options = "--output event --stream clicks";
    let words: Vec<&str> = ["pack"].into_iter().chain(options.split(' ')).collect();
    let run = kinpack(&words, rows(2, 10));
    assert_eq!(run.stdout, kinpack(&words, rows(2, 10)).stdout, "the same each time");
    let number = "49590338271490256608559692538361571095920000000000000001";
    let data = pack("", rows(2, 10))[0]["Data"].clone();
    let record = json!({
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "a",
            "sequenceNumber": number,
            "data": data,
            "approximateArrivalTimestamp": 1_545_084_650.987,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": format!("shardId-000000000000:{number}"),
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
        "awsRegion": "us-east-2",
        "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/clicks",
    });
    assert_eq!(run.documents(), [json!({"Records": [record]})]);

    let document = Document::parse(run.stdout.into_bytes()).unwrap();
    assert_eq!((document.kind(), document.len()), (Kind::Lambda, 1));

    let arn = "arn:aws:kinesis:eu-west-1:999999999999:stream/s";
    let event = &pack(&format!("--output event --stream {arn}"), rows(1, 1))[0];
    assert_eq!(event["Records"][0]["eventSourceARN"], arn);
    assert_eq!(event["Records"][0]["awsRegion"], "eu-west-1");
    assert!(pack("--output event", "").is_empty());
}

#[test]
fn events_are_of_one_shard_and_their_numbers_ascend() {
    let events = pack("--output event --shards 3 --max-size 1KiB", rows(3_000, 100));
    let mut last: HashMap<String, String> = HashMap::new();
    let mut count = 0;
    for event in &events {
        for record in records(event) {
            let (shard, number) = record["eventID"].as_str().unwrap().split_once(':').unwrap();
            if let Some(before) = last.insert(shard.to_owned(), number.to_owned()) {
                assert!(before.as_str() < number);
            }
            count += unpacked(&record["kinesis"]).len();
        }
    }
    assert_eq!((last.len(), count), (3, 3_000));
}

#[test]
fn events_keep_to_the_limits_of_lambda() {
    let counts = |options: &str, input: &str| -> Vec<usize> {
        let run = kinpack(
            &["pack", "--output", "event"]
                .into_iter()
                .chain(options.split(' '))
                .collect::<Vec<_>>(),
            input,
        );
        assert_eq!((run.status, run.stderr.as_str()), (0, ""));
        assert!(run.stdout.lines().all(|line| line.len() < 6_000_000));
        run.documents().iter().map(|event| records(event).len()).collect()
    };
    assert_eq!(counts("--max-count 1", &rows(20_001, 1)), [10_000, 10_000, 1]);
    let megabyte: String = (0..9).map(|i| row("k", None, &numbered(i, 1_000_000))).collect();
    assert_eq!(counts("--record-limit 1MiB", &megabyte), [4, 4, 1]);
    // The largest record that has room.
    let largest = row(&"\u{1}".repeat(256), None, &vec![b'x'; 4_492_832]);
    assert_eq!(counts("--record-limit 10MiB --outer-key lanes:1", &largest), [1]);
}

//! Events of every odd shape, through each way to handle them, under the real `lambda_runtime`.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Mutex;
use std::time::Duration;

use kinpack_lambda::{
    BrokenAggregates, Chunk, Consumer, ConsumerError, Failure, RawEvent, Reply, Reporting, serve,
};
use kinpack_payload::whole_aggregate::compress_for_kinpack_readers_only;
use kinpack_payload::{Codec, Compressor};
use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};
use support::events::{
    ALL_GOOD, STREAM, aggregate, aggregated, base64, event, failed_at, record, sequence_number,
};
use support::function::{FUNCTION, Function};
use support::runtime_api::Answer;

const WAYS: [&str; 3] = ["each", "run", "chunks"];

/// Keeps what was seen, and fails where the data says so.
#[derive(Default)]
struct Seen(Mutex<Vec<String>>);

impl Seen {
    fn see(&self, id: &str, key: Option<&str>, data: &[u8]) -> Result<(), Failure> {
        let mut text = String::from_utf8_lossy(data).into_owned();
        if text.len() > 40 {
            text = format!("{} bytes", data.len());
        }
        let place = id.rsplit('/').next().unwrap();
        let place = &place[place.find(':').unwrap_or(0)..];
        self.0.lock().unwrap().push(format!("{} {text} {place}", key.unwrap_or("-")));
        if data == b"fail" { Err(Failure::retry("told to fail")) } else { Ok(()) }
    }

    /// All of it, or how much it is.
    fn print(&self) {
        let mut seen = self.0.lock().unwrap();
        match seen.len() {
            0..100 => seen.iter().for_each(|line| println!("saw {line}")),
            many => println!("saw {many}"),
        }
        seen.clear();
    }
}

/// Not a test by itself: the function that the tests start in a process of its own.
#[test]
fn function() {
    let Ok(name) = std::env::var(FUNCTION) else { return };
    let broken = match std::env::var("BROKEN").as_deref() {
        Ok("pass") => BrokenAggregates::PassThrough,
        _ => BrokenAggregates::Fail,
    };
    let consumer = Consumer::new(Reporting::BatchItemFailures)
        .ordered_by_key(1)
        .broken_aggregates(broken)
        .metrics("Tested");
    let seen = Seen::default();
    let handle = async |event: LambdaEvent<RawEvent>| -> Result<Reply, ConsumerError> {
        let reply = match name.as_str() {
            "run" => {
                let seen = &seen;
                let handler = |it: kinpack_lambda::SharedRecord| async move {
                    assert_eq!(it.data(), &*it.bytes());
                    seen.see(&it.id().to_string(), it.partition_key(), it.data())
                };
                consumer.run(event, handler).await
            }
            "chunks" => {
                let chunk = Chunk::records(1000).bytes(100_000);
                let handler = async |records: &[kinpack_lambda::Record<'_>]| {
                    let bytes: usize = records.iter().map(|it| it.data().len()).sum();
                    assert!(records.len() == 1 || bytes <= 100_000, "{bytes}");
                    for it in records {
                        seen.see(&it.id().to_string(), it.partition_key(), it.data())?;
                    }
                    Ok(())
                };
                consumer.chunks(event, chunk, handler).await
            }
            _ => {
                let handler = async |it: kinpack_lambda::Record<'_>| {
                    seen.see(&it.id().to_string(), it.partition_key(), it.data())
                };
                consumer.each(event, handler).await
            }
        };
        seen.print();
        reply
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(serve(handle)).unwrap();
}

/// What the handlers of each way see of an event, and the answer.
fn see_with(settings: &[(&str, &str)], event: &str, answer: &str, expected: &[&str]) {
    for way in WAYS {
        let mut function = Function::in_this_test(way, settings);
        assert_eq!(function.returned(event), answer, "{way}");
        let printed = function.printed();
        let saw: Vec<_> = printed.iter().filter_map(|line| line.strip_prefix("saw ")).collect();
        assert_eq!(saw, expected, "{way}");
    }
}

fn see(event: &str, expected: &[&str]) {
    see_with(&[], event, ALL_GOOD, expected);
}

#[test]
fn empty_batches_and_single_records() {
    see(r#"{"Records":[]}"#, &[]);
    see(&event(&[record(1, Some("k"), b"one")]), &["k one :0"]);
    see(&event(&[record(1, Some("k"), b"")]), &["k  :0"]);
}

#[test]
fn plain_and_aggregated_records_mixed() {
    let mixed = event(&[
        record(1, Some("k"), b"one"),
        aggregated(2, &[("x", "two"), ("y", "three")]),
        record(3, Some("k"), b"four"),
        aggregated(4, &[("x", "five"), ("x", "six")]),
    ]);
    see(&mixed, &["k one :0", "x two :0", "y three :1", "k four :0", "x five :0", "x six :1"]);
}

#[test]
fn absent_partition_keys_and_missing_optional_and_unknown_members() {
    let mut null = record(2, None, b"null");
    null["kinesis"]["partitionKey"] = Value::Null;
    let bare = json!({"kinesis": {"sequenceNumber": sequence_number(3), "data": base64(b"bare")}});
    let mut more = record(4, Some("k"), b"more");
    more["kinesis"]["somethingNew"] = json!({"deep": [1, {"data": "bm8="}]});
    more["somethingElse"] = json!(["data", 1.5e3, null, true]);
    let all = [record(1, None, b"absent"), null, bare, more];
    see(&event(&all), &["- absent :0", "- null :0", "- bare :0", "k more :0"]);
}

#[test]
fn compressed_payloads_come_as_they_are_and_compressed_aggregates_are_taken_apart() {
    see(&event(&[record(1, Some("k"), b"\x1f\x8b\x08rest")]), &["k \u{1f}\u{fffd}\u{8}rest :0"]);

    for codec in [Codec::Gzip, Codec::Zstd] {
        let mut compressor = Compressor::new(codec).unwrap();
        let mut data = Vec::new();
        let plain = aggregate(&[("x", "two"), ("y", "three")]);
        compress_for_kinpack_readers_only(&plain, &mut compressor, &mut data).unwrap();
        let batch = [record(1, Some("k"), b"one"), record(2, Some("a"), &data)];
        see(&event(&batch), &["k one :0", "x two :0", "y three :1"]);

        // Cut, it is a broken aggregate.
        let large = aggregate(&[("x", vec![b'x'; 100_000]), ("y", b"noise".repeat(9_000))]);
        compress_for_kinpack_readers_only(&large, &mut compressor, &mut data).unwrap();
        data.truncate(data.len() - 10);
        see_with(&[], &event(&[record(1, Some("a"), &data)]), &failed_at(1), &[]);
    }
}

#[test]
fn groups_of_enhanced_fan_out_are_reported_as_one() {
    let mut group: Vec<_> = [("a", "one"), ("b", "two"), ("a", "fail"), ("c", "never")]
        .iter()
        .map(|(key, data)| record(1, Some(key), data.as_bytes()))
        .collect();
    group.push(record(2, Some("d"), b"never"));
    for record in &mut group {
        record["eventSourceARN"] = format!("{STREAM}/consumer/mine:1700000000").into();
    }
    for way in WAYS {
        let mut function = Function::in_this_test(way, &[]);
        assert_eq!(function.returned(&event(&group)), failed_at(1), "{way}");
        let printed = function.printed();
        assert!(printed.contains(&"saw a fail :2?".to_owned()), "{way}: {printed:?}");
    }
}

#[test]
fn data_that_is_no_base64_fails_as_poison_would() {
    let mut bad = record(2, Some("k"), b"");
    bad["kinesis"]["data"] = "*".into();
    let batch = event(&[record(1, Some("k"), b"one"), bad, record(3, Some("k"), b"never")]);
    for settings in [&[][..], &[("BROKEN", "pass")]] {
        see_with(settings, &batch, &failed_at(2), &["k one :0"]);
    }
}

#[test]
fn broken_aggregates_fail_or_pass() {
    let mut data = aggregate(&[("x", "two"), ("y", "three")]);
    *data.last_mut().unwrap() ^= 1;
    let seen = format!("a {} bytes :0", data.len());
    let batch = event(&[record(1, Some("k"), b"one"), record(2, Some("a"), &data)]);
    see_with(&[], &batch, &failed_at(2), &["k one :0"]);
    see_with(&[("BROKEN", "pass")], &batch, ALL_GOOD, &["k one :0", &seen]);
}

#[test]
fn keys_that_are_not_utf_8_fail_or_pass_as_in_the_kcl() {
    // An aggregate of one record: key table `FF`, data `x`.
    const DIGEST: [u8; 16] = 0x71f21278d47b36e0ed3346a7a269ecb9_u128.to_be_bytes();
    let message = [0x0A, 1, 0xFF, 0x1A, 5, 0x08, 0, 0x1A, 1, b'x'];
    let mut data = vec![0xF3, 0x89, 0x9A, 0xC2];
    data.extend_from_slice(&message);
    data.extend_from_slice(&DIGEST);
    let batch = event(&[record(1, Some("a"), &data)]);
    see_with(&[], &batch, &failed_at(1), &[]);
    see_with(&[("BROKEN", "pass")], &batch, ALL_GOOD, &["\u{FFFD} x :0"]);
}

#[test]
fn six_megabytes_and_ten_thousand_records() {
    let large = vec![b'x'; 1_000_000];
    let records: Vec<_> = (1..=4).map(|n| record(n, Some("k"), &large)).collect();
    let batch = event(&records);
    assert!((5_300_000..6_000_000).contains(&batch.len()), "{}", batch.len());
    see(&batch, &["k 1000000 bytes :0"; 4]);

    let records: Vec<_> = (1..=10_000).map(|n| record(n, Some("k"), b"x")).collect();
    see(&event(&records), &["10000"]);

    let users: Vec<_> = (0..100_000).map(|n| (format!("key {}", n % 100), "data")).collect();
    see(&event(&[aggregated(1, &users)]), &["100000"]);
}

#[test]
fn metrics_are_a_line_of_the_embedded_format() {
    let mut function = Function::in_this_test("each", &[]);
    let mut broken = aggregate(&[("x", "two"), ("y", "three")]);
    *broken.last_mut().unwrap() ^= 1;
    let batch = event(&[aggregated(1, &[("a", "one"), ("b", "two")]), record(2, None, &broken)]);
    assert_eq!(function.returned(&batch), failed_at(2));
    let printed = function.printed();
    let line = printed.iter().find(|line| line.starts_with('{')).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    let directive = &line["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(directive["Namespace"], "Tested");
    assert_eq!(directive["Dimensions"], json!([["consumer"]]));
    assert_eq!(
        (&line["consumer"], &line["shard"]),
        (&json!("tested"), &json!("shardId-000000000006"))
    );
    let now = std::time::UNIX_EPOCH.elapsed().unwrap();
    let age = Duration::from_millis(line["_aws"]["Timestamp"].as_u64().unwrap()).abs_diff(now);
    assert!(age < Duration::from_secs(60));
    for metric in directive["Metrics"].as_array().unwrap() {
        let value = &line[metric["Name"].as_str().unwrap()];
        assert!(value.as_f64().is_some_and(|value| value >= 0.0), "{metric}: {value}");
    }
    for (name, value) in [
        ("user_records", 3),
        ("kinesis_records", 2),
        ("handled", 2),
        ("failures", 1),
        ("decode_fault", 1),
        ("skipped", 0),
        ("no_progress", 0),
        ("event_fault", 0),
    ] {
        assert_eq!(line[name], value, "{name}");
    }
    assert!(line["decode_time"].as_f64().unwrap() < 1000.0);
    assert!(line["oldest_record_age"].as_f64().unwrap() > 1e9);
}

#[test]
fn events_that_cannot_be_read_have_their_line_of_metrics() {
    let mut no_number = record(1, Some("k"), b"data");
    no_number["kinesis"].as_object_mut().unwrap().remove("sequenceNumber");
    for name in ["each", "run", "chunks"] {
        let mut function = Function::in_this_test(name, &[]);
        for (bad, shard) in [("{}", ""), (&*event(&[no_number.clone()]), "shardId-000000000006")] {
            let Answer::Failed { error_type, .. } = function.invoke(bad) else { panic!("{bad}") };
            assert_eq!(error_type, "KinpackEvent", "{bad}");
            let printed = function.printed();
            let lines: Vec<_> = printed.iter().filter(|line| line.starts_with('{')).collect();
            let [line] = lines[..] else { panic!("{printed:?}") };
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!((&line["consumer"], &line["shard"]), (&json!("tested"), &json!(shard)));
            assert_eq!((&line["event_fault"], &line["handled"]), (&json!(1), &json!(0)));
        }
    }
}

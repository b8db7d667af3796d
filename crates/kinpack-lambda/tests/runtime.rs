//! Handlers under the real `lambda_runtime`, which asks a Runtime API over HTTP.

#![allow(clippy::unwrap_used)]
mod support;

use std::time::{Duration, Instant};

use kinpack_lambda::{Consumer, Reporting, serve};
use support::events::{ALL_GOOD, aggregated, event, failed_at, record, sequence_number};
use support::function::{FUNCTION, Function};
use support::obey::obey;
use support::runtime_api::Answer;

/// Not a test by itself: the function that the tests start in a process of its own.
#[test]
fn function() {
    let Ok(name) = std::env::var(FUNCTION) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let consumer = match name.as_str() {
        "fails" => Consumer::new(Reporting::FailInvocation),
        _ => Consumer::new(Reporting::BatchItemFailures),
    };
    let consumer = consumer.ordered_by_key(4).deadline_margin(Duration::from_millis(400));
    runtime
        .block_on(async {
            match name.as_str() {
                "run" => {
                    serve(async |event| {
                        consumer
                            .run(event, |record| async move {
                                obey(record.partition_key(), record.data()).await
                            })
                            .await
                    })
                    .await
                }
                _ => {
                    serve(async |event| {
                        consumer
                            .each(event, async |record| {
                                obey(record.partition_key(), record.data()).await
                            })
                            .await
                    })
                    .await
                }
            }
        })
        .unwrap();
}

#[test]
fn plain_and_aggregated_records_in_order_and_many_invocations() {
    let mut function = Function::in_this_test("each", &[]);
    let batch = event(&[
        record(1, Some("k"), b"one"),
        aggregated(2, &[("x", "two"), ("y", "three"), ("x", "four")]),
        record(3, None, b"five"),
    ]);
    for _ in 0..3 {
        assert_eq!(function.returned(&batch), ALL_GOOD);
        assert_eq!(function.begun(), ["k one", "x two", "y three", "x four", "- five"]);
    }
    assert_eq!(function.returned(r#"{"Records": []}"#), ALL_GOOD);
}

#[test]
fn the_first_failure_ends_the_invocation_and_names_its_kinesis_record() {
    for name in ["each", "run"] {
        let mut function = Function::in_this_test(name, &[]);
        let batch = event(&[
            record(1, Some("k"), b"one"),
            aggregated(2, &[("k", "two"), ("k", "fail"), ("k", "never")]),
            record(3, Some("k"), b"never"),
        ]);
        assert_eq!(function.returned(&batch), failed_at(2), "{name}");
        let printed = function.printed();
        let begun: Vec<_> = printed.iter().filter_map(|line| line.strip_prefix("begin ")).collect();
        assert_eq!(begun, ["k one", "k two", "k fail"], "{name}");
        // No one listens to `tracing` here, and still this is said.
        let warning = "stderr: kinpack: reported a batch item failure. IF THE EVENT SOURCE";
        assert!(printed.iter().any(|line| line.starts_with(warning)), "{name}: {printed:?}");
        // Poison without a dead letter is a failure like any other, and so is a panic.
        for word in ["poison", "panic"] {
            let batch =
                event(&[record(1, Some("k"), b"one"), record(2, Some("k"), word.as_bytes())]);
            assert_eq!(function.returned(&batch), failed_at(2), "{name}");
        }
    }
}

#[test]
fn without_batch_item_failures_the_invocation_fails_by_a_name() {
    let mut function = Function::in_this_test("fails", &[]);
    assert_eq!(function.returned(&event(&[record(1, Some("k"), b"fine")])), ALL_GOOD);
    let batch = event(&[record(1, Some("k"), b"one"), record(2, Some("k"), b"fail")]);
    let Answer::Failed { error_type, message } = function.invoke(&batch) else { panic!() };
    assert_eq!(error_type, "KinpackNotFinished");
    assert!(message.contains(&sequence_number(2)), "{message}");
}

#[test]
fn what_is_no_kinesis_event_fails_by_a_name() {
    let mut function = Function::in_this_test("each", &[]);
    let mut other_shard = record(2, Some("k"), b"data");
    other_shard["eventID"] = "shardId-000000000007:1".into();
    let mut no_number = record(1, Some("k"), b"data");
    no_number["kinesis"].as_object_mut().unwrap().remove("sequenceNumber");
    for bad in [
        "{}".to_owned(),
        "[]".to_owned(),
        r#"{"Records": [{"messageId": "1", "body": "sqs"}]}"#.to_owned(),
        event(&[no_number]),
        event(&[record(1, Some("k"), b"data"), other_shard]),
    ] {
        let Answer::Failed { error_type, .. } = function.invoke(&bad) else { panic!("{bad}") };
        assert_eq!(error_type, "KinpackEvent", "{bad}");
    }
    assert_eq!(function.returned(&event(&[record(1, Some("k"), b"fine")])), ALL_GOOD);
}

#[test]
fn keys_go_side_by_side_and_each_in_order() {
    let mut function = Function::in_this_test("run", &[]);
    let users = [("a", "sleep:300"), ("a", "sleep:1"), ("b", "sleep:250"), ("b", "sleep:2")];
    let begin = Instant::now();
    assert_eq!(function.returned(&event(&[aggregated(1, &users)])), ALL_GOOD);
    let printed = function.printed();
    let lines: Vec<_> = printed.iter().filter(|line| line.contains("sleep")).collect();
    assert_eq!(lines[..2], ["begin a sleep:300", "begin b sleep:250"]);
    let place = |text: &str| lines.iter().position(|line| *line == text).unwrap();
    assert!(place("end a sleep:300") < place("begin a sleep:1"));
    assert!(place("end b sleep:250") < place("begin b sleep:2"));
    assert!(place("end b sleep:250") < place("end a sleep:300"));
    assert!(begin.elapsed() < Duration::from_secs(30));
}

#[test]
fn before_the_deadline_it_stops_and_reports_what_is_left() {
    for name in ["each", "run"] {
        let mut function = Function::in_this_test(name, &[]);
        assert_eq!(function.returned(&event(&[])), ALL_GOOD);
        let batch = event(&[
            record(1, Some("k"), b"one"),
            record(2, Some("k"), b"sleep:700"),
            record(3, Some("k"), b"never"),
        ]);
        // 1.0 s less the margin of 0.4: nothing new after 0.6, what runs is awaited until 0.8.
        let answer = function.invoke_for(&batch, Duration::from_secs(1));
        assert_eq!(answer, Some(Answer::Returned(failed_at(3))), "{name}");
        // What does not end is dropped.
        let batch = event(&[record(1, Some("k"), b"one"), record(2, Some("k"), b"sleep:60000")]);
        let answer = function.invoke_for(&batch, Duration::from_secs(1));
        assert_eq!(answer, Some(Answer::Returned(failed_at(2))), "{name}");
        // Nothing advanced: the error has a name of its own.
        let batch = event(&[record(1, Some("k"), b"sleep:60000")]);
        let answer = function.invoke_for(&batch, Duration::from_secs(1));
        let Some(Answer::Failed { error_type, .. }) = answer else { panic!("{answer:?}") };
        assert_eq!(error_type, "KinpackNoProgress", "{name}");
    }
}

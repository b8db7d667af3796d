//! Other ways to run a consumer: progress in memory, several invocations at once, the plain
//! `lambda_runtime::run`, typed payloads.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use kinpack_lambda::{Consumer, RawEvent, Reporting, serve_concurrent};
use kinpack_payload::avro::{AvroReader, AvroSchema, AvroWriter, MemoryStore};
use kinpack_payload::{Codec, Compressor};
use lambda_runtime::{LambdaEvent, run, service_fn};
use serde::{Deserialize, Serialize};
use support::events::{ALL_GOOD, aggregated, event, failed_at, record};
use support::function::{FUNCTION, Function};
use support::obey::obey;
use support::runtime_api::Answer;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Click {
    id: i64,
    user: String,
}

fn schema() -> Arc<AvroSchema> {
    let text = r#"{"type": "record", "name": "Click", "fields": [
        {"name": "id", "type": "long"}, {"name": "user", "type": "string"}
    ]}"#;
    Arc::new(AvroSchema::parse(text).unwrap())
}

/// Not a test by itself: the function that the tests start in a process of its own.
#[test]
fn function() {
    let Ok(name) = std::env::var(FUNCTION) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let consumer = Consumer::new(Reporting::BatchItemFailures).ordered_by_key(8);
    let served = runtime.block_on(async {
        match name.as_str() {
            "memory" => {
                let consumer = &consumer.progress_in_memory();
                let handle = async |event: LambdaEvent<RawEvent>| {
                    consumer
                        .run(event, |it| async move { obey(it.partition_key(), it.data()).await })
                        .await
                };
                run(service_fn(handle)).await
            }
            "concurrent" => {
                let consumer = Arc::new(consumer);
                let handle = move |event| {
                    let consumer = Arc::clone(&consumer);
                    async move {
                        let handler = async |it: kinpack_lambda::Record<'_>| {
                            obey(it.partition_key(), it.data()).await
                        };
                        match std::env::var("LENDS").is_ok() {
                            true => consumer.each(event, handler).await,
                            false => {
                                consumer
                                    .run(event, |it| async move {
                                        obey(it.partition_key(), it.data()).await
                                    })
                                    .await
                            }
                        }
                    }
                };
                serve_concurrent(handle).await
            }
            _ => {
                let mut store = MemoryStore::new();
                store.add(schema());
                let reader = &AvroReader::new(store);
                let handle = async |event: LambdaEvent<RawEvent>| {
                    consumer
                        .each(event, async |it| {
                            let click: Click = match it.partition_key() {
                                Some("avro") => it.avro(reader).await?,
                                _ => it.json()?,
                            };
                            println!("begin {} {}", click.id, click.user);
                            Ok(())
                        })
                        .await
                };
                run(service_fn(handle)).await
            }
        }
    });
    served.unwrap();
}

#[test]
fn an_environment_remembers_what_it_finished() {
    let mut function = Function::in_this_test("memory", &[]);
    let file = std::env::temp_dir().join(format!("kinpack-ways-{}", std::process::id()));
    let fails = format!("fail-until:{}", file.display());
    let batch = event(&[aggregated(1, &[("a", "one"), ("b", &fails), ("b", "two")])]);
    assert_eq!(function.returned(&batch), failed_at(1));
    assert_eq!(function.begun(), ["a one".to_owned(), format!("b {fails}")]);
    std::fs::write(&file, "").unwrap();
    assert_eq!(function.returned(&batch), ALL_GOOD);
    assert_eq!(function.begun(), [format!("b {fails}"), "b two".to_owned()]);
    std::fs::remove_file(&file).unwrap();
    // Another environment knows nothing.
    function.kill();
    assert_eq!(function.returned(&batch), failed_at(1));
    assert_eq!(function.begun()[0], "a one");
}

#[test]
fn one_environment_serves_several_invocations_at_once() {
    for settings in [
        &[("AWS_LAMBDA_MAX_CONCURRENCY", "2")][..],
        &[("AWS_LAMBDA_MAX_CONCURRENCY", "2"), ("LENDS", "1")],
    ] {
        let mut function = Function::in_this_test("concurrent", settings);
        let good = Answer::Returned(ALL_GOOD.to_owned());
        assert_eq!(function.invoke(&event(&[])), good);
        let (one, two) = (record(1, Some("a"), b"sleep:700"), record(2, Some("b"), b"sleep:701"));
        let begin = Instant::now();
        let answers = function.invoke_all(&[&event(&[one]), &event(&[two])]);
        assert_eq!(answers, [good.clone(), good]);
        assert!(begin.elapsed() < Duration::from_millis(1300), "{:?}", begin.elapsed());
    }
}

#[test]
fn typed_payloads_are_decoded_and_what_does_not_decode_fails() {
    let mut function = Function::in_this_test("typed", &[]);
    let click = Click { id: 7, user: "ada".to_owned() };
    let mut avro = Vec::new();
    AvroWriter::single_object(&schema()).write(&click, &mut avro).unwrap();
    let json = serde_json::to_vec(&click).unwrap();
    let small = Compressor::new(Codec::Gzip).unwrap().compress(&json).unwrap();
    let batch = event(&[
        record(1, Some("avro"), &avro),
        record(2, Some("json"), &json),
        record(3, Some("json"), &small),
    ]);
    assert_eq!(function.returned(&batch), ALL_GOOD);
    assert_eq!(function.begun(), ["7 ada"; 3]);
    for (key, data) in [("avro", &json), ("avro", &avro[..12].to_vec()), ("json", &avro)] {
        let batch = event(&[record(1, Some("json"), &json), record(2, Some(key), data)]);
        assert_eq!(function.returned(&batch), failed_at(2), "{key}");
        assert_eq!(function.begun(), ["7 ada"]);
    }
}

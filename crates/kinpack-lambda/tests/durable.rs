//! Progress in DynamoDB and dead letters in SQS, over real invocations: resume, poison, overlap,
//! crashes and time-outs.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kinpack_lambda::{
    After, AfterDeadLetter, CheckpointEvery, Chunk, Consumer, DeadLetter, DynamoDbProgress,
    Reporting, SqsDeadLetters, serve,
};
use support::aws::{Counter, ENDPOINT, create_table, dynamodb, server, sqs};
use support::events::{ALL_GOOD, STREAM, aggregated, event, failed_at, record};
use support::function::{FUNCTION, Function};
use support::obey::obey;
use support::runtime_api::Answer;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// Not a test by itself: the function that the tests start in a process of its own.
#[test]
fn function() {
    let Ok(name) = std::env::var(FUNCTION) else { return };
    let policy = match variable("POLICY").as_str() {
        "hold" => AfterDeadLetter::HoldKey,
        "block" => AfterDeadLetter::Block,
        _ => AfterDeadLetter::SkipRecord,
    };
    let endpoint = variable(ENDPOINT);
    let letters = SqsDeadLetters::new(sqs(&endpoint), variable("QUEUE"));
    let consumer = Consumer::new(Reporting::BatchItemFailures)
        .ordered_by_key(4)
        .deadline_margin(Duration::from_millis(400))
        .metrics("Tested")
        .progress(DynamoDbProgress::new(dynamodb(&endpoint), variable("TABLE")))
        .poison(After(3).then(letters).policy(policy));
    let consumer = match variable("EVERY").parse() {
        Ok(n) => consumer.checkpoint_every(CheckpointEvery::Records(n)),
        Err(_) => consumer,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let served = runtime.block_on(async {
        match name.as_str() {
            "run" => {
                serve(async |event| {
                    consumer
                        .run(event, |it| async move { obey(it.partition_key(), it.data()).await })
                        .await
                })
                .await
            }
            "chunks" => {
                serve(async |event| {
                    consumer
                        .chunks(event, Chunk::records(100), async |records| {
                            println!("chunk {}", records.len());
                            for record in records {
                                obey(record.partition_key(), record.data()).await?;
                            }
                            Ok(())
                        })
                        .await
                })
                .await
            }
            _ => {
                serve(async |event| {
                    consumer.each(event, async |it| obey(it.partition_key(), it.data()).await).await
                })
                .await
            }
        }
    });
    served.unwrap();
}

/// A table, a queue and a file that is not there, of one test.
struct Setting {
    counter: Counter,
    table: String,
    queue: String,
    file: PathBuf,
}

impl Setting {
    async fn new() -> Self {
        Self::with_queue("").await
    }

    async fn with_queue(suffix: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let table = format!("progress-{n}");
        create_table(&dynamodb(server()), &table).await;
        let request = sqs(server()).create_queue().queue_name(format!("letters-{n}{suffix}"));
        let request = match suffix {
            "" => request,
            _ => request.attributes(aws_sdk_sqs::types::QueueAttributeName::FifoQueue, "true"),
        };
        let queue = request.send().await.unwrap().queue_url.unwrap();
        let file = format!("kinpack-durable-{}-{n}", std::process::id());
        let file = std::env::temp_dir().join(file);
        Self { counter: Counter::before(server()), table, queue, file }
    }

    fn function(&self, name: &str, settings: &[(&str, &str)]) -> Function {
        let mut all = vec![
            (ENDPOINT, self.counter.endpoint.as_str()),
            ("TABLE", self.table.as_str()),
            ("QUEUE", self.queue.as_str()),
        ];
        all.extend(settings);
        Function::in_this_test(name, &all)
    }

    fn until(&self, word: &str) -> String {
        format!("{word}-until:{}", self.file.display())
    }

    fn now(&self) {
        std::fs::write(&self.file, "").unwrap();
    }

    /// All letters, in the order in which they came.
    async fn letters(&self) -> Vec<DeadLetter<'static>> {
        let mut letters = Vec::new();
        loop {
            let request = sqs(server()).receive_message().queue_url(&self.queue);
            let messages = request.max_number_of_messages(10).send().await.unwrap();
            let messages = messages.messages.unwrap_or_default();
            if messages.is_empty() {
                return letters;
            }
            for message in messages {
                let body = message.body.unwrap();
                letters.push(owned(&body));
                let handle = message.receipt_handle.unwrap();
                let request = sqs(server()).delete_message().queue_url(&self.queue);
                request.receipt_handle(handle).send().await.unwrap();
            }
        }
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

fn owned(json: &str) -> DeadLetter<'static> {
    DeadLetter::from_json(Box::leak(json.to_owned().into_boxed_str())).unwrap()
}

#[tokio::test]
async fn it_resumes_inside_an_aggregate_and_reads_once_and_writes_when_something_failed() {
    let setting = Setting::new().await;
    let fails = setting.until("fail");
    let batch = event(&[
        aggregated(1, &[("a", "one"), ("b", &fails), ("c", "two"), ("b", "three")]),
        record(2, Some("c"), b"four"),
    ]);
    for name in ["each", "run", "chunks"] {
        let mut function = setting.function(name, &[]);
        assert_eq!(function.returned(&batch), failed_at(1), "{name}");
        assert_eq!(setting.counter.take(), (1, 1), "{name}");
        let begun = function.begun();
        assert!(begun.contains(&"c four".to_owned()), "other keys go on: {begun:?}");
        assert!(!begun.contains(&"b three".to_owned()), "its key does not: {begun:?}");

        // A new environment, and what failed works.
        function.kill();
        setting.now();
        assert_eq!(function.returned(&batch), ALL_GOOD, "{name}");
        assert_eq!(function.begun(), [format!("b {fails}"), "b three".to_owned()], "{name}");
        assert_eq!(setting.counter.take(), (1, 0), "{name}");

        // For the next round: another batch of the shard finds nothing of this one in its way.
        std::fs::remove_file(&setting.file).unwrap();
        let table = setting.table.as_str();
        let client = dynamodb(server());
        let items = client.scan().table_name(table).send().await.unwrap().items.unwrap();
        assert_eq!(items.len(), 1);
        let id = items[0]["id"].as_s().unwrap();
        let arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders";
        assert_eq!(*id, format!("v1/tested/{arn}/shardId-000000000006"));
        let expires: u64 = items[0]["expires"].as_n().unwrap().parse().unwrap();
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        assert!((now + 6 * 86_400..now + 8 * 86_400).contains(&expires), "{expires}");
        client
            .delete_item()
            .table_name(table)
            .key("id", items[0]["id"].clone())
            .send()
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn poison_goes_to_the_queue_after_three_attempts_and_its_key_follows() {
    for suffix in ["", ".fifo"] {
        let setting = Setting::with_queue(suffix).await;
        let users = [("k", "one"), ("k", "fail"), ("x", "two"), ("k", "three"), ("k", "four")];
        let batch = event(&[aggregated(7, &users)]);
        let mut function = setting.function("each", &[("POLICY", "hold")]);
        for _ in 0..2 {
            assert_eq!(function.returned(&batch), failed_at(7));
            assert_eq!(setting.letters().await, []);
            function.kill();
        }
        assert_eq!(function.returned(&batch), ALL_GOOD);
        assert_eq!(function.begun(), ["k one", "k fail", "x two", "k fail", "k fail"]);

        let letters = setting.letters().await;
        let said: Vec<_> = letters
            .iter()
            .map(|it| (String::from_utf8(it.data().unwrap()).unwrap(), it.reason.clone()))
            .collect();
        let expected = [("fail", "attempts"), ("three", "heldKey"), ("four", "heldKey")];
        assert_eq!(said, expected.map(|(data, reason)| (data.to_owned(), reason.into())));
        let poison = &letters[0];
        assert_eq!((poison.attempts, poison.sub_sequence_number), (3, 1));
        assert_eq!(poison.error.as_deref(), Some("told to fail"));
        assert_eq!(poison.partition_key.as_deref(), Some("k"));
        assert_eq!(poison.arrival_millis, Some(1_700_000_007_123));
        assert!(poison.function_arn.as_deref().unwrap().ends_with("function:tested"));
        assert!(poison.request_id.as_deref().unwrap().ends_with("3"));
        assert_eq!(letters[1].held_by.as_deref(), Some(&*poison.id));
    }
}

#[tokio::test]
async fn what_the_handler_calls_poison_goes_at_once_and_a_bad_payload_too() {
    let setting = Setting::new().await;
    let mut bad = record(2, Some("k"), b"");
    bad["kinesis"]["data"] = "no base64!".into();
    let batch = event(&[record(1, Some("k"), b"poison"), bad, record(3, Some("k"), b"fine")]);
    let mut function = setting.function("run", &[]);
    assert_eq!(function.returned(&batch), ALL_GOOD);
    assert_eq!(function.begun(), ["k poison", "k fine"]);
    let letters = setting.letters().await;
    let said: Vec<_> = letters.iter().map(|it| (it.data().unwrap(), &*it.reason)).collect();
    assert_eq!(said, [(b"poison".to_vec(), "poison"), (b"no base64!".to_vec(), "poison")]);
    assert!(letters[1].error.as_deref().unwrap().contains("base64"), "{:?}", letters[1]);
}

/// Under enhanced fan-out a place in a group is another record's at the next delivery.
#[tokio::test]
async fn a_queue_that_drops_duplicates_drops_no_letter_of_another_record() {
    let setting = Setting::with_queue(".fifo").await;
    let of_consumer = |key| {
        let mut record = record(1, Some(key), b"poison");
        record["eventSourceARN"] = format!("{STREAM}/consumer/mine:1700000000").into();
        record
    };
    let mut function = setting.function("run", &[]);
    for key in ["a", "b", "a"] {
        assert_eq!(function.returned(&event(&[of_consumer(key)])), ALL_GOOD);
    }
    let letters = setting.letters().await;
    assert_eq!(letters.len(), 2, "{letters:?}");
    assert_eq!(letters[0].id, letters[1].id);
}

#[tokio::test]
async fn a_dead_letter_that_cannot_be_sent_leaves_the_record_failed() {
    let mut setting = Setting::new().await;
    setting.queue += "-that-is-not-there";
    let mut function = setting.function("run", &[]);
    let batch = event(&[record(1, Some("k"), b"poison"), record(2, Some("x"), b"fine")]);
    assert_eq!(function.returned(&batch), failed_at(1));
    assert_eq!(function.returned(&batch), failed_at(1));
    assert_eq!(function.begun(), ["k poison", "x fine", "k poison"]);
}

#[tokio::test]
async fn overlapping_invocations_do_not_undo_each_other() {
    let setting = Setting::new().await;
    // Both read before either writes.
    let batch = event(&[aggregated(1, &[("a", "sleep:800"), ("b", "sleep:800")])]);
    let mut one = setting.function("run", &[("FAILS", "a")]);
    let mut other = setting.function("run", &[("FAILS", "b")]);
    let copy = batch.clone();
    let thread = std::thread::spawn(move || other.returned(&copy));
    assert_eq!(one.returned(&batch), failed_at(1));
    assert_eq!(thread.join().unwrap(), failed_at(1));
    // Two reads, two writes, and a third one after the conflict.
    assert_eq!(setting.counter.take(), (2, 3));

    let mut third = setting.function("run", &[]);
    assert_eq!(third.returned(&batch), ALL_GOOD);
    assert_eq!(third.begun(), Vec::<String>::new());
}

#[tokio::test]
async fn after_a_crash_it_goes_on_from_the_last_write() {
    let setting = Setting::new().await;
    let crash = setting.until("crash");
    let batch = event(&[aggregated(1, &[("a", "one"), ("a", "two"), ("a", &crash), ("a", "end")])]);
    let mut function = setting.function("each", &[("EVERY", "1")]);
    assert_eq!(function.invoke_for(&batch, Duration::from_secs(3)), None);
    assert_eq!(function.begun().len(), 3);
    setting.now();
    assert_eq!(function.returned(&batch), ALL_GOOD);
    assert_eq!(function.begun(), [format!("a {crash}"), "a end".to_owned()]);
}

#[tokio::test]
async fn an_aggregate_that_takes_longer_than_an_invocation_is_done_in_several() {
    let setting = Setting::new().await;
    let data: Vec<_> = (0..6).map(|n| ("a", format!("sleep:{}", 300 + n))).collect();
    let batch = event(&[aggregated(1, &data)]);
    let mut function = setting.function("each", &[]);
    assert_eq!(function.returned(&event(&[])), ALL_GOOD);
    let mut begun = Vec::new();
    for round in 0.. {
        assert!(round < 6, "{begun:?}");
        let answer = function.invoke_for(&batch, Duration::from_millis(1500));
        begun.extend(function.begun());
        match answer {
            Some(Answer::Returned(json)) if json == ALL_GOOD => break,
            Some(Answer::Returned(json)) => assert_eq!(json, failed_at(1)),
            other => panic!("{other:?} after {begun:?}"),
        }
    }
    assert_eq!(begun, data.iter().map(|(key, data)| format!("{key} {data}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn without_its_store_nothing_is_handled() {
    let setting = Setting::new().await;
    let mut function = setting.function("each", &[("TABLE", "no-such-table")]);
    let Answer::Failed { error_type, message } =
        function.invoke(&event(&[record(1, Some("k"), b"one")]))
    else {
        panic!()
    };
    assert_eq!(error_type, "KinpackProgressStore");
    assert!(message.contains("no-such-table"), "{message}");
    let printed = function.printed();
    let lines: Vec<_> = printed.iter().filter(|line| line.starts_with('{')).collect();
    let [line] = lines[..] else { panic!("{printed:?}") };
    let metrics: serde_json::Value = serde_json::from_str(line).unwrap();
    for (name, value) in [("progress_failures", 1), ("user_records", 1), ("handled", 0)] {
        assert_eq!(metrics[name], value, "{name}");
    }
}

#[tokio::test]
async fn a_chunk_that_fails_is_taken_apart_and_only_the_guilty_one_counts() {
    let setting = Setting::new().await;
    let users = [("a", "1"), ("b", "2"), ("c", "fail"), ("d", "4"), ("c", "5")];
    let batch = event(&[aggregated(1, &users), record(2, Some("e"), b"6")]);
    let mut function = setting.function("chunks", &[]);
    assert_eq!(function.returned(&batch), failed_at(1));
    let printed = function.printed();
    let lines: Vec<_> = printed.iter().map(String::as_str).collect();
    let begun: Vec<_> = lines.iter().filter_map(|line| line.strip_prefix("begin ")).collect();
    assert_eq!(begun, ["a 1", "b 2", "c fail", "a 1", "b 2", "c fail", "d 4", "e 6"]);
    let chunks: Vec<_> = lines.iter().filter_map(|line| line.strip_prefix("chunk ")).collect();
    assert_eq!(chunks, ["6", "1", "1", "1", "1", "1"]);
    // Now it comes alone, and so does no innocent one.
    assert_eq!(function.returned(&batch), failed_at(1));
    assert_eq!(function.begun(), ["c fail"]);
    assert_eq!(function.returned(&batch), ALL_GOOD);
    assert_eq!(function.begun(), ["c fail", "c 5"]);
    assert_eq!(setting.letters().await.len(), 1);
}

//! Metrics in CloudWatch's embedded metric format: a line of JSON in the log, no calls.

use std::io::Write;
use std::time::Duration;

use kinpack_consumer::Outcome;
use serde_json::{Map, Value, json};

/// Name, unit and value.
type Metric = (&'static str, &'static str, Value);

/// The line for an invocation.
pub(crate) fn line(
    namespace: &str,
    consumer: &str,
    shard: &str,
    now: Duration,
    decode: Duration,
    outcome: &Outcome,
) -> String {
    let counters = outcome.metrics;
    let millis = |time: Duration| json!(time.as_micros() as f64 / 1000.0);
    let mut metrics: Vec<Metric> = vec![
        ("user_records", "Count", json!(counters.user_records)),
        ("kinesis_records", "Count", json!(counters.kinesis_records)),
        ("bytes", "Bytes", json!(counters.bytes)),
        ("decode_time", "Milliseconds", millis(decode)),
        ("handled", "Count", json!(outcome.handled)),
        ("failures", "Count", json!(counters.failures)),
        ("poison", "Count", json!(counters.poison)),
        ("skipped", "Count", json!(counters.skipped)),
        ("dead_letter_failures", "Count", json!(counters.dead_letter_failures)),
        ("progress_failures", "Count", json!(counters.progress_failures)),
        ("deadline_stop", "Count", json!(counters.deadline_stop)),
        ("no_progress", "Count", json!(counters.no_progress)),
        ("decode_fault", "Count", json!(counters.decode_fault)),
    ];
    if let Some(age) = counters.oldest_age {
        metrics.push(("oldest_record_age", "Milliseconds", millis(age)));
    }
    let definitions: Vec<_> =
        metrics.iter().map(|(name, unit, _)| json!({ "Name": name, "Unit": unit })).collect();
    let mut line = Map::new();
    line.insert(
        "_aws".into(),
        json!({
            "Timestamp": u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
            "CloudWatchMetrics": [{
                "Namespace": namespace,
                "Dimensions": [["consumer"]],
                "Metrics": definitions,
            }],
        }),
    );
    line.insert("consumer".into(), consumer.into());
    line.insert("shard".into(), shard.into());
    line.extend(metrics.into_iter().map(|(name, _, value)| (name.to_owned(), value)));
    Value::Object(line).to_string()
}

/// To the log, in one piece. There is nobody to tell if that fails.
pub(crate) fn print(mut line: String) {
    line.push('\n');
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
}

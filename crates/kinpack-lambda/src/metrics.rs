//! Metrics in CloudWatch's embedded metric format: a line of JSON in the log, no calls.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use kinpack_consumer::Outcome;

/// The line for an invocation.
pub(crate) fn line(
    namespace: &str,
    consumer: &str,
    shard: &str,
    now: Duration,
    decode: Duration,
    outcome: &Outcome,
) -> String {
    let counters = &outcome.metrics;
    let mut metrics = Metrics::default();
    metrics.add("user_records", "Count", counters.user_records);
    metrics.add("kinesis_records", "Count", counters.kinesis_records);
    metrics.add("bytes", "Bytes", counters.bytes);
    // To the microsecond, as decoding often takes less than the unit.
    metrics.add_text("decode_time", "Milliseconds", &millis(decode));
    if let Some(age) = counters.oldest_age {
        metrics.add_text("oldest_record_age", "Milliseconds", &millis(age));
    }
    metrics.add("handled", "Count", outcome.handled);
    metrics.add("failures", "Count", counters.failures);
    metrics.add("poison", "Count", counters.poison);
    metrics.add("skipped", "Count", counters.skipped);
    metrics.add("dead_letter_failures", "Count", counters.dead_letter_failures);
    metrics.add("progress_failures", "Count", counters.progress_failures);
    metrics.add("deadline_stop", "Count", counters.deadline_stop);
    metrics.add("no_progress", "Count", counters.no_progress);
    metrics.add("decode_fault", "Count", counters.decode_fault);

    let text = |text: &str| serde_json::to_string(text).unwrap_or_default();
    format!(
        r#"{{"_aws":{{"Timestamp":{},"CloudWatchMetrics":[{{"Namespace":{},"Dimensions":[["consumer"]],"Metrics":[{}]}}]}},"consumer":{},"shard":{}{}}}"#,
        now.as_millis(),
        text(namespace),
        metrics.definitions,
        text(consumer),
        text(shard),
        metrics.values,
    )
}

fn millis(time: Duration) -> String {
    format!("{}.{:03}", time.as_millis(), time.as_micros() % 1000)
}

#[derive(Default)]
struct Metrics {
    definitions: String,
    values: String,
}

impl Metrics {
    fn add(&mut self, name: &str, unit: &str, value: u64) {
        self.add_text(name, unit, &value.to_string());
    }

    /// Writing to a string cannot fail.
    fn add_text(&mut self, name: &str, unit: &str, value: &str) {
        let comma = if self.definitions.is_empty() { "" } else { "," };
        let _ = write!(self.definitions, r#"{comma}{{"Name":"{name}","Unit":"{unit}"}}"#);
        let _ = write!(self.values, r#","{name}":{value}"#);
    }
}

/// To the log, in one piece. There is nobody to tell if that fails.
pub(crate) fn print(mut line: String) {
    line.push('\n');
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
}

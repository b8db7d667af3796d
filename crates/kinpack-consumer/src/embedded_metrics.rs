//! Metrics in CloudWatch's embedded metric format: a line of JSON for the log, no calls.

use std::fmt::Write as _;
use std::time::Duration;

use crate::outcome::Outcome;

impl Outcome {
    /// The invocation's metrics in CloudWatch's embedded metric format, a line of JSON without its
    /// end. `now` is since 1970, `decode` is what it took from the event's text to user records.
    ///
    /// ```
    /// use kinpack_consumer::Outcome;
    /// use std::time::Duration;
    ///
    /// let (now, decode) = (Duration::from_secs(1_800_000_000), Duration::from_micros(1500));
    /// let line = Outcome::default().embedded_metrics("orders", "reader", "shardId-0", now, decode);
    /// assert!(line.starts_with(r#"{"_aws":{"Timestamp":1800000000000,"CloudWatchMetrics":"#));
    /// assert!(line.contains(r#""consumer":"reader","shard":"shardId-0","user_records":0,"#));
    /// assert!(line.contains(r#""decode_time":1.500,"#));
    /// ```
    #[must_use]
    pub fn embedded_metrics(
        &self,
        namespace: &str,
        consumer: &str,
        shard: &str,
        now: Duration,
        decode: Duration,
    ) -> String {
        line(self, namespace, consumer, shard, now, decode)
    }
}

fn line(
    outcome: &Outcome,
    namespace: &str,
    consumer: &str,
    shard: &str,
    now: Duration,
    decode: Duration,
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
    metrics.add("event_fault", "Count", counters.event_fault);

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

//! What is wrong with a stream.

use super::documents::StreamSummary;
use super::finding::{Finding, Severity};

/// What an event has room for: 6 MB, less base64 and names.
const EVENT_KIB: u64 = crate::lambda_event::MAX_RECORD as u64 / 1024;

pub(super) fn check(stream: &StreamSummary) -> Vec<Finding> {
    let mut findings = Vec::new();
    if stream.record_distribution_strategy.as_deref() == Some("AUTO") {
        findings.push(Finding::new(
            (Severity::LosesData, "distribution"),
            "RecordDistributionStrategy is AUTO",
            "A stream with service-managed distribution takes aggregates, but they are not \
             supported there: it ignores hash keys, so that user records come to shards they do \
             not belong to, and readers that check that (the KCL) drop them without a word. \
             There is no order per partition key.",
            (
                "put plain records, or:",
                format!(
                    "aws kinesis update-stream-record-distribution-strategy --stream-arn {} \
                     --record-distribution-strategy USER_PARTITION_KEY",
                    stream.arn()
                ),
            ),
        ));
    }
    if let Some(size) = stream.max_record_size.filter(|&size| size > EVENT_KIB) {
        findings.push(Finding::new(
            (Severity::MayHurt, "record-size"),
            format!("MaxRecordSizeInKiB is {size}"),
            format!(
                "An event holds 6 MB of JSON, which is a record of about {EVENT_KIB} KiB before \
                 base64. A larger one cannot reach a function at all."
            ),
            "keep records below that: kinpack pack --max-size, and --record-limit 4MiB",
        ));
    }
    findings
}

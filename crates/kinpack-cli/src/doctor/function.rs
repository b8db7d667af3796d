//! What is wrong with a function, and with it and its mapping together.

use super::documents::{Function, Mapping};
use super::finding::{Finding, Severity};
use super::{Args, Case};

/// What a function has that nobody gave one.
const DEFAULT_TIMEOUT: u32 = 3;

/// All there is to say of a mapping's function.
pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some(function) = case.function else { return Vec::new() };
    let mut findings = alone(function, case.args);
    if let Some(timeout) = function.timeout {
        findings.extend(window(case.mapping, timeout));
        findings.extend(age(case, timeout));
        findings.extend(batch(case.mapping, timeout));
    }
    findings
}

/// What can be said without a mapping.
pub(super) fn alone(function: &Function, args: &Args) -> Vec<Finding> {
    let mut findings = Vec::new();
    let name = function.name();
    let margin = args.deadline_margin;
    if let Some(timeout) = function.timeout {
        let setting = format!("Timeout is {timeout} s");
        let command = format!(
            "aws lambda update-function-configuration --function-name {name} --timeout {}",
            margin.saturating_mul(4).clamp(60, 900)
        );
        let remedy = ("give it what a full batch takes, and the margin:", command);
        if timeout <= margin {
            findings.push(Finding::new(
                (Severity::MayHurt, "timeout"),
                setting,
                format!(
                    "The deadline guard begins nothing in the last {margin} s, which is all the \
                     time there is: no invocation gets anywhere, until the records expire."
                ),
                remedy,
            ));
        } else if timeout <= DEFAULT_TIMEOUT {
            findings.push(Finding::new(
                (Severity::MayHurt, "timeout"),
                setting,
                "That is what functions have by default. One aggregate may hold thousands of \
                 user records, and an invocation that does not get through one comes again and \
                 again.",
                remedy,
            ));
        }
    }
    let target = function.dead_letter_config.as_ref().and_then(|it| it.target_arn.as_deref());
    if let Some(target) = target.filter(|target| !target.is_empty()) {
        findings.push(Finding::new(
            (Severity::Advice, "function-dlq"),
            format!("DeadLetterConfig is {target}"),
            "A function's own dead-letter queue is for asynchronous invocations. Nothing that \
             comes from a stream ever gets there.",
            "set the mapping's on-failure destination, and kinpack's dead letter for user records",
        ));
    }
    findings
}

/// Records that were gathered for longer than there is time for them.
fn window(mapping: &Mapping, timeout: u32) -> Option<Finding> {
    let window = mapping.maximum_batching_window_in_seconds?;
    (window > timeout).then(|| {
        Finding::new(
            (Severity::MayHurt, "window"),
            format!("MaximumBatchingWindowInSeconds is {window}, Timeout is {timeout} s"),
            format!(
                "What a shard gathers in {window} s, up to 6 MB, has to be done in {timeout} s. \
                 If it cannot, each batch is cut by the deadline, and the function falls behind."
            ),
            (
                "a longer timeout, or a shorter window (aggregates are full already):",
                mapping.update("--maximum-batching-window-in-seconds 1"),
            ),
        )
    })
}

/// Records that grow too old before they were tried often enough.
fn age(case: &Case<'_>, timeout: u32) -> Option<Finding> {
    let age = case.mapping.age()?;
    let window = u64::from(case.mapping.maximum_batching_window_in_seconds.unwrap_or(0));
    let tries = u64::from(case.args.poison_after.unwrap_or(1));
    let takes = window + tries * u64::from(timeout);
    let severity = match case.mapping.on_failure() {
        None => Severity::LosesData,
        Some(_) => Severity::MayHurt,
    };
    (takes >= age).then(|| {
        Finding::new(
            (severity, "age"),
            format!("MaximumRecordAgeInSeconds is {age}, Timeout is {timeout} s"),
            format!(
                "A window of {window} s and {} of up to {timeout} s can take {takes} s: Lambda \
                 may discard records for their age that were never done, and that kinpack has \
                 not given up.",
                if tries == 1 { "one attempt".to_owned() } else { format!("{tries} attempts") }
            ),
            case.mapping.update(&format!(
                "--maximum-record-age-in-seconds {}",
                (takes * 10).clamp(3_600, 604_800)
            )),
        )
    })
}

fn batch(mapping: &Mapping, timeout: u32) -> Option<Finding> {
    let size = mapping.batch_size.unwrap_or(100);
    (size > 100 && timeout < 30 && !mapping.is_fan_out()).then(|| {
        Finding::new(
            (Severity::Advice, "batch-size"),
            format!("BatchSize is {size}, Timeout is {timeout} s"),
            "It counts Kinesis records: an event of aggregates may hold 4 MB of user records, \
             tens of thousands. What does not get done before the deadline comes again.",
            (
                "try how many user records fit into that time; begin with:",
                mapping.update("--batch-size 100"),
            ),
        )
    })
}

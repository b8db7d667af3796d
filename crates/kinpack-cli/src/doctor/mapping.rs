//! What is wrong with an event source mapping.

use serde_json::Value;

use super::documents::{Filter, Mapping};
use super::finding::{Finding, Severity};
use super::{Case, OuterKey};

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mapping = case.mapping;
    let checks = [
        reporting(mapping),
        filter(mapping),
        filter_error(mapping),
        attempts(case),
        discards(mapping),
        endless(case),
        tumbling(mapping),
        parallelization(case),
        last_result(mapping),
        bisect(mapping),
        metadata_only(mapping),
        fan_out(mapping),
    ];
    checks.into_iter().flatten().collect()
}

fn reporting(mapping: &Mapping) -> Option<Finding> {
    let types = mapping.function_response_types.iter().flatten();
    let mut reports = types.filter(|it| *it == "ReportBatchItemFailures");
    reports.next().is_none().then(|| {
        Finding::new(
            (Severity::LosesData, "reporting"),
            "FunctionResponseTypes has no ReportBatchItemFailures",
            "Lambda ignores the function's answer and takes each batch for done. With kinpack's \
             BatchItemFailures all records that fail are lost.",
            (
                "use Reporting::FailInvocation in the function, or:",
                mapping.update("--function-response-types ReportBatchItemFailures"),
            ),
        )
    })
}

/// Whether a filter's pattern looks at a member of the record.
fn looks_at(pattern: &Value, member: &str) -> bool {
    let either = pattern.get("$or").and_then(Value::as_array);
    pattern.get(member).is_some()
        || either.is_some_and(|patterns| patterns.iter().any(|it| looks_at(it, member)))
}

fn filter(mapping: &Mapping) -> Option<Finding> {
    let filters = mapping.filter_criteria.as_ref()?.filters.as_deref().unwrap_or_default();
    let count = filters.len();
    let setting = match count {
        0 => return None,
        1 => "FilterCriteria has a filter".to_owned(),
        _ => format!("FilterCriteria has {count} filters"),
    };
    if mapping.is_fan_out() {
        return Some(Finding::new(
            (Severity::Advice, "filter"),
            setting,
            "With enhanced fan-out it sees user records, but not what is inside compressed \
             payloads, Avro, or aggregates that are compressed as a whole: those are discarded, \
             if it looks at the data.",
            "filter in the handler where payloads are not plain JSON",
        ));
    }
    // What is no pattern is not trusted to be harmless.
    let pattern = |it: &Filter| serde_json::from_str(it.pattern.as_deref()?).ok();
    let patterns: Vec<Option<Value>> = filters.iter().map(pattern).collect();
    let any = |member| patterns.iter().flatten().any(|it| looks_at(it, member));
    let why = match (any("data") || patterns.contains(&None), any("partitionKey")) {
        (false, false) => return None,
        (true, _) => {
            "Without enhanced fan-out a filter sees an aggregate's bytes, which are no JSON: \
             Lambda discards the aggregate with all its user records, and no metric of the \
             function shows it."
        }
        (false, true) => {
            "Without enhanced fan-out a filter sees the aggregate's own partition key (`a` from \
             the KPL), not those of the user records inside: what it does not match is discarded \
             with all its user records."
        }
    };
    Some(Finding::new(
        (Severity::LosesData, "filter"),
        setting,
        why,
        (
            "filter in the handler, or read with enhanced fan-out; remove the filter with:",
            mapping.update("--filter-criteria '{}'"),
        ),
    ))
}

fn filter_error(mapping: &Mapping) -> Option<Finding> {
    let error = mapping.filter_criteria_error.as_ref().filter(|it| !it.is_null())?;
    Some(Finding::new(
        (Severity::MayHurt, "filter-error"),
        format!("FilterCriteriaError is {error}"),
        "There is a filter, and Lambda cannot tell which. If it looks at data it discards \
         aggregates.",
        "look at the filter's KMS key, and ask again",
    ))
}

fn attempts(case: &Case<'_>) -> Option<Finding> {
    let mapping = case.mapping;
    let attempts = mapping.attempts()?;
    let setting = format!("MaximumRetryAttempts is {attempts}");
    match case.args.poison_after {
        Some(n) if attempts <= u64::from(n) => Some(Finding::new(
            (Severity::LosesData, "attempts"),
            setting,
            format!(
                "A record is poison after {n} attempts, but Lambda may discard the batch before \
                 they are counted (attempts that fail for other reasons count, too): with it go \
                 all user records that were not done, not only the bad one."
            ),
            mapping.update(&format!(
                "--maximum-retry-attempts {}",
                (u64::from(n) * 3).clamp(10, 10_000)
            )),
        )),
        None if attempts == 0 => Some(Finding::new(
            (Severity::LosesData, "attempts"),
            setting,
            "Nothing is tried again: one record that fails, once, and what was not done of the \
             batch is discarded.",
            mapping.update("--maximum-retry-attempts 10"),
        )),
        None => Some(Finding::new(
            (Severity::Advice, "attempts"),
            setting,
            "If the function gives up poison records, its After(N) must be well below that.",
            "say N with --poison-after",
        )),
        Some(_) => None,
    }
}

/// Discarded, and nobody hears of it.
fn discards(mapping: &Mapping) -> Option<Finding> {
    if mapping.on_failure().is_some() {
        return None;
    }
    let limits = [
        ("MaximumRetryAttempts", mapping.attempts()),
        ("MaximumRecordAgeInSeconds", mapping.age()),
    ];
    let limits: Vec<String> = limits
        .into_iter()
        .filter_map(|(name, limit)| limit.map(|limit| format!("{name} is {limit}")))
        .collect();
    (!limits.is_empty()).then(|| {
        Finding::new(
            (Severity::LosesData, "discards"),
            format!("{}, and there is no on-failure destination", limits.join(", ")),
            "What Lambda gives up is gone without a trace: the Kinesis records from the \
             checkpoint on, and with an aggregate all its user records.",
            (
                "a bucket keeps the records, a queue only their numbers:",
                mapping.update(
                    "--destination-config \
                     '{\"OnFailure\":{\"Destination\":\"arn:aws:s3:::<bucket>\"}}'",
                ),
            ),
        )
    })
}

/// A bad record that is never given up.
fn endless(case: &Case<'_>) -> Option<Finding> {
    let mapping = case.mapping;
    if mapping.attempts().is_some() || mapping.age().is_some() {
        return None;
    }
    let retention = case.stream.and_then(|it| it.retention_period_hours);
    let retention = retention.map_or_else(String::new, |hours| format!(" after {hours} hours"));
    let setting = "MaximumRetryAttempts and MaximumRecordAgeInSeconds are infinite";
    let (then, destination) = match mapping.on_failure() {
        None => ("and is then lost without a trace", "an on-failure destination and "),
        Some(_) => ("which no on-failure destination hears of", ""),
    };
    match (case.args.poison_after, mapping.on_failure()) {
        (None, _) => Some(Finding::new(
            (Severity::MayHurt, "endless"),
            setting,
            format!(
                "One user record that always fails holds up its shard until it \
                 expires{retention}, {then}; so does one aggregate that never gets done in time."
            ),
            (
                format!(
                    "let kinpack give up single records, with .poison(After(N)…), and set \
                     {destination}a limit:"
                ),
                // Half of the shortest retention there is.
                mapping.update("--maximum-record-age-in-seconds 43200"),
            ),
        )),
        (Some(n), None) => Some(Finding::new(
            (Severity::Advice, "endless"),
            format!("{setting}, and there is no on-failure destination"),
            format!(
                "Records that fail are given up after {n} attempts. A batch that crashes the \
                 function or never gets anywhere is tried until it expires{retention}, {then}."
            ),
            "set a limit, well above N, and an on-failure destination",
        )),
        (Some(_), Some(_)) => None,
    }
}

fn tumbling(mapping: &Mapping) -> Option<Finding> {
    let window = mapping.tumbling_window_in_seconds.filter(|&window| window > 0)?;
    Some(Finding::new(
        (Severity::MayHurt, "tumbling-window"),
        format!("TumblingWindowInSeconds is {window}"),
        "Lambda fails each invocation whose answer has no `state`, and kinpack's has none.",
        mapping.update("--tumbling-window-in-seconds 0"),
    ))
}

fn parallelization(case: &Case<'_>) -> Option<Finding> {
    let mapping = case.mapping;
    let factor = mapping.parallelization_factor.filter(|&factor| factor > 1)?;
    let setting = format!("ParallelizationFactor is {factor}");
    if mapping.is_fan_out() {
        return Some(Finding::new(
            (Severity::Advice, "parallelization"),
            setting,
            "With enhanced fan-out Lambda unpacks aggregates; whether it then divides by the \
             user records' keys or by the aggregate's is not documented.",
            "try it before you rely on order per key",
        ));
    }
    let pack = "pack with lanes (kinpack pack --outer-key lanes:64) or per key, or:";
    let remedy = (pack, mapping.update("--parallelization-factor 1"));
    match case.args.outer_key {
        OuterKey::Kpl => Some(Finding::new(
            (Severity::MayHurt, "parallelization"),
            setting,
            "Lambda divides a shard by the aggregates' own partition key, and from the KPL all \
             have `a`: it gains nothing. A record that goes alone, under its own key, may \
             overtake the aggregates, so that order per key is lost. (Other outer keys: say so \
             with --outer-key.)",
            remedy,
        )),
        OuterKey::First => Some(Finding::new(
            (Severity::MayHurt, "parallelization"),
            setting,
            "Lambda divides a shard by the aggregates' own partition key. That is the first user \
             record's, whatever others are inside: one key's records are in batches that run at \
             the same time, and order per key is lost.",
            remedy,
        )),
        OuterKey::PerKey | OuterKey::Lanes => None,
    }
}

fn last_result(mapping: &Mapping) -> Option<Finding> {
    let result = mapping.last_processing_result.as_deref();
    if let Some(result) = result.filter(|it| it.starts_with("PROBLEM")) {
        return Some(Finding::new(
            (Severity::MayHurt, "last-result"),
            format!("LastProcessingResult is {result:?}"),
            "The last invocation failed.",
            "look at the function's log",
        ));
    }
    let state = mapping.state.as_deref().filter(|it| matches!(*it, "Disabled" | "Disabling"))?;
    Some(Finding::new(
        (Severity::Advice, "state"),
        format!("State is {state}"),
        "The function gets nothing, while records grow old.",
        mapping.update("--enabled"),
    ))
}

fn bisect(mapping: &Mapping) -> Option<Finding> {
    (mapping.bisect_batch_on_function_error != Some(true)).then(|| {
        Finding::new(
            (Severity::Advice, "bisect"),
            "BisectBatchOnFunctionError is off",
            "After a crash or a time-out the whole batch comes again as it was. Halved, it gets \
             through but for the Kinesis record that does it (an aggregate is one; kinpack's \
             poison tells user records apart, where the handler fails and does not crash).",
            mapping.update("--bisect-batch-on-function-error"),
        )
    })
}

fn metadata_only(mapping: &Mapping) -> Option<Finding> {
    let destination = mapping.on_failure().filter(|arn| !arn.contains(":s3:"))?;
    Some(Finding::new(
        (Severity::Advice, "on-failure"),
        format!("the on-failure destination is {destination}"),
        "It gets shard and sequence numbers of what Lambda gives up, not the records: whoever \
         wants them has to read them from the stream before they expire.",
        "a bucket as the destination gets the records, too",
    ))
}

fn fan_out(mapping: &Mapping) -> Option<Finding> {
    mapping.is_fan_out().then(|| {
        Finding::new(
            (Severity::Advice, "fan-out"),
            "the event source is a consumer with enhanced fan-out",
            "Lambda unpacks aggregates itself: the user records of one share a sequence number, \
             are reported together and come again together, also those that were done. \
             Aggregates that are compressed as a whole it hands on as they are.",
            "to resume inside aggregates, read with a standard iterator",
        )
    })
}

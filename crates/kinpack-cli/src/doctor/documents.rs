//! What the AWS CLI prints.

use std::fmt;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::failure::{Failure, complain};
use crate::input::source::{self, Source, without_mark};

/// An event source mapping. What is absent is what Lambda takes by default.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Mapping {
    #[serde(rename = "UUID")]
    pub(super) uuid: Option<String>,
    pub(super) event_source_arn: Option<String>,
    pub(super) function_arn: Option<String>,
    pub(super) batch_size: Option<u32>,
    pub(super) maximum_batching_window_in_seconds: Option<u32>,
    pub(super) parallelization_factor: Option<u32>,
    pub(super) bisect_batch_on_function_error: Option<bool>,
    /// −1 is without end, as is none.
    pub(super) maximum_retry_attempts: Option<i64>,
    /// The same.
    pub(super) maximum_record_age_in_seconds: Option<i64>,
    pub(super) tumbling_window_in_seconds: Option<u32>,
    pub(super) function_response_types: Option<Vec<String>>,
    pub(super) filter_criteria: Option<FilterCriteria>,
    pub(super) filter_criteria_error: Option<Value>,
    pub(super) destination_config: Option<DestinationConfig>,
    pub(super) state: Option<String>,
    pub(super) last_processing_result: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FilterCriteria {
    pub(super) filters: Option<Vec<Filter>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Filter {
    pub(super) pattern: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DestinationConfig {
    on_failure: Option<Destination>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Destination {
    destination: Option<String>,
}

impl Mapping {
    /// Whether it reads through a consumer with enhanced fan-out.
    pub(super) fn is_fan_out(&self) -> bool {
        self.event_source_arn.as_deref().is_some_and(|arn| arn.contains("/consumer/"))
    }

    /// How often Lambda tries again, if that has an end.
    pub(super) fn attempts(&self) -> Option<u64> {
        self.maximum_retry_attempts.and_then(|it| u64::try_from(it).ok())
    }

    /// How old, in seconds, records get before Lambda discards them, if they do.
    pub(super) fn age(&self) -> Option<u64> {
        self.maximum_record_age_in_seconds.and_then(|it| u64::try_from(it).ok())
    }

    /// Where what is discarded is told of.
    pub(super) fn on_failure(&self) -> Option<&str> {
        self.destination_config.as_ref()?.on_failure.as_ref()?.destination.as_deref()
    }

    /// The command that changes it.
    pub(super) fn update(&self, options: &str) -> String {
        let uuid = self.uuid.as_deref().unwrap_or("<uuid>");
        format!("aws lambda update-event-source-mapping --uuid {uuid} {options}")
    }

    pub(super) fn is_of_function(&self, function: &Function) -> bool {
        let unqualified = |arn: &str| arn.split(':').take(7).map(str::to_owned).collect::<Vec<_>>();
        let of = self.function_arn.as_deref();
        of.is_some_and(|arn| unqualified(arn) == unqualified(&function.function_arn))
    }

    pub(super) fn is_of_stream(&self, stream: &StreamSummary) -> bool {
        self.stream_arn() == stream.stream_arn
    }

    fn stream_arn(&self) -> &str {
        let arn = self.event_source_arn.as_deref().unwrap_or_default();
        arn.split_once("/consumer/").map_or(arn, |(stream, _)| stream)
    }

    fn is_of_kinesis(&self) -> bool {
        self.event_source_arn.as_deref().is_some_and(|arn| arn.split(':').nth(2) == Some("kinesis"))
    }
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stream = self.stream_arn().rsplit('/').next().unwrap_or_default();
        let function = self.function_arn.as_deref().map_or("?", function_name);
        let how = if self.is_fan_out() { " (enhanced fan-out)" } else { "" };
        write!(f, "stream {stream} -> function {function}{how}")
    }
}

/// A function's configuration.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Function {
    function_arn: String,
    /// Seconds.
    pub(super) timeout: Option<u32>,
    pub(super) dead_letter_config: Option<DeadLetterConfig>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeadLetterConfig {
    pub(super) target_arn: Option<String>,
}

impl Function {
    pub(super) fn name(&self) -> &str {
        function_name(&self.function_arn)
    }
}

fn function_name(arn: &str) -> &str {
    arn.split(':').nth(6).unwrap_or(arn)
}

/// A stream.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StreamSummary {
    pub(super) stream_name: String,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
    pub(super) record_distribution_strategy: Option<String>,
    #[serde(rename = "MaxRecordSizeInKiB")]
    pub(super) max_record_size: Option<u64>,
    pub(super) retention_period_hours: Option<u64>,
}

impl StreamSummary {
    pub(super) fn arn(&self) -> &str {
        &self.stream_arn
    }
}

/// The mappings of Kinesis streams in a file.
pub(super) fn mappings(path: &Path) -> crate::Result<Vec<Mapping>> {
    let wanted = "the output of get-event-source-mapping or list-event-source-mappings";
    let name = source::name(path);
    let document = read(path)?;
    let more = document.get("NextToken").or_else(|| document.get("NextMarker"));
    let more = more.is_some_and(|it| !it.is_null());
    let all: Vec<Mapping> = match document.get("EventSourceMappings") {
        Some(list) => parse(&name, list.clone(), wanted)?,
        None if document.get("EventSourceArn").is_some() || document.get("UUID").is_some() => {
            vec![parse(&name, document, wanted)?]
        }
        None => return Err(Failure::new(format!("{name}: not {wanted}"))),
    };
    let count = all.len();
    let of_kinesis: Vec<Mapping> = all.into_iter().filter(Mapping::is_of_kinesis).collect();
    if of_kinesis.is_empty() {
        return Err(Failure::new(format!("{name}: there is no mapping of a Kinesis stream in it")));
    }
    if of_kinesis.len() < count {
        let others = count - of_kinesis.len();
        complain(&format_args!("{name}: {others} of {count} mappings are not of Kinesis streams"));
    }
    if more {
        complain(&format_args!("{name}: the list goes on: it has a next page"));
    }
    Ok(of_kinesis)
}

/// The function in a file.
pub(super) fn function(path: &Path) -> crate::Result<Function> {
    let wanted = "the output of get-function-configuration";
    let mut document = read(path)?;
    // get-function has it further in.
    let document = match document.get_mut("Configuration") {
        Some(configuration) => configuration.take(),
        None => document,
    };
    parse(&source::name(path), document, wanted)
}

/// The stream in a file.
pub(super) fn stream(path: &Path) -> crate::Result<StreamSummary> {
    let wanted = "the output of describe-stream-summary";
    let summary = read(path)?.get_mut("StreamDescriptionSummary").map(Value::take);
    parse(&source::name(path), summary.unwrap_or_default(), wanted)
}

fn parse<T: DeserializeOwned>(name: &str, value: Value, wanted: &str) -> crate::Result<T> {
    serde_json::from_value(value)
        .map_err(|error| Failure::new(format!("{name}: not {wanted}: {error}")))
}

fn read(path: &Path) -> crate::Result<Value> {
    /// The longest list of mappings that the CLI prints is far below.
    const MOST: u64 = 64 << 20;
    let name = source::name(path);
    let mut text = Vec::new();
    let read = Source::open(path).and_then(|file| file.take(MOST).read_to_end(&mut text));
    read.map_err(|error| Failure::Message(format!("{name}: {error}")))?;
    serde_json::from_slice(without_mark(&text))
        .map_err(|error| Failure::new(format!("{name}: not JSON: {error}")))
}

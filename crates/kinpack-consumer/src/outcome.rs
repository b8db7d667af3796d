//! How an invocation ended.

use std::fmt;
use std::time::Duration;

/// The end of an invocation: what Lambda is told, and what is worth knowing beside.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finished {
    /// What Lambda is told.
    pub response: Response,
    /// What happened.
    pub outcome: Outcome,
}

/// What Lambda is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Response {
    /// All records are finished.
    Success,
    /// Lambda shall send all again from this Kinesis record on.
    Partial {
        /// The sequence number of the lowest Kinesis record that is not finished.
        sequence_number: String,
    },
    /// The invocation fails, and Lambda sends the whole batch again.
    Fail(InvocationError),
}

impl Response {
    /// The JSON that the function returns; `None` where it must fail instead.
    ///
    /// ```
    /// use kinpack_consumer::Response;
    ///
    /// assert_eq!(Response::Success.to_json().unwrap(), r#"{"batchItemFailures":[]}"#);
    /// let partial = Response::Partial { sequence_number: "49".into() };
    /// let json = partial.to_json().unwrap();
    /// assert_eq!(json, r#"{"batchItemFailures":[{"itemIdentifier":"49"}]}"#);
    /// ```
    #[must_use]
    pub fn to_json(&self) -> Option<String> {
        match self {
            Self::Success => Some(r#"{"batchItemFailures":[]}"#.to_owned()),
            // Digits, as the batch saw to: nothing to escape.
            Self::Partial { sequence_number } => Some(format!(
                r#"{{"batchItemFailures":[{{"itemIdentifier":"{sequence_number}"}}]}}"#
            )),
            Self::Fail(_) => None,
        }
    }
}

/// Why an invocation fails.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvocationError {
    /// Records failed, or were not reached in time, and the mapping takes no batch item failures
    /// ([`Reporting::FailInvocation`](crate::Reporting::FailInvocation)).
    NotFinished {
        /// The sequence number of the lowest Kinesis record that is not finished.
        sequence_number: String,
        /// User records that are not finished.
        user_records: u64,
    },
    /// The deadline came before anything advanced: the next invocation would go the same way, and
    /// so on until the record's age ends it. The function needs more time, smaller batches, or a
    /// durable store, with which it goes forward inside an aggregate.
    NoProgress {
        /// The sequence number of the lowest Kinesis record that is not finished.
        sequence_number: String,
    },
}

impl InvocationError {
    /// The error's name, for Lambda's `errorType`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotFinished { .. } => "KinpackNotFinished",
            Self::NoProgress { .. } => "KinpackNoProgress",
        }
    }
}

impl fmt::Display for InvocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinished { sequence_number, user_records: 1 } => {
                write!(f, "1 user record is not finished, in Kinesis record {sequence_number}")
            }
            Self::NotFinished { sequence_number, user_records } => write!(
                f,
                "{user_records} user records are not finished, the first in Kinesis record \
                 {sequence_number}"
            ),
            Self::NoProgress { sequence_number } => write!(
                f,
                "no progress: the deadline came before anything advanced, at Kinesis record \
                 {sequence_number}; give the function more time, smaller batches or a durable \
                 progress store"
            ),
        }
    }
}

impl std::error::Error for InvocationError {}

/// What kept an invocation from finishing its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoppedBy {
    /// A record failed.
    Failure,
    /// The deadline came near.
    Deadline,
    /// The driver wanted no more of it: [`Engine::stop`](crate::Engine::stop).
    Driver,
}

/// What happened in an invocation, in user records where nothing else is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// Handled with success.
    pub handled: u64,
    /// Finished by an earlier invocation, so not handled again.
    pub skipped: u64,
    /// Written to the dead letter.
    pub dead: u64,
    /// Failed for this time.
    pub failed: u64,
    /// Not finished for any reason: failed, given up, never begun.
    pub not_finished: u64,
    /// What came first of what kept it from finishing; `None` when all is finished.
    pub stopped_by: Option<StoppedBy>,
    /// The sequence number of the lowest Kinesis record that is not finished.
    pub checkpoint: Option<String>,
    /// The progress at the end could not be written: finished records above the checkpoint will be
    /// handled again.
    pub progress_lost: bool,
    /// Counters, for a metrics system.
    pub metrics: Metrics,
}

/// Counters of an invocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// User records in the batch.
    pub user_records: u64,
    /// Kinesis records in the batch.
    pub kinesis_records: u64,
    /// Data of the Kinesis records, in bytes.
    pub bytes: u64,
    /// Age of the oldest Kinesis record when the invocation began.
    pub oldest_age: Option<Duration>,
    /// Failed attempts, those of broken aggregates and of records that were given up included.
    pub failures: u64,
    /// Records found to be poison.
    pub poison: u64,
    /// Dead letters that could not be written.
    pub dead_letter_failures: u64,
    /// Finished by an earlier invocation.
    pub skipped: u64,
    /// 1 if the deadline ended the invocation.
    pub deadline_stop: u64,
    /// 1 if the deadline came before anything advanced.
    pub no_progress: u64,
    /// Broken aggregates in the batch.
    pub decode_fault: u64,
    /// Reads and writes of progress that failed for good.
    pub progress_failures: u64,
    /// 1 if the event could not be read, so that nothing was handled.
    pub event_fault: u64,
}

//! Why an invocation fails.

use std::fmt;

use kinpack_consumer::{BatchError, InvocationError, Outcome};
use kinpack_events::EventError;
use lambda_runtime::Diagnostic;

/// Why an invocation fails: Lambda sends the whole batch again. Lambda's `errorType` is
/// [`name`](Self::name).
#[derive(Debug)]
#[non_exhaustive]
pub enum ConsumerError {
    /// The event is no event of a Kinesis stream.
    Event(EventError),
    /// A record of the event cannot be reported, as it has no sequence number.
    Batch(BatchError),
    /// The event has records of two shards: of one batch Lambda never does that.
    Shards {
        /// The first record of another shard, from 0.
        kinesis_record: usize,
    },
    /// The progress store cannot be read. Nothing was handled, as finished records might have been
    /// handled again.
    Store(Box<dyn std::error::Error + Send + Sync>),
    /// Not all records are finished, and batch item failures cannot say so.
    Invocation {
        /// What Lambda is told.
        error: InvocationError,
        /// What happened.
        outcome: Box<Outcome>,
    },
}

impl ConsumerError {
    /// The error's name, for Lambda's `errorType` and metric filters.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Event(_) | Self::Batch(_) | Self::Shards { .. } => "KinpackEvent",
            Self::Store(_) => "KinpackProgressStore",
            Self::Invocation { error, .. } => error.name(),
        }
    }
}

impl fmt::Display for ConsumerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(error) => write!(f, "no event of a Kinesis stream: {error}"),
            Self::Batch(error) => write!(f, "no event of a Kinesis stream: {error}"),
            Self::Shards { kinesis_record } => {
                write!(f, "record {kinesis_record} is of another shard than those before")
            }
            Self::Store(error) => write!(f, "the progress store cannot be read: {error}"),
            Self::Invocation { error, .. } => error.fmt(f),
        }
    }
}

impl std::error::Error for ConsumerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Event(error) => Some(error),
            Self::Batch(error) => Some(error),
            Self::Shards { .. } => None,
            Self::Store(error) => Some(&**error),
            Self::Invocation { error, .. } => Some(error),
        }
    }
}

impl From<EventError> for ConsumerError {
    fn from(error: EventError) -> Self {
        Self::Event(error)
    }
}

impl From<BatchError> for ConsumerError {
    fn from(error: BatchError) -> Self {
        Self::Batch(error)
    }
}

impl From<ConsumerError> for Diagnostic {
    fn from(error: ConsumerError) -> Self {
        Self { error_type: error.name().to_owned(), error_message: error.to_string() }
    }
}

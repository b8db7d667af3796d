//! Kinesis records in a Lambda function, aggregates unpacked.
//!
//! ```no_run
//! use kinpack_lambda::{Consumer, Reporting};
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), kinpack_lambda::Error> {
//!     let consumer = Consumer::new(Reporting::BatchItemFailures);
//!     kinpack_lambda::serve(async |event| {
//!         consumer.each(event, async |record| {
//!             println!("{:?}: {} bytes", record.partition_key(), record.data().len());
//!             Ok(())
//!         }).await
//!     }).await
//! }
//! ```
//!
//! What is next, what is reported and what is remembered is decided by
//! [`kinpack-consumer`](kinpack_consumer), whose documentation says all about it.
//!
//! # The promise
//!
//! *Every record is handled at least once; after a reported failure the finished ones are not
//! handled again; after a crash or time-out, those since the last write may be.* The second part
//! takes a durable [`progress`](Consumer::progress) store, and a standard iterator.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod access;
mod batch;
mod chunks;
mod consumer;
mod driver;
#[cfg(feature = "dynamodb")]
mod dynamodb;
mod error;
mod event;
mod failure;
mod invocation;
mod letters;
mod metrics;
mod payload;
mod record;
mod reply;
mod run;
mod running;
mod serve;
#[cfg(feature = "sqs")]
mod sqs;
mod store;

pub use chunks::Chunk;
pub use consumer::{After, Consumer, PoisonRule};
#[cfg(feature = "dynamodb")]
pub use dynamodb::DynamoDbProgress;
pub use error::ConsumerError;
pub use event::RawEvent;
pub use failure::Failure;
pub use kinpack_consumer::{
    AfterDeadLetter, BrokenAggregates, CheckpointEvery, DeadLetter, Durable, InMemory,
    InvocationError, Metrics, Outcome, Progress, RecordId, Reporting, ShardKey, Stateless,
    StoppedBy, Stored, Write,
};
pub use lambda_runtime::Error;
pub use letters::{DeadLetters, NoDeadLetter};
pub use record::{Record, SharedRecord};
pub use reply::Reply;
pub use serve::serve;
#[cfg(feature = "concurrent")]
pub use serve::serve_concurrent;
#[cfg(feature = "sqs")]
pub use sqs::SqsDeadLetters;
pub use store::{MemoryProgress, NoProgress, ProgressStore, StoreError, Written};

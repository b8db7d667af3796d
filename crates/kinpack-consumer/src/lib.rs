//! The consumer engine: which record next, what to report, remember and dead-letter.
//!
//! No I/O, no clock, no async, no payloads: the [`Engine`] is told what a [`Batch`] looks like, what
//! a store remembers of its shard ([`Stored`]) and what time it is, and says what to do next. A
//! driver does it and tells how it went:
//!
//! ```
//! use kinpack_consumer::{
//!     Action, BatchBuilder, Config, Engine, KinesisRecord, Reporting, Stored,
//! };
//! use std::time::Duration;
//!
//! let mut builder = BatchBuilder::new("orders", "shardId-000000000006");
//! let record = KinesisRecord { sequence_number: "49", ..Default::default() };
//! builder.kinesis_record(record, [Some("key 1"), Some("key 2")])?;
//!
//! let settings = Config::new(Reporting::BatchItemFailures).settings();
//! // Any clock that counts from 1970.
//! let now = Duration::from_secs(1_800_000_000);
//! let deadline = Some(now + Duration::from_secs(60));
//! let mut engine = Engine::new(settings, builder.finish(), Stored::default(), deadline, now);
//! let finished = loop {
//!     match engine.poll(now) {
//!         Action::Start(record) => {
//!             // The handler's turn: record.kinesis_record and record.user_record say with what.
//!             engine.done(record);
//!         }
//!         Action::Finish(finished) => break finished,
//!         other => unreachable!("no store, no dead letter, nothing concurrent: {other:?}"),
//!     }
//! };
//! assert_eq!(finished.response.to_json().unwrap(), r#"{"batchItemFailures":[]}"#);
//! assert_eq!(finished.outcome.handled, 2);
//! # Ok::<(), kinpack_consumer::BatchError>(())
//! ```
//!
//! # The promise
//!
//! *Every record is handled at least once; after a reported failure the finished ones are not
//! handled again; after a crash or time-out, those since the last write may be.* The second part
//! takes a durable store, and a standard iterator: with enhanced fan-out user records cannot be
//! told apart from one delivery to the next.
//!
//! # What happens to a record
//!
//! ```text
//!             ┌─────────────── finished by an earlier invocation ──────────────> skipped ✓
//!             │
//! waiting ────┼─ its turn ──> running ──┬─ done ───────────────────────────────> handled ✓
//!             │                         ├─ failed ──────────────────────────┬──> failed
//!             ├─ broken aggregate ──────┘         │                         │
//!             │                         ├─ given up at the deadline ────────┼──> given up
//!             │                         │         │ poison                  │
//!             │                         │         v            not written  │
//!             └─ its key is held ───────│──> dead letter ───────────────────┘
//!                                       │         └─ written ──────────────────> dead ✓ (Block: failed)
//!                                       └─ (no answer before Finish: given up)
//! ```
//!
//! - *Its turn*: all earlier records of its key are finished (✓), and fewer than `concurrency`
//!   records are under way. Of those whose turn it is the lowest goes first. Records without a key
//!   are independent.
//! - *Failed*: nothing of its key is begun any more. Without a durable store, and with enhanced
//!   fan-out, nothing at all is begun; what runs is awaited.
//! - *Poison*: the handler says so and there is a dead letter, or the record has now failed as often
//!   as [`Config::poison_after`] allows. [`AfterDeadLetter`] says what then becomes of its key.
//! - *The deadline* less the margin: nothing new is begun. Less half the margin: what runs is given
//!   up. That counts as a failed attempt only of a record that was begun before any other had
//!   ended, and so had the whole time. An invocation in which nothing advanced fails with
//!   [`InvocationError::NoProgress`], whatever the mapping.
//! - *The end*: all is finished, or nothing may be begun and nothing runs. If not all is finished
//!   and a store has something to learn, there is one [`Action::Persist`]; on the all-good path
//!   none. Then the lowest Kinesis record that is not finished is reported, by its sequence number.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod batch;
mod config;
#[cfg(feature = "dead-letter")]
mod dead_letter;
#[cfg(feature = "embedded-metrics")]
mod embedded_metrics;
mod engine;
mod fingerprint;
mod id;
mod outcome;
mod positions;
mod progress;
mod sequence_number;
mod shard_key;

pub use batch::{Batch, BatchBuilder, BatchError, KinesisRecord, Record};
pub use config::{
    AfterDeadLetter, BrokenAggregates, CheckpointEvery, Config, Durable, InMemory, Reporting,
    Settings, Stateless,
};
#[cfg(feature = "dead-letter")]
pub use dead_letter::{DeadLetter, DeadLetterError};
pub use engine::{Action, DeadLetterReason, Engine, FailureKind, Persisted, Stored, Write};
pub use fingerprint::fingerprint;
pub use id::{ParseRecordIdError, RecordId};
pub use outcome::{Finished, InvocationError, Metrics, Outcome, Response, StoppedBy};
pub use progress::{Progress, ProgressError};
pub use shard_key::ShardKey;

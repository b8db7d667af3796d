//! What a handler under test is given, and what it must tell.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::stream::Delivery;

/// Names an invocation in its schedule.
pub type RunId = usize;

/// One invocation: its batch, what becomes of each record, and what goes wrong around it.
///
/// Serialised it is one line of JSON. A handler under test in another process takes the event from
/// [`Delivery::event`], or the records as they are here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invocation {
    /// Which.
    pub run: RunId,
    /// Its batch.
    pub delivery: Delivery,
    /// When it begins, in milliseconds since 1970.
    pub begin: u64,
    /// When it is killed, in milliseconds since 1970.
    pub deadline: u64,
    /// What the handler does with each user record, by its id.
    pub script: BTreeMap<u32, Handling>,
    /// What goes wrong.
    pub faults: Faults,
}

/// What the handler does with a user record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Handling {
    /// How it ends.
    pub end: End,
    /// How long it takes, in milliseconds.
    pub millis: u64,
}

/// How a handler ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum End {
    /// The record is handled.
    Done,
    /// It may work the next time.
    Retry,
    /// It will never work.
    Poison,
}

/// What goes wrong in an invocation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Faults {
    /// The environment goes down after so many steps of the driver.
    pub crash_after: Option<u32>,
    /// The store cannot be read.
    pub read_fails: bool,
    /// The shard's item is deleted before it is read, as by DynamoDB's TTL.
    #[serde(default)]
    pub item_gone: bool,
    /// The same after that, just before the first write arrives.
    #[serde(default)]
    pub item_gone_later: bool,
    /// What becomes of each write of progress; those after the last are well.
    pub writes: Vec<WriteFault>,
    /// Whether each write to the dead letter fails; those after the last are well.
    pub dead_letters_fail: Vec<bool>,
    /// How long the store and the dead letter take, in milliseconds.
    pub latency: u64,
}

/// What becomes of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WriteFault {
    /// Nothing.
    None,
    /// It is refused, for good.
    Fails,
    /// It arrives, but its answer does not.
    AnswerLost,
    /// It does not arrive, and nobody says so.
    RequestLost,
}

/// What happened in an invocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fact {
    /// The store was read; or there is none, and the records come.
    Began,
    /// A user record was given to the handler.
    Started(u32),
    /// The handler ended with it.
    Ended(u32, End),
    /// A user record is to be written to the dead letter, after so many failed attempts.
    Dying {
        /// The user record.
        user: u32,
        /// `poison`, `attempts`, `timedOut`, `brokenAggregate`, `heldKey`.
        reason: String,
    },
    /// It is in the dead letter (`true`), or could not be written to it.
    Died(u32, bool),
    /// Progress was sent to the store.
    Wrote,
    /// The store has said that it holds what was sent last.
    Remembered,
    /// The end. `remembered`: nothing that the store should know is lost.
    Finished {
        /// What Lambda gets.
        answer: Answer,
        /// Whether nothing that the store should know is lost.
        remembered: bool,
    },
}

/// A handler under test. Several invocations may be under way at once, in one store.
pub trait Subject {
    /// Begins an invocation.
    fn begin(&mut self, invocation: Invocation);

    /// When an invocation goes on; `None` for one that is over.
    fn next_time(&self, run: RunId) -> Option<u64>;

    /// An invocation goes on: what happened, in order. The last of all is [`Fact::Finished`].
    fn step(&mut self, run: RunId, now: u64) -> Vec<Fact>;

    /// The invocation is killed.
    fn kill(&mut self, run: RunId);

    /// The environments end, and what they kept in memory.
    fn cool_down(&mut self) {}
}

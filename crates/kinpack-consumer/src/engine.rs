//! The state machine: see the crate's documentation for what happens to a record.

mod answers;
mod following;
mod order;
mod remember;
mod settle;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::batch::{Batch, Record};
use crate::config::{AfterDeadLetter, BrokenAggregates, CheckpointEvery, Memory, Settings};
use crate::outcome::{Finished, Metrics, StoppedBy};

use order::Order;
use remember::Remembering;
pub use remember::{Persisted, Stored, Write};

/// What the driver shall do next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Begin with this record; later [`Engine::done`] or [`Engine::failed`]. More may follow before
    /// that.
    Start(Record),
    /// Write this record to the dead letter; later [`Engine::dead_lettered`]. More may follow
    /// before that.
    DeadLetter {
        /// The record.
        record: Record,
        /// Why.
        reason: DeadLetterReason,
        /// Failed attempts, this one included; 0 where they are not counted.
        attempts: u32,
    },
    /// Write progress; later [`Engine::persisted`]. More may follow before that.
    Persist(Write),
    /// Nothing to do until something is answered, or until that time.
    Wait {
        /// When to ask again at the latest, since 1970.
        until: Option<Duration>,
    },
    /// The end. Asked again, the answer is the same.
    Finish(Finished),
}

/// Why a record goes to the dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeadLetterReason {
    /// Its handler said that it is poison.
    Poison,
    /// It failed as often as it may.
    Attempts,
    /// It failed as often as it may, this time because it did not end before the deadline.
    TimedOut,
    /// It is an aggregate that cannot be decoded, and failed as often as it may.
    BrokenAggregate,
    /// An earlier record of its key is poison ([`AfterDeadLetter::HoldKey`]).
    HeldBy(Record),
}

/// How a record failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// It may work the next time.
    Retry,
    /// It will never work. Without a dead letter it is a failure like any other.
    Poison,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    /// Waits for the dead letter, or is being written to it.
    Dying,
    Handled,
    Skipped,
    Dead,
    Failed,
    /// In the dead letter, and failed all the same: [`AfterDeadLetter::Block`].
    Blocked,
    GivenUp,
}

/// One invocation's work on one batch. It is `Send`, holds no references, and is only driven by
/// plain calls.
///
/// The driver asks [`poll`](Self::poll) until it says [`Action::Wait`], and again whenever an answer
/// came in or the time was reached; see the crate's example. Time is what has passed since
/// 1970-01-01T00:00:00Z by a clock of the driver's choice that does not run backwards.
///
/// A store that cannot be *read* should fail the invocation before there is an engine: without
/// what it remembers, finished records would be handled again.
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    batch: Batch,
    deadline: Option<Duration>,
    now: Duration,
    states: Vec<State>,
    order: Order,
    remembering: Remembering,
    /// Records being handled; whether each was begun before any other had ended.
    running: BTreeMap<u32, bool>,
    to_dead_letter: VecDeque<(u32, DeadLetterReason)>,
    /// Records that the driver is writing to the dead letter.
    dying: BTreeMap<u32, DeadLetterReason>,
    answered: bool,
    /// Nothing new is to be begun.
    stopped: bool,
    past_margin: bool,
    gave_up: bool,
    deadline_stop: bool,
    stopped_by: Option<StoppedBy>,
    metrics: Metrics,
    finished: Option<Finished>,
}

const _: () = {
    const fn is_send<T: Send + 'static>() {}
    is_send::<Engine>();
};

impl Engine {
    /// For one invocation: the settings, the batch, what the store remembers of the batch's shard,
    /// and when the invocation will be killed.
    #[must_use]
    pub fn new(
        settings: Settings,
        batch: Batch,
        stored: Stored,
        deadline: Option<Duration>,
        now: Duration,
    ) -> Self {
        let mut states = vec![State::Waiting; batch.user_records()];
        let remembering = Remembering::new(&settings, &batch, stored, now, &mut states);
        let held = settings.after_dead_letter == Some(AfterDeadLetter::HoldKey);
        let order = Order::new(&batch, &states, held.then_some(&remembering));
        let skipped = states.iter().filter(|&&state| state == State::Skipped).count() as u64;
        let metrics = Metrics {
            user_records: batch.user_records() as u64,
            kinesis_records: batch.kinesis_records() as u64,
            bytes: batch.bytes(),
            oldest_age: batch.oldest().map(|arrival| now.saturating_sub(arrival)),
            skipped,
            decode_fault: batch.broken(),
            ..Metrics::default()
        };
        Self {
            settings,
            batch,
            deadline,
            now,
            states,
            order,
            remembering,
            running: BTreeMap::new(),
            to_dead_letter: VecDeque::new(),
            dying: BTreeMap::new(),
            answered: false,
            stopped: false,
            past_margin: false,
            gave_up: false,
            deadline_stop: false,
            stopped_by: None,
            metrics,
            finished: None,
        }
    }

    /// The batch, to name its records by.
    #[must_use]
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// What to do next. `now` earlier than before counts as before.
    pub fn poll(&mut self, now: Duration) -> Action {
        if let Some(finished) = &self.finished {
            return Action::Finish(finished.clone());
        }
        self.now = self.now.max(now);
        self.look_at_the_clock();
        loop {
            if let Some((index, reason)) = self.to_dead_letter.pop_front() {
                return self.dead_letter(index, reason);
            }
            if self.remembering.checkpoint_is_due(&self.settings, self.now) {
                return self.persist();
            }
            let Some(index) = self.next() else { break };
            if let Some(poison) = self.order.held_by(&self.batch, index) {
                let reason = DeadLetterReason::HeldBy(self.batch.record(poison));
                return self.dead_letter(index, reason);
            }
            if self.stopped {
                self.stopped_by.get_or_insert(StoppedBy::Driver);
                continue;
            }
            let broken = self.batch.entry_of(index).broken;
            if broken && self.settings.broken == BrokenAggregates::Fail {
                self.fail(index, None, DeadLetterReason::BrokenAggregate);
                continue;
            }
            self.states[index as usize] = State::Running;
            self.running.insert(index, !self.answered);
            return Action::Start(self.batch.record(index));
        }
        if self.under_way() > 0 || self.remembering.is_writing() {
            return Action::Wait { until: self.next_time() };
        }
        if self.order.checkpoint().is_some() && self.remembering.has_news() {
            self.remembering.last_chance();
            return self.persist();
        }
        let finished = self.settle();
        self.finished = Some(finished.clone());
        Action::Finish(finished)
    }

    /// Nothing new is to be begun; what runs is awaited, and what a poison record holds follows it.
    /// For drivers whose handlers may want no more.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// The next record whose turn it is, if anything may be begun.
    fn next(&mut self) -> Option<u32> {
        if self.under_way() >= self.settings.concurrency {
            return None;
        }
        if self.stopped_by == Some(StoppedBy::Failure) && !self.goes_on() {
            return None;
        }
        if self.remembering.is_writing()
            && matches!(self.settings.checkpoint_every, Some(CheckpointEvery::Records(_)))
        {
            return None;
        }
        let index = self.order.peek()?;
        if self.past_margin {
            match self.stopped {
                true => self.stopped_by.get_or_insert(StoppedBy::Driver),
                false => self.stop_at_deadline(),
            };
            return None;
        }
        // Room comes when what runs ends. If nothing runs and nothing failed, this is what is lowest
        // after the followers of a held key.
        let waits = self.under_way() > 0 || self.stopped_by.is_some();
        let limit =
            (waits && self.remembering.is_resumable()).then_some(self.settings.progress_limit);
        if !self.order.has_room(&self.batch, index, limit) {
            return None;
        }
        self.order.pop();
        Some(index)
    }

    /// Whether a failure leaves the records of other keys alone.
    fn goes_on(&self) -> bool {
        self.settings.memory == Some(Memory::Durable) && self.remembering.is_resumable()
    }

    fn stop_at_deadline(&mut self) -> &mut StoppedBy {
        self.deadline_stop = true;
        self.stopped_by.get_or_insert(StoppedBy::Deadline)
    }

    fn under_way(&self) -> usize {
        self.running.len() + self.dying.len()
    }

    fn dead_letter(&mut self, index: u32, reason: DeadLetterReason) -> Action {
        self.states[index as usize] = State::Dying;
        self.dying.insert(index, reason);
        let attempts = self.remembering.attempts(&self.batch, index);
        Action::DeadLetter { record: self.batch.record(index), reason, attempts }
    }

    fn persist(&mut self) -> Action {
        Action::Persist(self.remembering.write(&self.settings, &self.batch, &self.states, self.now))
    }
}

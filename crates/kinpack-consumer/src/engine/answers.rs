//! What the driver tells: how a record, a dead letter, a write went.

use std::time::Duration;

use super::{DeadLetterReason, Engine, FailureKind, Persisted, State};
use crate::batch::Record;
use crate::config::AfterDeadLetter;
use crate::outcome::StoppedBy;

impl Engine {
    /// The record was handled. `false`: the engine did not wait for it (it was given up, or
    /// answered before), and takes no notice.
    pub fn done(&mut self, record: Record) -> bool {
        if self.running.remove(&record.index).is_none() {
            return false;
        }
        self.answered = true;
        self.remembering.handled_one();
        self.finish(record.index, State::Handled);
        true
    }

    /// The record's handler failed. `false`: as for [`done`](Self::done).
    pub fn failed(&mut self, record: Record, kind: FailureKind) -> bool {
        if self.running.remove(&record.index).is_none() {
            return false;
        }
        self.answered = true;
        self.fail(record.index, Some(kind), DeadLetterReason::Attempts);
        true
    }

    /// The driver gives the record back, as good as not begun: it is not finished and has not
    /// failed, and nothing new is to be begun. `false`: as for [`done`](Self::done).
    pub fn give_back(&mut self, record: Record) -> bool {
        if self.running.remove(&record.index).is_none() {
            return false;
        }
        self.states[record.index as usize] = State::GivenUp;
        self.stopped_by.get_or_insert(StoppedBy::Driver);
        self.stop();
        true
    }

    /// The record was written to the dead letter, or could not be. `false`: as for
    /// [`done`](Self::done).
    pub fn dead_lettered(&mut self, record: Record, written: bool) -> bool {
        let Some(reason) = self.dying.remove(&record.index) else { return false };
        self.answered = true;
        if !written {
            self.metrics.dead_letter_failures += 1;
            self.mark_failed(record.index, State::Failed);
            return true;
        }
        self.remembering.died(record.index);
        let follows = matches!(reason, DeadLetterReason::HeldBy(_));
        match self.settings.after_dead_letter {
            Some(AfterDeadLetter::Block) if !follows => {
                self.mark_failed(record.index, State::Blocked);
            }
            Some(AfterDeadLetter::HoldKey) if !follows => {
                self.states[record.index as usize] = State::Dead;
                self.order.hold(&self.batch, record.index);
            }
            _ => self.finish(record.index, State::Dead),
        }
        true
    }

    /// How the last [`Action::Persist`](super::Action::Persist) went.
    pub fn persisted(&mut self, result: Persisted) {
        if !self.remembering.persisted(result) {
            self.metrics.progress_failures += 1;
        }
    }

    fn finish(&mut self, index: u32, state: State) {
        self.states[index as usize] = state;
        self.order.finish(&self.batch, index);
    }

    /// An attempt on the record failed: it is poison, or failed for this time.
    pub(super) fn fail(&mut self, index: u32, kind: Option<FailureKind>, why: DeadLetterReason) {
        self.metrics.failures += 1;
        let attempts = match self.settings.poison_after {
            Some(_) => self.remembering.count_attempt(&self.batch, index),
            None => 0,
        };
        let too_many = self.settings.poison_after.is_some_and(|limit| attempts >= limit.get());
        let declared = kind == Some(FailureKind::Poison);
        let can_die = self.settings.after_dead_letter.is_some();
        let dead = self.remembering.is_dead(index);
        if can_die && (declared || too_many) && !dead {
            self.metrics.poison += 1;
            let reason = if declared { DeadLetterReason::Poison } else { why };
            self.states[index as usize] = State::Dying;
            self.to_dead_letter.push_back((index, reason));
        } else {
            self.mark_failed(index, if dead { State::Blocked } else { State::Failed });
        }
    }

    fn mark_failed(&mut self, index: u32, state: State) {
        self.states[index as usize] = state;
        self.stopped_by.get_or_insert(StoppedBy::Failure);
    }

    /// Nothing new from the margin on, and what runs is given up at half of it.
    pub(super) fn look_at_the_clock(&mut self) {
        let Some(give_up) = self.give_up_at() else { return };
        let margin = self.settings.margin;
        self.past_margin |= self.now >= give_up.saturating_sub(margin - margin / 2);
        if self.now < give_up || self.gave_up {
            return;
        }
        self.gave_up = true;
        for (index, whole_time) in std::mem::take(&mut self.running) {
            self.stop_at_deadline();
            self.states[index as usize] = State::GivenUp;
            self.metrics.failures += 1;
            self.give_up(index, whole_time);
        }
        for (index, _) in std::mem::take(&mut self.dying) {
            self.metrics.dead_letter_failures += 1;
            self.stop_at_deadline();
            self.states[index as usize] = State::Failed;
        }
    }

    /// A record that had all the time there is and did not end may be poison too.
    fn give_up(&mut self, index: u32, whole_time: bool) {
        let Some(limit) = self.settings.poison_after else { return };
        if !whole_time {
            return;
        }
        let attempts = self.remembering.count_attempt(&self.batch, index);
        if attempts >= limit.get() && !self.remembering.is_dead(index) {
            self.metrics.poison += 1;
            self.to_dead_letter.push_back((index, DeadLetterReason::TimedOut));
        }
    }

    fn give_up_at(&self) -> Option<Duration> {
        Some(self.deadline?.saturating_sub(self.settings.margin / 2))
    }

    /// When `poll` has something to say that no answer brings about.
    pub(super) fn next_time(&self) -> Option<Duration> {
        let give_up = self.give_up_at().filter(|_| !self.gave_up);
        let checkpoint = self.remembering.next_checkpoint(&self.settings);
        give_up.into_iter().chain(checkpoint).min()
    }
}

//! What a store remembers, and what it shall.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::State;
use crate::batch::Batch;
use crate::config::{AfterDeadLetter, CheckpointEvery, Settings};
use crate::progress::{Number, Progress, RecordProgress};

/// Conflicts of one write before it counts as failed: ten lanes of a shard at once, twice.
const CONFLICTS: u32 = 20;

/// What a store holds for a shard. The default is nothing: no item, version 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// What is known.
    pub progress: Progress,
    /// The version of the last write; 0 without an item.
    pub version: u64,
}

/// Progress to be written, on condition that nobody wrote in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// What shall be known.
    pub progress: Progress,
    /// The version that the store must hold; 0: there must be no item.
    pub if_version: u64,
    /// The version that it then holds. Never one that it held before, even if the item was deleted
    /// in between.
    pub version: u64,
}

/// How a write went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Persisted {
    /// It is in the store.
    Written,
    /// The store holds another version: this one. The engine merges and writes again. A driver that
    /// does not know whether its write arrived reads the store: [`Write::unanswered`].
    Conflict(Stored),
    /// It cannot be written.
    Failed,
}

impl Write {
    /// How the write went, if the store says that it holds another version: this one. A write that
    /// was sent twice meets itself.
    #[must_use]
    pub fn refused(&self, stored: Stored) -> Persisted {
        match self.is(&stored) {
            true => Persisted::Written,
            false => Persisted::Conflict(stored),
        }
    }

    /// How the write went, if nobody knows whether it arrived, and the store was read afterwards.
    #[must_use]
    pub fn unanswered(&self, stored: Stored) -> Persisted {
        match stored.version == self.if_version {
            true => Persisted::Failed,
            false => self.refused(stored),
        }
    }

    /// By its version alone it would be taken for another's of the same millisecond.
    fn is(&self, stored: &Stored) -> bool {
        stored.version == self.version && stored.progress == self.progress
    }
}

#[derive(Debug)]
pub(super) struct Remembering {
    enabled: bool,
    /// Whether finished records are recognised at the next delivery: not with enhanced fan-out.
    resumable: bool,
    stored: Stored,
    /// Records that are in the dead letter, by this or an earlier invocation.
    dead: BTreeSet<u32>,
    /// Failed attempts that this invocation counted, those of earlier ones included.
    attempts: BTreeMap<u32, u32>,
    /// Counts what the store does not know; `seen` of it is in the last write.
    news: u64,
    seen: u64,
    writing: Option<Write>,
    conflicts: u32,
    finished: u64,
    finished_since: u64,
    last_write: Duration,
    /// This invocation will do nothing more but write.
    last_chance: bool,
    lost: bool,
    wrote_finished: bool,
}

impl Remembering {
    pub(super) fn new(
        settings: &Settings,
        batch: &Batch,
        stored: Stored,
        now: Duration,
        states: &mut [State],
    ) -> Self {
        let mut remembering = Self {
            enabled: settings.memory.is_some(),
            resumable: settings.memory.is_some() && !batch.is_fan_out(),
            stored,
            dead: BTreeSet::new(),
            attempts: BTreeMap::new(),
            news: 0,
            seen: 0,
            writing: None,
            conflicts: 0,
            finished: 0,
            finished_since: 0,
            last_write: now,
            last_chance: false,
            lost: false,
            wrote_finished: false,
        };
        if remembering.resumable {
            let blocks = settings.after_dead_letter == Some(AfterDeadLetter::Block);
            remembering.resume(batch, states, blocks);
        }
        remembering
    }

    fn resume(&mut self, batch: &Batch, states: &mut [State], blocks: bool) {
        if self.stored.progress.is_empty() {
            return;
        }
        for (at, group) in batch.groups().iter().enumerate() {
            let number = Number::new(batch.sequence_number(at));
            let Some(known) = self.stored.progress.records.get(&number) else { continue };
            for position in 0..group.count {
                let index = group.first + position;
                if known.done.contains(position) {
                    // It may be in the dead letter too: with `Block`, before it could be handled.
                    states[index as usize] = State::Skipped;
                } else if known.dead.contains(position) {
                    self.dead.insert(index);
                    if !blocks {
                        states[index as usize] = State::Skipped;
                    }
                }
            }
        }
    }

    pub(super) fn is_resumable(&self) -> bool {
        self.resumable
    }

    pub(super) fn is_dead(&self, index: u32) -> bool {
        self.dead.contains(&index)
    }

    pub(super) fn died(&mut self, index: u32) {
        self.dead.insert(index);
        self.handled_one();
    }

    /// A record is over that the store shall know of.
    pub(super) fn handled_one(&mut self) {
        self.finished += 1;
        self.finished_since += 1;
        self.news += u64::from(self.resumable);
    }

    /// Failed attempts on the record; 0 where they are not counted.
    pub(super) fn attempts(&self, batch: &Batch, index: u32) -> u32 {
        if let Some(&attempts) = self.attempts.get(&index) {
            return attempts;
        }
        let number = Number::new(batch.sequence_number(batch.group_of(index)));
        let known = self.stored.progress.records.get(&number);
        known
            .zip(member(batch, index))
            .and_then(|(known, member)| known.attempts.get(&member).copied())
            .unwrap_or(0)
    }

    /// One more failed attempt. 0 where it cannot be counted: with enhanced fan-out and no
    /// fingerprint.
    pub(super) fn count_attempt(&mut self, batch: &Batch, index: u32) -> u32 {
        if member(batch, index).is_none() {
            return 0;
        }
        let attempts = self.attempts(batch, index).saturating_add(1);
        self.attempts.insert(index, attempts);
        self.news += 1;
        attempts
    }

    pub(super) fn is_writing(&self) -> bool {
        self.writing.is_some()
    }

    /// Whether there is something that the store does not know, and may still be told.
    pub(super) fn has_news(&self) -> bool {
        self.enabled && self.news > self.seen && !self.lost
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Whether it was written that this invocation finished records.
    pub(super) fn wrote_finished(&self) -> bool {
        self.wrote_finished
    }

    /// The write that follows is the last: if it fails, what it says is lost.
    pub(super) fn last_chance(&mut self) {
        self.last_chance = true;
    }

    /// Whether to write before the end: by the user's wish, or again after a conflict.
    pub(super) fn checkpoint_is_due(&self, settings: &Settings, now: Duration) -> bool {
        if self.is_writing() || !self.has_news() {
            return false;
        }
        let due = match settings.checkpoint_every {
            Some(CheckpointEvery::Records(n)) => self.finished_since >= u64::from(n.get()),
            Some(CheckpointEvery::Time(_)) => self.next_checkpoint(settings) <= Some(now),
            None => false,
        };
        self.conflicts > 0 || (due && self.finished_since > 0)
    }

    pub(super) fn next_checkpoint(&self, settings: &Settings) -> Option<Duration> {
        match settings.checkpoint_every {
            Some(CheckpointEvery::Time(time))
                if self.has_news() && self.finished_since > 0 && !self.is_writing() =>
            {
                Some(self.last_write.saturating_add(time))
            }
            _ => None,
        }
    }

    /// Everything known, ready to be written.
    pub(super) fn write(
        &mut self,
        settings: &Settings,
        batch: &Batch,
        states: &[State],
        now: Duration,
    ) -> Write {
        let mut progress = self.stored.progress.clone();
        progress.forget_before(now.saturating_sub(settings.progress_kept));
        progress.merge(&self.mine(batch, states, now));
        progress.fit(settings.progress_limit);
        let millis = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let if_version = self.stored.version;
        let version = if_version.saturating_add(1).max(millis);
        let write = Write { progress, if_version, version };
        self.seen = self.news;
        self.finished_since = 0;
        self.last_write = now;
        self.writing = Some(write.clone());
        write
    }

    /// `false`: the write failed for good.
    pub(super) fn persisted(&mut self, result: Persisted) -> bool {
        let Some(write) = self.writing.take() else { return true };
        match result {
            Persisted::Written => {
                self.stored = Stored { progress: write.progress, version: write.version };
                self.conflicts = 0;
                self.wrote_finished |= self.finished > 0 && self.resumable;
                true
            }
            Persisted::Conflict(stored) if self.conflicts < CONFLICTS => {
                self.conflicts += 1;
                self.stored = stored;
                self.seen = 0;
                true
            }
            Persisted::Conflict(_) | Persisted::Failed => {
                self.conflicts = 0;
                self.seen = 0;
                self.lost = self.last_chance;
                false
            }
        }
    }

    /// What this invocation knows of its own batch.
    fn mine(&self, batch: &Batch, states: &[State], now: Duration) -> Progress {
        let mut progress = Progress::default();
        for (at, group) in batch.groups().iter().enumerate() {
            let number = Number::new(batch.sequence_number(at));
            let known = self.stored.progress.records.get(&number);
            let mut record = RecordProgress { stamp: now.as_secs(), ..Default::default() };
            for position in 0..group.count {
                let index = group.first + position;
                let state = states[index as usize];
                let dead = self.resumable && self.dead.contains(&index);
                if dead {
                    record.dead.push(position);
                }
                let done = state == State::Handled || (state == State::Skipped && !dead);
                if self.resumable && done {
                    record.done.push(position);
                }
                if matches!(state, State::Handled | State::Skipped | State::Dead) {
                    continue;
                }
                let member = member(batch, index);
                let before = member.and_then(|member| known?.attempts.get(&member));
                let attempts = self.attempts.get(&index).or(before);
                if let Some((member, &attempts)) = member.zip(attempts) {
                    record.attempts.insert(member, attempts);
                }
            }
            if !(record.done.is_empty() && record.dead.is_empty() && record.attempts.is_empty()) {
                progress.records.insert(number, record);
            }
        }
        progress
    }
}

/// What attempts on a record are counted under.
fn member(batch: &Batch, index: u32) -> Option<u64> {
    if batch.is_fan_out() {
        return batch.entry_of(index).fingerprint;
    }
    let group = &batch.groups()[batch.group_of(index)];
    Some(u64::from(index - group.first))
}

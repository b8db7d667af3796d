//! What must hold inside one invocation.

use std::collections::{BTreeMap, BTreeSet};

use kinpack_consumer::{AfterDeadLetter, BrokenAggregates};

use super::{Violation, users_of};
use crate::answer::{Answer, Verdict};
use crate::handler::Memory;
use crate::invocation::{End, Fact, Handling, Invocation};
use crate::plan::Plan;
use crate::stream::Delivery;

#[derive(Debug)]
pub(super) struct Run {
    /// When the store was read, by the checker's clock.
    pub(super) began_at: u64,
    delivery: Delivery,
    deadline: u64,
    users: Vec<(u32, Option<String>)>,
    script: BTreeMap<u32, Handling>,
    under_way: BTreeSet<u32>,
    finished: Vec<u32>,
    failed: Vec<u32>,
    /// Those that were begun before anything had ended.
    first: BTreeSet<u32>,
    dying: BTreeSet<u32>,
    died: BTreeSet<u32>,
    answered: bool,
    writes: u32,
    /// How many of the finished ones the last write says.
    written: usize,
    /// No other invocation is under way in the shard, and no fault of the store is planned.
    undisturbed: bool,
}

impl Run {
    pub(super) fn new(invocation: &Invocation, alone: bool) -> Self {
        Self {
            began_at: 0,
            delivery: invocation.delivery.clone(),
            deadline: invocation.deadline,
            users: users_of(&invocation.delivery),
            script: invocation.script.clone(),
            under_way: BTreeSet::new(),
            finished: Vec::new(),
            failed: Vec::new(),
            first: BTreeSet::new(),
            dying: BTreeSet::new(),
            died: BTreeSet::new(),
            answered: false,
            writes: 0,
            written: 0,
            undisturbed: alone
                && invocation.faults.writes.is_empty()
                && !invocation.faults.item_gone_later,
        }
    }

    pub(super) fn happens(&mut self, plan: &Plan, fact: &Fact, now: u64) -> Result<(), Violation> {
        match fact {
            Fact::Started(user) => {
                if !self.users.iter().any(|(id, _)| id == user) {
                    return Err(format!("record {user} is not in the batch"));
                }
                let mut broken = self.delivery.items.iter().filter(|item| item.broken);
                if plan.handler.broken == BrokenAggregates::Fail
                    && broken.any(|item| item.users.iter().any(|it| it.id == *user))
                {
                    return Err(format!("record {user} is handled, a broken aggregate"));
                }
                let margin = plan.handler.margin;
                if margin.is_some_and(|margin| now >= self.deadline - margin) {
                    return Err(format!("record {user} begins within the deadline's margin"));
                }
                let stops = plan.handler.memory != Memory::Durable || plan.mapping.fan_out;
                if stops && plan.handler.after.is_none() && !self.failed.is_empty() {
                    return Err(format!("record {user} begins after a failure"));
                }
                self.begins(plan, *user, now)?;
                if !self.answered {
                    self.first.insert(*user);
                }
            }
            Fact::Ended(user, end) => {
                let scripted = self.script.get(user).map(|handling| handling.end);
                if scripted != Some(*end) {
                    return Err(format!("record {user} is taken for {end:?}: {scripted:?}"));
                }
                self.answered = true;
                self.under_way.remove(user);
                let over = if *end == End::Done { &mut self.finished } else { &mut self.failed };
                over.push(*user);
            }
            Fact::Dying { user, .. } => {
                self.dying.insert(*user);
                self.begins(plan, *user, now)?;
            }
            Fact::Died(user, written) => {
                self.answered = true;
                self.under_way.remove(user);
                if *written {
                    self.died.insert(*user);
                    if plan.handler.after != Some(AfterDeadLetter::Block) {
                        self.finished.push(*user);
                    }
                }
            }
            Fact::Wrote => {
                self.writes += 1;
                self.written = self.finished.len();
            }
            // What had all the time there is and was given up has failed, too.
            Fact::Finished { .. } => {
                let given_up = self.first.intersection(&self.under_way).copied();
                self.failed.extend(given_up.filter(|user| !self.dying.contains(user)));
                let timed_out = self.first.intersection(&self.dying).copied();
                let timed_out: Vec<_> = timed_out.filter(|it| !self.failed.contains(it)).collect();
                self.failed.extend(timed_out);
            }
            Fact::Began | Fact::Remembered => (),
        }
        Ok(())
    }

    fn begins(&mut self, plan: &Plan, user: u32, now: u64) -> Result<(), Violation> {
        self.under_way.insert(user);
        // What was given up is not known to be over.
        let margin = plan.handler.margin.unwrap_or(0);
        let gave_up = now >= self.deadline - margin / 2;
        match self.under_way.len() > plan.handler.concurrency && !gave_up {
            true => Err(format!("{} records are under way", self.under_way.len())),
            false => Ok(()),
        }
    }

    pub(super) fn shard(&self) -> usize {
        self.delivery.shard
    }

    pub(super) fn not_alone(&mut self) {
        self.undisturbed = false;
    }

    pub(super) fn finished(&self) -> &[u32] {
        &self.finished
    }

    /// Those of the finished records that the last write says.
    pub(super) fn written(&self) -> &[u32] {
        &self.finished[..self.written]
    }

    pub(super) fn failed(&self) -> &[u32] {
        &self.failed
    }

    pub(super) fn was_dying(&self, user: u32) -> bool {
        self.dying.contains(&user)
    }

    pub(super) fn dead(&self) -> &BTreeSet<u32> {
        &self.died
    }

    pub(super) fn died(&self, user: u32) -> bool {
        self.died.contains(&user)
    }

    /// The records of the batch that are of the same key and come before.
    pub(super) fn earlier_of_key(&self, user: u32) -> impl Iterator<Item = u32> + '_ {
        let place = self.users.iter().position(|&(id, _)| id == user).unwrap_or(0);
        let key = self.users.get(place).and_then(|(_, key)| key.as_ref());
        let before = self.users[..place].iter();
        before.filter(move |(_, other)| key.is_some() && other.as_ref() == key).map(|&(id, _)| id)
    }

    /// Lambda must be able to read what is returned, and be sent to a record that is not finished.
    /// (A poison record that holds a key is, and is returned to.)
    pub(super) fn answers_well(
        &self,
        plan: &Plan,
        answer: &Answer,
        settled: impl Fn(u32) -> bool,
    ) -> Result<(), Violation> {
        let holds = plan.handler.after == Some(AfterDeadLetter::HoldKey);
        if let Answer::Failed(error) = answer
            && !holds
            && error.starts_with("no progress")
            && plan.mapping.reporting
            && let Some(first) = self.delivery.items.first()
            && self.is_finished(&first.sequence_number, &settled)
        {
            return Err("no progress is claimed, but there was some".to_owned());
        }
        if !matches!(answer, Answer::Returned(_)) || !plan.mapping.reporting {
            return Ok(());
        }
        match Verdict::of(answer, &plan.mapping, &self.delivery) {
            Verdict::Success => Ok(()),
            Verdict::Failure => Err(format!("Lambda does not understand {answer:?}")),
            Verdict::From(at) => {
                let number = &self.delivery.items[at].sequence_number;
                match self.is_finished(number, &settled) && !holds {
                    true => Err(format!("{number} is reported, and is finished")),
                    false => Ok(()),
                }
            }
        }
    }

    fn is_finished(&self, number: &str, settled: impl Fn(u32) -> bool) -> bool {
        let same = self.delivery.items.iter().filter(|item| item.sequence_number == number);
        let mut users = same.flat_map(|item| &item.users).map(|user| user.id);
        users.all(|user| self.finished.contains(&user) || settled(user))
    }

    pub(super) fn wrote_no_more_than_needed(
        &self,
        plan: &Plan,
        reported: bool,
        good: bool,
        remembered: bool,
    ) -> Result<(), Violation> {
        if plan.handler.checkpoint_every.is_some() || !reported {
            return Ok(());
        }
        if good && self.writes > 0 {
            return Err("progress is written on the all-good path".to_owned());
        }
        let durable = plan.handler.memory == Memory::Durable;
        if durable && self.undisturbed && self.writes > 1 {
            return Err(format!("progress is written {} times", self.writes));
        }
        let news = !(self.finished.is_empty() && self.died.is_empty());
        if plan.resumes() && !good && remembered && news && self.writes == 0 {
            return Err("progress is not written though something failed".to_owned());
        }
        Ok(())
    }
}

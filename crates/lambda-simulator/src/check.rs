//! What must hold in every schedule, whatever the handler under test is made of.
//!
//! For each user record:
//!
//! - *Nothing is lost*: Lambda's checkpoint passes a record only when it was handled or is in the
//!   dead letter (with `Block`: only when it was handled), and in the end each record was handled,
//!   dead-lettered or discarded by Lambda's limits.
//! - *Order*: when a record is given to the handler, or follows to the dead letter, all earlier ones
//!   of its partition key in its lane were handled, dead-lettered (not with `Block`) or discarded.
//!   Lanes are Lambda's: the shard's records whose outer keys fall together; beyond them Lambda
//!   itself keeps no order.
//! - *Never again*: a record that was finished in an invocation that reported a failure, and whose
//!   progress was not lost, is not given to the handler by an invocation that began later; nor is
//!   one that a write said that the store confirmed, whatever became of its invocation. Nor is it
//!   written to the dead letter twice. This takes a durable store and a standard iterator.
//! - *Held keys*: in an invocation, no record follows one of its key to the handler that is in the
//!   dead letter by this invocation, or was by one that had reported before this one began.
//! - *Poison*: nothing goes to the dead letter for its attempts before it had as many, and no record
//!   that has as many fails without going there.
//! - *Broken aggregates*: none is given to the handler unless that was asked for.
//! - *Answers*: Lambda understands what is returned, and the record that is named is not finished.
//! - *Limits*: no more is under way than allowed; nothing is begun after the deadline less the
//!   margin, and the deadline itself is never met where store and dead letter are quick enough; no progress is written on the all-good path, nor twice where nothing went wrong with
//!   the first write.

mod run;

use std::collections::BTreeMap;

use kinpack_consumer::AfterDeadLetter;

use crate::answer::Answer;
use crate::invocation::{End, Fact, Invocation, RunId};
use crate::plan::Plan;
use crate::stream::{Delivery, Item};
use run::Run;

/// What went wrong.
pub type Violation = String;

/// What is known of a user record.
#[derive(Clone, Debug, Default)]
struct User {
    handled: bool,
    dead: bool,
    discarded: bool,
    starts: u32,
    ends: u32,
    deliveries: u32,
    /// Reported failures, and when they were reported.
    reported_failures: Vec<u64>,
    /// When an invocation in which it was finished had reported a failure.
    settled_at: Option<u64>,
    /// When an invocation in which it went to the dead letter had reported a failure.
    died_at: Option<u64>,
    /// Which of the keys' lists it is in, and where.
    key: Option<(usize, usize)>,
}

/// Follows a schedule.
#[derive(Debug)]
pub struct Checker<'p> {
    plan: &'p Plan,
    users: Vec<User>,
    /// The user records of each key and lane, in order, and how many of them are resolved.
    keys: Vec<(Vec<u32>, usize)>,
    runs: BTreeMap<RunId, Run>,
    /// Counts facts, as a clock that never stands still.
    clock: u64,
}

impl<'p> Checker<'p> {
    /// For a schedule with this plan, whose trigger puts items into lanes so.
    #[must_use]
    pub fn new(plan: &'p Plan, lane_of: impl Fn(&Item) -> usize) -> Self {
        let mut users = vec![User::default(); plan.behaviours.len()];
        let mut lists = BTreeMap::new();
        let mut keys: Vec<(Vec<u32>, usize)> = Vec::new();
        for (shard, records) in plan.shards.iter().enumerate() {
            for item in records.iter().flat_map(|record| record.items(plan.mapping.fan_out)) {
                for user in &item.users {
                    let Some(key) = &user.key else { continue };
                    let list =
                        *lists.entry((shard, lane_of(&item), key.clone())).or_insert_with(|| {
                            keys.push((Vec::new(), 0));
                            keys.len() - 1
                        });
                    users[user.id as usize].key = Some((list, keys[list].0.len()));
                    keys[list].0.push(user.id);
                }
            }
        }
        Self { plan, users, keys, runs: BTreeMap::new(), clock: 0 }
    }

    /// An invocation begins.
    pub fn begins(&mut self, invocation: &Invocation) {
        for user in invocation.delivery.items.iter().flat_map(|item| &item.users) {
            self.users[user.id as usize].deliveries += 1;
        }
        let alone = self.runs.values().all(|run| run.shard() != invocation.delivery.shard);
        if !alone {
            for run in self.runs.values_mut() {
                run.not_alone();
            }
        }
        self.runs.insert(invocation.run, Run::new(invocation, alone));
    }

    /// Something happened in an invocation.
    ///
    /// # Errors
    ///
    /// It must not have.
    pub fn happens(&mut self, id: RunId, fact: &Fact, now: u64) -> Result<(), Violation> {
        self.clock += 1;
        let Some(mut run) = self.runs.remove(&id) else {
            return Err(format!("something happens in invocation {id}, which is over: {fact:?}"));
        };
        run.happens(self.plan, fact, now)?;
        match fact {
            Fact::Began => run.began_at = self.clock,
            Fact::Started(user) => self.started(&run, *user)?,
            Fact::Ended(user, end) => {
                let known = &mut self.users[*user as usize];
                known.ends += 1;
                known.handled |= *end == End::Done;
            }
            Fact::Dying { user, reason } => self.dying(&run, *user, reason)?,
            Fact::Died(user, written) => self.users[*user as usize].dead |= written,
            Fact::Wrote => (),
            Fact::Remembered => self.settled(run.written()),
            Fact::Finished { answer, remembered } => {
                return self.finished(&run, answer, *remembered);
            }
        }
        self.runs.insert(id, run);
        Ok(())
    }

    fn started(&mut self, run: &Run, user: u32) -> Result<(), Violation> {
        self.in_order(user)?;
        let known = &mut self.users[user as usize];
        known.starts += 1;
        if self.plan.resumes() && known.settled_at.is_some_and(|at| at < run.began_at) {
            return Err(format!("record {user} is handled again after a reported failure"));
        }
        if self.plan.handler.after == Some(AfterDeadLetter::HoldKey) {
            let remembers = self.plan.resumes();
            for earlier in run.earlier_of_key(user) {
                let known = &self.users[earlier as usize];
                let before = remembers
                    && known.dead
                    && !known.handled
                    && known.settled_at.is_some_and(|at| at < run.began_at);
                if run.died(earlier) || before {
                    return Err(format!("record {user} is handled though {earlier} holds its key"));
                }
            }
        }
        Ok(())
    }

    fn in_order(&mut self, user: u32) -> Result<(), Violation> {
        let Some((list, place)) = self.users[user as usize].key else { return Ok(()) };
        let blocks = self.plan.handler.after == Some(AfterDeadLetter::Block);
        let (of_key, resolved) = &mut self.keys[list];
        while let Some(&first) = of_key.get(*resolved) {
            let first = &self.users[first as usize];
            if !(first.handled || first.discarded || (first.dead && !blocks)) {
                break;
            }
            *resolved += 1;
        }
        if place > *resolved {
            let first = of_key[*resolved];
            return Err(format!("record {user} begins before {first} of its key is finished"));
        }
        Ok(())
    }

    /// What was finished in these records is not to be done again by invocations that begin later.
    fn settled(&mut self, users: &[u32]) {
        for &user in users {
            self.users[user as usize].settled_at.get_or_insert(self.clock);
        }
    }

    fn dying(&mut self, run: &Run, user: u32, reason: &str) -> Result<(), Violation> {
        self.in_order(user)?;
        let known = &self.users[user as usize];
        if self.plan.resumes() && known.died_at.is_some_and(|at| at < run.began_at) {
            return Err(format!("record {user} goes to the dead letter a second time"));
        }
        let attempts = match reason {
            "attempts" | "timedOut" => known.starts - u32::from(known.handled).min(known.starts),
            "brokenAggregate" => known.deliveries,
            _ => return Ok(()),
        };
        match self.plan.handler.poison_after {
            Some(limit) if attempts >= limit => Ok(()),
            _ => Err(format!("record {user} is taken for poison after {attempts} attempts")),
        }
    }

    fn finished(&mut self, run: &Run, answer: &Answer, remembered: bool) -> Result<(), Violation> {
        let reported = !matches!(answer, Answer::Crashed | Answer::TimedOut);
        let good = matches!(answer, Answer::Returned(json) if !json.contains("itemIdentif"));
        run.answers_well(self.plan, answer, |user| {
            let settled_at = self.users[user as usize].settled_at;
            self.plan.resumes() && settled_at.is_some_and(|at| at < run.began_at)
        })?;
        run.wrote_no_more_than_needed(self.plan, reported, good, remembered)?;
        if !reported || good || !remembered {
            return Ok(());
        }
        self.settled(run.finished());
        for &user in run.dead() {
            self.users[user as usize].died_at.get_or_insert(self.clock);
        }
        for &user in run.failed() {
            let known = &mut self.users[user as usize];
            let before = known.reported_failures.iter().filter(|&&at| at < run.began_at).count();
            known.reported_failures.push(self.clock);
            // Counts are as lasting as the item that has them.
            let plan = self.plan;
            let exact =
                !plan.overlaps && plan.handler.progress_limit.is_none() && plan.deletions == 0;
            let limit = self.plan.handler.poison_after.filter(|_| exact);
            if limit.is_some_and(|limit| before + 1 >= limit as usize)
                && !run.was_dying(user)
                && !known.dead
            {
                return Err(format!("record {user} failed {} times, and fails on", before + 1));
            }
        }
        Ok(())
    }

    /// Lambda is done with these records.
    ///
    /// # Errors
    ///
    /// It must not be with one of them.
    pub fn passed(&self, items: &[Item]) -> Result<(), Violation> {
        let blocks = self.plan.handler.after == Some(AfterDeadLetter::Block);
        for user in items.iter().flat_map(|item| &item.users) {
            let known = &self.users[user.id as usize];
            if !(known.handled || (known.dead && !blocks)) {
                return Err(format!("the checkpoint passes record {}, which is not done", user.id));
            }
        }
        Ok(())
    }

    /// Lambda's limits ended these records.
    pub fn discarded(&mut self, items: &[Item]) {
        for user in items.iter().flat_map(|item| &item.users) {
            self.users[user.id as usize].discarded = true;
        }
    }

    /// The end of the schedule.
    ///
    /// # Errors
    ///
    /// A record was lost.
    pub fn ends(&self) -> Result<(), Violation> {
        let lost = |user: &User| !(user.handled || user.dead || user.discarded);
        match self.users.iter().position(lost) {
            Some(user) => Err(format!("record {user} is lost")),
            None => Ok(()),
        }
    }

    /// The invocation was killed at its deadline.
    ///
    /// # Errors
    ///
    /// It knew the deadline, and had the time to end before it.
    pub fn killed(&mut self, id: RunId) -> Result<(), Violation> {
        self.runs.remove(&id);
        // From half the margin on there may be a dead letter to write and progress, which may have
        // to be read and written again, some ten times where other lanes write too.
        let needed = self.plan.latency * 3 * if self.plan.lonely() { 3 } else { 30 };
        match self.plan.handler.margin {
            Some(margin) if margin / 2 > needed => Err("the deadline is missed".to_owned()),
            _ => Ok(()),
        }
    }
}

/// The user records of a delivery and their keys, in order.
fn users_of(delivery: &Delivery) -> Vec<(u32, Option<String>)> {
    let users = delivery.items.iter().flat_map(|item| &item.users);
    users.map(|user| (user.id, user.key.clone())).collect()
}

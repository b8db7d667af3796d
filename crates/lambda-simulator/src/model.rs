//! Runs schedules: the trigger, the handler under test, and the checker that follows them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::answer::{Answer, Verdict};
use crate::check::{Checker, Violation};
use crate::choices::{Choices, shrink};
use crate::driver::EngineSubject;
use crate::invocation::{End, Fact, Faults, Handling, Invocation, RunId, Subject, WriteFault};
use crate::mutant::Mutant;
use crate::plan::Plan;
use crate::stream::Delivery;
use crate::trigger::{DeliveryId, Moved, Trigger, lane_of};

/// What a schedule came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// User records.
    pub records: u64,
    /// Invocations.
    pub invocations: u64,
    /// Facts.
    pub facts: u64,
}

/// A schedule that violates something.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed it came from.
    pub seed: u64,
    /// What it violates, as simple as it was made.
    pub violation: Violation,
    /// Its choices, as few and low as they were made.
    pub choices: Vec<u64>,
    /// What happens in it, line by line.
    pub story: String,
}

/// Runs the schedules of these seeds on the engine, until one fails.
///
/// # Errors
///
/// The first failure, made as simple as `shrink_tries` attempts can.
pub fn check_engine(
    seeds: std::ops::Range<u64>,
    mutant: Option<Mutant>,
    shrink_tries: usize,
) -> Result<Tally, Box<Failure>> {
    let mut all = Tally::default();
    for seed in seeds {
        let mut choices = Choices::of_seed(seed);
        let (result, _) = run_engine(&mut choices, mutant, false);
        match result {
            Ok(tally) => {
                all.records += tally.records;
                all.invocations += tally.invocations;
                all.facts += tally.facts;
            }
            Err(_) => {
                let fails =
                    |list: &[u64]| run_engine(&mut Choices::given(list), mutant, false).0.is_err();
                let choices = shrink(choices.taken(), shrink_tries, fails);
                let (result, story) = run_engine(&mut Choices::given(&choices), mutant, true);
                let violation = result.err().unwrap_or_default();
                return Err(Box::new(Failure { seed, violation, choices, story }));
            }
        }
    }
    Ok(all)
}

/// Runs one schedule on the engine; a panic is a violation like any other. With its story, if asked.
pub fn run_engine(
    choices: &mut Choices,
    mutant: Option<Mutant>,
    tell: bool,
) -> (Result<Tally, Violation>, String) {
    let mut story = String::new();
    let result = catch_unwind(AssertUnwindSafe(|| {
        let plan = Plan::draw(choices);
        let mut subject = EngineSubject::new(&plan.handler, mutant);
        let mut schedule = Schedule::new(&plan, &mut subject, choices);
        schedule.story = tell.then_some(&mut story);
        schedule.run()
    }));
    let result = result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    });
    (result, story)
}

/// Runs the schedule of a plan on a handler under test. The choices are those that drew the plan.
///
/// # Errors
///
/// What is violated.
pub fn run_schedule<S: Subject>(
    plan: &Plan,
    subject: &mut S,
    choices: &mut Choices,
) -> Result<Tally, Violation> {
    Schedule::new(plan, subject, choices).run()
}

struct Schedule<'a, S> {
    plan: &'a Plan,
    subject: &'a mut S,
    choices: &'a mut Choices,
    trigger: Trigger,
    checker: Checker<'a>,
    under_way: Vec<UnderWay>,
    now: u64,
    starts: Vec<u32>,
    tally: Tally,
    story: Option<&'a mut String>,
}

struct UnderWay {
    run: RunId,
    /// The delivery, if Lambda waits for this invocation's answer.
    answers: Option<DeliveryId>,
    delivery: Delivery,
    deadline: u64,
    answer_is_lost: bool,
}

impl<'a, S: Subject> Schedule<'a, S> {
    fn new(plan: &'a Plan, subject: &'a mut S, choices: &'a mut Choices) -> Self {
        let factor = plan.mapping.factor;
        Self {
            plan,
            subject,
            choices,
            trigger: Trigger::new(plan.mapping.clone(), &plan.shards),
            checker: Checker::new(plan, |item| lane_of(item, factor)),
            under_way: Vec::new(),
            now: 0,
            starts: vec![0; plan.behaviours.len()],
            tally: Tally { records: plan.behaviours.len() as u64, ..Tally::default() },
            story: None,
        }
    }

    fn run(mut self) -> Result<Tally, Violation> {
        let plan = self.plan;
        self.tell(|| format!("{:?}\n{:?}", plan.mapping, plan.handler));
        let records: usize = plan.shards.iter().map(Vec::len).sum();
        let most = plan.mended_after + 30 + 12 * (records + plan.behaviours.len());
        loop {
            let mut moved = Moved::default();
            while let Some((id, delivery)) = self.trigger.due(self.now, &mut moved) {
                if self.tally.invocations as usize > most {
                    return Err("it goes on and on, though all is mended".to_owned());
                }
                if !self.mended() && self.choices.rarely(4) {
                    self.subject.cool_down();
                }
                self.deliver(id, delivery);
            }
            self.moved(&moved)?;
            let first = self.under_way.iter().enumerate().map(|(at, it)| (self.time_of(it), at));
            let first = first.min();
            let delivery = self.trigger.next_time();
            match (first, delivery) {
                (None, None) => break,
                (Some((time, at)), delivery) if delivery.is_none_or(|other| time <= other) => {
                    self.now = self.now.max(time);
                    self.step(at)?;
                }
                (_, time) => self.now = self.now.max(time.unwrap_or(0)),
            }
        }
        self.checker.ends()?;
        Ok(self.tally)
    }

    fn mended(&self) -> bool {
        self.tally.invocations as usize > self.plan.mended_after
    }

    fn time_of(&self, under_way: &UnderWay) -> u64 {
        let next = self.subject.next_time(under_way.run).unwrap_or(under_way.deadline);
        next.min(under_way.deadline)
    }

    fn deliver(&mut self, id: DeliveryId, delivery: Delivery) {
        let twice = self.plan.overlaps && !self.mended() && self.choices.rarely(4);
        let second_counts = twice && self.choices.rarely(2);
        self.begin(delivery.clone(), (!second_counts).then_some(id));
        if twice {
            self.begin(delivery, second_counts.then_some(id));
        }
    }

    fn begin(&mut self, delivery: Delivery, answers: Option<DeliveryId>) {
        let run = self.tally.invocations as RunId;
        self.tally.invocations += 1;
        let mended = self.mended();
        let mut script = std::collections::BTreeMap::new();
        for user in delivery.items.iter().flat_map(|item| &item.users) {
            script.insert(user.id, self.handling(user.id, mended));
        }
        let deadline = self.now + self.plan.timeout;
        let faults = self.faults(mended);
        let lost = self.plan.lost_answers;
        let answer_is_lost = !mended && lost > 0 && self.choices.rarely(lost);
        let invocation = Invocation {
            run,
            delivery: delivery.clone(),
            begin: self.now,
            deadline,
            script,
            faults,
        };
        self.tell(|| serde_json::to_string(&invocation).unwrap_or_default());
        self.checker.begins(&invocation);
        self.subject.begin(invocation);
        self.under_way.push(UnderWay { run, answers, delivery, deadline, answer_is_lost });
    }

    fn handling(&self, user: u32, mended: bool) -> Handling {
        let behaviour = self.plan.behaviours[user as usize];
        if mended {
            return Handling { end: End::Done, millis: 1 };
        }
        if self.starts[user as usize] < behaviour.failures {
            return Handling { end: behaviour.end, millis: behaviour.millis };
        }
        Handling { end: End::Done, millis: behaviour.millis.min(90) }
    }

    fn faults(&mut self, mended: bool) -> Faults {
        let latency = if mended { 0 } else { self.plan.latency };
        if mended {
            return Faults { latency, ..Faults::default() };
        }
        let crashes = self.plan.crashes;
        let crash = crashes > 0 && self.choices.rarely(crashes);
        let crash_after = crash.then(|| self.choices.below(60) as u32);
        let deletions = self.plan.deletions;
        let item_gone = deletions > 0 && self.choices.rarely(deletions);
        let item_gone_later = deletions > 0 && self.choices.rarely(deletions);
        let of = self.plan.outages;
        if of == 0 {
            return Faults {
                crash_after,
                item_gone,
                item_gone_later,
                latency,
                ..Faults::default()
            };
        }
        let write = |choices: &mut Choices| match choices.rarely(of) {
            true => choices.one_of(&[
                WriteFault::Fails,
                WriteFault::AnswerLost,
                WriteFault::RequestLost,
            ]),
            false => WriteFault::None,
        };
        Faults {
            crash_after,
            read_fails: self.choices.rarely(of * 2),
            item_gone,
            item_gone_later,
            writes: (0..3).map(|_| write(self.choices)).collect(),
            dead_letters_fail: (0..3).map(|_| self.choices.rarely(of)).collect(),
            latency,
        }
    }

    fn step(&mut self, at: usize) -> Result<(), Violation> {
        let (run, deadline) = (self.under_way[at].run, self.under_way[at].deadline);
        if self.now >= deadline {
            self.subject.kill(run);
            self.tell(|| format!("{run}: timed out"));
            self.checker.killed(run)?;
            return self.over(at, &Answer::TimedOut);
        }
        for fact in self.subject.step(run, self.now) {
            self.tally.facts += 1;
            let now = self.now;
            self.tell(|| format!("{run} at {now}: {fact:?}"));
            if let Fact::Started(user) = fact {
                self.starts[user as usize] += 1;
            }
            self.checker.happens(run, &fact, self.now)?;
            if let Fact::Finished { answer, .. } = &fact {
                self.over(at, answer)?;
            }
        }
        Ok(())
    }

    fn over(&mut self, at: usize, answer: &Answer) -> Result<(), Violation> {
        let under_way = self.under_way.swap_remove(at);
        let Some(id) = under_way.answers else { return Ok(()) };
        let verdict = match under_way.answer_is_lost {
            true => Verdict::Failure,
            false => Verdict::of(answer, &self.plan.mapping, &under_way.delivery),
        };
        let moved = self.trigger.answered(id, &verdict, self.now);
        self.moved(&moved)
    }

    fn moved(&mut self, moved: &Moved) -> Result<(), Violation> {
        if !moved.discarded.is_empty() {
            self.tell(|| format!("Lambda discards {:?}", moved.discarded));
        }
        self.checker.discarded(&moved.discarded);
        self.checker.passed(&moved.passed)
    }

    fn tell(&mut self, line: impl FnOnce() -> String) {
        if let Some(story) = &mut self.story {
            story.push_str(&line());
            story.push('\n');
        }
    }
}

//! A driver of the engine on a clock that is a number: the handler under test of the model.

use std::collections::BTreeMap;
use std::time::Duration;

use kinpack_consumer::{
    Action, BatchBuilder, DeadLetterReason, Engine, FailureKind, KinesisRecord, Persisted, Record,
    Response, Write,
};

use crate::answer::Answer;
use crate::handler::{Handler, Memory};
use crate::invocation::{End, Fact, Invocation, RunId, Subject, WriteFault};
use crate::mutant::Mutant;
use crate::store::Store;
use crate::stream::Item;

/// Steps of an invocation at most; more is a driver that goes in a circle.
const MOST_STEPS: u32 = 100_000;

/// Drives an [`Engine`] for each invocation, all on one store.
#[derive(Debug)]
pub struct EngineSubject {
    handler: Handler,
    mutant: Option<Mutant>,
    store: Store,
    runs: BTreeMap<RunId, Run>,
}

#[derive(Debug)]
struct Run {
    invocation: Invocation,
    engine: Option<Engine>,
    /// What comes, by time; of the same time in the order in which it was begun.
    coming: BTreeMap<(u64, u32), Event>,
    /// When the engine wants to be asked again.
    until: Option<u64>,
    steps: u32,
    writes: usize,
    letters: usize,
    facts: Vec<Fact>,
    over: bool,
}

#[derive(Debug)]
enum Event {
    Read,
    Ended(Record, End),
    Letter(Record, bool),
    Arrives(Write, WriteFault),
    Told(Persisted),
    /// The store holds another version.
    Refused(Write),
    /// Nobody knows whether a write arrived: the store is read.
    Unanswered(Write),
}

impl EngineSubject {
    /// With these settings, and maybe something that it does wrong.
    #[must_use]
    pub fn new(handler: &Handler, mutant: Option<Mutant>) -> Self {
        let handler = mutant.map_or_else(|| handler.clone(), |mutant| mutant.settings(handler));
        Self { handler, mutant, store: Store::default(), runs: BTreeMap::new() }
    }
}

impl Subject for EngineSubject {
    fn begin(&mut self, invocation: Invocation) {
        let latency = match self.handler.memory {
            Memory::Durable => invocation.faults.latency,
            Memory::None | Memory::InMemory => 0,
        };
        let read_at = invocation.begin + latency;
        let run = Run {
            engine: None,
            coming: [((read_at, 0), Event::Read)].into(),
            until: None,
            steps: 0,
            writes: 0,
            letters: 0,
            facts: Vec::new(),
            over: false,
            invocation,
        };
        self.runs.insert(run.invocation.run, run);
    }

    fn next_time(&self, run: RunId) -> Option<u64> {
        let run = self.runs.get(&run)?;
        let event = run.coming.keys().next().map(|&(time, _)| time);
        event.into_iter().chain(run.until).min()
    }

    fn step(&mut self, id: RunId, now: u64) -> Vec<Fact> {
        let Some(mut run) = self.runs.remove(&id) else { return Vec::new() };
        let due = run.coming.first_key_value().is_some_and(|(&(time, _), _)| time <= now);
        if due && let Some((_, event)) = run.coming.pop_first() {
            self.happens(&mut run, event, now);
        }
        while !run.over && self.act(&mut run, now) {}
        let facts = std::mem::take(&mut run.facts);
        if !run.over {
            self.runs.insert(id, run);
        }
        facts
    }

    fn kill(&mut self, run: RunId) {
        self.runs.remove(&run);
    }

    fn cool_down(&mut self) {
        if self.handler.memory == Memory::InMemory {
            self.store.clear();
        }
    }
}

impl EngineSubject {
    fn does(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    fn happens(&mut self, run: &mut Run, event: Event, now: u64) {
        if !run.step() {
            return;
        }
        let shard = run.invocation.delivery.shard;
        if matches!(event, Event::Read) && run.invocation.faults.item_gone {
            self.store.delete(shard);
        }
        match event {
            Event::Read if run.invocation.faults.read_fails => {
                run.finish(Answer::Failed("the store cannot be read".into()), true);
            }
            Event::Read => {
                run.facts.push(Fact::Began);
                run.engine = Some(self.engine(&run.invocation, now));
            }
            Event::Ended(record, end) => {
                let Some(engine) = &mut run.engine else { return };
                let awaited = match end {
                    End::Done => engine.done(record),
                    End::Retry => engine.failed(record, FailureKind::Retry),
                    End::Poison => engine.failed(record, FailureKind::Poison),
                };
                // A handler that was given up is dropped before its end.
                if awaited || self.does(Mutant::AcknowledgesAtStart) {
                    run.facts.push(Fact::Ended(run.user(record), end));
                }
            }
            Event::Letter(record, written) => {
                let said = written || self.does(Mutant::LosesDeadLetters);
                let Some(engine) = &mut run.engine else { return };
                if engine.dead_lettered(record, said) {
                    run.facts.push(Fact::Died(run.user(record), written));
                }
            }
            Event::Arrives(write, fault) => {
                if std::mem::take(&mut run.invocation.faults.item_gone_later) {
                    self.store.delete(shard);
                }
                let arrives = matches!(fault, WriteFault::None | WriteFault::AnswerLost);
                let written = match self.mutant {
                    Some(Mutant::ForgetsToWrite) => true,
                    Some(Mutant::OverwritesStore) if arrives => {
                        self.store.overwrite(shard, &write);
                        true
                    }
                    _ if arrives => self.store.write(shard, &write),
                    _ => false,
                };
                let told = match fault {
                    WriteFault::Fails => Event::Told(Persisted::Failed),
                    WriteFault::None if written || self.does(Mutant::IgnoresConflicts) => {
                        Event::Told(Persisted::Written)
                    }
                    WriteFault::None => Event::Refused(write),
                    WriteFault::AnswerLost | WriteFault::RequestLost => Event::Unanswered(write),
                };
                run.comes(now + run.invocation.faults.latency, told);
            }
            Event::Told(persisted) => run.told(persisted),
            Event::Refused(write) => run.told(write.refused(self.store.read(shard))),
            Event::Unanswered(write) => run.told(write.unanswered(self.store.read(shard))),
        }
    }

    /// Does what the engine says next; `false` when there is nothing more to do now.
    fn act(&self, run: &mut Run, now: u64) -> bool {
        let Some(engine) = &mut run.engine else { return false };
        let told = if self.does(Mutant::StopsTheClock) { run.invocation.begin } else { now };
        let action = engine.poll(millis(told));
        if !matches!(action, Action::Wait { .. }) && !run.step() {
            return false;
        }
        let latency = run.invocation.faults.latency;
        match action {
            Action::Start(record) => {
                let user = run.user(record);
                run.facts.push(Fact::Started(user));
                let handling = run.invocation.script[&user];
                run.comes(now + handling.millis, Event::Ended(record, handling.end));
                if self.does(Mutant::AcknowledgesAtStart) {
                    run.engine.as_mut().map(|engine| engine.done(record));
                }
            }
            Action::DeadLetter { record, reason, .. } => {
                let user = run.user(record);
                run.facts.push(Fact::Dying { user, reason: reason_name(reason).to_owned() });
                let fails = run.invocation.faults.dead_letters_fail.get(run.letters);
                let written = !fails.copied().unwrap_or(false);
                run.letters += 1;
                run.comes(now + latency, Event::Letter(record, written));
            }
            Action::Persist(write) => {
                run.facts.push(Fact::Wrote);
                let fault = run.invocation.faults.writes.get(run.writes).copied();
                run.writes += 1;
                run.comes(now + latency, Event::Arrives(write, fault.unwrap_or(WriteFault::None)));
            }
            Action::Wait { until } => {
                assert!(until.is_some() || !run.coming.is_empty(), "waits for nothing");
                assert!(until.is_none_or(|until| until > millis(told)), "waits for the past");
                let until = until.filter(|_| !self.does(Mutant::StopsTheClock));
                run.until = until.map(|until| until.as_millis() as u64);
                return false;
            }
            Action::Finish(finished) => {
                let remembered = !finished.outcome.progress_lost;
                run.finish(self.answer(&finished.response, &run.invocation), remembered);
            }
            other => panic!("an action that this driver does not know: {other:?}"),
        }
        true
    }

    fn engine(&self, invocation: &Invocation, now: u64) -> Engine {
        let delivery = &invocation.delivery;
        let mut builder =
            BatchBuilder::new("simulator", &format!("shardId-{:012}", delivery.shard));
        let resumes_groups = self.does(Mutant::ResumesGroups);
        if delivery.fan_out && !resumes_groups {
            builder.fan_out();
        }
        let mut items = delivery.items.as_slice();
        while let Some((item, rest)) = items.split_first() {
            let same =
                |other: &&Item| resumes_groups && other.sequence_number == item.sequence_number;
            let group = 1 + rest.iter().take_while(same).count();
            let users = items[..group].iter().flat_map(|item| &item.users);
            let record = KinesisRecord {
                sequence_number: &item.sequence_number,
                arrival: Some(millis(item.arrival)),
                bytes: 0,
                fingerprint: item.users.first().map(|user| u64::from(user.id)),
            };
            let keys =
                users.map(|user| user.key.as_deref().filter(|_| !self.does(Mutant::HidesKeys)));
            let added = match item.broken {
                true => builder.broken_aggregate(record, item.key.as_deref()),
                false => builder.kinesis_record(record, keys),
            };
            added.expect("the sequence numbers of a schedule are decimals");
            items = &items[group..];
        }
        let mut stored = self.store.read(delivery.shard);
        if self.does(Mutant::ForgetsToRead) {
            stored.progress = Default::default();
        }
        let deadline = self.handler.margin.map(|_| millis(invocation.deadline));
        Engine::new(self.handler.settings(), builder.finish(), stored, deadline, millis(now))
    }

    fn answer(&self, response: &Response, invocation: &Invocation) -> Answer {
        let Some(mut json) = response.to_json() else {
            let Response::Fail(error) = response else { return Answer::Crashed };
            return Answer::Failed(error.to_string());
        };
        if let Response::Partial { sequence_number } = response {
            let mut numbers = invocation.delivery.items.iter().map(|item| &item.sequence_number);
            let mut higher = numbers.by_ref().skip_while(|&number| number != sequence_number);
            let higher = higher.find(|&number| number != sequence_number);
            match higher {
                Some(higher) if self.does(Mutant::ReportsTooHigh) => {
                    json = json.replace(sequence_number.as_str(), higher);
                }
                _ if self.does(Mutant::ReportsTooLow) => {
                    let first = &invocation.delivery.items[0].sequence_number;
                    json = json.replace(sequence_number.as_str(), first);
                }
                _ if self.does(Mutant::MisnamesIdentifier) => {
                    json = json.replace("itemIdentifier", "itemIdentifer");
                }
                _ => (),
            }
        }
        Answer::Returned(json)
    }
}

impl Run {
    /// `false`: here the environment goes down.
    fn step(&mut self) -> bool {
        assert!(self.steps < MOST_STEPS, "goes in a circle");
        if self.invocation.faults.crash_after == Some(self.steps) {
            self.finish(Answer::Crashed, false);
            return false;
        }
        self.steps += 1;
        true
    }

    fn comes(&mut self, time: u64, event: Event) {
        let order = self.coming.keys().filter(|(at, _)| *at == time).map(|(_, order)| order + 1);
        let order = order.max().unwrap_or(0);
        self.coming.insert((time, order), event);
    }

    fn told(&mut self, persisted: Persisted) {
        if persisted == Persisted::Written {
            self.facts.push(Fact::Remembered);
        }
        if let Some(engine) = &mut self.engine {
            engine.persisted(persisted);
        }
    }

    fn finish(&mut self, answer: Answer, remembered: bool) {
        self.over = true;
        self.facts.push(Fact::Finished { answer, remembered });
    }

    /// The engine's indices follow the shard, and so do a schedule's deliveries.
    fn user(&self, record: Record) -> u32 {
        let mut users = self.invocation.delivery.items.iter().flat_map(|item| &item.users);
        users.nth(record.index as usize).expect("a record of the batch").id
    }
}

fn reason_name(reason: DeadLetterReason) -> &'static str {
    match reason {
        DeadLetterReason::Poison => "poison",
        DeadLetterReason::Attempts => "attempts",
        DeadLetterReason::TimedOut => "timedOut",
        DeadLetterReason::BrokenAggregate => "brokenAggregate",
        DeadLetterReason::HeldBy(_) => "heldKey",
        _ => "another",
    }
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

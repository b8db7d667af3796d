//! A schedule's beginning: the stream, the mapping, the handler's settings, what each record does.

use std::num::NonZeroU32;
use std::time::Duration;

use kinpack_consumer::{AfterDeadLetter, BrokenAggregates, CheckpointEvery, Reporting};

use crate::choices::Choices;
use crate::handler::{Handler, Memory};
use crate::invocation::End;
use crate::stream::{StreamRecord, User};
use crate::trigger::Mapping;

/// When everything begins, in milliseconds since 1970.
pub const EPOCH: u64 = 1_800_000_000_000;

/// How a user record goes wrong, until everything is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// Attempts that fail.
    pub failures: u32,
    /// How they fail; [`End::Done`]: by taking too long.
    pub end: End,
    /// How long an attempt takes, in milliseconds.
    pub millis: u64,
}

/// What is fixed before the first invocation.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The records of each shard.
    pub shards: Vec<Vec<StreamRecord>>,
    /// What each user record does, by its id.
    pub behaviours: Vec<Behaviour>,
    /// The trigger.
    pub mapping: Mapping,
    /// The handler.
    pub handler: Handler,
    /// From begin to deadline, in milliseconds.
    pub timeout: u64,
    /// Whether one batch may be under way twice.
    pub overlaps: bool,
    /// Once in so many invocations the environment goes down; 0: never.
    pub crashes: u64,
    /// Once in so many reads or writes the store or the dead letter fails; 0: never.
    pub outages: u64,
    /// Once in so many invocations the shard's item is deleted before; 0: never.
    pub deletions: u64,
    /// Once in so many answers Lambda does not get it; 0: never.
    pub lost_answers: u64,
    /// How long the store and the dead letter take, in milliseconds.
    pub latency: u64,
    /// After so many invocations everything is mended.
    pub mended_after: usize,
}

impl Plan {
    /// Draws a plan.
    #[must_use]
    pub fn draw(choices: &mut Choices) -> Self {
        let mapping = mapping(choices);
        let handler = handler(choices, mapping.reporting);
        let timeout = choices.one_of(&[1000, 400, 3000]);
        // A broken aggregate never succeeds: someone must be able to give it up.
        let passes =
            matches!(handler.after, Some(AfterDeadLetter::SkipRecord | AfterDeadLetter::HoldKey));
        let can_end = mapping.max_retries.is_some()
            || handler.broken == BrokenAggregates::PassThrough
            || (handler.memory == Memory::Durable && handler.poison_after.is_some() && passes);
        let broken = choices.rarely(3) && can_end;
        let mut behaviours = Vec::new();
        let count = 1 + usize::from(choices.rarely(5));
        let shards = (0..count).map(|_| shard(choices, &mut behaviours, broken)).collect();
        Self {
            shards,
            behaviours,
            mapping,
            handler,
            timeout,
            overlaps: choices.rarely(3),
            crashes: choices.one_of(&[0, 0, 10, 4]),
            outages: choices.one_of(&[0, 0, 10, 4]),
            lost_answers: choices.one_of(&[0, 0, 10]),
            latency: choices.one_of(&[0, 1, 20, 100]),
            mended_after: choices.between(4, 40) as usize,
            deletions: choices.one_of(&[0, 0, 0, 10, 4]),
        }
    }

    /// Whether finished records are never handled again after a reported failure: not with enhanced
    /// fan-out, nor if less may be remembered than is to be, or an item is
    /// deleted.
    #[must_use]
    pub fn resumes(&self) -> bool {
        self.handler.memory == Memory::Durable
            && !self.mapping.fan_out
            && self.handler.progress_limit.is_none()
            && self.deletions == 0
    }
}

impl Plan {
    /// Whether no two invocations are ever under way in a shard.
    #[must_use]
    pub fn lonely(&self) -> bool {
        self.mapping.factor == 1 && !self.overlaps
    }
}

fn mapping(choices: &mut Choices) -> Mapping {
    Mapping {
        batch_size: choices.between(1, 10) as usize,
        reporting: !choices.rarely(4),
        bisect: choices.rarely(2),
        split_costs_attempt: choices.rarely(2),
        attempts_start_anew: choices.rarely(2),
        refill: choices.rarely(2),
        max_retries: match choices.below(4) {
            0 | 1 => None,
            2 => Some(choices.between(0, 3) as u32),
            _ => Some(choices.between(4, 12) as u32),
        },
        max_age: choices.rarely(6).then(|| choices.between(500, 20_000)),
        factor: choices.one_of(&[1, 1, 2, 3, 10]),
        fan_out: choices.rarely(4),
        backoff: choices.one_of(&[10, 0, 500]),
    }
}

fn handler(choices: &mut Choices, reporting: bool) -> Handler {
    let memory =
        choices.one_of(&[Memory::None, Memory::Durable, Memory::Durable, Memory::InMemory]);
    let after = choices.one_of(&[
        None,
        Some(AfterDeadLetter::SkipRecord),
        Some(AfterDeadLetter::HoldKey),
        Some(AfterDeadLetter::Block),
    ]);
    let durable = memory == Memory::Durable;
    let attempts = choices.between(1, 4) as u32;
    Handler {
        reporting: if reporting { Reporting::BatchItemFailures } else { Reporting::FailInvocation },
        concurrency: choices.one_of(&[1, 1, 2, 3, 5, 16]),
        margin: choices.one_of(&[Some(200), Some(100), None]),
        memory,
        poison_after: (durable && after.is_some() && !choices.rarely(4)).then_some(attempts),
        after,
        broken: choices.one_of(&[BrokenAggregates::Fail, BrokenAggregates::PassThrough]),
        checkpoint_every: match choices.below(6) {
            4 if durable => {
                let records = choices.between(1, 5) as u32;
                NonZeroU32::new(records).map(CheckpointEvery::Records)
            }
            5 if durable => Some(CheckpointEvery::Time(Duration::from_millis(50))),
            _ => None,
        },
        progress_limit: (durable && choices.rarely(12)).then(|| choices.between(100, 300) as usize),
    }
}

fn shard(
    choices: &mut Choices,
    behaviours: &mut Vec<Behaviour>,
    broken: bool,
) -> Vec<StreamRecord> {
    let keys = choices.between(1, 5);
    let key = |choices: &mut Choices| format!("k{}", choices.below(keys));
    let mut number = 95;
    let mut arrival = EPOCH;
    let trouble = choices.one_of(&[8, 3, 30]);
    (0..choices.between(1, 8))
        .map(|_| {
            number += 1 + choices.below(4);
            arrival += choices.one_of(&[0, 0, 50, 1000]);
            let broken = broken && choices.rarely(4);
            let aggregated = broken || choices.rarely(2);
            let users = match (broken, aggregated) {
                (false, true) => choices.one_of(&[2, 3, 5, 8, 0]),
                _ => 1,
            };
            let outer_key = match aggregated {
                true => Some(choices.one_of(&["a", "b", "k0"]).to_owned()),
                false => (!choices.rarely(6)).then(|| key(choices)),
            };
            let users = (0..users)
                .map(|_| {
                    let id = behaviours.len() as u32;
                    behaviours.push(behaviour(choices, trouble));
                    // A plain record is its Kinesis record, and so is a broken aggregate.
                    let inside = aggregated && !broken;
                    let key = if inside { Some(key(choices)) } else { outer_key.clone() };
                    User { id, key }
                })
                .collect();
            StreamRecord {
                sequence_number: number.to_string(),
                arrival,
                outer_key,
                users,
                aggregated,
                broken,
            }
        })
        .collect()
}

/// One record in `trouble` goes wrong.
fn behaviour(choices: &mut Choices, trouble: u64) -> Behaviour {
    let millis = choices.one_of(&[1, 0, 5, 30, 90]);
    if !choices.rarely(trouble) {
        return Behaviour { failures: 0, end: End::Retry, millis };
    }
    let failures = choices.one_of(&[1, 2, 3, 5, u32::MAX]);
    let end = choices.one_of(&[End::Retry, End::Retry, End::Poison, End::Done]);
    let millis = if end == End::Done { 100_000 } else { millis };
    Behaviour { failures, end, millis }
}

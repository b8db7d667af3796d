//! Drivers that do wrong, to see whether the model notices.

use std::num::NonZeroU32;

use kinpack_consumer::{AfterDeadLetter, BrokenAggregates, CheckpointEvery, Reporting};

use crate::handler::{Handler, Memory};

/// What a driver does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// Reports the Kinesis record after the lowest that is not finished.
    ReportsTooHigh,
    /// Reports the first Kinesis record of the batch, whatever is finished.
    ReportsTooLow,
    /// Names the member wrong that identifies the record.
    MisnamesIdentifier,
    /// Answers in the way of a mapping that takes batch item failures, where it takes none.
    ReportsToDeafMapping,
    /// Does not tell the engine the partition keys.
    HidesKeys,
    /// Has one record more under way than was asked for.
    ExceedsConcurrency,
    /// Tells the engine that a record is done when it has only begun.
    AcknowledgesAtStart,
    /// Says that progress was written, and does not write it.
    ForgetsToWrite,
    /// Does not read the store.
    ForgetsToRead,
    /// Writes progress whatever the store holds by now.
    OverwritesStore,
    /// Takes a conflict for a success.
    IgnoresConflicts,
    /// Writes progress though all is good.
    WritesWhenGood,
    /// Says of a dead letter that failed that it was written.
    LosesDeadLetters,
    /// Takes a record for poison an attempt too early.
    PoisonsEarly,
    /// Never takes a record for poison.
    PoisonsNever,
    /// Lets a held key go on.
    ReleasesHeldKeys,
    /// Passes over a record that blocks.
    PassesBlocks,
    /// Hands broken aggregates to the handler.
    HandsOnBroken,
    /// Takes the user records of enhanced fan-out for an aggregate that can be resumed.
    ResumesGroups,
    /// Stops the engine's clock.
    StopsTheClock,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::ReportsTooHigh,
        Self::ReportsTooLow,
        Self::MisnamesIdentifier,
        Self::ReportsToDeafMapping,
        Self::HidesKeys,
        Self::ExceedsConcurrency,
        Self::AcknowledgesAtStart,
        Self::ForgetsToWrite,
        Self::ForgetsToRead,
        Self::OverwritesStore,
        Self::IgnoresConflicts,
        Self::WritesWhenGood,
        Self::LosesDeadLetters,
        Self::PoisonsEarly,
        Self::PoisonsNever,
        Self::ReleasesHeldKeys,
        Self::PassesBlocks,
        Self::HandsOnBroken,
        Self::ResumesGroups,
        Self::StopsTheClock,
    ];

    /// The handler's settings, if it is those that are wrong.
    pub(crate) fn settings(self, handler: &Handler) -> Handler {
        let mut wrong = handler.clone();
        match self {
            Self::ReportsToDeafMapping => wrong.reporting = Reporting::BatchItemFailures,
            Self::ExceedsConcurrency => wrong.concurrency += 1,
            Self::HandsOnBroken => wrong.broken = BrokenAggregates::PassThrough,
            Self::PoisonsEarly => wrong.poison_after = wrong.poison_after.map(|n| (n - 1).max(1)),
            Self::PoisonsNever => wrong.poison_after = wrong.poison_after.map(|_| u32::MAX),
            Self::ReleasesHeldKeys if wrong.after == Some(AfterDeadLetter::HoldKey) => {
                wrong.after = Some(AfterDeadLetter::SkipRecord);
            }
            Self::PassesBlocks if wrong.after == Some(AfterDeadLetter::Block) => {
                wrong.after = Some(AfterDeadLetter::SkipRecord);
            }
            Self::WritesWhenGood if wrong.memory == Memory::Durable => {
                wrong.checkpoint_every = Some(CheckpointEvery::Records(NonZeroU32::MIN));
            }
            _ => (),
        }
        wrong
    }
}

//! What the user chose.

use std::marker::PhantomData;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

/// How Lambda is told of failures. It depends on the event source mapping, which the engine cannot
/// see, so there is no default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reporting {
    /// The mapping has `ReportBatchItemFailures`: the answer names the lowest Kinesis record that
    /// is not finished, and Lambda sends all from there again.
    ///
    /// **On a mapping without it Lambda ignores the answer and takes the batch for done: failed
    /// records are lost.**
    BatchItemFailures,
    /// The mapping lacks it: the invocation fails, and Lambda sends the whole batch again.
    FailInvocation,
}

/// What becomes of a poison record once it is written to the dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterDeadLetter {
    /// It is passed over, and its key goes on.
    SkipRecord,
    /// It is passed over, and the later records of its key in this batch follow it to the dead
    /// letter, in order. The checkpoint stays at the poison record until all of them have.
    HoldKey,
    /// It stays failed: the checkpoint does not pass it until the handler can do it or Lambda's own
    /// limits end it. With a durable store the dead letter is written once.
    Block,
}

/// What becomes of an aggregate that cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokenAggregates {
    /// It fails as a record of a handler does, without being handled.
    Fail,
    /// It is handled as the plain record it may be, as the KCL does it.
    PassThrough,
}

/// When progress is written before the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckpointEvery {
    /// When so many user records were finished since the last write. Nothing is begun until it is
    /// written: after a crash no more than these, and what ran beside the last of them, are handled
    /// again.
    Records(NonZeroU32),
    /// When so much time has passed since the last write, and something was finished. Records are
    /// handled meanwhile.
    Time(Duration),
}

/// Nothing is remembered from one invocation to the next.
#[derive(Clone, Copy, Debug)]
pub enum Stateless {}

/// Progress is remembered as long as the environment stays warm: best effort.
#[derive(Clone, Copy, Debug)]
pub enum InMemory {}

/// Progress is kept in a store that all environments share.
#[derive(Clone, Copy, Debug)]
pub enum Durable {}

/// The settings, by what remembers progress. Attempts are counted in a durable store or not at
/// all, so only then can poison be told by them:
///
/// ```
/// use kinpack_consumer::{AfterDeadLetter, Config, Reporting};
/// use std::num::{NonZeroU32, NonZeroUsize};
/// use std::time::Duration;
///
/// let config = Config::new(Reporting::BatchItemFailures)
///     .concurrency(NonZeroUsize::new(16).unwrap())
///     .deadline_margin(Duration::from_secs(5))
///     .durable_progress()
///     .poison_after(NonZeroU32::new(3).unwrap(), AfterDeadLetter::HoldKey);
/// # let _ = config;
/// ```
///
/// ```compile_fail
/// # use kinpack_consumer::{AfterDeadLetter, Config, Reporting};
/// # use std::num::NonZeroU32;
/// Config::new(Reporting::BatchItemFailures)
///     .poison_after(NonZeroU32::new(3).unwrap(), AfterDeadLetter::HoldKey);
/// ```
#[derive(Debug)]
pub struct Config<S = Stateless> {
    settings: Settings,
    store: PhantomData<fn() -> S>,
}

impl<S> Clone for Config<S> {
    fn clone(&self) -> Self {
        Self { settings: self.settings.clone(), store: PhantomData }
    }
}

/// The settings of a [`Config`], with its type forgotten.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) reporting: Reporting,
    pub(crate) concurrency: usize,
    pub(crate) margin: Duration,
    pub(crate) memory: Option<Memory>,
    pub(crate) poison_after: Option<NonZeroU32>,
    pub(crate) after_dead_letter: Option<AfterDeadLetter>,
    pub(crate) broken: BrokenAggregates,
    pub(crate) checkpoint_every: Option<CheckpointEvery>,
    pub(crate) progress_limit: usize,
    pub(crate) progress_kept: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    InMemory,
    Durable,
}

/// Of a DynamoDB item's 400 KiB: what is left of them for keys and attribute names.
const PROGRESS_LIMIT: usize = 350 * 1024;

impl Config {
    /// One record at a time, the first failure ends the invocation, a margin of one second before
    /// the deadline, nothing remembered, no dead letter, broken aggregates fail.
    #[must_use]
    pub fn new(reporting: Reporting) -> Self {
        let settings = Settings {
            reporting,
            concurrency: 1,
            margin: Duration::from_secs(1),
            memory: None,
            poison_after: None,
            after_dead_letter: None,
            broken: BrokenAggregates::Fail,
            checkpoint_every: None,
            progress_limit: PROGRESS_LIMIT,
            progress_kept: Duration::from_secs(24 * 60 * 60),
        };
        Self { settings, store: PhantomData }
    }

    /// Progress is remembered by this environment alone, for as long as it lives. A record that
    /// was finished is usually not handled again.
    #[must_use]
    pub fn progress_in_memory(self) -> Config<InMemory> {
        self.with_memory(Memory::InMemory)
    }

    /// Progress is kept in a durable store. After a failure the records of other keys go on, as
    /// they will be skipped at the retry.
    #[must_use]
    pub fn durable_progress(self) -> Config<Durable> {
        self.with_memory(Memory::Durable)
    }

    fn with_memory<S>(mut self, memory: Memory) -> Config<S> {
        self.settings.memory = Some(memory);
        Config { settings: self.settings, store: PhantomData }
    }
}

impl Config<Durable> {
    /// A record that has failed so many times is poison and goes to the dead letter. The mapping's
    /// maximum attempts must be higher, or Lambda discards the batch first.
    ///
    /// Failures are counted when they are reported: an invocation that crashes or times out counts
    /// none.
    #[must_use]
    pub fn poison_after(mut self, attempts: NonZeroU32, then: AfterDeadLetter) -> Self {
        self.settings.poison_after = Some(attempts);
        self.dead_letter(then)
    }

    /// Writes progress in between, for handlers whose effects are dear: after a crash or a time-out
    /// only what came after the last write is handled again.
    #[must_use]
    pub fn checkpoint_every(mut self, every: CheckpointEvery) -> Self {
        self.settings.checkpoint_every = Some(every);
        self
    }

    /// How many bytes the progress of a shard may take; 350 KiB unless told. Too much of it is
    /// avoided by not starting records far from the first unfinished one, and then by forgetting
    /// what was written longest ago, and of that the lowest. So with
    /// [`FailInvocation`](Reporting::FailInvocation), where Lambda begins anew at the first record,
    /// the progress of the whole batch must find room: 8 bytes for a plain record and half a byte for
    /// each digit in which its sequence number differs from the one before.
    #[must_use]
    pub fn progress_limit(mut self, bytes: usize) -> Self {
        self.settings.progress_limit = bytes;
        self
    }

    /// How long progress is kept that nobody writes again; a day unless told. It should be longer
    /// than Lambda may take from one attempt on a batch to the next.
    #[must_use]
    pub fn progress_kept(mut self, time: Duration) -> Self {
        self.settings.progress_kept = time;
        self
    }
}

impl<S> Config<S> {
    /// How many records may be under way at once, each of another key. 1 is one after another.
    #[must_use]
    pub fn concurrency(mut self, records: NonZeroUsize) -> Self {
        self.settings.concurrency = records.get();
        self
    }

    /// How long before the deadline nothing new is begun. What runs is awaited for the first half
    /// of it; then it is given up, and the other half is for the store and the dead letter.
    #[must_use]
    pub fn deadline_margin(mut self, margin: Duration) -> Self {
        self.settings.margin = margin;
        self
    }

    /// A record whose handler says that it is poison goes to the dead letter at once.
    #[must_use]
    pub fn dead_letter(mut self, then: AfterDeadLetter) -> Self {
        self.settings.after_dead_letter = Some(then);
        self
    }

    /// What becomes of an aggregate that cannot be decoded.
    #[must_use]
    pub fn broken_aggregates(mut self, broken: BrokenAggregates) -> Self {
        self.settings.broken = broken;
        self
    }

    /// What the engine takes.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.settings.clone()
    }
}

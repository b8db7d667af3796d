//! The settings of a consumer.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use kinpack_consumer::{
    AfterDeadLetter, BrokenAggregates, CheckpointEvery, Config, Durable, Reporting,
};

use crate::letters::{DeadLetters, NoDeadLetter};
use crate::store::{MemoryProgress, NoProgress, ProgressStore};

/// Handles the user records of Lambda events. Made once, used for every invocation.
///
/// ```
/// use kinpack_lambda::{Consumer, Reporting};
/// use std::time::Duration;
///
/// let consumer = Consumer::new(Reporting::BatchItemFailures)
///     .ordered_by_key(16)
///     .deadline_margin(Duration::from_secs(5))
///     .progress_in_memory();
/// # let _ = consumer;
/// ```
///
/// Failed attempts are counted in a durable store or not at all, so only with one they can tell
/// poison:
///
/// ```compile_fail
/// # use kinpack_lambda::{After, Consumer, DeadLetter, Reporting};
/// Consumer::new(Reporting::BatchItemFailures)
///     .progress_in_memory()
///     .poison(After(3).then(async |_: DeadLetter<'_>| Ok(())));
/// ```
#[derive(Debug)]
pub struct Consumer<P: ProgressStore = NoProgress, L = NoDeadLetter> {
    pub(crate) config: Config<P::Kind>,
    pub(crate) store: P,
    pub(crate) letters: L,
    pub(crate) common: Common,
}

/// How long before the deadline nothing new is begun, unless told.
const MARGIN: Duration = Duration::from_secs(1);

/// What does not depend on the types.
#[derive(Debug)]
pub(crate) struct Common {
    pub(crate) broken: BrokenAggregates,
    pub(crate) margin: Duration,
    pub(crate) name: Option<String>,
    /// The namespace of the metrics.
    pub(crate) metrics: Option<String>,
    /// Said once in the life of an environment.
    pub(crate) said_fan_out: AtomicBool,
    pub(crate) said_reporting: AtomicBool,
}

/// How often a record may fail, [`Consumer::poison`]: at the last of so many attempts it is poison.
/// 0 is taken for 1.
///
/// It must be below the mapping's maximum attempts, or Lambda discards the batch first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After(pub u32);

impl After {
    /// Where poison goes. Its key goes on afterwards ([`AfterDeadLetter::SkipRecord`]) unless a
    /// [`policy`](PoisonRule::policy) is set.
    #[must_use]
    pub fn then<L: DeadLetters>(self, dead_letters: L) -> PoisonRule<L> {
        PoisonRule { after: self, letters: dead_letters, policy: AfterDeadLetter::SkipRecord }
    }
}

/// What is done about poison, [`Consumer::poison`].
#[derive(Clone, Copy, Debug)]
pub struct PoisonRule<L> {
    after: After,
    letters: L,
    policy: AfterDeadLetter,
}

impl<L> PoisonRule<L> {
    /// What becomes of the record's key.
    #[must_use]
    pub fn policy(self, policy: AfterDeadLetter) -> Self {
        Self { policy, ..self }
    }
}

impl Consumer {
    /// One record at a time, the first failure ends the invocation, a margin of one second before
    /// the deadline, nothing remembered, no dead letter, broken aggregates fail.
    ///
    /// # Which reporting?
    ///
    /// The one that suits the event source mapping, which the function cannot see.
    /// **[`Reporting::BatchItemFailures`] on a mapping without `ReportBatchItemFailures` loses all
    /// records that fail**: Lambda ignores the answer and takes the batch for done.
    /// [`Reporting::FailInvocation`] is safe on both, and handles more of them again.
    #[must_use]
    pub fn new(reporting: Reporting) -> Self {
        Self {
            config: Config::new(reporting).deadline_margin(MARGIN),
            store: NoProgress,
            letters: NoDeadLetter,
            common: Common {
                broken: BrokenAggregates::Fail,
                margin: MARGIN,
                name: None,
                metrics: None,
                said_fan_out: AtomicBool::new(false),
                said_reporting: AtomicBool::new(false),
            },
        }
    }
}

impl<L> Consumer<NoProgress, L> {
    fn keeping<P: ProgressStore>(self, store: P, config: Config<P::Kind>) -> Consumer<P, L> {
        Consumer { config, store, letters: self.letters, common: self.common }
    }

    /// Remembers progress as long as this environment lives: a record that was finished is usually
    /// not handled again.
    #[must_use]
    pub fn progress_in_memory(self) -> Consumer<MemoryProgress, L> {
        let config = self.config.clone().progress_in_memory();
        self.keeping(MemoryProgress::default(), config)
    }

    /// Keeps progress in a durable store, such as DynamoDB. After a failure the records of other
    /// keys go on.
    #[must_use]
    pub fn progress<P: ProgressStore<Kind = Durable>>(self, store: P) -> Consumer<P, L> {
        let config = self.config.clone().durable_progress();
        self.keeping(store, config)
    }
}

impl<P: ProgressStore<Kind = Durable>, L> Consumer<P, L> {
    /// A record that fails too often, or whose handler says so, goes to the dead letter by itself.
    #[must_use]
    pub fn poison<D: DeadLetters>(self, rule: PoisonRule<D>) -> Consumer<P, D> {
        let attempts = NonZeroU32::new(rule.after.0).unwrap_or(NonZeroU32::MIN);
        let config = self.config.poison_after(attempts, rule.policy);
        Consumer { config, store: self.store, letters: rule.letters, common: self.common }
    }

    /// Writes progress in between, for handlers whose effects are dear: after a crash or a time-out
    /// only what came after the last write is handled again.
    #[must_use]
    pub fn checkpoint_every(self, every: CheckpointEvery) -> Self {
        Self { config: self.config.checkpoint_every(every), ..self }
    }

    /// How many bytes the progress of a shard may take in the store; 350 KiB unless told.
    #[must_use]
    pub fn progress_limit(self, bytes: usize) -> Self {
        Self { config: self.config.progress_limit(bytes), ..self }
    }

    /// How long progress is kept that nobody writes again; a day unless told.
    #[must_use]
    pub fn progress_kept(self, time: Duration) -> Self {
        Self { config: self.config.progress_kept(time), ..self }
    }
}

impl<P: ProgressStore, L> Consumer<P, L> {
    /// How many records [`run`](Self::run) may have under way at once, each of another partition
    /// key; 0 is taken for 1.
    #[must_use]
    pub fn ordered_by_key(self, records: usize) -> Self {
        let records = NonZeroUsize::new(records).unwrap_or(NonZeroUsize::MIN);
        Self { config: self.config.concurrency(records), ..self }
    }

    /// How long before the deadline nothing new is begun; a second unless told. What runs is
    /// awaited for the first half of it and then dropped; the other half is for the store and the
    /// dead letter. A handler that blocks its thread cannot be dropped.
    #[must_use]
    pub fn deadline_margin(self, margin: Duration) -> Self {
        let common = Common { margin, ..self.common };
        Self { config: self.config.deadline_margin(margin), common, ..self }
    }

    /// A record whose handler says that it is poison goes to the dead letter at once. No store is
    /// needed, as nothing is counted.
    #[must_use]
    pub fn dead_letter<D: DeadLetters>(self, letters: D, then: AfterDeadLetter) -> Consumer<P, D> {
        let config = self.config.dead_letter(then);
        Consumer { config, store: self.store, letters, common: self.common }
    }

    /// What becomes of an aggregate that cannot be decoded: it fails unless told.
    #[must_use]
    pub fn broken_aggregates(self, broken: BrokenAggregates) -> Self {
        let common = Common { broken, ..self.common };
        Self { config: self.config.broken_aggregates(broken), common, ..self }
    }

    /// Under which name progress is kept. Unless told it is the function's, so that two functions
    /// can share a table, and all versions of a function go on where others stopped.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { common: Common { name: Some(name.into()), ..self.common }, ..self }
    }

    /// Prints metrics for each invocation, in CloudWatch's embedded metric format under this
    /// namespace: a line in the log, of which CloudWatch makes metrics (they cost as any custom
    /// ones). Their dimension is `consumer`, the [`name`](Self::name); the shard is in the line.
    ///
    /// `user_records`, `kinesis_records`, `bytes`, `decode_time` (from the event's text to user
    /// records), `oldest_record_age`, `handled`, `failures`, `poison`, `skipped`,
    /// `dead_letter_failures`, `progress_failures`, `deadline_stop`, `no_progress`,
    /// `decode_fault` and `event_fault`. An invocation that fails before anything is handled has its
    /// line, too.
    #[must_use]
    pub fn metrics(self, namespace: impl Into<String>) -> Self {
        Self { common: Common { metrics: Some(namespace.into()), ..self.common }, ..self }
    }
}

//! Does what the engine says, and tells it how that went.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use kinpack_consumer::{
    Action, DeadLetter, DeadLetterReason, Engine, FailureKind, Finished, Persisted, Record, Stored,
    Write,
};
use tokio::time::Sleep;

use crate::batch::Fault;
use crate::failure::Failure;
use crate::letters::DeadLetters;
use crate::store::{ProgressStore, ShardKey, StoreError, Written};

/// A future of the store or the dead letter.
type Errand<'c, T> = Pin<Box<dyn Future<Output = T> + Send + 'c>>;

/// How a handler ended.
pub(crate) type Ended = Result<(), Failure>;

/// Handlers that run.
pub(crate) trait Running {
    /// The next one that ends, `None` if none runs.
    fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<Option<(Record, Ended)>>;
}

/// What the handlers' side shall do.
pub(crate) enum Step {
    Start(Record),
    Finish(Finished),
}

/// Since 1970, by a clock that does not run backwards.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    base: Duration,
    started: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let base = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { base, started: Instant::now() }
    }

    pub(crate) fn now(&self) -> Duration {
        self.base + self.started.elapsed()
    }

    fn instant(&self, time: Duration) -> Instant {
        self.started + time.saturating_sub(self.base)
    }
}

/// Makes a dead letter of a record: id, key, data and when it came.
pub(crate) type WriteLetter<'c> =
    &'c (dyn Fn(Record, DeadLetterReason) -> DeadLetter<'static> + Send + Sync);

pub(crate) struct Driver<'c, P, L> {
    pub(crate) engine: Engine,
    pub(crate) clock: Clock,
    pub(crate) store: &'c P,
    pub(crate) key: &'c ShardKey,
    pub(crate) letters: &'c L,
    pub(crate) write_letter: WriteLetter<'c>,
    pub(crate) faults: &'c BTreeMap<u32, Fault>,
    /// What the handlers said, by the record's index.
    pub(crate) errors: BTreeMap<u32, String>,
    pub(crate) posting: FuturesUnordered<Errand<'c, (Record, Result<(), StoreError>)>>,
    pub(crate) persisting: Option<Errand<'c, Persisted>>,
    pub(crate) timer: Option<(Duration, Pin<Box<Sleep>>)>,
}

enum Happened {
    Ended(Record, Ended),
    Posted(Record, Result<(), StoreError>),
    Persisted(Persisted),
    Time,
}

impl<'c, P: ProgressStore, L: DeadLetters> Driver<'c, P, L> {
    /// What the handlers' side shall do next. Meanwhile handlers run, letters are posted and
    /// progress is written.
    pub(crate) async fn next(&mut self, running: &mut (impl Running + ?Sized)) -> Step {
        loop {
            match self.engine.poll(self.clock.now()) {
                Action::Start(record) => match self.unreadable(record) {
                    Some(failure) => self.ended(record, Err(failure)),
                    None => return Step::Start(record),
                },
                Action::DeadLetter { record, reason, attempts } => {
                    self.post(record, reason, attempts);
                }
                Action::Persist(write) => {
                    self.persisting = Some(Box::pin(persist(self.store, self.key, write)));
                }
                Action::Finish(finished) => return Step::Finish(finished),
                Action::Wait { until } => match self.wait(running, until).await {
                    Happened::Ended(record, ended) => self.ended(record, ended),
                    Happened::Posted(record, result) => self.posted(record, result),
                    Happened::Persisted(persisted) => self.engine.persisted(persisted),
                    Happened::Time => (),
                },
                // The engine has no other.
                _ => (),
            }
        }
    }

    async fn wait(
        &mut self,
        running: &mut (impl Running + ?Sized),
        until: Option<Duration>,
    ) -> Happened {
        poll_fn(|context| {
            if let Poll::Ready(Some((record, ended))) = running.poll_ended(context) {
                return Poll::Ready(Happened::Ended(record, ended));
            }
            if let Poll::Ready(Some((record, result))) = self.posting.poll_next_unpin(context) {
                return Poll::Ready(Happened::Posted(record, result));
            }
            if let Some(persisting) = &mut self.persisting
                && let Poll::Ready(persisted) = persisting.as_mut().poll(context)
            {
                self.persisting = None;
                return Poll::Ready(Happened::Persisted(persisted));
            }
            let Some(until) = until else { return Poll::Pending };
            self.poll_timer(until, context).map(|()| Happened::Time)
        })
        .await
    }

    fn poll_timer(&mut self, until: Duration, context: &mut Context<'_>) -> Poll<()> {
        if self.timer.as_ref().is_none_or(|(time, _)| *time != until) {
            let at = tokio::time::Instant::from_std(self.clock.instant(until));
            self.timer = Some((until, Box::pin(tokio::time::sleep_until(at))));
        }
        let Some((_, timer)) = &mut self.timer else { return Poll::Pending };
        let ready = timer.as_mut().poll(context);
        if ready.is_ready() {
            self.timer = None;
        }
        ready
    }

    /// A record whose data cannot be had is not handed to anyone.
    fn unreadable(&self, record: Record) -> Option<Failure> {
        match self.faults.get(&record.kinesis_record)? {
            Fault::Data(why) => Some(Failure::poison(why.as_str())),
            Fault::Aggregate(_) => None,
        }
    }

    fn ended(&mut self, record: Record, ended: Ended) {
        let Err(failure) = ended else {
            self.engine.done(record);
            return;
        };
        let kind = match failure {
            Failure::Retry(_) => FailureKind::Retry,
            Failure::Poison(_) => FailureKind::Poison,
        };
        tracing::warn!(
            record = %self.engine.batch().id(record),
            poison = kind == FailureKind::Poison,
            error = %failure,
            "a record failed"
        );
        self.errors.insert(record.index, failure.to_string());
        self.engine.failed(record, kind);
    }

    fn post(&mut self, record: Record, reason: DeadLetterReason, attempts: u32) {
        let mut letter = (self.write_letter)(record, reason);
        letter.attempts = attempts;
        letter.error = self.errors.get(&record.index).cloned().map(Into::into);
        if letter.error.is_none()
            && let Some(Fault::Aggregate(error)) = self.faults.get(&record.kinesis_record)
        {
            letter.error = Some(error.to_string().into());
        }
        if let DeadLetterReason::HeldBy(poison) = reason {
            letter.held_by = Some(self.engine.batch().id(poison).to_string().into());
        }
        tracing::warn!(
            record = %letter.id,
            reason = reason.name(),
            attempts,
            "a record goes to the dead letter"
        );
        let letters = self.letters;
        self.posting.push(Box::pin(async move { (record, letters.send(letter).await) }));
    }

    fn posted(&mut self, record: Record, result: Result<(), StoreError>) {
        if let Err(error) = &result {
            let id = self.engine.batch().id(record);
            tracing::error!(record = %id, %error, "the dead letter could not be written");
        }
        self.engine.dead_lettered(record, result.is_ok());
    }
}

async fn persist<P: ProgressStore>(store: &P, key: &ShardKey, write: Write) -> Persisted {
    let error = match store.write(key, &write).await {
        Ok(Written::Yes) => return Persisted::Written,
        Ok(Written::Conflict(stored)) => return or_conflict(&write, stored),
        Err(error) => error,
    };
    // Nobody knows whether it arrived.
    match store.read(key).await {
        Ok(stored) if stored.version == write.version => Persisted::Written,
        Ok(stored) if stored.version != write.if_version => Persisted::Conflict(stored),
        _ => {
            tracing::error!(%key, %error, "progress could not be written");
            Persisted::Failed
        }
    }
}

/// A write that was sent twice meets itself.
fn or_conflict(write: &Write, stored: Stored) -> Persisted {
    match stored.version == write.version && stored.progress == write.progress {
        true => Persisted::Written,
        false => Persisted::Conflict(stored),
    }
}

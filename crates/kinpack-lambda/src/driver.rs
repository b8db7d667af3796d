//! Does what the engine says, and tells it how that went.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use kinpack_consumer::{
    Action, DeadLetterReason, Engine, FailureKind, Finished, Persisted, Record, ShardKey, Write,
};
use tokio::time::Sleep;

use crate::batch::Fault;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::letters::DeadLetters;
use crate::running::{Ended, Running};
use crate::store::{ProgressStore, StoreError, Written};

/// A future of the store or the dead letter.
pub(crate) type Errand<'c, T> = Pin<Box<dyn Future<Output = T> + Send + 'c>>;

/// What the handlers' side shall do.
pub(crate) enum Step {
    Start(Record),
    /// To be answered by [`Driver::ended`].
    Ended(Record, Ended),
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

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn instant(&self, time: Duration) -> Instant {
        self.started + time.saturating_sub(self.base)
    }
}

pub(crate) struct Driver<'c, 'i, P, L> {
    pub(crate) engine: Engine,
    pub(crate) clock: Clock,
    pub(crate) store: &'c P,
    pub(crate) key: &'c ShardKey,
    pub(crate) letters: &'c L,
    pub(crate) invocation: &'c Invocation<'i>,
    /// What the handlers said, by the record's index.
    pub(crate) errors: BTreeMap<u32, String>,
    pub(crate) posting: FuturesUnordered<Errand<'c, (Record, Result<(), StoreError>)>>,
    pub(crate) persisting: Option<Errand<'c, Persisted>>,
    pub(crate) timer: Option<(Duration, Pin<Box<Sleep>>)>,
    /// When errands are given up, so that the answer comes before the deadline.
    pub(crate) errands_end: Option<Duration>,
    /// Begun by the engine, and not handed on yet.
    pub(crate) begun: Option<Record>,
}

enum Happened {
    Ended(Record, Ended),
    Posted(Record, Result<(), StoreError>),
    Persisted(Persisted),
    Time,
}

impl<'c, P: ProgressStore, L: DeadLetters> Driver<'c, '_, P, L> {
    /// What the handlers' side shall do next. Meanwhile handlers run, letters are posted and
    /// progress is written.
    pub(crate) async fn next(&mut self, running: &mut (impl Running + ?Sized)) -> Step {
        if let Some(record) = self.begun.take() {
            return Step::Start(record);
        }
        loop {
            match self.engine.poll(self.clock.now()) {
                Action::Start(record) => match self.unreadable(record) {
                    Some(failure) => self.ended(record, Err(failure)),
                    None => return Step::Start(record),
                },
                Action::Finish(finished) => return Step::Finish(finished),
                Action::Wait { until } => match self.wait(running, until).await {
                    Happened::Ended(record, ended) => return Step::Ended(record, ended),
                    Happened::Posted(record, result) => self.posted(record, result),
                    Happened::Persisted(persisted) => self.engine.persisted(persisted),
                    Happened::Time => (),
                },
                errand => self.run_errand(errand),
            }
        }
    }

    /// Answers for a record that was handled together with the one before it. `false`: it is not
    /// this one's turn. `now` is when they were begun, as the deadline is none of their business.
    pub(crate) fn follow(&mut self, record: Record, now: Duration) -> bool {
        loop {
            match self.engine.poll(now) {
                Action::Start(begun) if begun == record => {
                    self.engine.done(record);
                    return true;
                }
                Action::Start(begun) => {
                    self.begun = Some(begun);
                    return false;
                }
                Action::Wait { .. } | Action::Finish(_) => return false,
                errand => self.run_errand(errand),
            }
        }
    }

    fn run_errand(&mut self, action: Action) {
        match action {
            Action::DeadLetter { record, reason, attempts } => self.post(record, reason, attempts),
            Action::Persist(write) => {
                let errand = persist(self.store, self.key, write);
                let limited = within(self.clock, self.errands_end, errand);
                self.persisting =
                    Some(Box::pin(async move { limited.await.unwrap_or(Persisted::Failed) }));
            }
            _ => (),
        }
    }

    async fn wait(
        &mut self,
        running: &mut (impl Running + ?Sized),
        until: Option<Duration>,
    ) -> Happened {
        // Handlers that never wait would keep errands from the network.
        if self.persisting.is_some() || !self.posting.is_empty() {
            tokio::task::yield_now().await;
        }
        poll_fn(|context| {
            if let Poll::Ready(Some((record, result))) = self.posting.poll_next_unpin(context) {
                return Poll::Ready(Happened::Posted(record, result));
            }
            if let Some(persisting) = &mut self.persisting
                && let Poll::Ready(persisted) = persisting.as_mut().poll(context)
            {
                self.persisting = None;
                return Poll::Ready(Happened::Persisted(persisted));
            }
            if let Poll::Ready(Some((record, ended))) = running.poll_ended(context) {
                return Poll::Ready(Happened::Ended(record, ended));
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
        match self.invocation.unpacked.faults.get(&record.kinesis_record)? {
            Fault::Data(why) => Some(Failure::poison(why.as_str())),
            Fault::Aggregate(_) => None,
        }
    }

    pub(crate) fn is_unreadable(&self, record: Record) -> bool {
        self.unreadable(record).is_some()
    }

    pub(crate) fn ended(&mut self, record: Record, ended: Ended) {
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
        let mut letter = self.invocation.letter(record, reason);
        letter.attempts = attempts;
        letter.error = self.errors.get(&record.index).cloned().map(Into::into);
        if letter.error.is_none()
            && let Some(Fault::Aggregate(error)) =
                self.invocation.unpacked.faults.get(&record.kinesis_record)
        {
            letter.error = Some(error.clone().into());
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
        let errand = within(self.clock, self.errands_end, letters.send(letter));
        self.posting.push(Box::pin(async move {
            (record, errand.await.unwrap_or_else(|| Err("not sent before the deadline".into())))
        }));
    }

    fn posted(&mut self, record: Record, result: Result<(), StoreError>) {
        if let Err(error) = &result {
            let id = self.engine.batch().id(record);
            tracing::error!(record = %id, %error, "the dead letter could not be written");
        }
        self.engine.dead_lettered(record, result.is_ok());
    }
}

/// What the errand comes to, `None` if it takes too long.
pub(crate) async fn within<T>(
    clock: Clock,
    end: Option<Duration>,
    errand: impl Future<Output = T>,
) -> Option<T> {
    match end {
        Some(end) => {
            let end = tokio::time::Instant::from_std(clock.instant(end));
            tokio::time::timeout_at(end, errand).await.ok()
        }
        None => Some(errand.await),
    }
}

async fn persist<P: ProgressStore>(store: &P, key: &ShardKey, write: Write) -> Persisted {
    let error = match store.write(key, &write).await {
        Ok(Written::Yes) => return Persisted::Written,
        Ok(Written::Conflict(stored)) => return write.refused(stored),
        Err(error) => error,
    };
    // Nobody knows whether it arrived.
    let found = store.read(key).await.map(|stored| write.unanswered(stored));
    let persisted = found.unwrap_or(Persisted::Failed);
    if persisted == Persisted::Failed {
        tracing::error!(%key, %error, "progress could not be written");
    }
    persisted
}

//! Handlers that take several records at once.

use std::future::Pending;
use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::pin::pin;

use futures_util::FutureExt;
use kinpack_consumer::{Engine, Record as Place};
use lambda_runtime::LambdaEvent;

use crate::batch::Lender;
use crate::consumer::Consumer;
use crate::driver::{Clock, Step};
use crate::error::ConsumerError;
use crate::event::RawEvent;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::letters::DeadLetters;
use crate::record::Record;
use crate::reply::Reply;
use crate::running::One;
use crate::store::ProgressStore;

/// How many records a handler takes at once, [`Consumer::chunks`].
///
/// ```
/// use kinpack_lambda::Chunk;
///
/// let chunk = Chunk::records(500).bytes(1 << 20);
/// # let _ = chunk;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    records: usize,
    bytes: usize,
}

impl Chunk {
    /// So many at most; 0 is taken for 1.
    #[must_use]
    pub fn records(records: usize) -> Self {
        Self { records: records.max(1), bytes: usize::MAX }
    }

    /// Of so many bytes of data in all; a larger record comes alone.
    #[must_use]
    pub fn bytes(self, bytes: usize) -> Self {
        Self { bytes, ..self }
    }

    fn takes(self, bytes: usize) -> bool {
        self.records > 0 && bytes <= self.bytes
    }

    fn take(&mut self, bytes: usize) {
        self.records = self.records.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

impl<P: ProgressStore, L: DeadLetters> Consumer<P, L> {
    /// Handles the user records of an event several at a time, in the order of the shard.
    ///
    /// The handler says of all of a chunk at once how it went. If one of several fails, each of its
    /// records is handed over again by itself, to find out which one it is: only that one counts as
    /// failed. Records that failed in earlier attempts come by themselves, too.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    /// # runtime.block_on(async {
    /// use kinpack_lambda::{Chunk, Consumer, RawEvent, Reporting};
    /// use lambda_runtime::{Context, LambdaEvent};
    ///
    /// let json = r#"{"Records": [
    ///     {"kinesis": {"sequenceNumber": "49", "data": "aGVsbG8="}},
    ///     {"kinesis": {"sequenceNumber": "50", "data": "aGVsbG8="}}
    /// ]}"#;
    /// let event = LambdaEvent::new(RawEvent::from(json), Context::default());
    /// let consumer = Consumer::new(Reporting::BatchItemFailures);
    /// let mut chunks = 0;
    /// let reply = consumer
    ///     .chunks(event, Chunk::records(500), async |records| {
    ///         chunks += 1;
    ///         assert_eq!(records.len(), 2);
    ///         Ok(())
    ///     })
    ///     .await?;
    /// assert_eq!((chunks, reply.outcome().handled), (1, 2));
    /// # Ok::<(), kinpack_lambda::ConsumerError>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`each`](Self::each).
    pub async fn chunks<F>(
        &self,
        event: LambdaEvent<RawEvent>,
        chunk: Chunk,
        mut handler: F,
    ) -> Result<Reply, ConsumerError>
    where
        F: AsyncFnMut(&[Record<'_>]) -> Result<(), Failure>,
    {
        let clock = Clock::start();
        let (payload, context) = event.into_parts();
        let event = self.parse(payload, &context, clock)?;
        let unpacked = self.unpack(&event, &context, clock)?;
        let invocation = Invocation::new(self, &event, &unpacked, &context, clock);
        let settings = self.config.clone().concurrency(NonZeroUsize::MIN).settings();
        let mut driver = invocation.driver(self, settings).await?;
        let mut lender = Lender::new(&event, &unpacked);
        // Up to there records come by themselves: they were in a chunk that failed.
        let mut alone_until = None;
        let mut step = driver.next(&mut None::<One<'_, Pending<_>>>).await;
        let finished = loop {
            let first = match step {
                Step::Start(place) => place,
                Step::Finish(finished) => break finished,
                // Of a handler that was given up.
                Step::Ended(..) => {
                    step = driver.next(&mut None::<One<'_, Pending<_>>>).await;
                    continue;
                }
            };
            let mut records = Vec::new();
            let mut left = chunk;
            for place in places(&driver.engine, first, alone_until) {
                let user = lender.lend(place.kinesis_record, place.user_record);
                if place != first && (!left.takes(user.data.len()) || driver.is_unreadable(place)) {
                    break;
                }
                left.take(user.data.len());
                records.push(Record { event: &event, batch: &invocation.batch, place, user });
            }
            let began = clock.now();
            let future = pin!(AssertUnwindSafe(handler(&records)).catch_unwind());
            step = driver.next(&mut Some(One { place: first, future })).await;
            step = match step {
                Step::Ended(_, Err(failure)) if records.len() > 1 => {
                    tracing::warn!(
                        from = %records[0].id(),
                        records = records.len(),
                        error = %failure,
                        "a chunk failed: its records come by themselves"
                    );
                    alone_until = records.last().map(|record| record.place.index);
                    Step::Start(first)
                }
                Step::Ended(_, ended) => {
                    let good = ended.is_ok();
                    driver.ended(first, ended);
                    let rest = if good { &records[1..] } else { &[] };
                    for record in rest {
                        if !driver.follow(record.place, began) {
                            break;
                        }
                    }
                    driver.next(&mut None::<One<'_, Pending<_>>>).await
                }
                step => step,
            };
        };
        invocation.finish(self, finished)
    }
}

/// The records of the next chunk, were there no limits.
fn places(
    engine: &Engine,
    first: Place,
    alone_until: Option<u32>,
) -> impl Iterator<Item = Place> + '_ {
    let alone = move |place: Place| {
        alone_until.is_some_and(|until| place.index <= until) || engine.attempts(place) > 0
    };
    let more = (!alone(first)).then(|| engine.following(first).take_while(move |&it| !alone(it)));
    std::iter::once(first).chain(more.into_iter().flatten())
}

//! The ways to handle an event: one by one, and concurrently.

use std::future::{Future, Pending};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::stream::FuturesUnordered;
use kinpack::{Digest, SharedContents};
use lambda_runtime::LambdaEvent;
use tracing::Instrument;

use crate::access::Access;
use crate::batch::{Event, Lender, Unpacked};
use crate::consumer::Consumer;
use crate::driver::{Clock, Step};
use crate::error::ConsumerError;
use crate::event::RawEvent;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::letters::DeadLetters;
use crate::record::{Record, Shared, SharedRecord, shared_data};
use crate::reply::Reply;
use crate::running::{Many, One, flatten, span};
use crate::store::ProgressStore;

impl<P: ProgressStore, L: DeadLetters> Consumer<P, L> {
    /// Handles the user records of an event one after another. Each is lent to the handler, which
    /// copies nothing and may change what it has captured.
    ///
    /// A handler that panics has failed as if it had said [`Failure::Retry`] (not in a program that
    /// aborts on panics, where the invocation fails).
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    /// # runtime.block_on(async {
    /// use kinpack_lambda::{Consumer, RawEvent, Reporting};
    /// use lambda_runtime::{Context, LambdaEvent};
    ///
    /// let json = r#"{"Records": [{
    ///     "kinesis": {"partitionKey": "k", "sequenceNumber": "49", "data": "aGVsbG8="},
    ///     "eventID": "shardId-000000000006:49"
    /// }]}"#;
    /// let event = LambdaEvent::new(RawEvent::from(json), Context::default());
    /// let consumer = Consumer::new(Reporting::BatchItemFailures);
    /// let mut bytes = 0;
    /// let reply = consumer
    ///     .each(event, async |record| {
    ///         bytes += record.data().len();
    ///         Ok(())
    ///     })
    ///     .await?;
    /// assert_eq!((bytes, reply.batch_item_failure()), (5, None));
    /// # Ok::<(), kinpack_lambda::ConsumerError>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What makes the invocation fail: [`ConsumerError`]. A failure of the handler does so only if
    /// it is not reported otherwise.
    pub async fn each<F>(
        &self,
        event: LambdaEvent<RawEvent>,
        mut handler: F,
    ) -> Result<Reply, ConsumerError>
    where
        F: AsyncFnMut(Record<'_>) -> Result<(), Failure>,
    {
        let clock = Clock::start();
        let (payload, context) = event.into_parts();
        let event = self.parse(payload, &context, clock)?;
        let unpacked = self.unpack(&event, &context, clock)?;
        let invocation = Invocation::new(self, &event, &unpacked, &context, clock);
        let settings = self.config.clone().concurrency(NonZeroUsize::MIN).settings();
        let mut driver = invocation.driver(self, settings).await?;
        let mut lender = Lender::new(&event, &unpacked);
        let mut step = driver.next(&mut None::<One<'_, Pending<_>>>).await;
        let finished = loop {
            let place = match step {
                Step::Start(place) => place,
                Step::Ended(place, ended) => {
                    driver.ended(place, ended);
                    step = driver.next(&mut None::<One<'_, Pending<_>>>).await;
                    continue;
                }
                Step::Finish(finished) => break finished,
            };
            let user = lender.lend(place.kinesis_record, place.user_record);
            let record = Record { event: &event, batch: &invocation.batch, place, user };
            let span = span(&invocation.batch, place);
            let future = pin!(AssertUnwindSafe(handler(record).instrument(span)).catch_unwind());
            step = driver.next(&mut Some(One { place, future })).await;
        };
        invocation.finish(self, finished)
    }

    /// Handles the user records of an event concurrently, as many at once as
    /// [`ordered_by_key`](Self::ordered_by_key) says, those of a key one after another. Each record
    /// owns a share of the event.
    ///
    /// The handlers run on the task that calls this: what computes for long is better spawned. A
    /// handler that panics has failed, as with [`each`](Self::each).
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    /// # runtime.block_on(async {
    /// use kinpack_lambda::{Consumer, RawEvent, Reporting};
    /// use lambda_runtime::{Context, LambdaEvent};
    ///
    /// let json = r#"{"Records": [{
    ///     "kinesis": {"partitionKey": "k", "sequenceNumber": "49", "data": "aGVsbG8="},
    ///     "eventID": "shardId-000000000006:49"
    /// }]}"#;
    /// let event = LambdaEvent::new(RawEvent::from(json), Context::default());
    /// let consumer = Consumer::new(Reporting::BatchItemFailures).ordered_by_key(16);
    /// let reply = consumer
    ///     .run(event, |record| async move {
    ///         let length = tokio::spawn(async move { record.data().len() }).await?;
    ///         assert_eq!(length, 5);
    ///         Ok(())
    ///     })
    ///     .await?;
    /// assert_eq!(reply.outcome().handled, 1);
    /// # Ok::<(), kinpack_lambda::ConsumerError>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`each`](Self::each).
    pub async fn run<F, Fut>(
        &self,
        event: LambdaEvent<RawEvent>,
        handler: F,
    ) -> Result<Reply, ConsumerError>
    where
        F: Fn(SharedRecord) -> Fut + Sync,
        Fut: Future<Output = Result<(), Failure>> + Send,
    {
        let clock = Clock::start();
        let (payload, context) = event.into_parts();
        let event = Arc::new(self.parse(payload, &context, clock)?);
        let unpacked = self.unpack(&event, &context, clock)?;
        let invocation = Invocation::new(self, &event, &unpacked, &context, clock);
        let mut driver = invocation.driver(self, self.config.settings()).await?;

        let batch = invocation.batch.clone();
        let shared = Arc::new(Shared { event: Arc::clone(&event), batch });
        let contents = shared_contents(&event, &unpacked);
        let mut sharers: Vec<_> = contents
            .iter()
            .map(|contents| contents.as_ref().map(|it| Access::new(it.records(), drop)))
            .collect();
        let mut running = FuturesUnordered::new();
        let finished = loop {
            let place = match driver.next(&mut Many(&mut running)).await {
                Step::Start(place) => place,
                Step::Ended(place, ended) => {
                    driver.ended(place, ended);
                    continue;
                }
                Step::Finish(finished) => break finished,
            };
            let sharer = sharers.get_mut(place.kinesis_record as usize).and_then(Option::as_mut);
            let user = sharer.and_then(|access| access.nth(place.user_record as usize));
            let record = SharedRecord { shared: Arc::clone(&shared), place, user };
            let span = span(&invocation.batch, place);
            let future = catch_unwind(AssertUnwindSafe(|| handler(record)));
            running.push(async move {
                let ended = match future {
                    Ok(future) => AssertUnwindSafe(future.instrument(span)).catch_unwind().await,
                    Err(panic) => Err(panic),
                };
                (place, flatten(ended))
            });
        };
        drop(running);
        invocation.finish(self, finished)
    }
}

/// The aggregates once more, as shares of the event. They are known to be good.
fn shared_contents(event: &Arc<Event>, unpacked: &Unpacked<'_>) -> Vec<Option<SharedContents>> {
    let of = |(at, aggregate): (usize, &Option<Box<_>>)| {
        aggregate.as_ref()?;
        let data = shared_data(event, u32::try_from(at).ok()?);
        SharedContents::deaggregate(data, None, Digest::Skip).ok()
    };
    unpacked.aggregates.iter().enumerate().map(of).collect()
}

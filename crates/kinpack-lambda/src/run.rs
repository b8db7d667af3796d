//! An invocation: from the event to the reply.

use std::any::Any;
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use kinpack::{Digest, SharedContents};
use kinpack_consumer::{
    Batch, DeadLetter, DeadLetterReason, Engine, Finished, Record as Place, Settings,
};
use lambda_runtime::{Context as LambdaContext, LambdaEvent};

use crate::access::Access;
use crate::batch::{Event, Fault, Lender, Unpacked, arrival};
use crate::consumer::Consumer;
use crate::driver::{Clock, Driver, Ended, Running, Step};
use crate::error::ConsumerError;
use crate::event::RawEvent;
use crate::failure::Failure;
use crate::letters::DeadLetters;
use crate::record::{Record, Shared, SharedRecord, shared_data};
use crate::reply::Reply;
use crate::store::{ProgressStore, ShardKey};

impl<P: ProgressStore, L: DeadLetters> Consumer<P, L> {
    /// Handles the user records of an event one after another. Each is lent to the handler, which
    /// copies nothing and may change what it has captured.
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
        let event = Event::parse(payload.0)?;
        let unpacked = event.unpack(self.broken)?;
        let batch = unpacked.batch.clone();
        let settings = self.config.clone().concurrency(std::num::NonZeroUsize::MIN).settings();
        let key = self.shard_key(&event, &context);
        let write_letter = letter_writer(&event, &unpacked, &batch, &context);
        let faults = &unpacked.faults;
        let mut driver =
            self.driver(settings, &batch, &key, clock, &context, &write_letter, faults).await?;
        let mut lender = Lender::new(&event, &unpacked);
        let mut step = driver.next(&mut None::<One<'_, std::future::Pending<_>>>).await;
        let finished = loop {
            let place = match step {
                Step::Start(place) => place,
                Step::Finish(finished) => break finished,
            };
            let user = lender.lend(place.kinesis_record, place.user_record);
            let record = Record { event: &event, batch: &batch, place, user };
            let future = pin!(AssertUnwindSafe(handler(record)).catch_unwind());
            step = driver.next(&mut Some(One { place, future })).await;
        };
        self.reply(finished)
    }

    /// Handles the user records of an event concurrently, as many at once as
    /// [`ordered_by_key`](Self::ordered_by_key) says, those of a key one after another. Each record
    /// owns a share of the event.
    ///
    /// The handlers run on the task that calls this: what computes for long is better spawned.
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
        let event = Arc::new(Event::parse(payload.0)?);
        let unpacked = event.unpack(self.broken)?;
        let batch = unpacked.batch.clone();
        let key = self.shard_key(&event, &context);
        let write_letter = letter_writer(&event, &unpacked, &batch, &context);
        let faults = &unpacked.faults;
        let settings = self.config.settings();
        let mut driver =
            self.driver(settings, &batch, &key, clock, &context, &write_letter, faults).await?;

        let shared = Arc::new(Shared { event: Arc::clone(&event), batch: batch.clone() });
        let contents = shared_contents(&event, &unpacked);
        let mut sharers: Vec<_> = contents
            .iter()
            .map(|contents| contents.as_ref().map(|it| Access::new(it.records(), drop)))
            .collect();
        let mut running = FuturesUnordered::new();
        let finished = loop {
            let place = match driver.next(&mut Many(&mut running)).await {
                Step::Start(place) => place,
                Step::Finish(finished) => break finished,
            };
            let sharer = sharers.get_mut(place.kinesis_record as usize).and_then(Option::as_mut);
            let user = sharer.and_then(|access| access.nth(place.user_record as usize));
            let record = SharedRecord { shared: Arc::clone(&shared), place, user };
            let future = catch_unwind(AssertUnwindSafe(|| handler(record)));
            running.push(async move {
                let ended = match future {
                    Ok(future) => AssertUnwindSafe(future).catch_unwind().await,
                    Err(panic) => Err(panic),
                };
                (place, flatten(ended))
            });
        };
        self.reply(finished)
    }

    fn shard_key(&self, event: &Event, context: &LambdaContext) -> ShardKey {
        let function = || context.env_config.function_name.as_str();
        let name = self.name.as_deref().unwrap_or_else(function);
        ShardKey::new(name, &event.source, &event.shard)
    }

    #[expect(clippy::too_many_arguments, reason = "they are the parts of a driver")]
    async fn driver<'c>(
        &'c self,
        settings: Settings,
        batch: &Batch,
        key: &'c ShardKey,
        clock: Clock,
        context: &LambdaContext,
        write_letter: &'c LetterWriter<'_>,
        faults: &'c BTreeMap<u32, Fault>,
    ) -> Result<Driver<'c, P, L>, ConsumerError> {
        let stored = match batch.user_records() {
            0 => Default::default(),
            _ => self.store.read(key).await.map_err(ConsumerError::Store)?,
        };
        let deadline = (context.deadline > 0).then(|| Duration::from_millis(context.deadline));
        Ok(Driver {
            engine: Engine::new(settings, batch.clone(), stored, deadline, clock.now()),
            clock,
            store: &self.store,
            key,
            letters: &self.letters,
            write_letter,
            faults,
            errors: BTreeMap::new(),
            posting: FuturesUnordered::new(),
            persisting: None,
            timer: None,
        })
    }

    fn reply(&self, finished: Finished) -> Result<Reply, ConsumerError> {
        Reply::new(finished.response, finished.outcome)
    }
}

/// A handler that works alone.
struct One<'f, F> {
    place: Place,
    future: Pin<&'f mut F>,
}

impl<F: Future<Output = std::thread::Result<Ended>>> Running for Option<One<'_, F>> {
    fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<Option<(Place, Ended)>> {
        let Some(one) = self else { return Poll::Ready(None) };
        let ended = std::task::ready!(one.future.as_mut().poll(context));
        let place = one.place;
        *self = None;
        Poll::Ready(Some((place, flatten(ended))))
    }
}

/// Handlers side by side.
struct Many<'m, F>(&'m mut FuturesUnordered<F>);

impl<F: Future<Output = (Place, Ended)>> Running for Many<'_, F> {
    fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<Option<(Place, Ended)>> {
        self.0.poll_next_unpin(context)
    }
}

/// A panic is a failure of the record.
fn flatten(ended: std::thread::Result<Ended>) -> Ended {
    ended.unwrap_or_else(|panic| Err(Failure::retry(format!("panicked: {}", text_of(&*panic)))))
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}

type LetterWriter<'a> = dyn Fn(Place, DeadLetterReason) -> DeadLetter<'static> + Send + Sync + 'a;

fn letter_writer<'a>(
    event: &'a Event,
    unpacked: &'a Unpacked<'a>,
    batch: &'a Batch,
    context: &'a LambdaContext,
) -> impl Fn(Place, DeadLetterReason) -> DeadLetter<'static> + Send + Sync + 'a {
    let lender = std::sync::Mutex::new(Lender::new(event, unpacked));
    move |place, reason| {
        let mut lender = lender.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let user = lender.lend(place.kinesis_record, place.user_record);
        let mut letter = DeadLetter::new(&batch.id(place), reason, user.data);
        letter.partition_key = user.partition_key.map(|key| key.to_owned().into());
        letter.explicit_hash_key = user.explicit_hash_key.map(|key| key.to_owned().into());
        if let Some(arrival) = event.record(place.kinesis_record).as_ref().and_then(arrival) {
            letter.set_arrival(arrival);
        }
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned().into());
        letter.function_arn = text(&context.invoked_function_arn);
        letter.request_id = text(&context.request_id);
        letter
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

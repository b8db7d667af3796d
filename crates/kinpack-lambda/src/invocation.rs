//! What all ways to handle an event begin and end with.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use kinpack_consumer::{
    Batch, DeadLetter, DeadLetterReason, Engine, Finished, Outcome, Record as Place, Settings,
    ShardKey,
};
use lambda_runtime::Context;

use crate::batch::{Event, Lender, Unpacked, arrival};
use crate::consumer::Consumer;
use crate::driver::{Clock, Driver, Errand, within};
use crate::error::ConsumerError;
use crate::event::RawEvent;
use crate::letters::DeadLetters;
use crate::metrics;
use crate::reply::Reply;
use crate::store::ProgressStore;

/// Of the time that is left between the margin and the deadline, what the answer needs: an eighth.
const ANSWER: u32 = 8;

impl<P: ProgressStore, L> Consumer<P, L> {
    /// # Errors
    ///
    /// What is no event of a Kinesis stream; the metrics say so, too.
    pub(crate) fn parse(
        &self,
        event: RawEvent,
        context: &Context,
        clock: Clock,
    ) -> Result<Event, ConsumerError> {
        Event::parse(event.0).inspect_err(|_| self.event_fault("", context, clock))
    }

    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub(crate) fn unpack<'e>(
        &self,
        event: &'e Event,
        context: &Context,
        clock: Clock,
    ) -> Result<Unpacked<'e>, ConsumerError> {
        let unpacked = event.unpack(self.common.broken);
        unpacked.inspect_err(|_| self.event_fault(&event.shard, context, clock))
    }

    fn event_fault(&self, shard: &str, context: &Context, clock: Clock) {
        let mut outcome = Outcome::default();
        outcome.metrics.event_fault = 1;
        self.print(&outcome, context, shard, clock, clock.elapsed());
    }

    fn print(
        &self,
        outcome: &Outcome,
        context: &Context,
        shard: &str,
        clock: Clock,
        decode: Duration,
    ) {
        if let Some(namespace) = &self.common.metrics {
            let name = self.common.name.as_deref().unwrap_or(&context.env_config.function_name);
            metrics::print(outcome.embedded_metrics(namespace, name, shard, clock.now(), decode));
        }
    }
}

/// An event that is about to be handled.
pub(crate) struct Invocation<'i> {
    pub(crate) event: &'i Event,
    pub(crate) unpacked: &'i Unpacked<'i>,
    pub(crate) batch: Batch,
    pub(crate) key: ShardKey,
    pub(crate) context: &'i Context,
    clock: Clock,
    decode: Duration,
    lender: Mutex<Lender<'i>>,
}

impl<'i> Invocation<'i> {
    pub(crate) fn new<P: ProgressStore, L>(
        consumer: &Consumer<P, L>,
        event: &'i Event,
        unpacked: &'i Unpacked<'i>,
        context: &'i Context,
        clock: Clock,
    ) -> Self {
        let function = &context.env_config.function_name;
        let name = consumer.common.name.as_deref().unwrap_or(function);
        if unpacked.batch.is_fan_out()
            && !consumer.common.said_fan_out.swap(true, Ordering::Relaxed)
        {
            tracing::info!(
                "the batch comes through enhanced fan-out, where Lambda unpacks aggregates: records \
                 that share a sequence number are reported as one, and none is resumed inside"
            );
        }
        Self {
            event,
            unpacked,
            batch: unpacked.batch.clone(),
            key: ShardKey::new(name, &event.source, &event.shard),
            context,
            clock,
            decode: clock.elapsed(),
            lender: Mutex::new(Lender::new(event, unpacked)),
        }
    }

    /// Reads the store, and is ready to go.
    pub(crate) async fn driver<'c, P: ProgressStore, L: DeadLetters>(
        &'c self,
        consumer: &'c Consumer<P, L>,
        settings: Settings,
    ) -> Result<Driver<'c, 'i, P, L>, ConsumerError> {
        let deadline =
            (self.context.deadline > 0).then(|| Duration::from_millis(self.context.deadline));
        let errands_end = deadline.map(|end| end.saturating_sub(consumer.common.margin / ANSWER));
        let stored = match self.batch.user_records() {
            0 => Default::default(),
            _ => {
                // Boxed: a client's future is large, and its type so deep that compilers give up.
                let read: Errand<'_, _> = Box::pin(consumer.store.read(&self.key));
                within(self.clock, errands_end, read)
                    .await
                    .unwrap_or_else(|| Err("no answer before the deadline".into()))
                    .map_err(|error| {
                        let mut outcome = Outcome::default();
                        outcome.metrics.user_records = self.batch.user_records() as u64;
                        outcome.metrics.kinesis_records = self.batch.kinesis_records() as u64;
                        outcome.metrics.progress_failures = 1;
                        self.print(consumer, &mut outcome);
                        ConsumerError::Store(error)
                    })?
            }
        };
        let now = self.clock.now();
        Ok(Driver {
            engine: Engine::new(settings, self.batch.clone(), stored, deadline, now),
            clock: self.clock,
            store: &consumer.store,
            key: &self.key,
            letters: &consumer.letters,
            invocation: self,
            errors: BTreeMap::new(),
            posting: FuturesUnordered::new(),
            persisting: None,
            timer: None,
            errands_end,
            begun: None,
        })
    }

    /// The dead letter of a record, as far as the event says.
    pub(crate) fn letter(&self, place: Place, reason: DeadLetterReason) -> DeadLetter<'static> {
        let mut lender = self.lender.lock().unwrap_or_else(PoisonError::into_inner);
        let user = lender.lend(place.kinesis_record, place.user_record);
        let mut letter = DeadLetter::new(&self.batch.id(place), reason, user.data);
        letter.partition_key = user.partition_key.map(|key| key.to_owned().into());
        letter.explicit_hash_key = user.explicit_hash_key.map(|key| key.to_owned().into());
        if let Some(arrival) = self.event.record(place.kinesis_record).as_ref().and_then(arrival) {
            letter.set_arrival(arrival);
        }
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned().into());
        letter.function_arn = text(&self.context.invoked_function_arn);
        letter.request_id = text(&self.context.request_id);
        letter
    }

    /// The metrics, if they are asked for.
    fn print<P: ProgressStore, L>(&self, consumer: &Consumer<P, L>, outcome: &mut Outcome) {
        outcome.metrics.decode_fault = self.unpacked.faults.len() as u64;
        consumer.print(outcome, self.context, &self.event.shard, self.clock, self.decode);
    }

    /// Says what happened: to the log, to CloudWatch, to Lambda.
    pub(crate) fn finish<P: ProgressStore, L>(
        &self,
        consumer: &Consumer<P, L>,
        finished: Finished,
    ) -> Result<Reply, ConsumerError> {
        let Finished { response, mut outcome, .. } = finished;
        self.print(consumer, &mut outcome);
        let reply = Reply::new(response, outcome);
        match &reply {
            Ok(reply) if reply.batch_item_failure().is_some() => {
                let first = !consumer.common.said_reporting.swap(true, Ordering::Relaxed);
                if first && !tracing::dispatcher::has_been_set() {
                    eprintln!("kinpack: {FIRST_REPORT}");
                }
                let outcome = reply.outcome();
                tracing::warn!(
                    from = reply.batch_item_failure(),
                    failed = outcome.failed,
                    not_finished = outcome.not_finished,
                    stopped_by = ?outcome.stopped_by,
                    "{}",
                    if first { FIRST_REPORT } else { "reported a batch item failure" },
                );
            }
            Ok(_) => (),
            Err(error) => tracing::error!(name = error.name(), %error, "the invocation fails"),
        }
        reply
    }
}

const FIRST_REPORT: &str = "reported a batch item failure. IF THE EVENT SOURCE MAPPING LACKS \
    ReportBatchItemFailures, LAMBDA TAKES THE BATCH FOR DONE AND THESE RECORDS ARE LOST: set it in \
    FunctionResponseTypes, or use Reporting::FailInvocation. (Said once.)";

//! Handlers that run.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use kinpack_consumer::{Batch, Record as Place};

use crate::failure::Failure;

/// How a handler ended.
pub(crate) type Ended = Result<(), Failure>;

/// Handlers that run.
pub(crate) trait Running {
    /// The next one that ends, `None` if none runs.
    fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<Option<(Place, Ended)>>;
}

/// A handler that works alone.
pub(crate) struct One<'f, F> {
    pub(crate) place: Place,
    pub(crate) future: Pin<&'f mut F>,
}

impl<F: Future<Output = std::thread::Result<Ended>>> Running for Option<One<'_, F>> {
    fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<Option<(Place, Ended)>> {
        let Some(one) = self else { return Poll::Ready(None) };
        let ended = ready!(one.future.as_mut().poll(context));
        let place = one.place;
        *self = None;
        Poll::Ready(Some((place, flatten(ended))))
    }
}

/// Handlers side by side.
pub(crate) struct Many<'m, F>(pub(crate) &'m mut FuturesUnordered<F>);

impl<F: Future<Output = (Place, Ended)>> Running for Many<'_, F> {
    fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<Option<(Place, Ended)>> {
        self.0.poll_next_unpin(context)
    }
}

/// A panic is a failure of the record.
pub(crate) fn flatten(ended: std::thread::Result<Ended>) -> Ended {
    ended.unwrap_or_else(|panic| Err(Failure::retry(format!("panicked: {}", text_of(&*panic)))))
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}

/// Of one record; the id is made only if someone listens.
pub(crate) fn span(batch: &Batch, place: Place) -> tracing::Span {
    tracing::debug_span!("kinpack_record", id = %batch.id(place))
}

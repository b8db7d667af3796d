//! The event as Lambda sends it, unparsed: kinpack reads it once, where it stands.

use std::cell::Cell;
use std::fmt;
use std::task::{Context, Poll};

use bytes::Bytes;
use lambda_runtime::LambdaInvocation;
use lambda_runtime::tower::{Layer, Service};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The JSON text of an event.
///
/// It can be the payload of any `lambda_runtime` function, which costs a walk through the text to
/// find its end, and a copy. With [`serve`](crate::serve) it costs neither.
///
/// ```
/// use kinpack_lambda::RawEvent;
/// use lambda_runtime::{Context, LambdaEvent};
///
/// let event = LambdaEvent::new(RawEvent::from(r#"{"Records": []}"#), Context::default());
/// # let _ = event;
/// ```
pub struct RawEvent(pub(crate) Vec<u8>);

impl fmt::Debug for RawEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawEvent").field("len", &self.0.len()).finish()
    }
}

impl From<Vec<u8>> for RawEvent {
    fn from(json: Vec<u8>) -> Self {
        Self(json)
    }
}

impl From<&str> for RawEvent {
    fn from(json: &str) -> Self {
        Self(json.into())
    }
}

thread_local! {
    /// From the layer to `RawEvent::deserialize`, which runs inside of the layer's call.
    static BODY: Cell<Option<Bytes>> = const { Cell::new(None) };
}

impl<'de> Deserialize<'de> for RawEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if let Some(body) = BODY.take() {
            IgnoredAny::deserialize(deserializer)?;
            return Ok(Self(body.into()));
        }
        let text = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(String::from(Box::<str>::from(text)).into()))
    }
}

/// Takes the body out of each invocation and hands it to [`RawEvent`] as it is.
#[derive(Clone, Debug)]
pub(crate) struct RawBodies;

#[derive(Clone, Debug)]
pub(crate) struct RawBodiesService<S>(S);

impl<S> Layer<S> for RawBodies {
    type Service = RawBodiesService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RawBodiesService(inner)
    }
}

impl<S: Service<LambdaInvocation>> Service<LambdaInvocation> for RawBodiesService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut invocation: LambdaInvocation) -> S::Future {
        BODY.set(Some(std::mem::replace(&mut invocation.body, Bytes::from_static(b"null"))));
        let future = self.0.call(invocation);
        BODY.set(None);
        future
    }
}

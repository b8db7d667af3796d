//! Runs a handler as a Lambda function.

use lambda_runtime::layers::TracingLayer;
use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};

use crate::error::ConsumerError;
use crate::event::{RawBodies, RawEvent};
use crate::reply::Reply;

/// Asks Lambda for events and gives each to the handler, for as long as the environment lives.
///
/// It is `lambda_runtime::run` that hands the event on unparsed and uncopied. A function that needs
/// more of the runtime's settings can take a [`RawEvent`] there.
///
/// ```no_run
/// use kinpack_lambda::{Consumer, Reporting};
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), kinpack_lambda::Error> {
///     let consumer = Consumer::new(Reporting::BatchItemFailures);
///     kinpack_lambda::serve(async |event| {
///         consumer.each(event, async |record| {
///             println!("{:?}: {} bytes", record.partition_key(), record.data().len());
///             Ok(())
///         }).await
///     }).await
/// }
/// ```
///
/// # Errors
///
/// The Runtime API cannot be reached. What a handler says goes to Lambda.
///
/// # Panics
///
/// Outside of a Lambda environment: the variables are absent that Lambda sets.
pub async fn serve<F>(handler: F) -> Result<(), Error>
where
    F: AsyncFn(LambdaEvent<RawEvent>) -> Result<Reply, ConsumerError>,
{
    let handler = &handler;
    let service = service_fn(move |event| async move { handler(event).await });
    Runtime::new(service).layer(RawBodies).layer(TracingLayer::new()).run().await
}

/// [`serve`] for an environment that handles several invocations at once (Lambda Managed
/// Instances); as many as `AWS_LAMBDA_MAX_CONCURRENCY` says.
///
/// # Errors
///
/// As [`serve`].
///
/// # Panics
///
/// As [`serve`].
#[cfg(feature = "concurrent")]
pub async fn serve_concurrent<F, Fut>(handler: F) -> Result<(), Error>
where
    F: Fn(LambdaEvent<RawEvent>) -> Fut + Clone + Send + 'static,
    Fut: std::future::Future<Output = Result<Reply, ConsumerError>> + Send + 'static,
{
    let service = service_fn(handler);
    Runtime::new(service).layer(RawBodies).layer(TracingLayer::new()).run_concurrent().await
}

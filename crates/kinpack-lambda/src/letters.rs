//! Where poison records go.

use std::error::Error;
use std::future::Future;

use kinpack_consumer::DeadLetter;

/// Takes poison records. A closure of a [`DeadLetter`] is one:
///
/// ```
/// use kinpack_lambda::{After, AfterDeadLetter, DeadLetter};
///
/// let rule = After(3)
///     .then(async |letter: DeadLetter<'_>| {
///         eprintln!("{}", letter.to_json());
///         Ok(())
///     })
///     .policy(AfterDeadLetter::HoldKey);
/// # fn is_taken<L: kinpack_lambda::DeadLetters>(_: kinpack_lambda::PoisonRule<L>) {}
/// # is_taken(rule);
/// ```
pub trait DeadLetters: Send + Sync {
    /// Keeps the letter. It may come more than once.
    ///
    /// # Errors
    ///
    /// It could not be kept: the record counts as failed.
    fn send(
        &self,
        letter: DeadLetter<'static>,
    ) -> impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send;
}

/// There is no dead letter.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoDeadLetter;

impl DeadLetters for NoDeadLetter {
    async fn send(&self, _: DeadLetter<'static>) -> Result<(), Box<dyn Error + Send + Sync>> {
        Err("there is no dead letter".into())
    }
}

impl<F, Fut> DeadLetters for F
where
    F: Fn(DeadLetter<'static>) -> Fut + Send + Sync,
    Fut: Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send,
{
    fn send(
        &self,
        letter: DeadLetter<'static>,
    ) -> impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send {
        self(letter)
    }
}

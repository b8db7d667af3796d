//! What a handler says of a record that it could not handle.

use std::error::Error;
use std::fmt;

type Source = Box<dyn Error + Send + Sync>;

/// Why a handler failed, and whether it may work the next time.
///
/// Any error becomes a [`Retry`](Failure::Retry) by `?`. It is no `std::error::Error` itself.
///
/// ```
/// use kinpack_lambda::Failure;
///
/// fn handle(text: &str) -> Result<u32, Failure> {
///     if text.is_empty() {
///         return Err(Failure::poison("there is no number"));
///     }
///     Ok(text.parse()?)
/// }
/// assert!(matches!(handle(""), Err(Failure::Poison(_))));
/// assert!(matches!(handle("x"), Err(Failure::Retry(_))));
/// ```
#[derive(Debug)]
pub enum Failure {
    /// It may work the next time.
    Retry(Source),
    /// It will never work. Without a dead letter this is a failure like any other.
    Poison(Source),
}

impl Failure {
    /// It may work the next time; for what is no error type, such as a text.
    #[must_use]
    pub fn retry(reason: impl Into<Source>) -> Self {
        Self::Retry(reason.into())
    }

    /// It will never work.
    #[must_use]
    pub fn poison(reason: impl Into<Source>) -> Self {
        Self::Poison(reason.into())
    }

    /// What the handler said.
    #[must_use]
    pub fn reason(&self) -> &(dyn Error + Send + Sync + 'static) {
        match self {
            Self::Retry(reason) | Self::Poison(reason) => &**reason,
        }
    }
}

impl fmt::Display for Failure {
    /// The reason and what caused it, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.reason();
        write!(f, "{reason}")?;
        let mut source = reason.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Retry(Box::new(error))
    }
}

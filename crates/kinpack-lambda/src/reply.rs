//! What an invocation comes to.

use kinpack_consumer::{Outcome, Response};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// What Lambda is told, and what happened. As JSON it is the answer that Lambda expects.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// # runtime.block_on(async {
/// use kinpack_lambda::{Consumer, RawEvent, Reporting};
/// use lambda_runtime::{Context, LambdaEvent};
///
/// let event = LambdaEvent::new(RawEvent::from(r#"{"Records": []}"#), Context::default());
/// let consumer = Consumer::new(Reporting::BatchItemFailures);
/// let reply = consumer.each(event, async |_| Ok(())).await?;
/// assert_eq!(reply.outcome().handled, 0);
/// assert_eq!(serde_json::to_string(&reply)?, r#"{"batchItemFailures":[]}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub(crate) checkpoint: Option<String>,
    pub(crate) outcome: Outcome,
}

impl Reply {
    pub(crate) fn new(response: Response, outcome: Outcome) -> Result<Self, super::ConsumerError> {
        let checkpoint = match response {
            Response::Partial { sequence_number } => Some(sequence_number),
            Response::Fail(error) => {
                return Err(super::ConsumerError::Invocation { error, outcome: outcome.into() });
            }
            _ => None,
        };
        Ok(Self { checkpoint, outcome })
    }

    /// The sequence number from which on Lambda shall send all again; `None` if all is finished.
    #[must_use]
    pub fn batch_item_failure(&self) -> Option<&str> {
        self.checkpoint.as_deref()
    }

    /// What happened.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }
}

#[derive(Serialize)]
struct Failure<'a> {
    #[serde(rename = "itemIdentifier")]
    item_identifier: &'a str,
}

impl Serialize for Reply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let failures: Vec<_> =
            self.checkpoint.iter().map(|number| Failure { item_identifier: number }).collect();
        let mut answer = serializer.serialize_struct("Reply", 1)?;
        answer.serialize_field("batchItemFailures", &failures)?;
        answer.end()
    }
}

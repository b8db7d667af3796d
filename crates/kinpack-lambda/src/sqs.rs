//! Dead letters to an SQS queue.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use kinpack::HashKey;
use kinpack_consumer::DeadLetter;

use crate::letters::DeadLetters;

/// Sends each dead letter as a message, its JSON as the body. The role needs `sqs:SendMessage`.
///
/// To a FIFO queue (its URL ends in `.fifo`) the letters of a partition key go in one message
/// group, and duplicates are dropped by a hash of the record's id, key and data.
///
/// The data is base64 in there: a record of more than three quarters of the queue's maximum message
/// size does not fit, and stays failed. Where records may be so large, let a closure put them
/// elsewhere.
///
/// ```no_run
/// use aws_sdk_sqs::Client;
/// use kinpack_lambda::{AfterDeadLetter, Consumer, Reporting, SqsDeadLetters};
///
/// # fn consumer(client: Client) {
/// let queue = "https://sqs.eu-west-1.amazonaws.com/123456789012/poison";
/// let consumer = Consumer::new(Reporting::BatchItemFailures)
///     .dead_letter(SqsDeadLetters::new(client, queue), AfterDeadLetter::SkipRecord);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SqsDeadLetters {
    client: Client,
    queue_url: String,
}

impl SqsDeadLetters {
    /// To the queue of this URL.
    #[must_use]
    pub fn new(client: Client, queue_url: impl Into<String>) -> Self {
        Self { client, queue_url: queue_url.into() }
    }
}

impl DeadLetters for SqsDeadLetters {
    async fn send(
        &self,
        letter: DeadLetter<'static>,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let request = self.client.send_message().queue_url(&self.queue_url);
        let request = match self.queue_url.ends_with(".fifo") {
            true => {
                // Both take 128 characters of a small alphabet: decimals do.
                let number = |text: &str| HashKey::of_partition_key(text).to_string();
                let key = letter.partition_key.as_deref().unwrap_or(&letter.id);
                let identity = number(&letter.identity());
                request.message_group_id(number(key)).message_deduplication_id(identity)
            }
            false => request,
        };
        let sent = request.message_body(letter.to_json()).send().await;
        sent.map(drop).map_err(|error| {
            format!("queue {}: {}", self.queue_url, DisplayErrorContext(error)).into()
        })
    }
}

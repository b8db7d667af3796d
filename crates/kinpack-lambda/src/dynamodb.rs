//! Progress in a DynamoDB table; `docs/progress-table.md` describes the table.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::DisplayErrorContext;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use kinpack_consumer::{Durable, Progress, ShardKey, Stored, Write};

use crate::store::{ProgressStore, StoreError, Written};

const ID: &str = "id";
const VERSION: &str = "version";
const PROGRESS: &str = "progress";
const EXPIRES: &str = "expires";
/// Of the layout: another one gets another prefix, so that neither reads the other's items.
const LAYOUT: &str = "v1";

/// Progress in a DynamoDB table whose partition key is the string `id`; one item a shard.
///
/// An invocation reads once (strongly consistent), and writes once if something failed; writes are
/// conditional on the version that was read. The role needs `dynamodb:GetItem` and
/// `dynamodb:PutItem` on the table. The clients' time-outs and retries are the client's.
///
/// ```no_run
/// use aws_sdk_dynamodb::Client;
/// use kinpack_lambda::{Consumer, DynamoDbProgress, Reporting};
///
/// # fn consumer(client: Client) {
/// let consumer = Consumer::new(Reporting::BatchItemFailures)
///     .progress(DynamoDbProgress::new(client, "kinpack-progress"));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct DynamoDbProgress {
    client: Client,
    table: String,
    expire_after: Duration,
}

impl DynamoDbProgress {
    /// In the table of this name (or ARN).
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        let expire_after = Duration::from_secs(7 * 24 * 60 * 60);
        Self { client, table: table.into(), expire_after }
    }

    /// When an item may be deleted that nobody writes again, by the table's TTL on `expires`; seven
    /// days unless told. It should be longer than the mapping keeps trying.
    #[must_use]
    pub fn expire_after(self, time: Duration) -> Self {
        Self { expire_after: time, ..self }
    }

    fn id(&self, key: &ShardKey) -> AttributeValue {
        AttributeValue::S(format!("{LAYOUT}/{key}"))
    }

    async fn get(&self, key: &ShardKey) -> Result<Stored, StoreError> {
        let request = self.client.get_item().table_name(&self.table).key(ID, self.id(key));
        let answer = request.consistent_read(true).send().await;
        match answer.map_err(|error| self.error(key, DisplayErrorContext(error)))?.item {
            Some(item) => self.stored(key, &item),
            None => Ok(Stored::default()),
        }
    }

    fn stored(
        &self,
        key: &ShardKey,
        item: &HashMap<String, AttributeValue>,
    ) -> Result<Stored, StoreError> {
        let number = item.get(VERSION).and_then(|value| value.as_n().ok());
        let version = number.and_then(|number| number.parse().ok());
        let progress = item.get(PROGRESS).and_then(|value| value.as_b().ok());
        let (Some(version), Some(progress)) = (version, progress) else {
            return Err(self.error(key, "its item lacks a version or progress"));
        };
        let progress =
            Progress::decode(progress.as_ref()).map_err(|error| self.error(key, error))?;
        Ok(Stored { progress, version })
    }

    fn error(&self, key: &ShardKey, what: impl std::fmt::Display) -> StoreError {
        format!("table {}, progress of {key}: {what}", self.table).into()
    }

    fn expires(&self, write: &Write) -> u64 {
        // The version is the time in milliseconds, or a little more.
        write.version / 1000 + self.expire_after.as_secs()
    }
}

impl ProgressStore for DynamoDbProgress {
    type Kind = Durable;

    async fn read(&self, key: &ShardKey) -> Result<Stored, StoreError> {
        self.get(key).await
    }

    async fn write(&self, key: &ShardKey, write: &Write) -> Result<Written, StoreError> {
        let number = |number: u64| AttributeValue::N(number.to_string());
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .item(ID, self.id(key))
            .item(VERSION, number(write.version))
            .item(PROGRESS, AttributeValue::B(Blob::new(write.progress.encode())))
            .item(EXPIRES, number(self.expires(write)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .expression_attribute_names("#version", VERSION);
        let request = match write.if_version {
            0 => request.condition_expression("attribute_not_exists(#version)"),
            version => request
                .condition_expression("#version = :version")
                .expression_attribute_values(":version", number(version)),
        };
        let Err(error) = request.send().await else { return Ok(Written::Yes) };
        let Some(
            aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(
                conflict,
            ),
        ) = error.as_service_error()
        else {
            return Err(self.error(key, DisplayErrorContext(error)));
        };
        // The item comes with the error; without one, and where it is not sent, it is read.
        match conflict.item() {
            Some(item) if !item.is_empty() => Ok(Written::Conflict(self.stored(key, item)?)),
            _ => Ok(Written::Conflict(self.get(key).await?)),
        }
    }
}

//! Handles orders, sixteen keys at a time. Progress is kept in DynamoDB, so that no order of an
//! aggregate is handled again because another one failed. An order that fails three times, or that
//! is no order, goes to a queue, and the later ones of its customer follow it.

use std::time::Duration;

use aws_config::BehaviorVersion;
use kinpack_lambda::{
    After, AfterDeadLetter, Consumer, DynamoDbProgress, Error, Failure, Reporting, SharedRecord,
    SqsDeadLetters, serve,
};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Order {
    item: String,
    amount: i64,
}

async fn handle(record: SharedRecord) -> Result<(), Failure> {
    let order: Order = record.json()?;
    if order.amount < 0 {
        return Err(Failure::retry(format!("{} of {} cannot be had", order.amount, order.item)));
    }
    tracing::info!(id = %record.id(), ?order);
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let aws = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let table = std::env::var("PROGRESS_TABLE")?;
    let progress = DynamoDbProgress::new(aws_sdk_dynamodb::Client::new(&aws), table);
    let queue = std::env::var("DEAD_LETTER_QUEUE_URL")?;
    let dead_letters = SqsDeadLetters::new(aws_sdk_sqs::Client::new(&aws), queue);

    let consumer = Consumer::new(Reporting::BatchItemFailures)
        .ordered_by_key(16)
        .deadline_margin(Duration::from_secs(5))
        .progress(progress)
        .poison(After(3).then(dead_letters).policy(AfterDeadLetter::HoldKey))
        .metrics("Orders");
    serve(async |event| consumer.run(event, handle).await).await
}

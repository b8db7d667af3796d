//! `lambda-plain` without kinpack, to measure against: it sees Kinesis records, not user records.

use aws_lambda_events::event::kinesis::KinesisEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<KinesisEvent>) -> Result<Value, Error> {
    for record in &event.payload.records {
        tracing::info!(key = record.kinesis.partition_key, bytes = record.kinesis.data.len());
    }
    Ok(json!({ "batchItemFailures": [] }))
}

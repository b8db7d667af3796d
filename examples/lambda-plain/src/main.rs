//! Logs each user record. No store: after a failure Lambda sends the batch again from the failed
//! Kinesis record on, and what of an aggregate was already done is done again.

use kinpack_lambda::{Consumer, Error, Reporting, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let consumer = Consumer::new(Reporting::BatchItemFailures);
    serve(async |event| {
        consumer
            .each(event, async |record| {
                tracing::info!(key = record.partition_key(), bytes = record.data().len());
                Ok(())
            })
            .await
    })
    .await
}

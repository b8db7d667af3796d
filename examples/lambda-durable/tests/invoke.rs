//! The function as Lambda starts it, under a Runtime API and with a local DynamoDB and SQS.

#[path = "../../../crates/kinpack-lambda/tests/support/aws.rs"]
#[allow(dead_code)]
mod aws;
#[path = "../../../crates/kinpack-lambda/tests/support/events.rs"]
#[allow(dead_code)]
mod events;
#[path = "../../../crates/kinpack-lambda/tests/support/function.rs"]
#[allow(dead_code)]
mod function;
#[path = "../../../crates/kinpack-lambda/tests/support/runtime_api.rs"]
mod runtime_api;

use events::{ALL_GOOD, aggregated, event, failed_at};
use function::{Function, program};

#[tokio::test]
async fn an_order_that_cannot_be_had_goes_to_the_queue_after_three_attempts() {
    let (table, client) = ("orders-progress", aws::sqs(aws::server()));
    aws::create_table(&aws::dynamodb(aws::server()), table).await;
    let queue = client.create_queue().queue_name("orders-poison").send().await.unwrap();
    let queue = queue.queue_url.unwrap();

    let settings = [
        ("PROGRESS_TABLE", table.to_owned()),
        ("DEAD_LETTER_QUEUE_URL", queue.clone()),
        ("AWS_ENDPOINT_URL", aws::server().to_owned()),
        ("AWS_REGION", "eu-west-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "id".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
    ];
    let mut function = Function::new(move || {
        let mut command = program("lambda-durable", env!("CARGO_BIN_EXE_lambda-durable"));
        command.envs(settings.clone());
        command
    });
    let batch = event(&[aggregated(
        1,
        &[
            ("ada", r#"{"item": "tea", "amount": 2}"#),
            ("bob", r#"{"item": "cup", "amount": -1}"#),
            ("bob", r#"{"item": "milk", "amount": 1}"#),
            ("cyd", "no order"),
        ],
    )]);
    for _ in 0..2 {
        assert_eq!(function.returned(&batch), failed_at(1));
        function.kill();
    }
    assert_eq!(function.returned(&batch), ALL_GOOD);
    let log = function.printed();
    assert_eq!(log.iter().filter(|line| line.contains("item: \"tea\"")).count(), 1, "{log:?}");
    let metrics = log.iter().filter(|line| line.contains(r#""Namespace":"Orders""#));
    assert_eq!(metrics.count(), 3);

    let request = client.receive_message().queue_url(&queue).max_number_of_messages(10);
    let messages = request.send().await.unwrap().messages.unwrap();
    let mut said: Vec<_> = messages
        .iter()
        .map(|message| {
            let letter: serde_json::Value =
                serde_json::from_str(message.body.as_deref().unwrap()).unwrap();
            let text = |name: &str| letter[name].as_str().unwrap().to_owned();
            (text("partitionKey"), text("reason"))
        })
        .collect();
    said.sort();
    let expected = [("bob", "attempts"), ("bob", "heldKey"), ("cyd", "poison")];
    assert_eq!(said, expected.map(|(key, reason)| (key.to_owned(), reason.to_owned())));
}

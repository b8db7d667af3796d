//! A local DynamoDB and SQS, and how to speak to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};

/// Where the server is; in the processes of functions, too.
pub(crate) const ENDPOINT: &str = "KINPACK_TEST_ENDPOINT";

/// The server of this test program. It ends with its standard input, that is with the program.
pub(crate) fn server() -> &'static str {
    static SERVER: OnceLock<(Child, ChildStdin, String)> = OnceLock::new();
    let (_, _, endpoint) = SERVER.get_or_init(|| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/moto/run");
        let mut child = Command::new(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("tools/moto/run");
        let stdin = child.stdin.take().unwrap();
        let mut endpoint = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut endpoint).unwrap();
        assert!(endpoint.starts_with("http"), "moto does not start: run tools/moto/run");
        (child, stdin, endpoint.trim().to_owned())
    });
    endpoint
}

pub(crate) fn dynamodb(endpoint: &str) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

pub(crate) fn sqs(endpoint: &str) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
        .region(aws_sdk_sqs::config::Region::new("eu-west-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    aws_sdk_sqs::Client::from_conf(config)
}

/// A table as `docs/progress-table.md` has it.
pub(crate) async fn create_table(client: &aws_sdk_dynamodb::Client, name: &str) {
    let attribute = AttributeDefinition::builder()
        .attribute_name("id")
        .attribute_type(ScalarAttributeType::S)
        .build()
        .unwrap();
    let key =
        KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build().unwrap();
    client
        .create_table()
        .table_name(name)
        .attribute_definitions(attribute)
        .key_schema(key)
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await
        .unwrap();
}

/// Counts the calls on their way to the server.
pub(crate) struct Counter {
    pub(crate) endpoint: String,
    pub(crate) reads: Arc<AtomicUsize>,
    pub(crate) writes: Arc<AtomicUsize>,
}

impl Counter {
    pub(crate) fn before(endpoint: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (reads, writes) = (Arc::default(), Arc::default());
        let behind = endpoint.trim_start_matches("http://").to_owned();
        let (r, w) = (Arc::clone(&reads), Arc::clone(&writes));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(&behind).unwrap();
                let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut from, &mut to));
                let (r, w) = (Arc::clone(&r), Arc::clone(&w));
                std::thread::spawn(move || forward(client, server, &r, &w));
            }
        });
        Self { endpoint: format!("http://{address}"), reads, writes }
    }

    /// Reads and writes since the last time.
    pub(crate) fn take(&self) -> (usize, usize) {
        (self.reads.swap(0, Ordering::Relaxed), self.writes.swap(0, Ordering::Relaxed))
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, reads: &AtomicUsize, writes: &AtomicUsize) {
    // The end of what came before, as a name may be cut in two.
    let mut tail = String::new();
    let mut buffer = [0; 1 << 16];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        let text = tail + &String::from_utf8_lossy(&buffer[..n]);
        for (name, counter) in [("0.GetItem", reads), ("0.PutItem", writes)] {
            counter.fetch_add(text.matches(name).count(), Ordering::Relaxed);
        }
        let keep = text.char_indices().rev().nth(8).map_or(0, |(at, _)| at);
        tail = text[keep..].to_owned();
        if to.write_all(&buffer[..n]).is_err() {
            return;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
}

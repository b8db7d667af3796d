//! Events as Lambda sends them.

use kinpack::{Aggregator, Limits, OuterKey, Push};
use serde_json::{Value, json};

pub(crate) const STREAM: &str = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders";
const BASE: u128 = 49_590_338_271_490_256_608_559_692_538_361_571_095;

/// Sequence numbers as the service gives them, ascending.
pub(crate) fn sequence_number(n: u32) -> String {
    format!("{}{:06}", BASE, n)
}

pub(crate) fn base64(data: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(data.len().div_ceil(3) * 4);
    for chunk in data.chunks(3) {
        let word = chunk.iter().chain([&0, &0]).take(3).fold(0, |w, &b| (w << 8) | u32::from(b));
        for place in 0..4 {
            match place <= chunk.len() {
                true => {
                    let index = (word >> (18 - 6 * place)) & 63;
                    text.push(char::from(ALPHABET[index as usize]));
                }
                false => text.push('='),
            }
        }
    }
    text
}

/// A record of an event, all its members there.
pub(crate) fn record(n: u32, partition_key: Option<&str>, data: &[u8]) -> Value {
    let number = sequence_number(n);
    let mut record = json!({
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": partition_key,
            "sequenceNumber": number,
            "data": base64(data),
            "approximateArrivalTimestamp": 1_700_000_000.123 + f64::from(n)
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": format!("shardId-000000000006:{number}"),
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/role",
        "awsRegion": "eu-west-1",
        "eventSourceARN": STREAM
    });
    if partition_key.is_none() {
        record["kinesis"].as_object_mut().unwrap().remove("partitionKey");
    }
    record
}

pub(crate) fn event(records: &[Value]) -> String {
    json!({ "Records": records }).to_string()
}

/// An aggregate of user records, key and data.
pub(crate) fn aggregate<K: AsRef<str>, D: AsRef<[u8]>>(users: &[(K, D)]) -> Vec<u8> {
    let limits = Limits::new(8 << 20, u32::MAX, 10 << 20).unwrap();
    let mut aggregator = Aggregator::new(limits, OuterKey::Kpl);
    for (key, data) in users {
        let push = aggregator.try_push(key.as_ref(), None, data.as_ref()).unwrap();
        assert_eq!(push, Push::Added);
    }
    aggregator.finish().unwrap().data
}

/// The record of an aggregate.
pub(crate) fn aggregated<K: AsRef<str>, D: AsRef<[u8]>>(n: u32, users: &[(K, D)]) -> Value {
    record(n, Some("a"), &aggregate(users))
}

/// The answer that reports a record.
pub(crate) fn failed_at(n: u32) -> String {
    format!(r#"{{"batchItemFailures":[{{"itemIdentifier":"{}"}}]}}"#, sequence_number(n))
}

pub(crate) const ALL_GOOD: &str = r#"{"batchItemFailures":[]}"#;

//! Random events of Lambda against the types of `aws_lambda_events`, and against serde_json's
//! `Value` where those refuse what Lambda sends.
#![allow(clippy::unwrap_used)]

use aws_lambda_events::event::kinesis::{KinesisEncryptionType, KinesisEvent, KinesisEventRecord};
use base64_simd::STANDARD;
use kinpack_events::{Document, Kind, Record};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A record with the members that Lambda gives it, some of them left out.
fn record() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        6 => "[a-z]{1,8}-[0-9a-f]{1,20}".prop_map(Value::from),
        2 => "\\PC{1,20}".prop_map(Value::from),
        1 => ".{0,20}".prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    let data = prop_oneof![
        9 => prop::collection::vec(any::<u8>(), 0..300),
        1 => prop::collection::vec(any::<u8>(), 4_000..20_000),
    ];
    let encryption = prop::sample::select(vec![Value::Null, json!("NONE"), json!("KMS")]);
    let left_out = prop::option::weighted(
        0.2,
        prop::sample::select(vec![
            "eventID",
            "eventName",
            "awsRegion",
            "eventSourceARN",
            "invokeIdentityArn",
            "partitionKey",
        ]),
    );
    (key, "4959033827[0-9]{46}", data, 0u32..2_000_000_000, 0u32..1000, encryption, left_out)
        .prop_map(|(key, number, data, seconds, millis, encryption, left_out)| {
            let mut kinesis = json!({
                "kinesisSchemaVersion": "1.0",
                "partitionKey": key,
                "sequenceNumber": number,
                "data": STANDARD.encode_to_string(data),
                "approximateArrivalTimestamp": f64::from(seconds) + f64::from(millis) / 1e3,
            });
            if !encryption.is_null() {
                kinesis["encryptionType"] = encryption;
            }
            let mut record = json!({
                "kinesis": kinesis,
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": format!("shardId-000000000006:{number}"),
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
                "awsRegion": "us-east-2",
                "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream",
            });
            if let Some(name) = left_out {
                record.as_object_mut().unwrap().remove(name);
                record["kinesis"].as_object_mut().unwrap().remove(name);
            }
            record
        })
}

/// What both name alike.
fn same_as_type(ours: Record<'_>, theirs: &KinesisEventRecord) {
    assert_eq!(ours.data.unwrap(), &**theirs.kinesis.data);
    assert_eq!(ours.sequence_number.unwrap(), theirs.kinesis.sequence_number);
    // There a partition key that is absent is an empty one.
    assert_eq!(ours.partition_key.unwrap_or_default(), theirs.kinesis.partition_key);
    assert_eq!(ours.event_id, theirs.event_id.as_deref());
    assert_eq!(ours.event_name, theirs.event_name.as_deref());
    assert_eq!(ours.event_source, theirs.event_source.as_deref());
    assert_eq!(ours.event_source_arn, theirs.event_source_arn.as_deref());
    assert_eq!(ours.aws_region, theirs.aws_region.as_deref());
    assert_eq!(ours.invoke_identity_arn, theirs.invoke_identity_arn.as_deref());
    let is_encrypted = theirs.kinesis.encryption_type == KinesisEncryptionType::Kms;
    assert_eq!(ours.encryption_type == Some("KMS"), is_encrypted);

    let seconds = ours.approximate_arrival_timestamp.unwrap();
    let millis = (seconds * 1e3).round() as i64;
    let their_millis = theirs.kinesis.approximate_arrival_timestamp.timestamp_millis();
    // There the digits of a fraction are taken for milliseconds, however many there are.
    if millis % 10 != 0 || millis % 1000 == 0 {
        assert_eq!(millis, their_millis);
    } else {
        assert_eq!(millis / 1000, their_millis / 1000);
    }
}

fn same_as_value(ours: Record<'_>, record: &Value) {
    let kinesis = &record["kinesis"];
    assert_eq!(
        ours.data.unwrap(),
        STANDARD.decode_to_vec(kinesis["data"].as_str().unwrap()).unwrap()
    );
    assert_eq!(ours.sequence_number, kinesis["sequenceNumber"].as_str());
    assert_eq!(ours.partition_key, kinesis["partitionKey"].as_str());
    assert_eq!(ours.encryption_type, kinesis["encryptionType"].as_str());
    assert_eq!(ours.approximate_arrival_timestamp, kinesis["approximateArrivalTimestamp"].as_f64());
    assert_eq!(ours.event_id, record["eventID"].as_str());
    assert_eq!(ours.shard_id, record["eventID"].as_str().map(|_| "shardId-000000000006"));
    assert_eq!(ours.event_name, record["eventName"].as_str());
    assert_eq!(ours.event_source, record["eventSource"].as_str());
    assert_eq!(ours.event_source_arn, record["eventSourceARN"].as_str());
    assert_eq!(ours.aws_region, record["awsRegion"].as_str());
    assert_eq!(ours.invoke_identity_arn, record["invokeIdentityArn"].as_str());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reads_what_the_types_read(records in prop::collection::vec(record(), 1..12), pretty in any::<bool>()) {
        let event = json!({ "Records": records });
        let text = if pretty { serde_json::to_vec_pretty(&event) } else { serde_json::to_vec(&event) }.unwrap();
        let document = Document::parse(text.clone()).unwrap();
        prop_assert_eq!((document.kind(), document.len()), (Kind::Lambda, records.len()));

        // Our judge has the numbers as they are read, not as they were before they were text.
        let event: Value = serde_json::from_slice(&text).unwrap();
        for (ours, value) in document.records().zip(event["Records"].as_array().unwrap()) {
            same_as_value(ours, value);
        }
        let has_null_key = records.iter().any(|record| record["kinesis"].get("partitionKey") == Some(&Value::Null));
        match serde_json::from_slice::<KinesisEvent>(&text) {
            Ok(typed) => {
                prop_assert!(!has_null_key);
                document.records().zip(&typed.records).for_each(|(ours, theirs)| same_as_type(ours, theirs));
            }
            Err(_) => prop_assert!(has_null_key),
        }
    }
}

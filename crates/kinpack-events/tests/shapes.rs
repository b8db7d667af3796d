//! Each shape of document as AWS writes it, and the odd forms that are still of that shape.
#![allow(clippy::unwrap_used)]

use kinpack_events::{Document, EventErrorKind, Kind, Record};

const LAMBDA: &str = r#"{"Records": [
    {"kinesis": {"kinesisSchemaVersion": "1.0", "partitionKey": "1",
        "sequenceNumber": "49590338271490256608559692538361571095921575989136588898",
        "data": "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==", "approximateArrivalTimestamp": 1545084650.987},
     "eventSource": "aws:kinesis", "eventVersion": "1.0",
     "eventID": "shardId-000000000006:49590338271490256608559692538361571095921575989136588898",
     "eventName": "aws:kinesis:record",
     "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
     "awsRegion": "us-east-2",
     "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream"},
    {"eventID": "shardId-000000000006:2", "kinesis": {"partitionKey": null, "sequenceNumber": "2", "data": ""}},
    {"kinesis": {"sequenceNumber": "3", "data": "YQ=="}, "unknown": {"kinesis": {"data": "?"}}}
]}"#;

fn parse(text: &str) -> Document {
    Document::parse(text.as_bytes().to_vec()).unwrap()
}

fn kind(text: &str) -> Result<Kind, EventErrorKind> {
    let document = Document::parse(text.as_bytes().to_vec());
    document.map(|d| d.kind()).map_err(|e| e.kind())
}

fn only(document: &Document) -> Record<'_> {
    assert_eq!(document.len(), 1);
    document.record(0).unwrap()
}

#[test]
fn lambda() {
    let document = parse(LAMBDA);
    assert_eq!((document.kind(), document.len()), (Kind::Lambda, 3));
    let first = document.record(0).unwrap();
    assert_eq!(first.data.unwrap(), b"Hello, this is a test.");
    assert_eq!(first.partition_key, Some("1"));
    let number = "49590338271490256608559692538361571095921575989136588898";
    assert_eq!(first.sequence_number, Some(number));
    assert_eq!(first.approximate_arrival_timestamp, Some(1_545_084_650.987));
    assert_eq!(first.approximate_arrival_text, None);
    assert_eq!(first.event_id, Some(&*format!("shardId-000000000006:{number}")));
    assert_eq!(first.shard_id, Some("shardId-000000000006"));
    assert_eq!(first.event_name, Some("aws:kinesis:record"));
    assert_eq!(first.event_source, Some("aws:kinesis"));
    assert_eq!(first.aws_region, Some("us-east-2"));
    assert_eq!(first.invoke_identity_arn, Some("arn:aws:iam::123456789012:role/lambda-role"));
    let arn = "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream";
    assert_eq!(first.event_source_arn, Some(arn));
    assert_eq!((first.explicit_hash_key, first.record_id), (None, None));

    let second = document.record(1).unwrap();
    assert_eq!((second.partition_key, second.data), (None, Ok(&[][..])));
    assert_eq!((second.event_source_arn, second.aws_region), (None, None));
    let third = document.record(2).unwrap();
    assert_eq!((third.partition_key, third.data), (None, Ok(&b"a"[..])));
    assert_eq!((third.event_id, third.shard_id), (None, None));
    assert!(document.record(3).is_none());
}

#[test]
fn lambda_with_a_tumbling_window() {
    let text = r#"{"Records": [], "window": {"start": "2020-12-09T07:04:00Z", "end": "2020-12-09T07:06:00Z"},
        "state": {"1": 282, "2": [715] }, "shardId": "shardId-000000000006",
        "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/lambda-stream",
        "isFinalInvokeForWindow": false, "isWindowTerminatedEarly": true}"#;
    let document = parse(text);
    assert_eq!((document.kind(), document.len()), (Kind::Lambda, 0));
    let metadata = document.metadata();
    assert_eq!(metadata.window_start, Some("2020-12-09T07:04:00Z"));
    assert_eq!(metadata.window_end, Some("2020-12-09T07:06:00Z"));
    assert_eq!(metadata.state, Some(r#"{"1": 282, "2": [715] }"#));
    assert_eq!(metadata.shard_id, Some("shardId-000000000006"));
    let arn = "arn:aws:kinesis:us-east-1:123456789012:stream/lambda-stream";
    assert_eq!(metadata.event_source_arn, Some(arn));
    assert_eq!(metadata.is_final_invoke_for_window, Some(false));
    assert_eq!(metadata.is_window_terminated_early, Some(true));
}

#[test]
fn get_records() {
    let document = parse(
        r#"{
    "Records": [
        {
            "SequenceNumber": "49",
            "ApproximateArrivalTimestamp": "2024-05-01T14:34:56.789000+02:00",
            "Data": "aGVsbG8=",
            "PartitionKey": "k",
            "EncryptionType": "KMS"
        },
        {"SequenceNumber": "50", "ApproximateArrivalTimestamp": 1714566896, "Data": "", "PartitionKey": ""},
        {"SequenceNumber": "51", "ApproximateArrivalTimestamp": "yesterday", "Data": "YQ=="}
    ],
    "NextShardIterator": "AAAA",
    "MillisBehindLatest": 2100,
    "ChildShards": [{"ShardId": "shardId-1", "HashKeyRange": {}}]
}
"#,
    );
    assert_eq!((document.kind(), document.len()), (Kind::GetRecords, 3));
    assert_eq!(document.metadata().next_shard_iterator, Some("AAAA"));
    assert_eq!(document.metadata().millis_behind_latest, Some(2_100));
    let first = document.record(0).unwrap();
    assert_eq!(first.data.unwrap(), b"hello");
    assert_eq!((first.sequence_number, first.partition_key), (Some("49"), Some("k")));
    assert_eq!(first.encryption_type, Some("KMS"));
    assert_eq!(first.approximate_arrival_timestamp, Some(1_714_566_896.789));
    assert_eq!(first.approximate_arrival_text, Some("2024-05-01T14:34:56.789000+02:00"));
    let second = document.record(1).unwrap();
    assert_eq!(second.partition_key, Some(""));
    assert_eq!(second.approximate_arrival_timestamp, Some(1_714_566_896.0));
    let third = document.record(2).unwrap();
    assert_eq!(third.partition_key, None);
    assert_eq!(third.approximate_arrival_timestamp, None);
    assert_eq!(third.approximate_arrival_text, Some("yesterday"));
}

#[test]
fn put_records() {
    let document = parse(
        r#"{"StreamName": "s", "StreamARN": "arn", "Records": [
            {"Data": "YQ==", "PartitionKey": "k", "ExplicitHashKey": "340282366920938463463374607431768211455"}]}"#,
    );
    assert_eq!(document.kind(), Kind::GetRecords);
    let hash_key = "340282366920938463463374607431768211455";
    assert_eq!(only(&document).explicit_hash_key, Some(hash_key));
    assert_eq!(document.metadata().stream_name, Some("s"));
    assert_eq!(document.metadata().stream_arn, Some("arn"));
}

#[test]
fn subscribe_to_shard() {
    let event = r#"{"ContinuationSequenceNumber": "50", "MillisBehindLatest": 0, "Records": [
        {"SequenceNumber": "49", "Data": "YQ==", "PartitionKey": null, "ApproximateArrivalTimestamp": 1.5}]}"#;
    for text in [
        event.to_owned(),
        format!(r#"{{"SubscribeToShardEvent": {event}}}"#),
        format!(
            r#"{{"Records": [{{"Data": "YWE="}}], "SubscribeToShardEvent": {event}, "Records": 1}}"#
        ),
    ] {
        let document = parse(&text);
        assert_eq!(document.kind(), Kind::SubscribeToShard, "{text}");
        let record = only(&document);
        assert_eq!((record.data, record.partition_key), (Ok(&b"a"[..]), None));
        assert_eq!(record.approximate_arrival_timestamp, Some(1.5));
        assert_eq!(document.metadata().continuation_sequence_number, Some("50"));
        assert_eq!(document.metadata().millis_behind_latest, Some(0));
    }
}

#[test]
fn firehose() {
    let document = parse(
        r#"{"invocationId": "i", "deliveryStreamArn": "d", "sourceKinesisStreamArn": "s", "region": "us-east-1",
        "records": [
            {"recordId": "1", "approximateArrivalTimestamp": 1507315540123, "data": "aGVsbG8=",
             "kinesisRecordMetadata": {"sequenceNumber": "49", "subsequenceNumber": 3, "partitionKey": "k",
                "shardId": "shardId-000000000000", "approximateArrivalTimestamp": 7}},
            {"recordId": "2", "data": "YQ==", "partitionKey": "not this one",
             "kinesisRecordMetadata": {"subsequenceNumber": "", "approximateArrivalTimestamp": 1500, "data": "?"}},
            {"recordId": "3", "data": "YWE=", "kinesisRecordMetadata": {"subsequenceNumber": "12"}},
            {"recordId": "4", "data": ""}
        ]}"#,
    );
    assert_eq!((document.kind(), document.len()), (Kind::Firehose, 4));
    let metadata = document.metadata();
    assert_eq!(metadata.invocation_id, Some("i"));
    assert_eq!(metadata.delivery_stream_arn, Some("d"));
    assert_eq!(metadata.source_kinesis_stream_arn, Some("s"));
    assert_eq!(metadata.region, Some("us-east-1"));
    let first = document.record(0).unwrap();
    assert_eq!((first.record_id, first.data), (Some("1"), Ok(&b"hello"[..])));
    assert_eq!((first.sequence_number, first.partition_key), (Some("49"), Some("k")));
    assert_eq!(first.shard_id, Some("shardId-000000000000"));
    assert_eq!(first.sub_sequence_number, Some(3));
    assert_eq!(first.approximate_arrival_timestamp, Some(1_507_315_540.123));
    let second = document.record(1).unwrap();
    assert_eq!((second.partition_key, second.sub_sequence_number), (None, None));
    assert_eq!(second.approximate_arrival_timestamp, Some(1.5));
    assert_eq!(document.record(2).unwrap().sub_sequence_number, Some(12));
    assert_eq!(document.record(3).unwrap().sequence_number, None);
}

#[test]
fn records_by_themselves() {
    for (text, key, number, hash_key) in [
        (r#"{"PartitionKey":"k","SequenceNumber":"1","Data":"YQ=="}"#, Some("k"), Some("1"), None),
        (r#"{"Data":"YQ==","PartitionKey":"k","ExplicitHashKey":"7"}"#, Some("k"), None, Some("7")),
        (r#"{"Data":"YQ=="}"#, None, None, None),
        (r#"{"partitionKey":"k","sequenceNumber":"1","data":"YQ=="}"#, Some("k"), Some("1"), None),
        (r#"{"sequenceNumber":"1","partitionKey":null,"data":"YQ=="}"#, None, Some("1"), None),
        (
            r#"{"kinesis":{"data":"YQ==","sequenceNumber":"1"},"eventID":"e"}"#,
            None,
            Some("1"),
            None,
        ),
        (
            r#"{"recordId":"r","data":"YQ==","kinesisRecordMetadata":{"partitionKey":"k"}}"#,
            Some("k"),
            None,
            None,
        ),
        // The spelling of AWS's API goes before the other.
        (r#"{"data":"?","Data":"YQ==","partitionKey":"no"}"#, None, None, None),
    ] {
        for text in [text.to_owned(), format!("[{text}]")] {
            let document = parse(&text);
            assert_eq!(document.kind(), Kind::Record, "{text}");
            let record = only(&document);
            assert_eq!(record.data, Ok(&b"a"[..]), "{text}");
            let found = (record.partition_key, record.sequence_number, record.explicit_hash_key);
            assert_eq!(found, (key, number, hash_key), "{text}");
        }
    }
    let arn = parse(r#"{"kinesis": {"data": ""}, "eventSourceARN": "arn"}"#);
    assert_eq!(only(&arn).event_source_arn, Some("arn"));
}

#[test]
fn empty_lists() {
    for (text, expected) in [
        (r#"{"Records": []}"#, Kind::GetRecords),
        (r#"{"Records": [], "MillisBehindLatest": 0, "shardId": "s"}"#, Kind::GetRecords),
        (r#"{"Records": [], "ContinuationSequenceNumber": "1"}"#, Kind::SubscribeToShard),
        (r#"{"SubscribeToShardEvent": {"Records": []}}"#, Kind::SubscribeToShard),
        (r#"{"isFinalInvokeForWindow": true, "Records": []}"#, Kind::Lambda),
        (r#"{"invocationId": "i", "records": []}"#, Kind::Firehose),
        ("[]", Kind::Record),
    ] {
        let document = parse(text);
        assert_eq!(document.kind(), expected, "{text}");
        assert!(document.is_empty());
        assert!(document.records().next().is_none());
        assert!(document.record(0).is_none());
    }
}

#[test]
fn what_is_no_document_is_refused() {
    for text in [
        "null",
        "1",
        r#""84mawg""#,
        "{}",
        r#"{"data": "YQ=="}"#,
        r#"{"ShardId": "s", "SequenceNumber": "1"}"#,
        r#"{"FailedRecordCount": 0, "Records": [{"SequenceNumber": "1", "ShardId": "s"}]}"#,
        r#"{"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": "k"}}}]}"#,
        r#"{"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": "YQ=="}]}"#,
        r#"{"Records": [{"eventID": "1", "dynamodb": {"SequenceNumber": "1"}}]}"#,
        r#"{"Records": null}"#,
        r#"{"Records": {}, "PartitionKey": "k", "SequenceNumber": "1", "Data": ""}"#,
        r#"{"SubscribeToShardEvent": null, "Records": [{"Data": ""}]}"#,
        r#"{"SubscribeToShardEvent": {"Records": [{"kinesis": {"data": ""}}]}}"#,
        r#"{"records": []}"#,
        r#"{"eventSource": "aws:kafka", "records": {"topic-0": [{"value": "YQ=="}]}}"#,
        r#"{"kinesis": "no object"}"#,
        r#"[{"Records": [{"Data": "YQ=="}]}]"#,
        "[1, 2]",
        // A line that unpacking writes is not a record again.
        r#"{"sequence_number": "1", "partition_key": "k", "aggregated": true, "data": "YQ=="}"#,
    ] {
        assert_eq!(kind(text), Err(EventErrorKind::UnknownShape), "{text}");
    }
}

#[test]
fn a_kind_that_is_asked_for() {
    let get_records = r#"{"Records": [{"Data": "YQ=="}]}"#;
    let empty = r#"{"Records": []}"#;
    let s3 = r#"{"Records": [{"s3": {}}, 1]}"#;
    let firehose = r#"{"records": [{"data": "YQ==", "recordId": "1"}]}"#;
    let single = r#"{"data": "YQ=="}"#;
    let wrapped = r#"{"SubscribeToShardEvent": {"Records": [{"Data": "YQ=="}]}}"#;
    use Kind::{Firehose, GetRecords, Lambda, SubscribeToShard};
    for (text, kinds) in [
        (LAMBDA, &[Lambda][..]),
        (get_records, &[GetRecords, SubscribeToShard]),
        (empty, &[Lambda, GetRecords, SubscribeToShard]),
        (s3, &[Lambda, GetRecords, SubscribeToShard]),
        (firehose, &[Firehose]),
        (single, &[Kind::Record]),
        ("[1]", &[Kind::Record]),
        ("{}", &[Kind::Record]),
        (wrapped, &[SubscribeToShard]),
        ("1", &[]),
    ] {
        for &asked in Kind::ALL {
            let result = Document::parse_as(asked, text.as_bytes().to_vec());
            match result {
                Ok(document) => {
                    assert!(kinds.contains(&asked), "{asked}: {text}");
                    assert_eq!(document.kind(), asked);
                }
                Err(error) => {
                    assert!(!kinds.contains(&asked), "{asked}: {text}");
                    assert_eq!(error.kind(), EventErrorKind::NotThisKind(asked));
                    assert_eq!((error.offset(), error.value_end()), (0, Some(text.len())));
                }
            }
        }
    }
    let lost = Document::parse_as(Lambda, s3.as_bytes().to_vec()).unwrap();
    assert_eq!(
        lost.records().map(|r| r.data.unwrap_err().text()).collect::<Vec<_>>(),
        [r#"{"s3": {}}"#, "1"]
    );
}

#[test]
fn members_are_those_of_the_last_repetition() {
    let text = r#"{"records": [{"recordId": "1", "data": ""}], "Records": [{"Data": "YWE="}, {}],
        "Records": [{"Data": "YWE=", "PartitionKey": "x", "Data": "YQ==", "PartitionKey": null}],
        "NextShardIterator": "x", "NextShardIterator": null, "records": 1}"#;
    let document = parse(text);
    assert_eq!(document.kind(), Kind::GetRecords);
    assert_eq!((only(&document).data, only(&document).partition_key), (Ok(&b"a"[..]), None));
    assert_eq!(document.metadata().next_shard_iterator, None);

    let text = r#"{"kinesis": {"data": "YWE=", "partitionKey": "x"}, "kinesis": {"data": "YQ=="}}"#;
    assert_eq!(only(&parse(text)).partition_key, None);
    assert_eq!(
        kind(r#"{"kinesis": {"data": "YWE="}, "kinesis": 1}"#),
        Err(EventErrorKind::UnknownShape)
    );
}

#[test]
fn numbers_as_other_features_of_the_json_library_show_them() {
    let text =
        r#"{"Data": "", "ApproximateArrivalTimestamp": {"$serde_json::private::Number": "1.5"}}"#;
    assert_eq!(only(&parse(text)).approximate_arrival_timestamp, Some(1.5));
}

#[test]
fn iterates_from_both_ends() {
    let document = parse(r#"[{"Data":"YQ=="},{"Data":"Yg=="},{"Data":"Yw=="},{"Data":"ZA=="}]"#);
    let mut records = document.records();
    assert_eq!(records.len(), 4);
    assert_eq!(records.next_back().unwrap().data.unwrap(), b"d");
    assert_eq!(records.nth(1).unwrap().data.unwrap(), b"b");
    assert_eq!(records.len(), 1);
    assert_eq!(records.next_back().unwrap().data.unwrap(), b"c");
    assert!(records.next().is_none() && records.next_back().is_none());
}

#[test]
fn documents_go_between_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Document>();
    check::<kinpack_events::EventError>();
}

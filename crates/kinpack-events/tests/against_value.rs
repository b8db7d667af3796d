//! Random documents against a plain reading of serde_json's `Value`.
#![allow(clippy::unwrap_used)]

use base64_simd::STANDARD;
use kinpack_events::{BadDataKind, Document, EventErrorKind, Kind, Record};
use proptest::prelude::*;
use serde_json::{Map, Value};

/// JSON as text has it: members may repeat.
#[derive(Clone, Debug)]
enum Json {
    Scalar(Value),
    Array(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
}

/// Writes JSON with white space and escapes as `dice` has it.
fn write(json: &Json, dice: &mut impl FnMut() -> u8, out: &mut String) {
    fn space(dice: &mut impl FnMut() -> u8, out: &mut String) {
        out.push_str(["", "", "", "", " ", "\n", "\t", "\r\n  "][dice() as usize % 8]);
    }
    fn string(text: &str, dice: &mut impl FnMut() -> u8, out: &mut String) {
        out.push('"');
        for c in text.chars() {
            match dice() % 32 {
                0 => c
                    .encode_utf16(&mut [0; 2])
                    .iter()
                    .for_each(|unit| *out += &format!("\\u{unit:04x}")),
                1 if c == '/' => out.push_str("\\/"),
                _ if c < ' ' || c == '"' || c == '\\' => *out += &format!("\\u{:04X}", c as u32),
                _ => out.push(c),
            }
        }
        out.push('"');
    }
    space(dice, out);
    match json {
        Json::Scalar(Value::String(text)) => string(text, dice, out),
        Json::Scalar(value) => *out += &value.to_string(),
        Json::Array(elements) => {
            out.push('[');
            for (i, element) in elements.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                write(element, dice, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (i, (name, value)) in members.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                space(dice, out);
                string(name, dice, out);
                space(dice, out);
                out.push(':');
                write(value, dice, out);
            }
            out.push('}');
        }
    }
    space(dice, out);
}

fn scalar() -> BoxedStrategy<Json> {
    let text = prop_oneof![
        12 => prop::collection::vec(any::<u8>(), 0..40).prop_map(|data| STANDARD.encode_to_string(data)),
        2 => "[A-Za-z0-9+/=]{0,9}",
        1 => ".{0,6}",
        1 => prop::sample::select(vec!["shardId-000000000001:49", ":", "2024-05-01T12:34:56.789000+00:00", "12"])
            .prop_map(str::to_owned),
    ];
    prop_oneof![
        40 => text.prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => (0u32..2_000_000).prop_map(|n| Value::from(f64::from(n) / 1000.0)),
        1 => any::<i32>().prop_map(Value::from),
    ]
    .prop_map(Json::Scalar)
    .boxed()
}

fn value() -> BoxedStrategy<Json> {
    prop_oneof![
        40 => scalar(),
        1 => prop::collection::vec(scalar(), 0..3).prop_map(Json::Array),
        1 => prop::collection::vec((Just("data"), scalar()), 0..3).prop_map(Json::Object),
    ]
    .boxed()
}

const PASCAL: &[&str] = &[
    "Data",
    "Data",
    "Data",
    "PartitionKey",
    "SequenceNumber",
    "ExplicitHashKey",
    "EncryptionType",
    "ApproximateArrivalTimestamp",
    "unknown",
];
const CAMEL: &[&str] = &[
    "data",
    "data",
    "data",
    "data",
    "partitionKey",
    "sequenceNumber",
    "explicitHashKey",
    "encryptionType",
    "approximateArrivalTimestamp",
    "shardId",
    "subsequenceNumber",
    "unknown",
];
const EVENT: &[&str] = &[
    "eventID",
    "eventName",
    "eventSource",
    "eventSourceARN",
    "awsRegion",
    "invokeIdentityArn",
    "recordId",
    "eventVersion",
];
const OUTER: &[&str] = &[
    "NextShardIterator",
    "MillisBehindLatest",
    "ContinuationSequenceNumber",
    "StreamName",
    "shardId",
    "invocationId",
    "isFinalInvokeForWindow",
    "region",
    "window",
    "state",
    "unknown",
];

fn members(
    names: &'static [&'static str],
    least: usize,
) -> impl Strategy<Value = Vec<(&'static str, Json)>> {
    prop::collection::vec((prop::sample::select(names), value()), least..7)
}

/// An object of members, with objects inside it where the names say so.
fn record() -> BoxedStrategy<Json> {
    let nested = |name, weight: f64| {
        prop::option::weighted(
            weight,
            prop_oneof![9 => members(CAMEL, 2).prop_map(Json::Object), 1 => value()],
        )
        .prop_map(move |inner| inner.map(|inner| (name, inner)))
    };
    let lambda = (members(EVENT, 0), nested("kinesis", 0.95), nested("kinesis", 0.05));
    let firehose = (members(CAMEL, 2), nested("kinesisRecordMetadata", 0.8), members(EVENT, 0));
    let shuffled =
        |members: Vec<(&'static str, Json)>| Just(members).prop_shuffle().prop_map(Json::Object);
    prop_oneof![
        4 => lambda.prop_flat_map(move |(mut m, a, b)| { m.extend(a); m.extend(b); shuffled(m) }),
        4 => members(PASCAL, 2).prop_map(Json::Object),
        2 => members(CAMEL, 2).prop_map(Json::Object),
        2 => firehose.prop_flat_map(move |(mut m, a, b)| { m.extend(a); m.extend(b); shuffled(m) }),
        1 => value(),
    ]
    .boxed()
}

fn document() -> impl Strategy<Value = Json> {
    let list = |name: &'static str| {
        prop_oneof![9 => prop::collection::vec(record(), 0..5).prop_map(Json::Array), 1 => value()]
            .prop_map(move |list| (name, list))
    };
    let event = (
        prop::option::weighted(0.9, list("Records")),
        prop::option::weighted(0.2, list("records")),
        prop::option::weighted(0.1, list("Records")),
        members(OUTER, 0),
        prop::option::weighted(0.2, (prop::sample::select(PASCAL), value())),
    )
        .prop_flat_map(|(a, b, c, mut members, d)| {
            members.extend(a.into_iter().chain(b).chain(c).chain(d));
            Just(members).prop_shuffle()
        })
        .boxed();
    let firehose = (list("records"), members(OUTER, 0)).prop_flat_map(|(list, mut members)| {
        members.push(list);
        Just(members).prop_shuffle()
    });
    let wrapped =
        (event.clone(), event.clone(), any::<bool>()).prop_flat_map(|(inner, mut outer, bare)| {
            outer.truncate(if bare { 0 } else { 2 });
            outer.push(("SubscribeToShardEvent", Json::Object(inner)));
            Just(outer).prop_shuffle()
        });
    prop_oneof![
        6 => event.prop_map(Json::Object),
        2 => firehose.prop_map(Json::Object),
        2 => wrapped.prop_map(Json::Object),
        2 => record(),
        2 => prop::collection::vec(record(), 0..5).prop_map(Json::Array),
    ]
}

/// The plain reading.
mod plain {
    use super::*;

    #[derive(Clone, Copy, PartialEq)]
    pub(super) enum Spelling {
        Lambda,
        Firehose,
        Plain,
    }

    pub(super) fn spelling(record: &Value) -> Option<Spelling> {
        let has = |name| record.get(name).is_some();
        if record.get("kinesis").is_some_and(Value::is_object) {
            Some(Spelling::Lambda)
        } else if record.get("kinesisRecordMetadata").is_some_and(Value::is_object)
            || has("recordId") && has("data")
        {
            Some(Spelling::Firehose)
        } else if has("Data")
            || has("PartitionKey") && has("SequenceNumber")
            || has("partitionKey") && has("sequenceNumber")
            || has("data") && (has("partitionKey") || has("sequenceNumber"))
        {
            Some(Spelling::Plain)
        } else {
            None
        }
    }

    /// The kind, and the records as they stand.
    pub(super) fn kind(document: &Value) -> Option<(Kind, Vec<&Value>)> {
        let has_any =
            |event: &Value, names: &[&str]| names.iter().any(|name| event.get(name).is_some());
        let first = |list: &[Value]| {
            list.iter().filter_map(spelling).find(|&spelling| spelling != Spelling::Firehose)
        };
        if let Some(list) = document.as_array() {
            let known = list.is_empty() || list.iter().any(|record| spelling(record).is_some());
            return known.then(|| (Kind::Record, list.iter().collect()));
        }
        if let Some(event) = document.get("SubscribeToShardEvent") {
            let list = event.get("Records")?.as_array()?;
            let known = first(list) != Some(Spelling::Lambda);
            return known.then(|| (Kind::SubscribeToShard, list.iter().collect()));
        }
        if let Some(records) = document.get("Records") {
            let list = records.as_array()?;
            let first = first(list);
            let kind = if has_any(document, &["ContinuationSequenceNumber"]) {
                if first == Some(Spelling::Lambda) {
                    return None;
                }
                Kind::SubscribeToShard
            } else if first == Some(Spelling::Lambda) {
                Kind::Lambda
            } else if first.is_some()
                || has_any(document, &["NextShardIterator", "MillisBehindLatest", "StreamName"])
            {
                Kind::GetRecords
            } else if has_any(document, &["window", "shardId", "isFinalInvokeForWindow"]) {
                Kind::Lambda
            } else if list.is_empty() {
                Kind::GetRecords
            } else {
                return None;
            };
            return Some((kind, list.iter().collect()));
        }
        if let Some(records) = document.get("records") {
            let list = records.as_array()?;
            let known = has_any(document, &["invocationId"])
                || list.iter().any(|record| spelling(record) == Some(Spelling::Firehose));
            return known.then(|| (Kind::Firehose, list.iter().collect()));
        }
        spelling(document).map(|_| (Kind::Record, vec![document]))
    }

    /// Asserts that a record was read from this value.
    pub(super) fn check(value: &Value, kind: Kind, record: Record<'_>) {
        let nothing = Value::Null;
        let has_pascal = PASCAL[..8].iter().any(|name| value.get(name).is_some());
        let spelling = spelling(value);
        let kinesis = value.get("kinesis").filter(|kinesis| kinesis.is_object());
        let firehose =
            kinesis.is_none() && (kind == Kind::Firehose || spelling == Some(Spelling::Firehose));
        let metadata = value.get("kinesisRecordMetadata").unwrap_or(&nothing);
        let (data, keys, pascal) = match kinesis {
            Some(kinesis) => (kinesis, kinesis, false),
            None if firehose => (value, metadata, false),
            None => (value, value, has_pascal),
        };
        let name = |camel: &'static str| {
            PASCAL[..8]
                .iter()
                .find(|p| pascal && p.eq_ignore_ascii_case(camel))
                .copied()
                .unwrap_or(camel)
        };
        let text = |object: &Value, camel| {
            object.get(name(camel)).and_then(Value::as_str).map(str::to_owned)
        };

        let got = |text: Option<&str>| text.map(str::to_owned);
        assert_eq!(got(record.partition_key), text(keys, "partitionKey"));
        assert_eq!(got(record.sequence_number), text(keys, "sequenceNumber"));
        assert_eq!(got(record.explicit_hash_key), text(keys, "explicitHashKey"));
        assert_eq!(got(record.encryption_type), text(data, "encryptionType"));
        let own = |name: &str| value.get(name).and_then(Value::as_str);
        assert_eq!(record.event_id, own("eventID"));
        assert_eq!(record.event_name, own("eventName"));
        assert_eq!(record.event_source, own("eventSource"));
        assert_eq!(record.event_source_arn, own("eventSourceARN"));
        assert_eq!(record.aws_region, own("awsRegion"));
        assert_eq!(record.invoke_identity_arn, own("invokeIdentityArn"));
        assert_eq!(record.record_id, own("recordId"));
        let from_id = own("eventID")
            .and_then(|id| id.split_once(':'))
            .map(|id| id.0)
            .filter(|id| !id.is_empty());
        assert_eq!(record.shard_id, metadata.get("shardId").and_then(Value::as_str).or(from_id));
        let sub = metadata.get("subsequenceNumber").unwrap_or(&nothing);
        let from_text = || sub.as_str().and_then(|text| text.parse().ok());
        assert_eq!(record.sub_sequence_number, sub.as_u64().or_else(from_text));

        let mut arrival = data.get(name("approximateArrivalTimestamp")).unwrap_or(&nothing);
        if firehose && arrival.is_null() {
            arrival = metadata.get("approximateArrivalTimestamp").unwrap_or(&nothing);
        }
        assert_eq!(record.approximate_arrival_text, arrival.as_str());
        let seconds = match arrival.as_str() {
            Some("2024-05-01T12:34:56.789000+00:00") => Some(1_714_566_896.789),
            _ => arrival.as_f64().map(|number| if firehose { number / 1e3 } else { number }),
        };
        assert_eq!(record.approximate_arrival_timestamp, seconds);

        let bad_member =
            ["sequenceNumber", "partitionKey", "explicitHashKey"].map(name).into_iter().find(
                |name| keys.get(name).is_some_and(|value| !value.is_string() && !value.is_null()),
            );
        match data.get(name("data")) {
            None | Some(Value::Null) => {
                assert_eq!(record.data.unwrap_err().kind(), BadDataKind::Missing);
            }
            Some(Value::String(text)) => match (bad_member, STANDARD.decode_to_vec(text)) {
                (Some(name), _) => {
                    assert_eq!(
                        record.data.unwrap_err().kind(),
                        BadDataKind::MemberNotAString(name)
                    );
                }
                (None, Ok(data)) => assert_eq!(record.data.unwrap(), data),
                (None, Err(_)) => {
                    assert_eq!(record.data.unwrap_err().text(), text);
                    let kind = record.data.unwrap_err().kind();
                    let BadDataKind::Base64 { position } = kind else { panic!("{kind:?}") };
                    assert!(position <= text.len());
                }
            },
            Some(_) => assert_eq!(record.data.unwrap_err().kind(), BadDataKind::NotAString),
        }
    }
}

/// The document with white space, escapes and numbers as the seed will have them.
fn written(json: &Json, seed: u32) -> String {
    let mut state = seed;
    let mut dice = || {
        state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        (state >> 24) as u8
    };
    let mut text = String::new();
    write(json, &mut dice, &mut text);
    text
}

/// Asserts that what a fault says of its place is so.
fn check_place(text: &str, value: &Value, record: Record<'_>) {
    let Err(bad) = record.data else { return };
    let mut at = serde_json::Deserializer::from_str(&text[bad.offset()..]).into_iter::<Value>();
    let at = at.next().unwrap().unwrap();
    let kept = || serde_json::from_str::<Value>(bad.text()).unwrap();
    match bad.kind() {
        BadDataKind::Base64 { .. } => assert_eq!(at.as_str(), Some(bad.text())),
        BadDataKind::Missing => assert_eq!((&at, &kept()), (value, value)),
        _ => {
            assert!(!at.is_string() && !at.is_null());
            assert_eq!(&kept(), value);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reads_what_value_reads(json in document(), seed in any::<u32>()) {
        let text = written(&json, seed);
        let value: Value = serde_json::from_str(&text).unwrap();
        let result = Document::parse(text.clone().into_bytes());
        let Some((kind, records)) = plain::kind(&value) else {
            prop_assert_eq!(result.unwrap_err().kind(), EventErrorKind::UnknownShape);
            return Ok(());
        };
        let document = result.unwrap();
        prop_assert_eq!((document.kind(), document.len()), (kind, records.len()));
        for (value, record) in records.iter().zip(&document) {
            plain::check(value, kind, record);
            check_place(&text, value, record);
        }

        let empty = Map::new();
        let outer = value.as_object().unwrap_or(&empty);
        let event = outer.get("SubscribeToShardEvent").and_then(Value::as_object).unwrap_or(outer);
        let note = |name: &str| event.get(name).and_then(Value::as_str);
        let metadata = document.metadata();
        prop_assert_eq!(metadata.next_shard_iterator, note("NextShardIterator"));
        prop_assert_eq!(metadata.continuation_sequence_number, note("ContinuationSequenceNumber"));
        prop_assert_eq!(metadata.stream_name, note("StreamName"));
        prop_assert_eq!(metadata.invocation_id, note("invocationId"));
        prop_assert_eq!(metadata.shard_id, note("shardId"));
        prop_assert_eq!(metadata.millis_behind_latest, event.get("MillisBehindLatest").and_then(Value::as_u64));
        prop_assert_eq!(metadata.is_final_invoke_for_window, event.get("isFinalInvokeForWindow").and_then(Value::as_bool));
        let state = metadata.state.map(|state| serde_json::from_str::<Value>(state).unwrap());
        prop_assert_eq!(state.as_ref(), event.get("state"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// What breaks off may go on, and so is never called malformed: a reader of a pipe waits.
    #[test]
    fn every_part_of_a_document_breaks_off(json in document(), seed in any::<u32>()) {
        prop_assume!(matches!(json, Json::Object(_) | Json::Array(_)));
        let text = written(&json, seed);
        for len in 0..text.trim_end().len() {
            let part = &text.as_bytes()[..len];
            let error = Document::parse(part.to_vec()).unwrap_err();
            prop_assert!(error.is_eof(), "{}: {}", error, &text[..len]);
            let error = Document::parse_prefix(None, part).unwrap_err();
            prop_assert!(error.is_eof(), "{}: {}", error, &text[..len]);
        }
    }
}

//! Lists of records that look alike, or nearly.
#![allow(clippy::unwrap_used)]

mod general;

use base64_simd::STANDARD;
use general::check;
use kinpack_events::{Document, Kind};
use proptest::prelude::*;

/// The members of a record, names and JSON, with those of `kinesis` in a record of Lambda.
#[derive(Clone, Debug)]
struct Members {
    outer: Vec<(&'static str, String)>,
    inner: Vec<(&'static str, String)>,
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![9 => "4959033827[0-9]{46}", 1 => "[0-9]{0,3}"]
}

fn key() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        12 => "device-[0-9a-f]{1,30}".prop_map(|key| Some(quoted(&key))),
        2 => ".{0,12}".prop_map(|key| Some(quoted(&key))),
        1 => prop::sample::select(vec![r#""\u00e9\/""#, r#""\ud83d""#, "5", "null", "[]", "\"é\u{1f600}\""])
            .prop_map(|key| Some(key.to_owned())),
        1 => Just(None),
    ]
}

fn data() -> impl Strategy<Value = String> {
    let encode = |data: Vec<u8>| quoted(&STANDARD.encode_to_string(data));
    prop_oneof![
        20 => prop::collection::vec(any::<u8>(), 0..120).prop_map(encode),
        1 => prop::collection::vec(any::<u8>(), 3000..20_000).prop_map(encode),
        1 => prop::sample::select(vec![r#""YQ""#, r#""\u0059Q==""#, r#""YQ==YQ==""#, r#""é""#, "null", "1"])
            .prop_map(str::to_owned),
    ]
}

fn arrival() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => (1_500_000_000u32.., 0u32..1000).prop_map(|(s, ms)| format!("{s}.{ms:03}")),
        1 => prop::sample::select(vec![
            "1545084650", "0", "-1.5", "1.545084650987E9", "1545084650.98765432101", "null", "01", "1e999",
            "\"2024-05-01T12:34:56.789000+00:00\"", "\"soon\"",
        ]).prop_map(str::to_owned),
    ]
}

/// An unusual member, rarely.
fn extra() -> impl Strategy<Value = Option<(&'static str, String)>> {
    let names = vec!["data", "Data", "eventID", "kinesis", "recordId", "encryptionType", "unknown"];
    let values = vec!["\"x\"", "1.5", "true", "null", "{}", "[1]", "\"\\u0041\"", "\"YQ==\""];
    let member = (prop::sample::select(names), prop::sample::select(values));
    prop::option::weighted(0.02, member.prop_map(|(name, value)| (name, value.to_owned())))
}

fn lambda() -> impl Strategy<Value = Members> {
    let id = prop_oneof![
        20 => Just("shardId-000000000006:"), 1 => Just("shardId-000000000007:"), 1 => Just(":"), 1 => Just(""),
    ];
    let constant =
        |often: &'static str, rare: &'static str| prop_oneof![40 => Just(often), 1 => Just(rare)];
    let rest =
        (constant("us-east-2", "us-west-1"), constant("aws:kinesis", "\\u0061"), extra(), extra());
    (key(), number(), data(), arrival(), id, any::<prop::sample::Index>(), rest).prop_map(
        |(key, number, data, arrival, id, other, (region, source, extra, inner_extra))| {
            let mut inner = vec![("kinesisSchemaVersion", quoted("1.0"))];
            inner.extend(key.map(|key| ("partitionKey", key)));
            inner.push(("sequenceNumber", quoted(&number)));
            inner.push(("data", data));
            inner.push(("approximateArrivalTimestamp", arrival));
            inner.extend(inner_extra);
            let id = if other.index(20) == 0 { format!("{id}1") } else { format!("{id}{number}") };
            let mut outer = vec![
                ("eventSource", format!("\"{source}\"")),
                ("eventID", quoted(&id)),
                ("eventName", quoted("aws:kinesis:record")),
                ("awsRegion", quoted(region)),
            ];
            outer.extend(extra);
            Members { outer, inner }
        },
    )
}

fn api() -> impl Strategy<Value = Members> {
    let hash_key = prop::option::weighted(0.05, Just(("ExplicitHashKey", quoted("12"))));
    let encryption = prop::option::weighted(0.9, Just(("EncryptionType", quoted("KMS"))));
    (key(), number(), data(), arrival(), hash_key, encryption, extra()).prop_map(
        |(key, number, data, arrival, hash_key, encryption, extra)| {
            let mut outer = vec![("SequenceNumber", quoted(&number))];
            outer.push(("ApproximateArrivalTimestamp", arrival));
            outer.push(("Data", data));
            outer.extend(key.map(|key| ("PartitionKey", key)));
            outer.extend(hash_key.into_iter().chain(encryption).chain(extra));
            Members { outer, inner: Vec::new() }
        },
    )
}

/// Between tokens: after an opening bracket or a comma, and after a colon.
const STYLES: [(&str, &str); 3] = [("", ""), (" ", " "), ("\r\n\t  ", " ")];

fn object(members: &[(&str, String)], (space, gap): (&str, &str)) -> String {
    let members = members.iter().map(|(name, value)| format!("{space}\"{name}\":{gap}{value}"));
    format!("{{{}{space}}}", members.collect::<Vec<_>>().join(","))
}

fn tail() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        6 => Just(""),
        1 => Just(r#","NextShardIterator":"A\u0041","MillisBehindLatest":12"#),
        1 => Just(r#", "window": {"start": "a", "end": "b"}, "state": {"1": [2]}, "shardId": "s", "eventSourceARN": "arn", "isFinalInvokeForWindow": false"#),
        1 => prop::sample::select(vec![
            ",", r#","Records":[]"#, r#","records":1"#, r#","SubscribeToShardEvent":{}"#, r#","ContinuationSequenceNumber":"1""#,
            r#","invocationId":"i""#, r#","Data":"YQ==""#, r#","state":01"#, "]", "} {", " x",
        ]),
    ]
}

fn event() -> impl Strategy<Value = String> {
    let list = prop_oneof![
        6 => prop::collection::vec(lambda(), 1..8),
        3 => prop::collection::vec(api(), 1..8),
        1 => prop::collection::vec(prop_oneof![lambda(), api()], 1..4),
    ];
    (list, prop::sample::select(STYLES.to_vec()), tail(), any::<bool>()).prop_map(
        |(list, style, tail, kinesis_last)| {
            let record = |members: Members| {
                let mut outer = members.outer;
                if !members.inner.is_empty() {
                    let at = if kinesis_last { outer.len() } else { 0 };
                    outer.insert(at, ("kinesis", object(&members.inner, style)));
                }
                object(&outer, style)
            };
            let records: Vec<_> = list.into_iter().map(record).collect();
            let (space, gap) = style;
            format!(
                "{{{space}\"Records\":{gap}[{}]{tail}}}{space}",
                records.join(&format!(",{space}"))
            )
        },
    )
}

/// Changes a text at a place, given in 65,536ths.
fn edit(text: &mut Vec<u8>, (place, how, byte): (u16, u8, u8)) {
    let at = (text.len() * usize::from(place)) >> 16;
    match how {
        0 => text[at] = byte,
        1 => text.insert(at, byte),
        2 => drop(text.remove(at)),
        3 => text.truncate(at + 1),
        // A record more, or half of one.
        _ => {
            let copy = text[at..].to_vec();
            let end = text.len() - (text.len() - at) / 2;
            text.splice(at..end, copy);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn read_as_the_general_way_reads(text in event()) {
        check(text.as_bytes());
    }

    #[test]
    fn read_as_the_general_way_reads_when_damaged(
        text in event(),
        edits in prop::collection::vec(
            (any::<u16>(), 0u8..5, prop_oneof![prop::sample::select(b"\"\\{}[],:0 \n=".to_vec()), any::<u8>()]),
            1..3,
        ),
    ) {
        let mut text = text.into_bytes();
        for step in edits {
            edit(&mut text, step);
        }
        check(&text);
    }
}

fn record(key: &str, number: &str, data: &str) -> String {
    format!(
        r#"{{"kinesis":{{"partitionKey":{key},"sequenceNumber":"{number}","data":"{data}","approximateArrivalTimestamp":1545084650.987}},"eventID":"shardId-000000000006:{number}","awsRegion":"us-east-2"}}"#
    )
}

/// Every byte of a small event replaced by those that JSON is made of.
#[test]
fn each_byte_counts() {
    let lambda = format!(
        r#"{{"Records":[{},{}],"shardId":"s"}} "#,
        record(r#""k\"é""#, "49", "aGk="),
        record("null", "50", "aGVsbG8h")
    );
    let api = r#"{"Records": [{"SequenceNumber": "1", "ApproximateArrivalTimestamp": 1.5, "Data": "aGk=", "PartitionKey": "k"}, {"SequenceNumber": "2", "ApproximateArrivalTimestamp": 2.5, "Data": "aGk=", "PartitionKey": "l"}]}"#;
    for text in [&lambda, api] {
        check(text.as_bytes());
        let mut bytes = text.as_bytes().to_vec();
        for at in 0..bytes.len() {
            let kept = bytes[at];
            for &other in b"\"\\{}[],:\x00\xff0 \nen-.u" {
                bytes[at] = other;
                check(&bytes);
            }
            bytes[at] = kept;
            check(&bytes[..at]);
        }
    }
}

#[test]
fn a_fault_after_much_good_data_leaves_no_trace() {
    let data = STANDARD.encode_to_string([0xa5; 30_000]);
    for last in ["?", "aGk", &format!("{data}?"), &format!("{data}YQ==YQ=="), "aGk=\\n", "\u{e9}"] {
        let records = [&*data, "aGk=", "YQ==", last].map(|data| record("\"k\"", "49", data));
        check(format!(r#"{{"Records":[{}]}}"#, records.join(",")).as_bytes());
    }
    let records = [&*data, "aGk=", ""].map(|data| record("\"k\"", "49", data));
    for rest in ["", "]", "]}x", ",]}", ",{}]}", ",7]}", "],}", r#"],"Records":[]}"#] {
        check(format!(r#"{{"Records":[{}{rest}"#, records.join(",")).as_bytes());
    }
}

#[test]
fn members_in_two_places() {
    let inner = r#""data":"aGk=","sequenceNumber":"1","partitionKey":"k","explicitHashKey":"2","approximateArrivalTimestamp":1"#;
    let plain = r#""Data":"YQ==","SequenceNumber":"3","PartitionKey":"l","ExplicitHashKey":"4","ApproximateArrivalTimestamp":2"#;
    for (outer, rest) in
        [(plain, r#""eventID":"s:1""#), (r#""eventID":"s:1""#, plain), (plain, inner)]
    {
        check(format!(r#"{{"Records":[{{"kinesis":{{{inner}}},{outer},{rest}}}]}}"#).as_bytes());
        check(format!(r#"{{"Records":[{{{outer},"kinesis":{{{inner}}},{rest}}}]}}"#).as_bytes());
    }
}

#[test]
fn data_stays_in_the_event() {
    let big = STANDARD.encode_to_string([7; 50_000]);
    let records = [
        record("\"k\"", "49", "aGk="),
        record("\"l\\n\"", "50", &big),
        record("null", "51", ""),
        r#"{"kinesis":{"sequenceNumber":"52","data":"YQ=="},"unknown":-1.5e3}"#.to_owned(),
    ];
    let text = format!(r#"{{"Records":[{}],"window":{{"start":"a"}}}}"#, records.join(", "));
    for kind in [None, Some(Kind::Lambda)] {
        let json = text.clone().into_bytes();
        let place = json.as_ptr_range();
        let document = match kind {
            None => Document::parse(json).unwrap(),
            Some(kind) => Document::parse_as(kind, json).unwrap(),
        };
        assert_eq!(document.metadata().window_start, Some("a"));
        let data: Vec<_> = document.records().map(|record| record.data.unwrap()).collect();
        assert_eq!(data, [&b"hi"[..], &[7; 50_000], b"", b"a"]);
        assert!(data.iter().all(|data| place.contains(&data.as_ptr())));
    }
}

//! Faults of single records: the rest of the document stays, and nothing of the record is lost.
#![allow(clippy::unwrap_used)]

use kinpack_events::{BadDataKind, Document, Kind};

/// The kind, the text from the fault's offset on, and the text that was kept.
fn faults(json: &str) -> Vec<Option<(BadDataKind, &str, String)>> {
    let document = Document::parse(json.as_bytes().to_vec()).unwrap();
    let fault = |bad: kinpack_events::BadData<'_>| {
        (bad.kind(), &json[bad.offset()..], bad.text().to_owned())
    };
    document.records().map(|record| record.data.err().map(fault)).collect()
}

#[test]
fn each_is_told_where_it_stands() {
    let json = r#" {"Records": [
        {"Data": "YQ=="},
        {"PartitionKey": "k", "Data": "Y\u0051!="},
        {"Data": null, "PartitionKey": "k" },
        {"Dat\u0061" :  [1, {"Data": "YQ=="}]},
        7,
        {"Data": "x", "Data": "YQ==", "PartitionKey": 5},
        {"Data": "YQ"},
        { },
        {"Data": "YQ=="}], "records": 1}"#;
    let found = faults(json);
    assert_eq!(found.len(), 9);
    assert!(found[0].is_none() && found[8].is_none());
    let expected = [
        (BadDataKind::Base64 { position: 2 }, r#""Y\u0051!=""#, "YQ!="),
        (BadDataKind::Missing, r#"{"Data": null"#, r#"{"Data": null, "PartitionKey": "k" }"#),
        (BadDataKind::NotAString, r#"[1, {"#, r#"{"Dat\u0061" :  [1, {"Data": "YQ=="}]}"#),
        (BadDataKind::Missing, "7,", "7"),
        (
            BadDataKind::MemberNotAString("PartitionKey"),
            "5}",
            r#"{"Data": "x", "Data": "YQ==", "PartitionKey": 5}"#,
        ),
        (BadDataKind::Base64 { position: 2 }, r#""YQ"}"#, "YQ"),
        (BadDataKind::Missing, "{ }", "{ }"),
    ];
    for (found, (kind, from, text)) in found[1..8].iter().zip(expected) {
        let (found_kind, found_from, found_text) = found.as_ref().unwrap();
        assert_eq!((*found_kind, &**found_text), (kind, text));
        assert!(found_from.starts_with(from), "{found_from}");
    }
}

#[test]
fn in_every_shape() {
    let member = BadDataKind::MemberNotAString;
    for (json, kind, from) in [
        (r#"{"Data": "?"}"#, BadDataKind::Base64 { position: 0 }, r#""?"}"#),
        (r#"{"PartitionKey": "k", "SequenceNumber": "1"}"#, BadDataKind::Missing, "{"),
        (r#"[{"kinesis": {"partitionKey": "k"}}]"#, BadDataKind::Missing, r#"{"kin"#),
        (r#"[{"kinesis": {"data": 1}}]"#, BadDataKind::NotAString, "1}}]"),
        (r#"{"kinesis": {"data": "", "sequenceNumber": 1}}"#, member("sequenceNumber"), "1}}"),
        (
            r#"{"kinesis": {"data": "?"}, "data": ""}"#,
            BadDataKind::Base64 { position: 0 },
            r#""?"}, "#,
        ),
        (
            r#"{"Records": [{"kinesis": {"data": "=" }}]}"#,
            BadDataKind::Base64 { position: 0 },
            r#""=" }}]}"#,
        ),
        (
            r#"{"recordId": "1", "kinesisRecordMetadata": {"data": ""}}"#,
            BadDataKind::Missing,
            "{\"rec",
        ),
        (
            r#"{"invocationId": "i", "records": [{"data": "", "kinesisRecordMetadata": {"partitionKey": {}}}]}"#,
            member("partitionKey"),
            "{}}}]}",
        ),
        (
            r#"{"data": "", "partitionKey": "k", "explicitHashKey": 0}"#,
            member("explicitHashKey"),
            "0}",
        ),
        (
            r#"{"SubscribeToShardEvent": 1, "SubscribeToShardEvent": {"Records": 1, "Records": [{"Data": true}]}}"#,
            BadDataKind::NotAString,
            "true}]}}",
        ),
    ] {
        let found = faults(json);
        let (found_kind, found_from, _) = found[0].as_ref().unwrap();
        assert_eq!(*found_kind, kind, "{json}");
        assert!(found_from.starts_with(from), "{json}: {found_from}");
    }
}

#[test]
fn the_other_members_stay() {
    let json =
        br#"{"Data": "?", "PartitionKey": "k", "SequenceNumber": "1", "ExplicitHashKey": 5}"#;
    let document = Document::parse(json.to_vec()).unwrap();
    let record = document.record(0).unwrap();
    assert_eq!((record.partition_key, record.sequence_number), (Some("k"), Some("1")));
    assert_eq!(record.explicit_hash_key, None);
    let bad = record.data.unwrap_err();
    assert_eq!(bad.kind(), BadDataKind::MemberNotAString("ExplicitHashKey"));
    assert_eq!(bad.to_string(), "ExplicitHashKey is not a string");
}

#[test]
fn messages() {
    for (json, message) in [
        (r#"{"Data": "aGk?"}"#, "the data is not base64 at its byte 3"),
        (r#"{"Data": "aGk"}"#, "the data is not base64: it breaks off after 3 bytes"),
        (r#"{"Data": 1}"#, "the data is not a string"),
        (r#"{"Data": null}"#, "the record has no data"),
    ] {
        let document = Document::parse(json.as_bytes().to_vec()).unwrap();
        assert_eq!(document.record(0).unwrap().data.unwrap_err().to_string(), message);
    }
}

#[test]
fn offsets_count_from_the_start_of_the_given_text() {
    let (document, taken) = Document::parse_prefix(None, b"\n\n [ {\"Data\": \"?\"} ] []").unwrap();
    assert_eq!(taken, 20);
    assert_eq!(document.record(0).unwrap().data.unwrap_err().offset(), 14);
}

#[test]
fn a_document_of_nothing_but_faults_is_read_in_one_go() {
    let json = format!("[{}1]", "0,{\"Data\":\"?\"},{},".repeat(100_000));
    let document = Document::parse_as(Kind::Record, json.into_bytes()).unwrap();
    assert_eq!(document.len(), 300_001);
    assert!(document.records().all(|record| record.data.is_err()));
    assert_eq!(document.record(299_998).unwrap().data.unwrap_err().text(), "?");
    assert_eq!(document.record(300_000).unwrap().data.unwrap_err().text(), "1");
}

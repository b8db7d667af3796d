//! The text around the values: white space, escapes, text that breaks off or is no JSON.
#![allow(clippy::unwrap_used)]

use kinpack_events::{Document, EventErrorKind, Kind};
use serde_json::Value;

const DOCUMENTS: &[&str] = &[
    r#"{"Records":[{"kinesis":{"partitionKey":"caf\u00e9 \ud83d\ude00","sequenceNumber":"4","data":"aGk=","approximateArrivalTimestamp":-1.5e+3},"eventID":"shardId-000000000006:4"},{"kinesis":{"data":"?"}}],"state":{"1":[282,"a"]},"shardId":"s","window":{"start":"a","end":null}}"#,
    r#"{"NextShardIterator":"\"\\","Records":[{"SequenceNumber":"1","Data":"\u002B\/+\/","PartitionKey":null},{"Data":[true,false,{}]}],"MillisBehindLatest":12,"More":{"a":[1.5e2,-0,null]}}"#,
    r#"{"SubscribeToShardEvent":{"Records":[{"Data":"aGk="}]}}"#,
    r#"{"invocationId":"i","records":[{"recordId":"é","data":"aGk="}]}"#,
    r#"[{"Data":"aGk=","PartitionKey":"k"},7]"#,
    r#"{"Data":"aGk=","PartitionKey":"k"}"#,
];

fn data(document: &Document) -> Vec<Option<&[u8]>> {
    document.records().map(|record| record.data.ok()).collect()
}

#[test]
fn breaks_off_anywhere() {
    for text in DOCUMENTS {
        for end in 0..text.len() {
            let cut = &text.as_bytes()[..end];
            let error = Document::parse(cut.to_vec()).unwrap_err();
            assert!(error.is_eof(), "{error}: {}", String::from_utf8_lossy(cut));
            assert_eq!(error.offset(), end);
            assert!(Document::parse_prefix(None, cut).unwrap_err().is_eof());
            assert!(Document::parse_as(Kind::Lambda, cut.to_vec()).unwrap_err().is_eof());
        }
    }
}

#[test]
fn any_white_space_reads_the_same() {
    for text in DOCUMENTS {
        let plain = Document::parse(text.as_bytes().to_vec()).unwrap();
        let value: Value = serde_json::from_str(text).unwrap();
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        for text in [format!(" \r\n\t{text}\n"), pretty.replace('\n', "\r\n\t")] {
            let document = Document::parse(text.into_bytes()).unwrap();
            assert_eq!(document.kind(), plain.kind());
            assert_eq!(data(&document), data(&plain));
        }
    }
}

#[test]
fn escapes_in_data_and_keys() {
    let text = r#"{"D\u0061ta":"\u002b\/\u002F\u0041","PartitionKey":"\u0000\ud83d\ude00\n"}"#;
    let document = Document::parse(text.as_bytes().to_vec()).unwrap();
    let record = document.record(0).unwrap();
    assert_eq!(record.data.unwrap(), [0xfb, 0xff, 0xc0]);
    assert_eq!(record.partition_key, Some("\0\u{1f600}\n"));
}

#[test]
fn one_after_another() {
    for separator in ["", " ", "\n", "\r\n\t "] {
        let stream = DOCUMENTS.join(separator) + separator;
        let mut rest = stream.as_bytes();
        let mut reused = Document::new();
        for text in DOCUMENTS {
            let alone = Document::parse(text.as_bytes().to_vec()).unwrap();
            let (document, taken) = Document::parse_prefix(None, rest).unwrap();
            assert_eq!(reused.read_prefix(Some(alone.kind()), rest).unwrap(), taken);
            assert!(rest[..taken].ends_with(text.as_bytes()));
            for document in [&document, &reused] {
                assert_eq!(document.kind(), alone.kind());
                assert_eq!(data(document), data(&alone));
                assert_eq!(document.metadata(), alone.metadata());
            }
            rest = &rest[taken..];
        }
        assert_eq!(rest, separator.as_bytes());
        assert!(Document::parse_prefix(None, rest).unwrap_err().is_eof());
    }
}

#[test]
fn nothing_may_follow_a_whole_document() {
    let error = Document::parse(br#"{"Data": ""} {"Data": ""}"#.to_vec()).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (EventErrorKind::Syntax, 13));
}

#[test]
fn an_error_leaves_a_reused_document_empty() {
    let mut document = Document::new();
    document
        .read_prefix(None, br#"{"Records": [{"Data": ""}], "NextShardIterator": "n"}"#)
        .unwrap();
    let error = document.read_prefix(None, br#" {"Records": [{"Data": ""}], ]"#).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (EventErrorKind::Syntax, 29));
    assert!(document.is_empty());
    assert_eq!(document.metadata().next_shard_iterator, None);

    let error = document.read_prefix(None, b" \n{} rest").unwrap_err();
    assert_eq!(error.kind(), EventErrorKind::UnknownShape);
    assert_eq!((error.offset(), error.value_end()), (2, Some(4)));
}

#[test]
fn nesting_is_bounded() {
    let deep = format!(r#"{{"Data": "", "x": {}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let error = Document::parse(deep.into_bytes()).unwrap_err();
    assert_eq!(error.kind(), EventErrorKind::Syntax);
}

/// Every byte replaced by those that JSON is made of: what the JSON library takes is taken here,
/// and what it refuses is refused at the same place.
#[test]
fn takes_the_json_that_the_library_takes() {
    for text in DOCUMENTS {
        let mut bytes = text.as_bytes().to_vec();
        for at in 0..bytes.len() {
            let kept = bytes[at];
            for &other in b"\"\\{}[],:\x00\xff0 \nen-.u" {
                bytes[at] = other;
                let ours = Document::parse(bytes.clone()).map_err(|error| error.kind());
                let is_json = serde_json::from_slice::<Value>(&bytes).is_ok();
                let refused =
                    matches!(ours, Err(EventErrorKind::Syntax | EventErrorKind::UnexpectedEnd));
                assert_eq!(is_json, !refused, "{ours:?}: {}", String::from_utf8_lossy(&bytes));
            }
            bytes[at] = kept;
        }
    }
}

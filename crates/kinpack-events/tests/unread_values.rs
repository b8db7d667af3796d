//! Values that nobody looks at, against serde_json's `Value`.
#![allow(clippy::unwrap_used)]

use kinpack_events::{Document, EventErrorKind};
use serde_json::Value;

/// A value that nobody reads must still be one, wherever it stands: what `Value` refuses is refused
/// at the same place, and what it takes is taken.
#[test]
fn values_that_are_not_read_are_held_to_the_same_rules() {
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    let values = [
        r#""\ud800""#,
        r#""\ud83d\ude00""#,
        "1e999",
        "-1e999",
        "1e5",
        "01",
        "-",
        "1.",
        ".5",
        "1.5",
        "+1",
        "nul",
        "null",
        "[1,]",
        "{\"a\":}",
        "\"\n\"",
        "\"\\x\"",
        "{\"a\" 1}",
        "\u{e9}",
        &deep(100),
        &deep(124),
        &deep(125),
        &deep(126),
        &deep(127),
        &deep(128),
        &deep(200),
    ];
    let places = [
        r#"{"Records":[],"state":@}"#,
        r#"{"state":@,"Records":[]}"#,
        "{\"shardId\":\"s\",\n\"state\" :\n @ , \"Records\":[]}",
        r#"{"Records":[{"kinesis":{"data":"YQ=="},"x":@}]}"#,
        r#"{"Records":[{"kinesis":{"data":"YQ=="}}],"state":@}"#,
        r#"{"SubscribeToShardEvent":{"Records":[],"state":@}}"#,
        r#"{"Records":[],"window":{"x":@}}"#,
    ];
    for place in places {
        for value in values {
            let text = place.replace('@', value);
            let judge = serde_json::from_str::<Value>(&text);
            match (Document::parse(text.clone().into_bytes()), &judge) {
                (Ok(document), Ok(judge)) => {
                    let event = judge.get("SubscribeToShardEvent").unwrap_or(judge);
                    let state = event.get("state").map(|_| value);
                    assert_eq!(document.metadata().state, state, "{text}");
                }
                (Err(error), Err(judge)) => {
                    assert_eq!(error.kind(), EventErrorKind::Syntax, "{text}");
                    let lines: Vec<_> = text.split_inclusive('\n').take(judge.line() - 1).collect();
                    let at = lines.concat().len() + judge.column();
                    assert_eq!(error.offset() + 1, at, "{text}: {error}, {judge}");
                }
                (ours, judge) => panic!("{text}: {ours:?}, {judge:?}"),
            }
        }
    }
}

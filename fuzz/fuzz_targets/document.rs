//! Any bytes as AWS documents, one after another.
#![no_main]

use kinpack_events::{Document, EventError, Kind};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    for &kind in Kind::ALL {
        if let Ok((document, _)) = Document::parse_prefix(Some(kind), text) {
            assert_eq!(document.kind(), kind);
            walk(&document);
        }
    }

    let mut used = Document::new();
    let mut rest = text;
    while !rest.is_empty() {
        let fresh = Document::parse_prefix(None, rest);
        same(used.read_prefix(None, rest), &used, &fresh);
        let end = match fresh {
            Ok((document, end)) => {
                walk(&document);
                told_is_found(&document, &rest[..end]);
                breaks_off(&rest[..end]);
                end
            }
            Err(error) => {
                assert!(error.offset() <= rest.len());
                // What is no document, but JSON, can be passed over.
                let Some(end) = error.value_end() else { break };
                assert!(error.offset() < end);
                end
            }
        };
        assert!((1..=rest.len()).contains(&end));
        rest = &rest[end..];
    }
});

/// A document that was used before reads the next text as a new one does.
fn same(
    taken: Result<usize, EventError>,
    used: &Document,
    fresh: &Result<(Document, usize), EventError>,
) {
    match (taken, fresh) {
        (Ok(taken), Ok((fresh, fresh_taken))) => {
            assert_eq!(taken, *fresh_taken);
            equal(used, fresh);
        }
        (Err(error), Err(fresh)) => {
            assert_eq!(error, *fresh);
            assert!(used.is_empty());
        }
        (taken, fresh) => panic!("{taken:?} but {fresh:?}"),
    }
}

fn walk(document: &Document) {
    assert_eq!(document.records().len(), document.len());
    assert_eq!(document.records().rev().count(), document.len());
    for (index, record) in document.records().enumerate() {
        assert_eq!(document.record(index), Some(record));
        if let Err(bad) = record.data {
            assert!(!bad.to_string().is_empty());
        }
    }
    assert_eq!(document.record(document.len()), None);
    let _ = document.metadata();
}

/// Whoever says what was found finds the same.
fn told_is_found(document: &Document, text: &[u8]) {
    let told = Document::parse_as(document.kind(), text.to_vec()).expect("it was found to be one");
    equal(document, &told);
}

/// A text that ends before the document does breaks off: whoever reads a stream reads on, and
/// must not be told of another fault.
fn breaks_off(text: &[u8]) {
    for end in [text.len() / 2, text.len() - 1] {
        let error = Document::parse_prefix(None, &text[..end]).expect_err("not all of it");
        assert!(error.is_eof(), "after {end} of {} bytes: {error}", text.len());
    }
}

fn equal(one: &Document, other: &Document) {
    assert_eq!(one.kind(), other.kind());
    assert!(one.records().eq(other.records()));
}

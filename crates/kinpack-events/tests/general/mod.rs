//! The quick way against the general one, which takes each document that does not begin with the
//! list of records.

use kinpack_events::{Document, EventError, Kind};

/// A member that means nothing, put before all others.
const DETOUR: &[u8] = br#""":0,"#;

/// Asserts that a text is read the same either way, whatever it is asked for as.
pub(crate) fn check(text: &[u8]) {
    let is_white = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let Some(brace) = text.iter().position(|byte| !is_white(byte)) else { return };
    let (before, after) = text.split_at(brace + 1);
    let first = after.iter().find(|byte| !is_white(byte));
    // The quick way takes nothing but objects, and only another member may follow the detour.
    if text[brace] != b'{' || first == Some(&b'}') {
        return;
    }
    let detour = [before, DETOUR, after].concat();
    for kind in [None, Some(Kind::Lambda), Some(Kind::GetRecords)] {
        let whole = |text: &[u8]| match kind {
            None => Document::parse(text.to_vec()),
            Some(kind) => Document::parse_as(kind, text.to_vec()),
        };
        same(whole(text), whole(&detour));
        let (ours, ours_taken) = split(Document::parse_prefix(kind, text));
        let (general, general_taken) = split(Document::parse_prefix(kind, &detour));
        same(ours, general);
        assert_eq!(ours_taken.map(|taken| taken + DETOUR.len()), general_taken);
    }
}

fn split<T>(
    result: Result<(Document, T), EventError>,
) -> (Result<Document, EventError>, Option<T>) {
    match result {
        Ok((document, taken)) => (Ok(document), Some(taken)),
        Err(error) => (Err(error), None),
    }
}

fn same(ours: Result<Document, EventError>, general: Result<Document, EventError>) {
    match (ours, general) {
        (Ok(ours), Ok(general)) => same_document(&ours, &general),
        (Err(ours), Err(general)) => {
            assert_eq!(ours.kind(), general.kind());
            let value_end = ours.value_end().map(|end| end + DETOUR.len());
            assert_eq!(value_end, general.value_end());
            // A value of another shape begins where it did.
            let moved = if value_end.is_none() { DETOUR.len() } else { 0 };
            assert_eq!(ours.offset() + moved, general.offset());
        }
        (ours, general) => panic!("{ours:?} but {general:?}"),
    }
}

fn same_document(ours: &Document, general: &Document) {
    assert_eq!((ours.kind(), ours.len()), (general.kind(), general.len()));
    assert_eq!(ours.metadata(), general.metadata());
    if ours.kind() == Kind::Record {
        // The detour is part of the record, and the quick way has none of it.
        return;
    }
    for (mut ours, mut general) in ours.records().zip(general) {
        match (ours.data, general.data) {
            (Err(ours), Err(general)) => {
                assert_eq!((ours.kind(), ours.text()), (general.kind(), general.text()));
                assert_eq!(ours.offset() + DETOUR.len(), general.offset());
            }
            (ours, general) => assert_eq!(ours.ok(), general.ok()),
        }
        ours.data = Ok(&[]);
        general.data = Ok(&[]);
        assert_eq!(ours, general);
    }
}

//! Edge inputs for a reader, and what the KCL 3.5.1 makes of them. Where kinpack differs the case
//! stands here by name, with the reason; there are no other differences.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;

use common::Row;
use kinpack::{Contents, DecodeErrorKind, Digest, HashKey, HashKeyRange, deaggregate};
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    outer: Outer,
    range: Option<[String; 2]>,
    kcl: Kcl,
}

#[derive(Deserialize)]
struct Outer {
    partition_key: Option<String>,
    #[serde(deserialize_with = "common::base64")]
    data: Vec<u8>,
}

#[derive(Deserialize)]
struct Kcl {
    records: Vec<Row>,
    logged: Option<String>,
}

/// Why kinpack does not give the KCL's result.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Difference {
    /// A key index outside its table: the KCL logs an exception and loses records.
    Index,
    /// A tag, length or index of more than 32 bits: the KCL reads something that was not written.
    Overlong,
    /// An explicit hash key that is no number: text to the decoder, delivered as written, and a
    /// fault for the range filter only. The KCL parses it always, and loses or drops records.
    HashKeyIsText,
    /// An explicit hash key of 2^128 or more: delivered as written. It lies outside of every
    /// range, and the KCL always has a range.
    HashKeyAboveAll,
    /// A range that ends before it starts cannot be made; the KCL drops everything.
    NoSuchRange,
}
use Difference::{HashKeyAboveAll, HashKeyIsText, Index, NoSuchRange, Overlong};

const DIFFERENCES: &[(&str, &str, Difference)] = &[
    ("hash-keys", "text-2-to-128", HashKeyAboveAll),
    ("hash-keys", "text-negative", HashKeyIsText),
    ("hash-keys", "text-negative-max", HashKeyIsText),
    ("hash-keys", "text-huge", HashKeyAboveAll),
    ("hash-keys", "text-empty", HashKeyIsText),
    ("hash-keys", "text-letters", HashKeyIsText),
    ("hash-keys", "text-space-before", HashKeyIsText),
    ("hash-keys", "text-space-after", HashKeyIsText),
    ("hash-keys", "text-newline", HashKeyIsText),
    ("hash-keys", "text-exponent", HashKeyIsText),
    ("hash-keys", "text-hex", HashKeyIsText),
    ("hash-keys", "text-hex-digits", HashKeyIsText),
    ("hash-keys", "text-underscore", HashKeyIsText),
    ("hash-keys", "text-comma", HashKeyIsText),
    ("hash-keys", "text-point", HashKeyIsText),
    ("hash-keys", "text-plus-alone", HashKeyIsText),
    ("hash-keys", "text-minus-alone", HashKeyIsText),
    ("hash-keys", "text-two-signs", HashKeyIsText),
    ("hash-keys", "text-sign-inside", HashKeyIsText),
    ("hash-keys", "text-superscript", HashKeyIsText),
    ("hash-keys", "text-nul", HashKeyIsText),
    ("hash-keys", "text-mathematical-digits", HashKeyIsText),
    ("hash-keys", "text-null", HashKeyIsText),
    ("hash-keys", "bad-first", HashKeyIsText),
    ("hash-keys", "too-large-last", HashKeyAboveAll),
    ("indices", "key-index-first", Index),
    ("indices", "key-index-middle", Index),
    ("indices", "key-index-last", Index),
    ("indices", "key-table-empty", Index),
    ("indices", "key-index-far", Index),
    ("indices", "hash-key-index-middle", Index),
    ("indices", "hash-key-table-empty", Index),
    ("indices", "both-indices-outside", Index),
    ("ranges", "upside-down", NoSuchRange),
    ("ranges", "bad-index-then-outside", Index),
    ("ranges", "outside-then-bad-index", Index),
    ("sizes", "table-70000-one-over", Index),
    ("strings", "hash-key-not-utf8", HashKeyIsText),
    ("varints", "index-2-to-32", Overlong),
    ("varints", "index-2-to-32-plus-1", Overlong),
    ("varints", "index-2-to-63", Overlong),
    ("varints", "index-2-to-31", Index),
    ("varints", "index-max", Overlong),
    ("varints", "hash-key-index-2-to-32", Overlong),
    ("varints", "tag-bits-over-32", Overlong),
    ("varints", "tag-bits-over-32-unknown", Overlong),
    ("varints", "length-bits-over-32", Overlong),
    ("varints", "record-length-bits-over-32", Overlong),
    ("varints", "data-length-bits-over-32", Overlong),
    ("varints", "unknown-length-bits-over-32", Overlong),
];

#[test]
fn every_case_is_read_as_the_kcl_reads_it() {
    let mut met = BTreeSet::new();
    let mut failures = Vec::new();
    let mut cases = 0;
    for (file, content) in common::load::<File>("reader") {
        for case in content.cases {
            cases += 1;
            let difference =
                DIFFERENCES.iter().find(|it| (it.0, it.1) == (file.as_str(), case.name.as_str()));
            if let Some(it) = difference {
                met.insert((it.0, it.1));
            }
            let expectation = difference.map(|it| it.2);
            if let Err(what) = check(&case, expectation) {
                failures.push(format!("{file}/{}: {what}", case.name));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(cases, 261);
    assert_eq!(met.len(), DIFFERENCES.len(), "each difference is a case");
}

fn check(case: &Case, difference: Option<Difference>) -> Result<(), String> {
    if difference == Some(NoSuchRange) {
        return if range(case) == Some(None) { Ok(()) } else { Err("there is".to_owned()) };
    }
    let read = read(case);
    let expected = &case.kcl.records;
    match (difference, read) {
        (None, Ok(rows)) if rows == *expected && case.kcl.logged.is_none() => Ok(()),
        (None, Ok(rows)) => Err(format!("{rows:?}\n  KCL: {expected:?} {:?}", case.kcl.logged)),
        (None, Err(kind)) => Err(format!("{kind:?}\n  KCL: {expected:?} {:?}", case.kcl.logged)),
        (
            Some(Index),
            Err(
                DecodeErrorKind::PartitionKeyIndex { .. }
                | DecodeErrorKind::ExplicitHashKeyIndex { .. },
            ),
        )
        | (
            Some(Overlong),
            Err(
                DecodeErrorKind::NumberTooLarge(_)
                | DecodeErrorKind::PartitionKeyIndex { index: 0x1_0000_0000.., .. }
                | DecodeErrorKind::ExplicitHashKeyIndex { index: 0x1_0000_0000.., .. },
            ),
        ) => Ok(()),
        (Some(HashKeyIsText | HashKeyAboveAll), Ok(rows)) => {
            let contents = deaggregate(&case.outer.data, Digest::Verify).unwrap();
            let Contents::Aggregated(aggregate) = contents else { return Err("plain".to_owned()) };
            let filtered = aggregate.all_within(HashKeyRange::FULL).map_err(|error| error.kind);
            let as_said = match filtered {
                Err(DecodeErrorKind::ExplicitHashKeyNotANumber { record }) => {
                    difference == Some(HashKeyIsText)
                        && (expected.is_empty() || expected.len() == record as usize)
                }
                Ok(false) => difference == Some(HashKeyAboveAll) && expected.is_empty(),
                _ => false,
            };
            let kept = rows.len() == aggregate.len() && rows.starts_with(expected);
            if as_said && kept { Ok(()) } else { Err(format!("{filtered:?}, {rows:?}")) }
        }
        (Some(difference), read) => Err(format!("{difference:?}, but {read:?}")),
    }
}

fn range(case: &Case) -> Option<Option<HashKeyRange>> {
    let [start, end] = case.range.as_ref()?;
    let key = |text: &str| text.parse::<HashKey>().unwrap();
    Some(HashKeyRange::new(key(start), key(end)))
}

fn read(case: &Case) -> Result<Vec<Row>, DecodeErrorKind> {
    let contents = deaggregate(&case.outer.data, Digest::Verify).map_err(|error| error.kind)?;
    if let (Some(Some(range)), Contents::Aggregated(aggregate)) = (range(case), &contents)
        && !aggregate.all_within(range).map_err(|error| error.kind)?
    {
        return Ok(Vec::new());
    }
    Ok(contents.records(case.outer.partition_key.as_deref()).map(Row::of).collect())
}

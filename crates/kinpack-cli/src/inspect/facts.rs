//! What can be said of a Kinesis record.

use std::collections::HashSet;

use kinpack::{AggregatedRecord, Contents, DecodeError, DecodeErrorKind, Digest, deaggregate};
use serde::Serialize;

use super::writer::{self, Guess};
use crate::input::Found;

/// What a Kinesis record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Content {
    Aggregate,
    Plain,
    /// It has the aggregate's magic and a fault.
    Broken,
    /// Not a record at all.
    Unreadable,
}

impl Content {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Aggregate => "aggregate",
            Self::Plain => "plain",
            Self::Broken => "broken",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Keys of one of the two sorts.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Keys {
    /// Different ones that user records have.
    pub(super) in_use: usize,
    /// Entries in the aggregate's table.
    pub(super) table: usize,
}

/// The first fault of an aggregate.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) error: DecodeError,
    /// What the KCL makes of the record.
    pub(super) to_kcl: &'static str,
}

/// All that can be said of a Kinesis record.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) content: Content,
    pub(super) user_records: usize,
    pub(super) partition_keys: Keys,
    pub(super) explicit_hash_keys: Keys,
    /// Bytes of the record's data, if there are any.
    pub(super) bytes: usize,
    /// Bytes of them that are user records' data.
    pub(super) payload: usize,
    /// Whether the digest is right, of what has one.
    pub(super) digest: Option<bool>,
    pub(super) writer: Option<Guess>,
    pub(super) fault: Option<Fault>,
    /// What the whole aggregate was compressed by; all else is of what came out.
    pub(super) compressed: Option<&'static str>,
}

impl Facts {
    pub(super) fn of(found: &Found<'_>) -> Self {
        let mut facts = Self {
            content: Content::Unreadable,
            user_records: 0,
            partition_keys: Keys::default(),
            explicit_hash_keys: Keys::default(),
            bytes: 0,
            payload: 0,
            digest: None,
            writer: None,
            fault: None,
            compressed: None,
        };
        let Ok(data) = found.data else { return facts };
        facts.bytes = data.len();
        match AggregatedRecord::parse(data, Digest::Verify) {
            Ok(aggregate) => {
                facts.content = Content::Aggregate;
                facts.digest = Some(true);
                facts.count(&aggregate);
                facts.writer = writer::guess(&aggregate, found.partition_key);
            }
            Err(DecodeError { kind: DecodeErrorKind::NoMagic, .. }) => {
                facts.content = Content::Plain;
                facts.user_records = 1;
                facts.payload = data.len();
            }
            Err(error) => {
                facts.content = Content::Broken;
                facts.digest = match error.kind {
                    DecodeErrorKind::TooShort | DecodeErrorKind::TooLong => None,
                    kind => Some(kind != DecodeErrorKind::DigestMismatch),
                };
                // A wrong digest, and keys that are not UTF-8, do not hide what is inside.
                if let Ok(Contents::Aggregated(aggregate)) = deaggregate(data, Digest::Skip) {
                    facts.count(&aggregate);
                }
                facts.fault = Some(Fault { error, to_kcl: to_kcl(error.kind) });
            }
        }
        facts
    }

    /// Bytes that are not payload, of what could be read.
    pub(super) fn overhead(&self) -> usize {
        match self.user_records {
            0 if self.content == Content::Broken => 0,
            _ => self.bytes - self.payload,
        }
    }

    fn count(&mut self, aggregate: &AggregatedRecord<'_>) {
        let (mut keys, mut hash_keys) = (Distinct::default(), Distinct::default());
        for record in aggregate.records() {
            keys.extend(record.partition_key);
            hash_keys.extend(record.explicit_hash_key);
            self.payload += record.data.len();
        }
        self.user_records = aggregate.len();
        self.partition_keys = Keys { in_use: keys.len(), table: aggregate.partition_keys().len() };
        self.explicit_hash_keys =
            Keys { in_use: hash_keys.len(), table: aggregate.explicit_hash_keys().len() };
    }
}

/// Different keys. A table's entry is gone through once, however many records point to it: it may
/// be as long as the whole aggregate.
#[derive(Default)]
struct Distinct<'a> {
    entries: HashSet<(*const u8, usize)>,
    texts: HashSet<&'a str>,
}

impl<'a> Distinct<'a> {
    fn extend(&mut self, key: Option<&'a str>) {
        if let Some(key) = key
            && self.entries.insert((key.as_ptr(), key.len()))
        {
            self.texts.insert(key);
        }
    }

    fn len(&self) -> usize {
        self.texts.len()
    }
}

fn to_kcl(kind: DecodeErrorKind) -> &'static str {
    match kind {
        kind if kind.is_plain_to_kcl() => "the KCL hands the record on as a plain one",
        DecodeErrorKind::NotUtf8(_) => {
            "the KCL unpacks it and replaces what it cannot read by U+FFFD"
        }
        DecodeErrorKind::NumberTooLarge(_) => {
            "the KCL cuts the number to 32 bits and reads something that was not written"
        }
        _ => "the KCL loses user records of it",
    }
}

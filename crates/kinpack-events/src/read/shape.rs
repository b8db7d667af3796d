//! What a document is: the facts, and the decision.

use crate::{EventErrorKind, Kind};

/// Which document a record looks like one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// With an object `kinesis`.
    Lambda,
    /// With a `recordId` or an object `kinesisRecordMetadata`.
    Firehose,
    /// Its members side by side.
    Plain,
}

/// What JSON value the document is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Outer {
    #[default]
    Scalar,
    Array,
    Object,
}

/// What a member is that should be an array of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum List {
    #[default]
    Absent,
    NoArray,
    Array,
}

/// What was seen of a document's shape.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    pub(super) outer: Outer,
    /// It has a member `SubscribeToShardEvent`; all the rest is of what stands in there.
    pub(super) wrapped: bool,
    /// The member `Records`.
    pub(super) records: List,
    /// The member `records`, of account only without the other.
    pub(super) lower_records: List,
    /// The member `state`.
    pub(super) has_state: bool,
    /// Members that tell what the document is where its records do not.
    pub(super) hints: Hints,
    /// The list has elements.
    any: bool,
    /// What the first record in the list looks like that looks like one in `Records`.
    first: Option<Spelling>,
    /// A record in the list looks like one of Firehose.
    firehose: bool,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hints {
    pub(super) lambda: bool,
    pub(super) get_records: bool,
    pub(super) subscribe_to_shard: bool,
    pub(super) firehose: bool,
}

impl Shape {
    /// A list begins, which makes all lists before it void.
    pub(super) fn begin_list(&mut self) {
        self.any = false;
        self.first = None;
        self.firehose = false;
    }

    /// Takes note of a record of the list.
    pub(super) fn note(&mut self, spelling: Option<Spelling>) {
        self.any = true;
        match spelling {
            Some(Spelling::Firehose) => self.firehose = true,
            Some(_) if self.first.is_none() => self.first = spelling,
            _ => {}
        }
    }

    pub(super) fn has_list(&self) -> bool {
        self.records != List::Absent || self.lower_records != List::Absent
    }

    /// Whether the document is a record itself, or to be taken for one.
    pub(super) fn is_single(&self) -> bool {
        self.outer == Outer::Object && !self.wrapped && !self.has_list()
    }

    /// What the document is, or why it is not what it was said to be; `own` is what it looks like
    /// as a record by itself.
    pub(super) fn kind(
        &self,
        asked: Option<Kind>,
        own: Option<Spelling>,
    ) -> Result<Kind, EventErrorKind> {
        match asked {
            Some(kind) if self.can_be(kind) => Ok(kind),
            Some(kind) => Err(EventErrorKind::NotThisKind(kind)),
            None => self.detect(own).ok_or(EventErrorKind::UnknownShape),
        }
    }

    fn detect(&self, own: Option<Spelling>) -> Option<Kind> {
        let known = match self.outer {
            Outer::Scalar => None,
            Outer::Array => {
                Some(Kind::Record).filter(|_| !self.any || self.first.is_some() || self.firehose)
            }
            Outer::Object if self.wrapped => Some(Kind::SubscribeToShard),
            Outer::Object if self.records != List::Absent => self.detect_records(),
            Outer::Object if self.lower_records != List::Absent => {
                Some(Kind::Firehose).filter(|_| self.hints.firehose || self.firehose)
            }
            Outer::Object => own.map(|_| Kind::Record),
        };
        known.filter(|&kind| self.can_be(kind))
    }

    fn detect_records(&self) -> Option<Kind> {
        match self.first {
            _ if self.hints.subscribe_to_shard => Some(Kind::SubscribeToShard),
            Some(Spelling::Lambda) => Some(Kind::Lambda),
            Some(_) => Some(Kind::GetRecords),
            None if self.hints.get_records => Some(Kind::GetRecords),
            None if self.hints.lambda => Some(Kind::Lambda),
            None => Some(Kind::GetRecords).filter(|_| !self.any),
        }
    }

    /// Whether there is a place for records of this kind, and no record of another in it.
    fn can_be(&self, kind: Kind) -> bool {
        let records = self.outer == Outer::Object && self.records == List::Array;
        match kind {
            Kind::Lambda => records && !self.wrapped && self.first != Some(Spelling::Plain),
            Kind::GetRecords => records && !self.wrapped && self.first != Some(Spelling::Lambda),
            Kind::SubscribeToShard => records && self.first != Some(Spelling::Lambda),
            Kind::Firehose => {
                self.outer == Outer::Object
                    && !self.wrapped
                    && self.records == List::Absent
                    && self.lower_records == List::Array
            }
            Kind::Record => self.outer == Outer::Array || self.is_single(),
        }
    }
}

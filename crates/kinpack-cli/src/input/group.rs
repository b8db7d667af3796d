//! What stands alone in each document or line, gathered: the digests of many records are computed
//! side by side.

use kinpack_events::Document;

use super::place::Position;
use super::record::{Found, Line};
use super::{Outcome, Visitor};

/// What can be gathered: it is whole, and its text is needed for nothing any more.
pub(super) trait Gathered: Default {
    /// Adds its records.
    fn find<'a>(&'a self, file: &'a str, position: Position, found: &mut Vec<Found<'a>>);
}

impl Gathered for Document {
    fn find<'a>(&'a self, file: &'a str, position: Position, found: &mut Vec<Found<'a>>) {
        found.extend(Found::in_document(file, position, self, &[]).records());
    }
}

impl Gathered for Line {
    fn find<'a>(&'a self, file: &'a str, position: Position, found: &mut Vec<Found<'a>>) {
        found.push(self.found(file, position));
    }
}

/// Documents or records that are shown together.
pub(super) struct Group<T> {
    /// Those in use come first; the others are used again.
    held: Vec<(Position, T)>,
    used: usize,
    records: usize,
    bytes: usize,
}

impl<T: Gathered> Group<T> {
    /// Enough for the digests.
    const RECORDS: usize = 128;
    /// More has left the processor's cache when it is shown.
    const BYTES: usize = 2 << 20;
    /// What is longer is not kept: the memory of each place in the group grows to the longest that
    /// was in it.
    const LONGEST: usize = 256 << 10;

    pub(super) fn new() -> Self {
        Self { held: Vec::new(), used: 0, records: 0, bytes: 0 }
    }

    /// Whether so many bytes are few enough to be kept.
    pub(super) fn takes(&self, bytes: usize) -> bool {
        bytes <= Self::LONGEST
    }

    /// Takes what stands in `place`, of so many records and bytes, and leaves something to be used
    /// again. Says whether that is enough.
    pub(super) fn add(
        &mut self,
        position: Position,
        place: &mut T,
        (records, bytes): (usize, usize),
    ) -> bool {
        if self.used == self.held.len() {
            self.held.push((position, T::default()));
        }
        let slot = &mut self.held[self.used];
        slot.0 = position;
        std::mem::swap(&mut slot.1, place);
        self.used += 1;
        self.records += records;
        self.bytes += bytes;
        self.records >= Self::RECORDS || self.bytes >= Self::BYTES
    }

    /// Shows what was gathered, and begins again.
    pub(super) fn show(&mut self, file: &str, visitor: &mut dyn Visitor) -> crate::Result {
        if self.used == 0 {
            return Ok(Outcome::Well);
        }
        let mut found = Vec::with_capacity(self.records);
        for (position, place) in &self.held[..self.used] {
            place.find(file, *position, &mut found);
        }
        let outcome = visitor.records(&found);
        (self.used, self.records, self.bytes) = (0, 0, 0);
        outcome
    }
}

/// Whether all records of a document can be had, so that its text is not needed to name a place.
pub(super) fn is_whole(document: &Document) -> bool {
    document.records().all(|record| record.data.is_ok())
}

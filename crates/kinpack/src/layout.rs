//! The first pass: everything is validated and the key tables are collected, so that the second
//! pass, over the user records, cannot fail.

use std::ops::Range;

use crate::error::{DecodeError, DecodeErrorKind, TextField};
use crate::message::{
    EXPLICIT_HASH_KEY_TABLE, PARTITION_KEY_TABLE, RECORDS, RawRecord, Tags, WideRecord,
};
use crate::tables::{KeyTables, TableSizes, Text, short_entry};
use crate::wire::{Cursor, Overlong};

/// What the first pass leaves: the keys and where the records stand.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) keys: KeyTables,
    pub(crate) records: u32,
    /// Where the field of the first record stands, and where the protobuf ends. 32 bits hold any
    /// place in the data, and an aggregate is moved about: the smaller the better.
    first_record: u32,
    end: u32,
}

/// What a walk over the message has found so far. It goes on in steps, as the digest does.
pub(crate) struct Survey<'a> {
    /// From the beginning, and from where the walk stands.
    message: Cursor<'a>,
    rest: Cursor<'a>,
    fault: Option<DecodeError>,
    found: Found,
}

#[derive(Clone, Copy, Default)]
struct Found {
    tables: TableSizes,
    records: u32,
    first_record: usize,
    /// One above the highest index, so 0 if there is none.
    partition_keys_needed: u32,
    explicit_hash_keys_needed: u32,
    any_tags: bool,
    overlong: Overlong,
}

impl Layout {
    /// Validates the protobuf of `data` that a survey was begun of.
    pub(crate) fn read(
        data: &[u8],
        mut survey: Survey<'_>,
        text: Text,
    ) -> Result<Self, DecodeError> {
        survey.advance(usize::MAX);
        let Survey { message, fault, found, .. } = survey;
        if let Some(fault) = fault.or(found.overlong) {
            return Err(fault);
        }
        found.check_indices(message)?;
        let layout = Self {
            keys: KeyTables::read(data, message, found.tables, text)?,
            records: found.records,
            first_record: found.first_record as u32,
            end: message.end() as u32,
        };
        if found.any_tags && text == Text::Refuse {
            layout.check_tags(data)?;
        }
        Ok(layout)
    }

    #[cold]
    fn check_tags(&self, data: &[u8]) -> Result<(), DecodeError> {
        for (raw, record) in RawRecords::new(data, self).zip(0..) {
            let bytes = &data[raw.tagged()];
            let mut tags = Tags::of(bytes);
            while let Some(tag) = tags.next_raw() {
                for range in [Some(tag.key), tag.value].into_iter().flatten() {
                    if let Err(error) = std::str::from_utf8(&bytes[range.clone()]) {
                        let offset = raw.tagged().start + range.start + error.valid_up_to();
                        return Err(DecodeErrorKind::NotUtf8(TextField::Tag(record)).at(offset));
                    }
                }
            }
        }
        Ok(())
    }
}

impl<'a> Survey<'a> {
    /// Of the protobuf that stands in `data`.
    pub(crate) fn new(data: &'a [u8], protobuf: Range<usize>) -> Self {
        let message = Cursor::new(data, protobuf.start, protobuf.end);
        let found = Found { first_record: message.end(), ..Found::default() };
        Self { message, rest: message, fault: None, found }
    }

    /// Goes on to the first field that begins at `until` or behind it, and says where it stands:
    /// beyond everything if there is nothing more to do.
    pub(crate) fn advance(&mut self, until: usize) -> usize {
        if self.fault.is_none() && self.rest.position() < until {
            // By value: what has an address would be kept in memory.
            match self.found.go_on(self.rest, until.min(self.message.end())) {
                Ok((found, rest)) => (self.found, self.rest) = (found, rest),
                Err(fault) => self.fault = Some(fault),
            }
        }
        if self.fault.is_some() { usize::MAX } else { self.rest.position() }
    }
}

impl Found {
    fn go_on(
        mut self,
        mut message: Cursor<'_>,
        until: usize,
    ) -> Result<(Self, Cursor<'_>), DecodeError> {
        while message.position() < until {
            let at = message.position();
            if let Some(raw) = RawRecord::straight(&mut message) {
                self.add_record(raw, at);
                continue;
            }
            if let Some((table, entry)) = short_entry(&mut message) {
                self.tables.add(table, entry, at);
                continue;
            }
            match message.tag(&mut self.overlong)? {
                RECORDS => {
                    let body = message.length_delimited(&mut self.overlong)?;
                    let raw = RawRecord::read(body, self.records, &mut self.overlong)?;
                    self.add_record(raw, at);
                }
                tag @ (PARTITION_KEY_TABLE | EXPLICIT_HASH_KEY_TABLE) => {
                    let entry = message.length_delimited(&mut self.overlong)?;
                    self.tables.add(tag, entry, at);
                }
                other => message.skip(other, at, 0, &mut self.overlong)?,
            }
        }
        Ok((self, message))
    }

    #[inline]
    fn add_record(&mut self, raw: RawRecord, at: usize) {
        if self.records == 0 {
            self.first_record = at;
        }
        self.records += 1;
        self.partition_keys_needed = self.partition_keys_needed.max(raw.partition_key + 1);
        let explicit = raw.explicit_hash_key().map_or(0, |index| index + 1);
        self.explicit_hash_keys_needed = self.explicit_hash_keys_needed.max(explicit);
        self.any_tags |= !raw.tagged().is_empty();
    }

    /// Tables may follow the records they serve, so indices are compared once all is seen.
    fn check_indices(&self, mut message: Cursor<'_>) -> Result<(), DecodeError> {
        let (partition_keys, explicit_hash_keys) =
            (u64::from(self.tables.partition_keys), u64::from(self.tables.explicit_hash_keys));
        if self.partition_keys_needed <= self.tables.partition_keys
            && self.explicit_hash_keys_needed <= self.tables.explicit_hash_keys
        {
            return Ok(());
        }
        let mut record = 0;
        while !message.at_end() {
            let at = message.position();
            let tag = message.tag(&mut None)?;
            if tag != RECORDS {
                message.skip(tag, at, 0, &mut None)?;
                continue;
            }
            let raw = WideRecord::read(message.length_delimited(&mut None)?, record, &mut None)?;
            if raw.partition_key_index >= partition_keys {
                let (index, entries) = (raw.partition_key_index, self.tables.partition_keys);
                return Err(DecodeErrorKind::PartitionKeyIndex { record, index, entries }.at(at));
            }
            if let Some(index) = raw.explicit_hash_key_index
                && index >= explicit_hash_keys
            {
                let entries = self.tables.explicit_hash_keys;
                return Err(DecodeErrorKind::ExplicitHashKeyIndex { record, index, entries }.at(at));
            }
            record += 1;
        }
        Ok(())
    }
}

/// The second pass: the records of a validated message.
#[derive(Clone)]
pub(crate) struct RawRecords<'a> {
    message: Cursor<'a>,
    left: u32,
}

impl<'a> RawRecords<'a> {
    /// `data` must be what `layout` was read from.
    pub(crate) fn new(data: &'a [u8], layout: &Layout) -> Self {
        let message = Cursor::new(data, layout.first_record as usize, layout.end as usize);
        Self { message, left: layout.records }
    }

    pub(crate) fn left(&self) -> usize {
        self.left as usize
    }

    /// Reads the next record, of whatever shape. By value: a cursor whose address is taken would
    /// be kept in memory for the straight path, too.
    #[cold]
    fn read(mut message: Cursor<'a>) -> Result<(RawRecord, Cursor<'a>), DecodeError> {
        loop {
            if let Some(raw) = RawRecord::straight(&mut message) {
                return Ok((raw, message));
            }
            let at = message.position();
            match message.tag(&mut None)? {
                RECORDS => {
                    let body = message.length_delimited(&mut None)?;
                    return Ok((RawRecord::read(body, 0, &mut None)?, message));
                }
                other => message.skip(other, at, 0, &mut None)?,
            }
        }
    }
}

impl Iterator for RawRecords<'_> {
    type Item = RawRecord;

    #[inline(always)]
    fn next(&mut self) -> Option<RawRecord> {
        self.left = self.left.checked_sub(1)?;
        let mut message = self.message;
        let raw = match RawRecord::straight(&mut message) {
            Some(raw) => raw,
            None => {
                // INVARIANT: the first pass has read the same bytes with the same code and has
                // found as many records.
                let (raw, after) = Self::read(message).expect("records were validated");
                message = after;
                raw
            }
        };
        self.message = message;
        Some(raw)
    }
}

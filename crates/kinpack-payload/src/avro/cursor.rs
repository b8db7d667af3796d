//! Reads the bytes of a datum, and counts what they would take in memory.

use super::plan::{Id, Node, Plan, Step, Text};
use super::{AvroError, DatumErrorKind, MAX_DEPTH};

/// What a value is taken to need in memory, besides its text. A record's fields take their names.
pub(super) const VALUE_SIZE: usize = 64;

pub(super) struct Cursor<'a> {
    data: &'a [u8],
    at: usize,
    /// What may still be taken of `limit`.
    pub(super) budget: usize,
    limit: usize,
    pub(super) depth: usize,
}

type Result<T> = std::result::Result<T, AvroError>;

impl<'a> Cursor<'a> {
    pub(super) fn new(data: &'a [u8], limit: usize) -> Self {
        Cursor { data, at: 0, budget: limit, limit, depth: 0 }
    }

    /// Over other data (a field's default), but under the same limits.
    pub(super) fn on<'b>(&self, data: &'b [u8]) -> Cursor<'b> {
        Cursor { data, at: 0, budget: self.budget, limit: self.limit, depth: self.depth }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn remaining(&self) -> usize {
        self.data.len() - self.at
    }

    pub(super) fn fail<T>(&self, kind: DatumErrorKind) -> Result<T> {
        Err(AvroError::Datum { kind, offset: self.at })
    }

    /// The end of the datum, where the data must end too.
    pub(super) fn finish(&self) -> Result<()> {
        if self.remaining() == 0 { Ok(()) } else { self.fail(DatumErrorKind::TrailingBytes) }
    }

    #[inline]
    pub(super) fn charge(&mut self, bytes: usize) -> Result<()> {
        match self.budget.checked_sub(bytes) {
            Some(rest) => {
                self.budget = rest;
                Ok(())
            }
            None => self.fail(DatumErrorKind::Limit { limit: self.limit }),
        }
    }

    /// Into a record, an array or a map.
    #[inline]
    pub(super) fn enter(&mut self) -> Result<()> {
        if self.depth >= MAX_DEPTH {
            return self.fail(DatumErrorKind::TooDeep);
        }
        self.depth += 1;
        Ok(())
    }

    #[inline]
    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    #[inline]
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let Some(bytes) = self.data[self.at..].get(..len) else {
            return self.fail(DatumErrorKind::Truncated);
        };
        self.at += len;
        Ok(bytes)
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let Some(bytes) = self.data[self.at..].first_chunk() else {
            return self.fail(DatumErrorKind::Truncated);
        };
        self.at += N;
        Ok(*bytes)
    }

    #[inline]
    pub(super) fn long(&mut self) -> Result<i64> {
        // Most lengths, indexes and counts take one byte.
        match self.data.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                Ok(i64::from(byte >> 1) ^ -i64::from(byte & 1))
            }
            _ => self.long_of_many(),
        }
    }

    fn long_of_many(&mut self) -> Result<i64> {
        let mut value = 0u64;
        for (position, &byte) in self.data[self.at..].iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * position);
            if byte < 0x80 {
                // The tenth byte holds one bit.
                if position == 9 && byte > 1 {
                    break;
                }
                self.at += position + 1;
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        if self.remaining() < 10 {
            self.fail(DatumErrorKind::Truncated)
        } else {
            self.fail(DatumErrorKind::Number)
        }
    }

    #[inline]
    pub(super) fn int(&mut self) -> Result<i32> {
        let start = self.at;
        let long = self.long()?;
        i32::try_from(long)
            .map_err(|_| AvroError::Datum { kind: DatumErrorKind::Number, offset: start })
    }

    pub(super) fn boolean(&mut self) -> Result<bool> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => {
                self.at -= 1;
                self.fail(DatumErrorKind::Boolean(other))
            }
        }
    }

    /// A length and as many bytes.
    #[inline]
    pub(super) fn bytes(&mut self) -> Result<&'a [u8]> {
        let start = self.at;
        let length = self.long()?;
        let Ok(len) = usize::try_from(length) else {
            self.at = start;
            return self.fail(DatumErrorKind::Length(length));
        };
        let bytes = self.take(len)?;
        self.charge(len)?;
        Ok(bytes)
    }

    #[inline]
    pub(super) fn text(&mut self) -> Result<&'a str> {
        let bytes = self.bytes()?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text),
            Err(error) => Err(AvroError::Datum {
                kind: DatumErrorKind::NotUtf8,
                offset: self.at - bytes.len() + error.valid_up_to(),
            }),
        }
    }

    /// An index below `count`.
    #[inline]
    pub(super) fn index(&mut self, count: usize) -> Result<usize> {
        let start = self.at;
        let index = self.long()?;
        match usize::try_from(index) {
            Ok(at) if at < count => Ok(at),
            _ => Err(AvroError::Datum { kind: DatumErrorKind::Index(index), offset: start }),
        }
    }

    /// The count of the next block of an array or a map; 0 at its end.
    #[inline]
    pub(super) fn block(&mut self) -> Result<u64> {
        let count = self.long()?;
        if count < 0 {
            // The size of the block, for those who skip it.
            let size = self.long()?;
            if size < 0 {
                return self.fail(DatumErrorKind::Length(size));
            }
        }
        Ok(count.unsigned_abs())
    }

    /// Down to what is no union, over the indexes of those on the way.
    #[inline]
    pub(super) fn settle<'p>(&mut self, plan: &'p Plan, mut id: Id) -> Result<(Id, &'p Node)> {
        loop {
            match plan.node(id) {
                Node::Union(branches) => id = branches[self.index(branches.len())?],
                Node::Branch(_, branch) => {
                    self.charge(VALUE_SIZE)?;
                    id = *branch;
                }
                Node::Mismatch(why) => {
                    return self.fail(DatumErrorKind::Unresolvable(why.to_string()));
                }
                node => return Ok((id, node)),
            }
        }
    }

    /// The reader's symbol of the enum that stands here.
    pub(super) fn symbol(&mut self, symbols: &super::plan::Enum) -> Result<u32> {
        let at = self.index(symbols.from.len())?;
        match symbols.from[at] {
            Some(symbol) => Ok(symbol),
            None => {
                let why = format!("a symbol that the reader's enum {} lacks", symbols.full_name);
                self.fail(DatumErrorKind::Unresolvable(why))
            }
        }
    }

    /// Over a value, which is checked as if it were read (but for logical types).
    pub(super) fn skip(&mut self, plan: &Plan, id: Id) -> Result<()> {
        self.charge(VALUE_SIZE)?;
        match self.settle(plan, id)?.1 {
            Node::Null | Node::Union(_) | Node::Branch(..) | Node::Mismatch(_) => {}
            Node::Boolean => {
                self.boolean()?;
            }
            Node::Int(_) => {
                self.int()?;
            }
            Node::Long(_) => {
                self.long()?;
            }
            Node::Float { .. } => {
                self.take(4)?;
            }
            Node::Double => {
                self.take(8)?;
            }
            Node::Text(Text::String) => {
                self.text()?;
            }
            Node::Text(_) => {
                self.bytes()?;
            }
            Node::Fixed(size, _) => {
                self.take(*size)?;
            }
            Node::Enum(symbols) => {
                self.index(symbols.from.len())?;
            }
            Node::Array(items) => {
                self.enter()?;
                loop {
                    let count = self.block()?;
                    if count == 0 {
                        break;
                    }
                    for _ in 0..count {
                        self.skip(plan, *items)?;
                    }
                }
                self.leave();
            }
            Node::Map(values) => {
                self.enter()?;
                loop {
                    let count = self.block()?;
                    if count == 0 {
                        break;
                    }
                    for _ in 0..count {
                        self.text()?;
                        self.skip(plan, *values)?;
                    }
                }
                self.leave();
            }
            Node::Record(record) => {
                self.enter()?;
                self.charge(record.cost)?;
                for step in &record.steps {
                    let (Step::Read(_, node) | Step::Skip(node)) = step;
                    self.skip(plan, *node)?;
                }
                self.leave();
            }
        }
        Ok(())
    }
}

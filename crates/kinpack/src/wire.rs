//! One bounds-checked cursor over protobuf, with protobuf-java's rules: what it accepts is
//! accepted here with the same meaning, what it refuses is refused.

use crate::error::{DecodeError, DecodeErrorKind};

/// Levels of groups and messages that protobuf-java reads.
const MAX_DEPTH: usize = 100;

/// Reads forward through `bytes`; positions are counted from the start of the Kinesis record's
/// data, so that every error can say where it stands.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

/// A field's number and wire type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct FieldTag(u32);

impl FieldTag {
    pub(crate) const fn new(number: u32, wire: u32) -> Self {
        Self(number << 3 | wire)
    }

    fn number(self) -> u32 {
        self.0 >> 3
    }

    fn wire(self) -> u8 {
        (self.0 & 7) as u8
    }
}

pub(crate) const VARINT: u32 = 0;
const FIXED64: u32 = 1;
pub(crate) const LENGTH_DELIMITED: u32 = 2;
const START_GROUP: u32 = 3;
const END_GROUP: u32 = 4;
const FIXED32: u32 = 5;

/// The first tag or length above 32 bits that was met, with its offset.
///
/// protobuf-java cuts such numbers and reads on, so the walk does the same: if the rest does not
/// parse the record is plain to the KCL; if it does, the KCL has read something that was not
/// written, and that is the fault that is reported.
pub(crate) type Overlong = Option<DecodeError>;

impl<'a> Cursor<'a> {
    /// Walks `bytes[start..end]`.
    pub(crate) fn new(bytes: &'a [u8], start: usize, end: usize) -> Self {
        Self { bytes: &bytes[..end], position: start }
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    pub(crate) fn end(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    pub(crate) fn at_end(&self) -> bool {
        self.position >= self.bytes.len()
    }

    /// What is left.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.position..]
    }

    /// Steps over `n` bytes that [`rest`](Self::rest) has shown to be there.
    #[inline]
    pub(crate) fn advance(&mut self, n: usize) {
        self.position += n;
    }

    /// Steps over a field whose tag and length take `head` bytes, which [`rest`](Self::rest) has
    /// shown, and gives its `len` bytes; `None`, and nothing read, if they are not there.
    #[inline]
    pub(crate) fn field(&mut self, head: usize, len: usize) -> Option<Cursor<'a>> {
        let start = self.position + head;
        let bytes = self.bytes.get(..start + len)?;
        self.position = start + len;
        Some(Cursor { bytes, position: start })
    }

    /// Ten bytes at most; bits beyond the 64th are dropped.
    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, DecodeError> {
        match self.bytes.get(self.position) {
            Some(&byte) if byte < 0x80 => {
                self.position += 1;
                Ok(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, DecodeError> {
        let start = self.position;
        let mut value = 0;
        for (i, &byte) in self.rest().iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7F) << (7 * i);
            if byte < 0x80 {
                self.position += i + 1;
                return Ok(value);
            }
        }
        let kind = if self.bytes.len() - start < 10 {
            DecodeErrorKind::Truncated
        } else {
            DecodeErrorKind::VarintTooLong
        };
        Err(kind.at(start))
    }

    /// A varint that protobuf-java cuts to 32 bits.
    #[inline]
    fn varint32(&mut self, overlong: &mut Overlong) -> Result<u32, DecodeError> {
        let start = self.position;
        let value = self.varint()?;
        if value > u64::from(u32::MAX) && overlong.is_none() {
            *overlong = Some(DecodeErrorKind::NumberTooLarge(value).at(start));
        }
        Ok(value as u32)
    }

    #[inline]
    pub(crate) fn tag(&mut self, overlong: &mut Overlong) -> Result<FieldTag, DecodeError> {
        let start = self.position;
        let tag = FieldTag(self.varint32(overlong)?);
        if tag.number() == 0 {
            return Err(DecodeErrorKind::FieldNumberZero.at(start));
        }
        Ok(tag)
    }

    /// A length, and a cursor over as many bytes.
    #[inline]
    pub(crate) fn length_delimited(
        &mut self,
        overlong: &mut Overlong,
    ) -> Result<Cursor<'a>, DecodeError> {
        let start = self.position;
        let length = self.varint32(overlong)? as usize;
        if length > self.bytes.len() - self.position {
            return Err(DecodeErrorKind::Truncated.at(start));
        }
        let inner =
            Cursor { bytes: &self.bytes[..self.position + length], position: self.position };
        self.position += length;
        Ok(inner)
    }

    fn skip_bytes(&mut self, n: usize) -> Result<(), DecodeError> {
        if n > self.bytes.len() - self.position {
            return Err(DecodeErrorKind::Truncated.at(self.position));
        }
        self.position += n;
        Ok(())
    }

    /// Steps over an unknown field, whose tag stood at `start`, inside `depth` messages.
    pub(crate) fn skip(
        &mut self,
        tag: FieldTag,
        start: usize,
        depth: usize,
        overlong: &mut Overlong,
    ) -> Result<(), DecodeError> {
        // The numbers of the groups that are open.
        let mut groups = [0_u32; MAX_DEPTH];
        let mut open = 0;
        let (mut tag, mut start) = (tag, start);
        loop {
            match u32::from(tag.wire()) {
                VARINT => {
                    self.varint()?;
                }
                FIXED64 => self.skip_bytes(8)?,
                LENGTH_DELIMITED => {
                    self.length_delimited(overlong)?;
                }
                START_GROUP => {
                    if depth + open >= MAX_DEPTH {
                        return Err(DecodeErrorKind::TooDeep.at(start));
                    }
                    groups[open] = tag.number();
                    open += 1;
                }
                END_GROUP => {
                    if open == 0 || groups[open - 1] != tag.number() {
                        return Err(DecodeErrorKind::EndGroup.at(start));
                    }
                    open -= 1;
                }
                FIXED32 => self.skip_bytes(4)?,
                _ => return Err(DecodeErrorKind::WireType(tag.wire()).at(start)),
            }
            if open == 0 {
                return Ok(());
            }
            if self.at_end() {
                return Err(DecodeErrorKind::Truncated.at(self.position));
            }
            start = self.position;
            tag = self.tag(overlong)?;
        }
    }
}

/// Bytes that a varint takes.
#[inline]
pub(crate) fn varint_len(value: u64) -> usize {
    // 1 + floor(log2(value) / 7), the division as a multiplication
    ((70 - (value | 1).leading_zeros() as usize) * 37) >> 8
}

/// Appends a minimal varint.
#[inline]
pub(crate) fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::{push_varint, varint_len};

    #[test]
    fn a_varint_is_as_long_as_was_said() {
        for shift in 0..64 {
            for value in [(1_u64 << shift) - 1, 1 << shift, (1 << shift) + 1] {
                let mut bytes = Vec::new();
                push_varint(&mut bytes, value);
                assert_eq!(bytes.len(), varint_len(value), "{value}");
            }
        }
        assert_eq!(varint_len(u64::MAX), 10);
    }
}

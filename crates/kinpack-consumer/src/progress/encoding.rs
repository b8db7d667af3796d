//! Progress as bytes, version 1. Numbers are LEB128 varints of up to 64 bits.
//!
//! ```text
//! progress  = 01, count of records, record…      in ascending order of sequence number
//! record    = length, shared, rest of the packed sequence number (length − shared bytes; `shared`
//!             bytes are those of the record before), stamp − stamp before (zigzag), positions (done),
//!             positions (dead), count of attempts, (member − member before, attempts)…
//! positions = 2 × count of ranges, (gap, length − 1)…
//!           | 2 × bytes + 1, bitmap              where that is shorter
//! ```

use std::collections::BTreeMap;
use std::fmt;

use super::{Number, Progress, RecordProgress};
use crate::positions::Positions;
use crate::sequence_number;

const VERSION: u8 = 1;

/// Bytes that are no [`Progress`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProgressError {
    /// Written by a version that is not known here.
    Version(u8),
    /// Not what [`Progress::encode`] writes.
    Malformed {
        /// Bytes from the start.
        offset: usize,
    },
}

impl fmt::Display for ProgressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => {
                write!(f, "progress of version {version}, where {VERSION} is known")
            }
            Self::Malformed { offset } => write!(f, "malformed progress (byte {offset})"),
        }
    }
}

impl std::error::Error for ProgressError {}

impl Progress {
    /// The progress as bytes, to be kept in a store. They say which version they are.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        varint(&mut out, self.records.len() as u64);
        let mut before: &[u8] = &[];
        let mut stamp = 0;
        for (Number(number), record) in &self.records {
            let shared = number.iter().zip(before).take_while(|(a, b)| a == b).count();
            varint(&mut out, number.len() as u64);
            varint(&mut out, shared as u64);
            out.extend_from_slice(&number[shared..]);
            record.encode(stamp, &mut out);
            (before, stamp) = (number, record.stamp);
        }
        out
    }

    /// Reads what [`encode`](Self::encode) wrote. Takes memory of up to 70 times the bytes.
    ///
    /// # Errors
    ///
    /// The bytes are of a later version, or damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProgressError> {
        let mut input = Input { bytes, at: 0 };
        match input.byte() {
            Some(VERSION) => (),
            Some(other) => return Err(ProgressError::Version(other)),
            None => return Err(input.malformed()),
        }
        input.progress().ok_or(input.malformed())
    }
}

impl RecordProgress {
    fn encode(&self, stamp_before: u64, out: &mut Vec<u8>) {
        let step = self.stamp.wrapping_sub(stamp_before) as i64;
        varint(out, ((step << 1) ^ (step >> 63)) as u64);
        positions(out, &self.done);
        positions(out, &self.dead);
        varint(out, self.attempts.len() as u64);
        let mut before = 0;
        for (&member, &attempts) in &self.attempts {
            varint(out, member.wrapping_sub(before));
            varint(out, attempts.into());
            before = member;
        }
    }

    /// What leaving the record out saves for certain: all but its sequence number and its stamp, as
    /// the next one may have shared what it did not.
    pub(super) fn encoded_len_at_least(&self) -> usize {
        let mut out = Vec::new();
        self.encode(self.stamp, &mut out);
        out.len() + 1
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7F {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn positions(out: &mut Vec<u8>, positions: &Positions) {
    let ranges = positions.ranges();
    let mut gaps = Vec::new();
    let mut end = 0;
    for range in ranges {
        varint(&mut gaps, u64::from(range.start - end));
        varint(&mut gaps, u64::from(range.end - range.start - 1));
        end = range.end;
    }
    let bitmap_len = end.div_ceil(8) as usize;
    if gaps.len() <= bitmap_len || ranges.is_empty() {
        varint(out, ranges.len() as u64 * 2);
        out.append(&mut gaps);
        return;
    }
    varint(out, bitmap_len as u64 * 2 + 1);
    let start = out.len();
    out.resize(start + bitmap_len, 0);
    for position in ranges.iter().cloned().flatten() {
        out[start + position as usize / 8] |= 1 << (position % 8);
    }
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn malformed(&self) -> ProgressError {
        ProgressError::Malformed { offset: self.at.min(self.bytes.len()) }
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..)?.get(..len)?;
        self.at += len;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte > 1 {
                return None;
            }
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn len(&mut self) -> Option<usize> {
        self.varint()?.try_into().ok()
    }

    fn progress(&mut self) -> Option<Progress> {
        let mut records: BTreeMap<Number, RecordProgress> = BTreeMap::new();
        let mut before = Vec::new();
        let mut stamp = 0;
        for _ in 0..self.varint()? {
            let (len, shared) = (self.len()?, self.len()?);
            let mut number: Vec<u8> = before.get(..shared)?.to_vec();
            number.extend_from_slice(self.take(len.checked_sub(shared)?)?);
            sequence_number::unpack(&number)?;
            let key = Number(number.clone());
            if records.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return None;
            }
            let record = self.record(stamp)?;
            (before, stamp) = (number, record.stamp);
            records.insert(key, record);
        }
        (self.at == self.bytes.len()).then_some(Progress { records })
    }

    fn record(&mut self, stamp_before: u64) -> Option<RecordProgress> {
        let step = self.varint()?;
        let step = (step >> 1) ^ (step & 1).wrapping_neg();
        let mut record = RecordProgress {
            stamp: stamp_before.wrapping_add(step),
            done: self.positions()?,
            dead: self.positions()?,
            attempts: BTreeMap::new(),
        };
        let mut member = 0u64;
        for at in 0..self.varint()? {
            let step = self.varint()?;
            if at > 0 && step == 0 {
                return None;
            }
            member = member.checked_add(step)?;
            record.attempts.insert(member, self.varint()?.try_into().ok()?);
        }
        Some(record)
    }

    fn positions(&mut self) -> Option<Positions> {
        let head = self.varint()?;
        let mut positions = Positions::default();
        if head % 2 == 1 {
            let bitmap = self.take((head / 2).try_into().ok()?)?;
            let last = u32::try_from(bitmap.len()).ok()?.checked_mul(8)?;
            for position in 0..last {
                if bitmap[position as usize / 8] >> (position % 8) & 1 == 1 {
                    positions.push(position);
                }
            }
            return Some(positions);
        }
        let mut end = 0u32;
        for _ in 0..head / 2 {
            let start = end.checked_add(self.varint()?.try_into().ok()?)?;
            end = start.checked_add(self.varint()?.try_into().ok()?)?.checked_add(1)?;
            positions.push_range(start..end);
        }
        Some(positions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Progress {
        let mut progress = Progress::default();
        for (at, number) in ["9", "49590338271490256608559692538", "49590338271490256608559692540"]
            .iter()
            .enumerate()
        {
            let stamp = [1_700_000_000, 0, u64::MAX][at];
            let mut record = RecordProgress { stamp, ..Default::default() };
            (0..1000).filter(|n| n % (at as u32 + 2) == 0).for_each(|n| record.done.push(n));
            record.dead.push_range(3..70_000);
            record.attempts.extend([(0, 1), (5, 3), (u64::MAX, u32::MAX)]);
            progress.records.insert(Number::new(number), record);
        }
        progress
    }

    #[test]
    fn what_was_written_is_read() {
        let progress = sample();
        assert_eq!(Progress::decode(&progress.encode()), Ok(progress));
    }

    #[test]
    fn a_finished_plain_record_takes_some_twenty_bytes() {
        let mut progress = Progress::default();
        for n in 0..1000u64 {
            // As Kinesis numbers them: 56 digits, the upper ones shared, no pattern in the rest.
            let low = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let digits =
                format!("495903382714902566{n:05}{low:020}{:013}", low % 9_999_999_999_999);
            let mut record = RecordProgress { stamp: 1_700_000_000, ..Default::default() };
            record.done.push(0);
            progress.records.insert(Number::new(&digits), record);
        }
        let per_record = progress.encode().len() / 1000;
        assert!((18..32).contains(&per_record), "{per_record}");
    }

    #[test]
    fn damage_is_an_error_and_never_more() {
        let bytes = sample().encode();
        for end in 0..bytes.len() {
            let error = Progress::decode(&bytes[..end]).unwrap_err();
            assert!(matches!(error, ProgressError::Malformed { offset } if offset <= end));
        }
        for at in 0..bytes.len() {
            for flip in [1, 0x80, 0xFF] {
                let mut damaged = bytes.clone();
                damaged[at] ^= flip;
                if let Ok(read) = Progress::decode(&damaged) {
                    assert_eq!(Progress::decode(&read.encode()), Ok(read), "{at} {flip}");
                }
            }
        }
        assert_eq!(Progress::decode(&[2]), Err(ProgressError::Version(2)));
        // Counts of what is not there take no memory.
        assert!(Progress::decode(&[1, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]).is_err());
    }
}

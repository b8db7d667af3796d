//! Aggregated records: what is wrong with them, or the user records they hold.

use std::iter::FusedIterator;

use crate::digest::Digest;
use crate::error::{DecodeError, DecodeErrorKind};
use crate::frame;
use crate::hash_key::{HashKey, HashKeyRange, ParseHashKeyError};
use crate::layout::{Layout, RawRecords, Survey};
use crate::message::{RawRecord, Tags};
use crate::record::UserRecord;
use crate::tables::{Keys, Text};

/// An aggregated record that was found right: walking its user records cannot fail.
///
/// # Examples
///
/// ```
/// use kinpack::{AggregatedRecord, Aggregator, Digest};
///
/// let mut aggregator = Aggregator::default();
/// aggregator.try_push("device-1", None, b"21.5").unwrap();
/// aggregator.try_push("device-2", None, b"19.0").unwrap();
/// let packed = aggregator.finish().unwrap();
///
/// let aggregate = AggregatedRecord::parse(&packed.data, Digest::Verify)?;
/// let keys: Vec<_> = aggregate.records().map(|record| record.partition_key.unwrap()).collect();
/// assert_eq!(keys, ["device-1", "device-2"]);
/// # Ok::<(), kinpack::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct AggregatedRecord<'a> {
    data: &'a [u8],
    layout: Layout,
}

impl<'a> AggregatedRecord<'a> {
    /// Validates the data of a Kinesis record as an aggregate: envelope, structure, key indices,
    /// text. Says what is wrong; what to do about it is [`deaggregate`](crate::deaggregate)'s
    /// matter, or the caller's.
    ///
    /// The key tables are copied, at most 6 times the size of the data; nothing else is allocated.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong: the envelope before the structure, the structure before
    /// the indices, these before keys and tags that are not UTF-8.
    pub fn parse(data: &'a [u8], digest: Digest) -> Result<Self, DecodeError> {
        Self::parse_with(data, digest, Text::Refuse)
    }

    pub(crate) fn parse_with(
        data: &'a [u8],
        digest: Digest,
        text: Text,
    ) -> Result<Self, DecodeError> {
        let mut survey = Survey::new(data, frame::open(data)?);
        if digest == Digest::Verify && !frame::verify_with(data, |until| survey.advance(until)) {
            return Err(frame::digest_mismatch(data));
        }
        Self::read(data, survey, text)
    }

    /// [`parse`](Self::parse) for many records: their digests are computed side by side in the
    /// processor's SIMD lanes, a megabyte or more at a time, several times as fast from some four
    /// aggregates on. The rest is validated when a record's turn comes.
    ///
    /// # Errors
    ///
    /// Each record has its own result, in the order of the records.
    ///
    /// ```
    /// use kinpack::{AggregatedRecord, DecodeErrorKind, Digest, MAGIC};
    ///
    /// let records: [&[u8]; 2] = [b"plain", &MAGIC];
    /// let parsed = AggregatedRecord::parse_many(&records, Digest::Verify);
    /// let kinds: Vec<_> = parsed.map(|it| it.unwrap_err().kind).collect();
    /// assert_eq!(kinds, [DecodeErrorKind::NoMagic, DecodeErrorKind::TooShort]);
    /// ```
    pub fn parse_many(
        records: &[&'a [u8]],
        digest: Digest,
    ) -> impl ExactSizeIterator<Item = Result<Self, DecodeError>> {
        ParsedMany::new(records, digest, Text::Refuse).map(|(_, parsed)| parsed)
    }

    fn read(data: &'a [u8], survey: Survey<'_>, text: Text) -> Result<Self, DecodeError> {
        Ok(Self { data, layout: Layout::read(data, survey, text)? })
    }

    #[cfg(feature = "bytes")]
    pub(crate) fn into_layout(self) -> Layout {
        self.layout
    }

    /// User records inside. May be none: the KCL, too, takes an aggregate without records for one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.layout.records as usize
    }

    /// Whether the aggregate holds no user record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.layout.records == 0
    }

    /// The data this was parsed from, envelope included.
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The partition key table, unused entries included.
    ///
    /// ```
    /// # use kinpack::{AggregatedRecord, Aggregator, Digest, HashKey};
    /// let mut aggregator = Aggregator::default();
    /// for (key, hash_key) in [("a", None), ("b", Some(HashKey(7))), ("a", None)] {
    ///     let _ = aggregator.try_push(key, hash_key, b"data").unwrap();
    /// }
    /// let packed = aggregator.finish().unwrap();
    /// let aggregate = AggregatedRecord::parse(&packed.data, Digest::Verify)?;
    /// assert!(aggregate.partition_keys().eq(["a", "b"]));
    /// assert!(aggregate.explicit_hash_keys().eq(["7"]));
    /// # Ok::<(), kinpack::DecodeError>(())
    /// ```
    pub fn partition_keys(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.layout.keys.partition_keys())
            .map(|entry| self.layout.keys.partition_key(entry as u32))
    }

    /// The explicit hash key table, unused entries included.
    pub fn explicit_hash_keys(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.layout.keys.explicit_hash_keys())
            .map(|entry| self.layout.keys.explicit_hash_key(entry as u32))
    }

    /// The user records, in order.
    #[must_use]
    pub fn records(&self) -> UserRecords<'_> {
        UserRecords {
            data: self.data,
            raw: RawRecords::new(self.data, &self.layout),
            keys: self.layout.keys.keys(),
            records: self.layout.records,
        }
    }

    /// The KCL's rule for a shard's range: `false` if a single user record's hash key lies
    /// outside, and then the KCL drops *all* user records of the aggregate.
    ///
    /// # Errors
    ///
    /// An explicit hash key is no number: ASCII digits with an optional `+`.
    ///
    /// ```
    /// use kinpack::{AggregatedRecord, Aggregator, Digest, HashKey, HashKeyRange};
    ///
    /// let mut aggregator = Aggregator::default();
    /// aggregator.try_push("a", Some(HashKey(10)), b"1").unwrap();
    /// aggregator.try_push("a", Some(HashKey(20)), b"2").unwrap();
    /// let packed = aggregator.finish().unwrap();
    /// let aggregate = AggregatedRecord::parse(&packed.data, Digest::Verify)?;
    ///
    /// let range = HashKeyRange::new(HashKey(0), HashKey(15)).unwrap();
    /// assert!(!aggregate.all_within(range)?);
    /// let inside: Vec<_> = aggregate.records_within(range)?.map(|record| record.data).collect();
    /// assert_eq!(inside, [b"1"]);
    /// # Ok::<(), kinpack::DecodeError>(())
    /// ```
    pub fn all_within(&self, range: HashKeyRange) -> Result<bool, DecodeError> {
        let verdicts = Verdicts::of(self, range)?;
        Ok(RawRecords::new(self.data, &self.layout).all(|raw| verdicts.inside(&raw)))
    }

    /// The user records whose own hash key lies in `range`; they keep their sub-sequence numbers.
    ///
    /// # Errors
    ///
    /// As [`all_within`](Self::all_within).
    pub fn records_within(
        &self,
        range: HashKeyRange,
    ) -> Result<impl Iterator<Item = UserRecord<'_>>, DecodeError> {
        let verdicts = Verdicts::of(self, range)?;
        let raw = RawRecords::new(self.data, &self.layout);
        Ok(raw.zip(self.records()).filter(move |(raw, _)| verdicts.inside(raw)).map(|pair| pair.1))
    }
}

impl<'s> IntoIterator for &'s AggregatedRecord<'_> {
    type Item = UserRecord<'s>;
    type IntoIter = UserRecords<'s>;

    fn into_iter(self) -> UserRecords<'s> {
        self.records()
    }
}

/// Records whose digests are computed together, group by group, with what each is.
#[derive(Clone, Debug)]
pub(crate) struct ParsedMany<'r, 'a> {
    records: std::slice::Iter<'r, &'a [u8]>,
    /// Of the records that come next; when it ends, so does the group.
    right: std::vec::IntoIter<bool>,
    digest: Digest,
    text: Text,
}

impl<'r, 'a> ParsedMany<'r, 'a> {
    pub(crate) fn new(records: &'r [&'a [u8]], digest: Digest, text: Text) -> Self {
        Self { records: records.iter(), right: Vec::new().into_iter(), digest, text }
    }

    /// Whether the digest of the next record is right; it must be there.
    #[inline]
    fn next_right(&mut self) -> bool {
        self.right.next().unwrap_or_else(|| self.next_group())
    }

    #[cold]
    fn next_group(&mut self) -> bool {
        self.right = frame::verify_group(self.records.as_slice(), self.digest).into_iter();
        self.right.next().unwrap_or_default()
    }

    /// The next record, if it has no magic: then there is nothing to parse.
    #[inline]
    pub(crate) fn next_plain(&mut self) -> Option<&'a [u8]> {
        let data = self.records.as_slice().first().filter(|data| !frame::has_magic(data))?;
        self.next_right();
        self.records.next();
        Some(data)
    }
}

impl<'a> Iterator for ParsedMany<'_, 'a> {
    type Item = (&'a [u8], Result<AggregatedRecord<'a>, DecodeError>);

    fn next(&mut self) -> Option<Self::Item> {
        let &data = self.records.as_slice().first()?;
        let right = self.next_right();
        self.records.next();
        let parsed = frame::open(data).and_then(|protobuf| match right {
            true => AggregatedRecord::read(data, Survey::new(data, protobuf), self.text),
            false => Err(frame::digest_mismatch(data)),
        });
        Some((data, parsed))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.records.size_hint()
    }
}

impl ExactSizeIterator for ParsedMany<'_, '_> {}

/// The user records of an [`AggregatedRecord`].
#[derive(Clone)]
pub struct UserRecords<'a> {
    data: &'a [u8],
    raw: RawRecords<'a>,
    keys: Keys<'a>,
    records: u32,
}

impl<'a> Iterator for UserRecords<'a> {
    type Item = UserRecord<'a>;

    // Always: the compiler finds it too large, but a cursor that stays in registers is half the walk.
    #[inline(always)]
    fn next(&mut self) -> Option<UserRecord<'a>> {
        let sub_sequence_number = u64::from(self.records) - self.raw.left() as u64;
        let raw = self.raw.next()?;
        Some(user_record(self.data, self.keys, raw, sub_sequence_number))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.raw.left(), Some(self.raw.left()))
    }
}

impl ExactSizeIterator for UserRecords<'_> {}
impl FusedIterator for UserRecords<'_> {}

impl std::fmt::Debug for UserRecords<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

#[inline(always)]
fn user_record<'a>(
    data: &'a [u8],
    keys: Keys<'a>,
    raw: RawRecord,
    sub_sequence_number: u64,
) -> UserRecord<'a> {
    UserRecord {
        partition_key: Some(keys.partition_key(raw.partition_key)),
        explicit_hash_key: raw.explicit_hash_key().map(|index| keys.explicit_hash_key(index)),
        data: &data[raw.data()],
        sub_sequence_number,
        aggregated: true,
        tags: if raw.tagged().is_empty() { Tags::NONE } else { Tags::of(&data[raw.tagged()]) },
    }
}

/// Which keys of the tables lie in a range; each key that is used is looked at once, however many
/// records point at it.
struct Verdicts {
    partition_keys: Vec<Verdict>,
    explicit_hash_keys: Vec<Verdict>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Unknown,
    Inside,
    Outside,
}

impl Verdicts {
    fn of(aggregate: &AggregatedRecord<'_>, range: HashKeyRange) -> Result<Self, DecodeError> {
        let layout = &aggregate.layout;
        let mut verdicts = Self {
            partition_keys: vec![Verdict::Unknown; layout.keys.partition_keys()],
            explicit_hash_keys: vec![Verdict::Unknown; layout.keys.explicit_hash_keys()],
        };
        for (raw, record) in RawRecords::new(aggregate.data, layout).zip(0..) {
            let verdict = verdicts.slot(&raw);
            if *verdict != Verdict::Unknown {
                continue;
            }
            let inside = match raw.explicit_hash_key() {
                None => {
                    let key = layout.keys.partition_key(raw.partition_key);
                    range.contains(HashKey::of_partition_key(key))
                }
                Some(index) => match layout.keys.explicit_hash_key(index).parse() {
                    Ok(key) => range.contains(key),
                    Err(ParseHashKeyError::TooLarge) => false,
                    Err(ParseHashKeyError::NotANumber) => {
                        let kind = DecodeErrorKind::ExplicitHashKeyNotANumber { record };
                        return Err(kind.at(raw.data().start));
                    }
                },
            };
            *verdict = if inside { Verdict::Inside } else { Verdict::Outside };
        }
        Ok(verdicts)
    }

    fn slot(&mut self, raw: &RawRecord) -> &mut Verdict {
        match raw.explicit_hash_key() {
            Some(index) => &mut self.explicit_hash_keys[index as usize],
            None => &mut self.partition_keys[raw.partition_key as usize],
        }
    }

    fn inside(&self, raw: &RawRecord) -> bool {
        let verdict = match raw.explicit_hash_key() {
            Some(index) => self.explicit_hash_keys[index as usize],
            None => self.partition_keys[raw.partition_key as usize],
        };
        verdict == Verdict::Inside
    }
}

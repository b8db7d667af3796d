//! What to do with a record that is no faultless aggregate: the KCL's way, or a strict one.

use crate::decode::{AggregatedRecord, ParsedMany, UserRecords};
use crate::digest::Digest;
use crate::error::{DecodeError, DecodeErrorKind};
use crate::record::UserRecord;
use crate::tables::Text;

/// What the data of a Kinesis record turned out to be.
#[derive(Clone, Debug)]
pub enum Contents<'a> {
    /// A plain record: its data as it came.
    Plain(&'a [u8]),
    /// An aggregate.
    Aggregated(AggregatedRecord<'a>),
}

impl<'a> Contents<'a> {
    /// The user records: those of the aggregate, or the plain record itself, which has the outer
    /// partition key. That one may be absent (streams with service-managed distribution).
    #[inline]
    pub fn records<'s>(&'s self, outer_partition_key: Option<&'s str>) -> ContentsRecords<'s> {
        ContentsRecords(match self {
            Self::Plain(data) => Inner::Plain(Some(UserRecord::plain(outer_partition_key, data))),
            Self::Aggregated(aggregate) => Inner::Aggregated(aggregate.records()),
        })
    }
}

/// The user records of a Kinesis record: [`Contents::records`].
#[derive(Clone, Debug)]
pub struct ContentsRecords<'a>(Inner<'a>);

#[derive(Clone, Debug)]
enum Inner<'a> {
    Plain(Option<UserRecord<'a>>),
    Aggregated(UserRecords<'a>),
}

impl<'a> Iterator for ContentsRecords<'a> {
    type Item = UserRecord<'a>;

    #[inline]
    fn next(&mut self) -> Option<UserRecord<'a>> {
        match &mut self.0 {
            Inner::Plain(record) => record.take(),
            Inner::Aggregated(records) => records.next(),
        }
    }

    // Asks once, not for each record, what it walks through.
    #[inline]
    fn fold<B, F: FnMut(B, Self::Item) -> B>(self, init: B, f: F) -> B {
        match self.0 {
            Inner::Plain(record) => record.into_iter().fold(init, f),
            Inner::Aggregated(records) => records.fold(init, f),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match &self.0 {
            Inner::Plain(record) => usize::from(record.is_some()),
            Inner::Aggregated(records) => records.len(),
        };
        (left, Some(left))
    }
}

impl ExactSizeIterator for ContentsRecords<'_> {}

/// Reads a Kinesis record's data as the KCL does: what has no magic, is too short, has a wrong
/// digest or broken protobuf is a plain record; keys that are not UTF-8 get U+FFFD where Java
/// places it.
///
/// # Errors
///
/// Where the KCL would lose user records or deliver something that was not written (a key index
/// outside its table; a tag or length of more than 32 bits), nothing is lost here: the error says
/// which record, and the caller still has the data.
///
/// ```
/// use kinpack::{Contents, Digest, deaggregate};
///
/// let contents = deaggregate(b"not an aggregate", Digest::Verify)?;
/// let record = contents.records(Some("outer key")).next().unwrap();
/// assert_eq!(record.data, b"not an aggregate");
/// assert_eq!(record.partition_key, Some("outer key"));
/// assert!(!record.aggregated);
/// # Ok::<(), kinpack::DecodeError>(())
/// ```
pub fn deaggregate(data: &[u8], digest: Digest) -> Result<Contents<'_>, DecodeError> {
    kcl(data, AggregatedRecord::parse_with(data, digest, Text::Replace))
}

/// [`deaggregate`] for many records: their digests are computed side by side in the processor's
/// SIMD lanes, a megabyte or more at a time, several times as fast from some four aggregates on.
/// Each aggregate is then taken apart when its turn comes.
///
/// # Errors
///
/// Each record has its own result, in the order of the records.
///
/// ```
/// use kinpack::{Digest, deaggregate_many};
///
/// let batch: [&[u8]; 2] = [b"one", b"two"];
/// for contents in deaggregate_many(&batch, Digest::Verify) {
///     assert_eq!(contents?.records(None).len(), 1);
/// }
/// # Ok::<(), kinpack::DecodeError>(())
/// ```
pub fn deaggregate_many<'r, 'a>(records: &'r [&'a [u8]], digest: Digest) -> ContentsOfMany<'r, 'a> {
    ContentsOfMany::new(records, digest, Text::Replace, kcl)
}

fn kcl<'a>(
    data: &'a [u8],
    parsed: Result<AggregatedRecord<'a>, DecodeError>,
) -> Result<Contents<'a>, DecodeError> {
    match parsed {
        Ok(aggregate) => Ok(Contents::Aggregated(aggregate)),
        Err(error) if error.kind.is_plain_to_kcl() => Ok(Contents::Plain(data)),
        Err(error) => Err(error),
    }
}

/// Reads a Kinesis record's data and takes nothing on trust: only what has no magic is a plain
/// record.
///
/// # Errors
///
/// All that is wrong with data that begins with the magic, keys that are not UTF-8 included.
///
/// ```
/// use kinpack::{DecodeErrorKind, Digest, MAGIC, deaggregate_strict};
///
/// let mut broken = MAGIC.to_vec();
/// broken.extend_from_slice(&[0; 20]);
/// let error = deaggregate_strict(&broken, Digest::Verify).unwrap_err();
/// assert_eq!(error.kind, DecodeErrorKind::DigestMismatch);
/// ```
pub fn deaggregate_strict(data: &[u8], digest: Digest) -> Result<Contents<'_>, DecodeError> {
    strict(data, AggregatedRecord::parse(data, digest))
}

/// [`deaggregate_strict`] for many records, as [`deaggregate_many`].
///
/// # Errors
///
/// Each record has its own result, in the order of the records.
///
/// ```
/// use kinpack::{Digest, MAGIC, deaggregate_strict_many};
///
/// let batch: [&[u8]; 2] = [b"plain", &MAGIC];
/// let mut contents = deaggregate_strict_many(&batch, Digest::Verify);
/// assert!(contents.next().unwrap().is_ok());
/// assert!(contents.next().unwrap().is_err());
/// ```
pub fn deaggregate_strict_many<'r, 'a>(
    records: &'r [&'a [u8]],
    digest: Digest,
) -> ContentsOfMany<'r, 'a> {
    ContentsOfMany::new(records, digest, Text::Refuse, strict)
}

/// The contents of many records: [`deaggregate_many`], [`deaggregate_strict_many`].
#[derive(Clone, Debug)]
pub struct ContentsOfMany<'r, 'a> {
    parsed: ParsedMany<'r, 'a>,
    policy: Policy<'a>,
}

type Parsed<'a> = Result<AggregatedRecord<'a>, DecodeError>;
type Policy<'a> = fn(&'a [u8], Parsed<'a>) -> Result<Contents<'a>, DecodeError>;

impl<'r, 'a> ContentsOfMany<'r, 'a> {
    fn new(records: &'r [&'a [u8]], digest: Digest, text: Text, policy: Policy<'a>) -> Self {
        Self { parsed: ParsedMany::new(records, digest, text), policy }
    }

    fn next_with_magic(&mut self) -> Option<Result<Contents<'a>, DecodeError>> {
        let (data, parsed) = self.parsed.next()?;
        Some((self.policy)(data, parsed))
    }
}

impl<'a> Iterator for ContentsOfMany<'_, 'a> {
    type Item = Result<Contents<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        // Plain to every policy, and seen here by the caller's loop: a batch may be all of these.
        if let Some(data) = self.parsed.next_plain() {
            return Some(Ok(Contents::Plain(data)));
        }
        self.next_with_magic()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.parsed.size_hint()
    }
}

impl ExactSizeIterator for ContentsOfMany<'_, '_> {}

fn strict<'a>(
    data: &'a [u8],
    parsed: Result<AggregatedRecord<'a>, DecodeError>,
) -> Result<Contents<'a>, DecodeError> {
    match parsed {
        Ok(aggregate) => Ok(Contents::Aggregated(aggregate)),
        Err(DecodeError { kind: DecodeErrorKind::NoMagic, .. }) => Ok(Contents::Plain(data)),
        Err(error) => Err(error),
    }
}

//! User records and where they stand in a shard.

use std::cmp::Ordering;
use std::fmt;

use crate::hash_key::{HashKey, ParseHashKeyError};
use crate::message::Tags;

/// A message as its producer wrote it: out of an aggregate, or a plain Kinesis record.
///
/// Borrows from the aggregate; [`into_owned`](Self::into_owned) for those who must keep it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UserRecord<'a> {
    /// The partition key. Only a plain record may be without one (streams with service-managed
    /// distribution).
    pub partition_key: Option<&'a str>,
    /// The explicit hash key as it was written, if the record points at one. Plain records have
    /// none: a reader never sees the outer one.
    pub explicit_hash_key: Option<&'a str>,
    /// The payload.
    pub data: &'a [u8],
    /// Position in the aggregate, from 0; 0 for a plain record.
    pub sub_sequence_number: u64,
    /// Whether the record comes out of an aggregate.
    pub aggregated: bool,
    pub(crate) tags: Tags<'a>,
}

impl<'a> UserRecord<'a> {
    /// A Kinesis record that is no aggregate, as the user record it is.
    #[inline]
    #[must_use]
    pub fn plain(partition_key: Option<&'a str>, data: &'a [u8]) -> Self {
        Self {
            partition_key,
            explicit_hash_key: None,
            data,
            sub_sequence_number: 0,
            aggregated: false,
            tags: Tags::NONE,
        }
    }

    /// The record's tags, in order. The KPL writes none.
    ///
    /// ```
    /// assert_eq!(kinpack::UserRecord::plain(None, b"data").tags().count(), 0);
    /// ```
    #[must_use]
    pub fn tags(&self) -> Tags<'a> {
        self.tags.clone()
    }

    /// The hash key: the explicit one, else that of the partition key; `None` without either.
    ///
    /// # Errors
    ///
    /// The explicit hash key, which is any text to the decoder, is no hash key.
    ///
    /// ```
    /// use kinpack::{HashKey, UserRecord};
    ///
    /// let record = UserRecord::plain(Some("key"), b"data");
    /// assert_eq!(record.hash_key(), Ok(Some(HashKey::of_partition_key("key"))));
    /// assert_eq!(UserRecord::plain(None, b"data").hash_key(), Ok(None));
    /// ```
    pub fn hash_key(&self) -> Result<Option<HashKey>, ParseHashKeyError> {
        match self.explicit_hash_key {
            Some(text) => text.parse().map(Some),
            None => Ok(self.partition_key.map(HashKey::of_partition_key)),
        }
    }

    /// Copies what the record borrows.
    ///
    /// ```
    /// use kinpack::UserRecord;
    ///
    /// let kept = UserRecord::plain(Some("key"), b"data").into_owned();
    /// assert_eq!(kept.data, b"data");
    /// assert_eq!(kept.partition_key.as_deref(), Some("key"));
    /// ```
    #[must_use]
    pub fn into_owned(self) -> OwnedUserRecord {
        OwnedUserRecord {
            partition_key: self.partition_key.map(str::to_owned),
            explicit_hash_key: self.explicit_hash_key.map(str::to_owned),
            data: self.data.to_vec(),
            sub_sequence_number: self.sub_sequence_number,
            aggregated: self.aggregated,
            tags: self
                .tags
                .map(|tag| (tag.key.into_owned(), tag.value.map(std::borrow::Cow::into_owned)))
                .collect(),
        }
    }
}

/// A [`UserRecord`] that owns what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct OwnedUserRecord {
    /// See [`UserRecord::partition_key`].
    pub partition_key: Option<String>,
    /// See [`UserRecord::explicit_hash_key`].
    pub explicit_hash_key: Option<String>,
    /// See [`UserRecord::data`].
    pub data: Vec<u8>,
    /// See [`UserRecord::sub_sequence_number`].
    pub sub_sequence_number: u64,
    /// See [`UserRecord::aggregated`].
    pub aggregated: bool,
    /// Keys and values of the tags, in order.
    pub tags: Vec<(String, Option<String>)>,
}

/// Where a user record stands in its shard: the Kinesis record's sequence number, then the
/// position in the aggregate (the KCL's class of the same name).
///
/// Ordered as the shard is. Sequence numbers are decimals of up to 56 digits and more, compared
/// as numbers.
///
/// # Examples
///
/// ```
/// use kinpack::ExtendedSequenceNumber;
///
/// let first = ExtendedSequenceNumber::new("9", 3);
/// assert!(first < ExtendedSequenceNumber::new("10", 0));
/// assert!(first < ExtendedSequenceNumber::new("9", 4));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExtendedSequenceNumber {
    sequence_number: String,
    sub_sequence_number: u64,
}

impl ExtendedSequenceNumber {
    /// From the two numbers as the records carry them. Leading zeros are dropped.
    #[must_use]
    pub fn new(sequence_number: &str, sub_sequence_number: u64) -> Self {
        let digits = sequence_number.trim_start_matches('0');
        let digits = if digits.is_empty() && !sequence_number.is_empty() { "0" } else { digits };
        Self { sequence_number: digits.to_owned(), sub_sequence_number }
    }

    /// The sequence number of the Kinesis record.
    #[must_use]
    pub fn sequence_number(&self) -> &str {
        &self.sequence_number
    }

    /// The position in the aggregate.
    #[must_use]
    pub fn sub_sequence_number(&self) -> u64 {
        self.sub_sequence_number
    }
}

impl Ord for ExtendedSequenceNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        let number = |it: &Self| it.sequence_number.len();
        number(self)
            .cmp(&number(other))
            .then_with(|| self.sequence_number.cmp(&other.sequence_number))
            .then_with(|| self.sub_sequence_number.cmp(&other.sub_sequence_number))
    }
}

impl PartialOrd for ExtendedSequenceNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for ExtendedSequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence_number, self.sub_sequence_number)
    }
}

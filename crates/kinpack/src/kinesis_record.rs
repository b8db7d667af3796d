//! What comes out of packing: entries for PutRecords, and the keys they get.

use crate::hash_key::HashKey;

/// What becomes the partition key of the Kinesis record that holds an aggregate.
///
/// ```
/// use kinpack::{Aggregator, Limits, OuterKey, Push};
///
/// let mut aggregator = Aggregator::new(Limits::default(), OuterKey::Lane(3));
/// assert_eq!(aggregator.try_push("key", None, b"data")?, Push::Added);
/// let packed = aggregator.finish().unwrap();
/// assert_eq!((packed.partition_key.as_str(), packed.aggregated), ("lane-3", true));
/// # Ok::<(), kinpack::EncodeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OuterKey {
    /// `a`, as with the KPL.
    #[default]
    Kpl,
    /// The first user record's partition key.
    First,
    /// An aggregate holds one partition key only and carries it: another key finds it full.
    PerKey,
    /// `lane-<number>`; a user record that is alone is aggregated, too.
    Lane(u16),
}

/// What [`Aggregator::try_push`](crate::Aggregator::try_push) did with a user record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "a full aggregate has not taken the user record"]
pub enum Push {
    /// The user record is in.
    Added,
    /// It does not fit and was not taken: finish the aggregate and push it again.
    Full,
}

/// An entry for PutRecords.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct KinesisRecord {
    /// The outer partition key.
    pub partition_key: String,
    /// The outer explicit hash key: the first user record's hash key. Send it, or an aggregate
    /// goes to whatever shard its outer partition key falls on.
    pub explicit_hash_key: HashKey,
    /// The bytes.
    pub data: Vec<u8>,
    /// User records inside.
    pub user_records: u32,
    /// Whether `data` is an aggregate; else it is one user record's own bytes.
    pub aggregated: bool,
}

impl KinesisRecord {
    /// Bytes that count against the stream's record limit: data and outer partition key.
    #[must_use]
    pub fn size(&self) -> usize {
        self.data.len() + self.partition_key.len()
    }
}

/// Digits of a number in decimal.
pub(crate) fn decimal_len(value: u128) -> usize {
    value.checked_ilog10().map_or(1, |log| log as usize + 1)
}

pub(crate) fn lane_key_len(lane: u16) -> usize {
    "lane-".len() + decimal_len(u128::from(lane))
}

pub(crate) fn push_lane_key(out: &mut String, lane: u16) {
    use std::fmt::Write as _;

    // Writing into a string cannot fail.
    let _ = write!(out, "lane-{lane}");
}

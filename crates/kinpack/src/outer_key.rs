//! The outer partition keys of a stream's aggregates.

use std::num::NonZeroU16;

use crate::hash_key::HashKey;

/// How user records are put together and what outer partition key they get: what order a reader
/// can keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OuterKeyPolicy {
    /// All aggregates carry `a`, as the KPL's. A Lambda mapping's parallelization factor then has
    /// no effect, as it spreads by outer key.
    Kpl,
    /// An aggregate carries its first user record's partition key.
    First,
    /// An aggregate holds one partition key only and carries it: the case that Lambda documents
    /// as safe for order.
    PerKey {
        /// Aggregates open at once, over all shards; before one more is opened the longest open
        /// one goes out. At least 1. Each may take twice the limits' `max_size` in memory, as it
        /// holds one key.
        max_open: usize,
    },
    /// User records go to a lane by their partition key; each lane fills its own aggregates under
    /// the key `lane-<number>`. Order per partition key holds, and Lambda can run several batches
    /// of a shard at once without tiny aggregates.
    Lanes(Lanes),
}

impl OuterKeyPolicy {
    /// [`PerKey`](Self::PerKey) with 1,024 aggregates open at once.
    pub const PER_KEY: Self = Self::PerKey { max_open: 1024 };
}

/// How many lanes a stream has. The rule is frozen: `docs/outer-keys.md`, version 1.
///
/// # Examples
///
/// ```
/// use kinpack::Lanes;
///
/// let lanes = Lanes::new(10).unwrap();
/// assert_eq!(lanes.lane_of("device-7"), 5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lanes(NonZeroU16);

impl Lanes {
    /// `n` lanes, numbered from 0; `None` for no lanes.
    #[must_use]
    pub fn new(n: u16) -> Option<Self> {
        NonZeroU16::new(n).map(Self)
    }

    /// How many there are.
    #[must_use]
    pub fn count(self) -> u16 {
        self.0.get()
    }

    /// MD5 of the partition key, as a big-endian number, modulo the number of lanes.
    #[must_use]
    pub fn lane_of(self, partition_key: &str) -> u16 {
        self.lane_of_hash(HashKey::of_partition_key(partition_key))
    }

    pub(crate) fn lane_of_hash(self, hash: HashKey) -> u16 {
        // Below the number of lanes, which is 16 bits.
        (hash.0 % u128::from(self.0.get())) as u16
    }
}

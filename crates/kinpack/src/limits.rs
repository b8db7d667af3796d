//! How much goes into one aggregate and one Kinesis record.

use std::fmt;

/// How much an aggregate and a Kinesis record may hold.
///
/// `max_size` and `max_count` bound an *aggregate*: a user record that is too large for one goes
/// out alone. `record_limit` bounds *every* Kinesis record, by the stream's own setting: only a
/// user record that is above it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    max_size: usize,
    max_count: u32,
    record_limit: usize,
}

impl Limits {
    /// The smallest `max_size`, 64 bytes (as the KPL's `AggregationMaxSize`).
    pub const LEAST_MAX_SIZE: usize = 64;
    /// The largest record limit that a stream can have: 10 MiB.
    pub const MOST_RECORD_LIMIT: usize = 10 << 20;

    /// Limits of an aggregate in bytes (20 + its protobuf) and in user records, and of a Kinesis
    /// record in bytes (data + outer partition key).
    ///
    /// # Errors
    ///
    /// Not 64 ≤ `max_size` ≤ `record_limit` ≤ 10 MiB, or `max_count` is 0.
    ///
    /// ```
    /// use kinpack::Limits;
    ///
    /// let limits = Limits::new(100_000, 500, 1 << 20)?;
    /// assert_eq!(limits.max_size(), 100_000);
    /// assert!(Limits::new(63, 500, 1 << 20).is_err());
    /// # Ok::<(), kinpack::LimitsError>(())
    /// ```
    pub fn new(max_size: usize, max_count: u32, record_limit: usize) -> Result<Self, LimitsError> {
        if record_limit > Self::MOST_RECORD_LIMIT {
            return Err(LimitsError::RecordLimit(record_limit));
        }
        if max_size < Self::LEAST_MAX_SIZE || max_size > record_limit {
            return Err(LimitsError::MaxSize { max_size, record_limit });
        }
        if max_count == 0 {
            return Err(LimitsError::MaxCount);
        }
        Ok(Self { max_size, max_count, record_limit })
    }

    /// Bytes of an aggregate at most: 20 + its protobuf.
    #[must_use]
    pub fn max_size(self) -> usize {
        self.max_size
    }

    /// User records of an aggregate at most.
    #[must_use]
    pub fn max_count(self) -> u32 {
        self.max_count
    }

    /// Bytes of a Kinesis record at most: data + outer partition key.
    #[must_use]
    pub fn record_limit(self) -> usize {
        self.record_limit
    }
}

impl Default for Limits {
    /// The KPL's: 51,200 bytes and 2^32 − 1 user records; and the record limit that streams have
    /// by default, 1 MiB.
    fn default() -> Self {
        Self { max_size: 51_200, max_count: u32::MAX, record_limit: 1 << 20 }
    }
}

/// Why [`Limits`] cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LimitsError {
    /// An aggregate's size is not between 64 bytes and the record limit.
    MaxSize {
        /// What was asked for.
        max_size: usize,
        /// The record limit.
        record_limit: usize,
    },
    /// An aggregate of no user records was asked for.
    MaxCount,
    /// This record limit is above 10 MiB.
    RecordLimit(usize),
}

impl fmt::Display for LimitsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaxSize { max_size, record_limit } => write!(
                f,
                "an aggregate's size is from {} bytes to the record limit of {record_limit}, not {max_size}",
                Limits::LEAST_MAX_SIZE
            ),
            Self::MaxCount => f.write_str("an aggregate holds at least one user record"),
            Self::RecordLimit(limit) => write!(
                f,
                "a record limit is at most {} bytes (10 MiB), not {limit}",
                Limits::MOST_RECORD_LIMIT
            ),
        }
    }
}

impl std::error::Error for LimitsError {}

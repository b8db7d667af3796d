//! Many user records into one Kinesis record, byte for byte as the KPL writes it.

use crate::error::EncodeError;
use crate::frame::{self, OVERHEAD};
use crate::hash_key::HashKey;
use crate::interner::Interner;
use crate::kinesis_record::{
    KinesisRecord, OuterKey, Push, decimal_len, lane_key_len, push_lane_key,
};
use crate::limits::Limits;
use crate::wire::{push_varint, varint_len};

/// Packs user records into one aggregate at a time.
///
/// A user record that is alone when the aggregate is finished goes out as it is, under its own
/// partition key (but see [`OuterKey::Lane`]). If its bytes are themselves an aggregate, every
/// reader will unpack them: a property of the format.
///
/// # Examples
///
/// ```
/// use kinpack::{Aggregator, Push};
///
/// let mut aggregator = Aggregator::default();
/// let mut sent = Vec::new();
/// for i in 0..1000 {
///     let (key, data) = (format!("device-{}", i % 10), [b'.'; 100]);
///     if aggregator.try_push(&key, None, &data)? == Push::Full {
///         sent.extend(aggregator.finish());
///         assert_eq!(aggregator.try_push(&key, None, &data)?, Push::Added);
///     }
/// }
/// sent.extend(aggregator.finish());
/// assert_eq!(sent.len(), 3);
/// # Ok::<(), kinpack::EncodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Aggregator {
    limits: Limits,
    outer_key: OuterKey,
    partition_keys: Interner,
    /// Where each partition key stands in `partition_key_table`.
    partition_key_spans: Vec<(u32, u16)>,
    explicit_hash_keys: Interner,
    /// Each explicit hash key in the order of the table.
    explicit_hash_key_values: Vec<u128>,
    // The protobuf as it will be written, in its three parts.
    partition_key_table: Vec<u8>,
    explicit_hash_key_table: Vec<u8>,
    records: Vec<u8>,
    user_records: u32,
    /// The first user record's own.
    first_partition_key: String,
    first_hash_key: HashKey,
    first_data_len: usize,
}

impl Default for Aggregator {
    fn default() -> Self {
        Self::new(Limits::default(), OuterKey::default())
    }
}

/// Kinesis takes partition keys of up to 256 characters; the KPL counts UTF-16 units.
const MAX_KEY_UNITS: usize = 256;

impl Aggregator {
    /// An aggregator with nothing in it.
    #[must_use]
    pub fn new(limits: Limits, outer_key: OuterKey) -> Self {
        Self {
            limits,
            outer_key,
            partition_keys: Interner::new(),
            partition_key_spans: Vec::new(),
            explicit_hash_keys: Interner::new(),
            explicit_hash_key_values: Vec::new(),
            partition_key_table: Vec::new(),
            explicit_hash_key_table: Vec::new(),
            records: Vec::new(),
            user_records: 0,
            first_partition_key: String::new(),
            first_hash_key: HashKey::MIN,
            first_data_len: 0,
        }
    }

    /// Adds a user record, or says that it does not fit, and then has taken nothing. An empty
    /// aggregator takes whatever is not refused.
    ///
    /// # Errors
    ///
    /// The user record can go into no Kinesis record at all; the aggregator is as it was.
    pub fn try_push(
        &mut self,
        partition_key: &str,
        explicit_hash_key: Option<HashKey>,
        data: &[u8],
    ) -> Result<Push, EncodeError> {
        self.try_push_hashed(partition_key, explicit_hash_key, data, None)
    }

    /// [`try_push`](Self::try_push) for a caller that may know the record's hash key.
    pub(crate) fn try_push_hashed(
        &mut self,
        partition_key: &str,
        explicit_hash_key: Option<HashKey>,
        data: &[u8],
        hash_key: Option<HashKey>,
    ) -> Result<Push, EncodeError> {
        check_key(partition_key)?;
        self.check_alone(partition_key, explicit_hash_key, data)?;

        let key_hash = self.partition_keys.hash(partition_key.as_bytes());
        let key_index = self.partition_keys.find(key_hash, |entry| {
            let (start, len) = self.partition_key_spans[entry];
            let start = start as usize;
            &self.partition_key_table[start..start + usize::from(len)] == partition_key.as_bytes()
        });
        let explicit = explicit_hash_key.map(|HashKey(value)| {
            let hash = self.explicit_hash_keys.hash(&value.to_le_bytes());
            let same = |entry: usize| self.explicit_hash_key_values[entry] == value;
            (value, hash, self.explicit_hash_keys.find(hash, same))
        });

        let body_len = body_len(
            u64::from(key_index.unwrap_or(self.partition_keys.len())),
            explicit.map(|(.., index)| u64::from(index.unwrap_or(self.explicit_hash_keys.len()))),
            data.len(),
        );
        if self.user_records > 0 {
            let new_key = if key_index.is_none() { field_len(partition_key.len()) } else { 0 };
            let new_explicit = match explicit {
                Some((value, _, None)) => field_len(decimal_len(value)),
                _ => 0,
            };
            let size = self.aggregate_len() + new_key + new_explicit + field_len(body_len);
            if size > self.limits.max_size()
                || size + self.outer_key_len() > self.limits.record_limit()
                || self.user_records >= self.limits.max_count()
                || self.outer_key == OuterKey::PerKey && key_index.is_none()
            {
                return Ok(Push::Full);
            }
        } else {
            self.first_partition_key.clear();
            self.first_partition_key.push_str(partition_key);
            self.first_hash_key =
                hash_key.unwrap_or_else(|| HashKey::of(partition_key, explicit_hash_key));
            self.first_data_len = data.len();
        }

        let key_index = key_index.unwrap_or_else(|| self.add_key(partition_key, key_hash));
        let explicit_index = explicit.map(|(value, hash, index)| {
            index.unwrap_or_else(|| self.add_explicit_hash_key(value, hash))
        });
        let mut head = Head::default();
        head.push(0x1A);
        head.push_varint(body_len as u64);
        head.push(0x08);
        head.push_varint(u64::from(key_index));
        if let Some(index) = explicit_index {
            head.push(0x10);
            head.push_varint(u64::from(index));
        }
        head.push(0x1A);
        head.push_varint(data.len() as u64);
        self.records.reserve(head.len + data.len());
        self.records.extend_from_slice(&head.bytes[..head.len]);
        self.records.extend_from_slice(data);
        self.user_records += 1;
        Ok(Push::Added)
    }

    fn check_alone(
        &self,
        partition_key: &str,
        explicit_hash_key: Option<HashKey>,
        data: &[u8],
    ) -> Result<(), EncodeError> {
        let size = match self.outer_key {
            OuterKey::Kpl | OuterKey::First | OuterKey::PerKey => data.len() + partition_key.len(),
            OuterKey::Lane(lane) => {
                let explicit = explicit_hash_key.map_or(0, |key| field_len(decimal_len(key.0)));
                let body = body_len(0, explicit_hash_key.map(|_| 0), data.len());
                let aggregate =
                    OVERHEAD + field_len(partition_key.len()) + explicit + field_len(body);
                aggregate + lane_key_len(lane)
            }
        };
        let limit = self.limits.record_limit();
        if size > limit { Err(EncodeError::RecordTooLarge { size, limit }) } else { Ok(()) }
    }

    fn add_key(&mut self, partition_key: &str, hash: u32) -> u32 {
        let index = self.partition_keys.len();
        self.partition_keys.insert(hash);
        let table = &mut self.partition_key_table;
        table.push(0x0A);
        push_varint(table, partition_key.len() as u64);
        // A key has at most 256 UTF-16 units, so 768 bytes; the table stays below the limits.
        self.partition_key_spans.push((table.len() as u32, partition_key.len() as u16));
        table.extend_from_slice(partition_key.as_bytes());
        index
    }

    fn add_explicit_hash_key(&mut self, value: u128, hash: u32) -> u32 {
        use std::io::Write as _;

        let index = self.explicit_hash_keys.len();
        self.explicit_hash_keys.insert(hash);
        self.explicit_hash_key_values.push(value);
        let table = &mut self.explicit_hash_key_table;
        // A decimal has at most 39 digits: one byte of length.
        table.extend_from_slice(&[0x12, decimal_len(value) as u8]);
        // Writing into a vector cannot fail.
        let _ = write!(table, "{value}");
        index
    }

    /// Exact bytes of the aggregate: 20 + protobuf.
    fn aggregate_len(&self) -> usize {
        OVERHEAD
            + self.partition_key_table.len()
            + self.explicit_hash_key_table.len()
            + self.records.len()
    }

    fn outer_key_len(&self) -> usize {
        match self.outer_key {
            OuterKey::Kpl => 1,
            OuterKey::First | OuterKey::PerKey => self.first_partition_key.len(),
            OuterKey::Lane(lane) => lane_key_len(lane),
        }
    }

    /// User records that are in.
    #[must_use]
    pub fn len(&self) -> usize {
        self.user_records as usize
    }

    /// Whether nothing is in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.user_records == 0
    }

    /// Whether no user record at all fits any more.
    ///
    /// ```
    /// use kinpack::{Aggregator, Push};
    ///
    /// let mut aggregator = Aggregator::default();
    /// // Too large for an aggregate: it will go out alone.
    /// assert_eq!(aggregator.try_push("key", None, &[0; 60_000])?, Push::Added);
    /// assert!(aggregator.is_full());
    /// # Ok::<(), kinpack::EncodeError>(())
    /// ```
    #[must_use]
    pub fn is_full(&self) -> bool {
        /// Tags and lengths of a record without data under a known key.
        const LEAST: usize = 6;
        self.user_records > 0
            && (self.aggregate_len() + LEAST > self.limits.max_size()
                || self.user_records >= self.limits.max_count())
    }

    /// Exact bytes of data that [`finish`](Self::finish) would give now; 0 if nothing is in.
    #[must_use]
    pub fn data_len(&self) -> usize {
        match self.user_records {
            0 => 0,
            _ if self.goes_alone() => self.first_data_len,
            _ => self.aggregate_len(),
        }
    }

    fn goes_alone(&self) -> bool {
        self.user_records == 1 && !matches!(self.outer_key, OuterKey::Lane(_))
    }

    /// The Kinesis record that holds what was pushed, or `None` if nothing was. The aggregator is
    /// empty afterwards and can be used again.
    #[must_use]
    pub fn finish(&mut self) -> Option<KinesisRecord> {
        let mut record = KinesisRecord::default();
        self.finish_into(&mut record).then_some(record)
    }

    /// [`finish`](Self::finish) into a record whose buffers are used again: nothing is allocated
    /// once they have grown. `false` if nothing was pushed, and then `record` is as it was.
    ///
    /// ```
    /// use kinpack::{Aggregator, KinesisRecord, Push};
    ///
    /// let (mut aggregator, mut record) = (Aggregator::default(), KinesisRecord::default());
    /// for _ in 0..3 {
    ///     assert_eq!(aggregator.try_push("key", None, b"data")?, Push::Added);
    ///     assert!(aggregator.finish_into(&mut record));
    ///     assert_eq!(record.data, b"data");
    /// }
    /// # Ok::<(), kinpack::EncodeError>(())
    /// ```
    #[must_use]
    pub fn finish_into(&mut self, record: &mut KinesisRecord) -> bool {
        let finished = self.finish_unsealed(record);
        if finished && record.aggregated {
            frame::seal(&mut record.data);
        }
        finished
    }

    /// [`finish`](Self::finish) for many aggregators: the digests are computed side by side in the
    /// processor's SIMD lanes, several times as fast from some four aggregates on. Empty
    /// aggregators give none.
    ///
    /// ```
    /// use kinpack::{Aggregator, Push};
    ///
    /// let mut shards = [Aggregator::default(), Aggregator::default(), Aggregator::default()];
    /// for shard in &mut shards[..2] {
    ///     for data in [b"one", b"two"] {
    ///         assert_eq!(shard.try_push("key", None, data)?, Push::Added);
    ///     }
    /// }
    /// assert_eq!(Aggregator::finish_many(&mut shards).len(), 2);
    /// # Ok::<(), kinpack::EncodeError>(())
    /// ```
    pub fn finish_many<'a>(
        aggregators: impl IntoIterator<Item = &'a mut Self>,
    ) -> Vec<KinesisRecord> {
        let mut records = Vec::new();
        Self::finish_many_into(aggregators, &mut records);
        records
    }

    /// [`finish_many`](Self::finish_many) into records whose buffers are used again: afterwards
    /// `records` holds what was finished and nothing else.
    pub fn finish_many_into<'a>(
        aggregators: impl IntoIterator<Item = &'a mut Self>,
        records: &mut Vec<KinesisRecord>,
    ) {
        let mut finished = 0;
        for aggregator in aggregators.into_iter().filter(|it| !it.is_empty()) {
            if finished == records.len() {
                records.push(KinesisRecord::default());
            }
            finished += usize::from(aggregator.finish_unsealed(&mut records[finished]));
        }
        records.truncate(finished);
        seal_many(records);
    }

    /// [`finish_into`](Self::finish_into) without the digest, for [`seal_many`].
    pub(crate) fn finish_unsealed(&mut self, record: &mut KinesisRecord) -> bool {
        if self.user_records == 0 {
            return false;
        }
        record.aggregated = !self.goes_alone();
        if record.aggregated {
            let parts = [&self.partition_key_table, &self.explicit_hash_key_table, &self.records];
            frame::close_unsealed(&mut record.data, parts.map(Vec::as_slice));
        } else {
            let data = self.records.len() - self.first_data_len;
            record.data.clear();
            record.data.extend_from_slice(&self.records[data..]);
        }
        record.partition_key.clear();
        match self.outer_key {
            OuterKey::Kpl if record.aggregated => record.partition_key.push('a'),
            OuterKey::Kpl | OuterKey::First | OuterKey::PerKey => {
                record.partition_key.push_str(&self.first_partition_key);
            }
            OuterKey::Lane(lane) => push_lane_key(&mut record.partition_key, lane),
        }
        record.explicit_hash_key = self.first_hash_key;
        record.user_records = self.user_records;
        self.clear();
        true
    }

    /// Forgets what was pushed and keeps the memory: up to twice the limits' `max_size`, or six times
    /// if nearly all that was pushed were different keys.
    ///
    /// ```
    /// use kinpack::{Aggregator, Push};
    ///
    /// let mut aggregator = Aggregator::default();
    /// assert_eq!(aggregator.try_push("key", None, b"data")?, Push::Added);
    /// aggregator.clear();
    /// assert!(aggregator.is_empty() && aggregator.finish().is_none());
    /// # Ok::<(), kinpack::EncodeError>(())
    /// ```
    pub fn clear(&mut self) {
        self.partition_keys.clear();
        self.partition_key_spans.clear();
        self.explicit_hash_keys.clear();
        self.explicit_hash_key_values.clear();
        self.partition_key_table.clear();
        self.explicit_hash_key_table.clear();
        self.records.clear();
        self.records.shrink_to(2 * self.limits.max_size());
        self.user_records = 0;
    }

    /// Of an empty aggregator.
    pub(crate) fn set_outer_key(&mut self, outer_key: OuterKey) {
        self.outer_key = outer_key;
    }
}

/// What stands before a user record's data: four tags and four varints at most, the indices of
/// five bytes.
#[derive(Default)]
struct Head {
    bytes: [u8; 32],
    len: usize,
}

impl Head {
    #[inline]
    fn push(&mut self, byte: u8) {
        self.bytes[self.len & 31] = byte;
        self.len += 1;
    }

    #[inline]
    fn push_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.push(value as u8);
    }
}

/// Writes the digests that [`Aggregator::finish_unsealed`] has left out.
pub(crate) fn seal_many<'a>(records: impl IntoIterator<Item = &'a mut KinesisRecord>) {
    let aggregated = records.into_iter().filter(|record| record.aggregated);
    frame::seal_many(aggregated.map(|record| record.data.as_mut_slice()));
}

fn check_key(partition_key: &str) -> Result<(), EncodeError> {
    // Never more units than bytes.
    if (1..=MAX_KEY_UNITS).contains(&partition_key.len()) {
        return Ok(());
    }
    match partition_key.encode_utf16().count() {
        1..=MAX_KEY_UNITS => Ok(()),
        utf16_units => Err(EncodeError::PartitionKeyLength { utf16_units }),
    }
}

/// Bytes of a length-delimited field with a one-byte tag.
#[inline]
fn field_len(len: usize) -> usize {
    1 + varint_len(len as u64) + len
}

/// Bytes inside a `Record`.
#[inline]
fn body_len(key_index: u64, explicit_index: Option<u64>, data_len: usize) -> usize {
    1 + varint_len(key_index)
        + explicit_index.map_or(0, |index| 1 + varint_len(index))
        + field_len(data_len)
}

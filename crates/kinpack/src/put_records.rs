//! How many entries one PutRecords request takes: pure arithmetic.

use std::collections::HashMap;

use crate::kinesis_record::Push;

/// What one PutRecords request may hold.
///
/// ```
/// use kinpack::PutRecordsLimits;
///
/// // All that Kinesis takes today.
/// let limits = PutRecordsLimits { bytes: 10 << 20, ..PutRecordsLimits::default() };
/// assert_eq!(limits.entries, 500);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PutRecordsLimits {
    /// Entries at most; Kinesis takes 500.
    pub entries: usize,
    /// Bytes at most, data and partition keys: 5 MiB by default, as the KPL keeps to. Kinesis
    /// takes 10 MiB today.
    pub bytes: usize,
    /// Once one shard holds as many bytes of it the request is full: 256 KiB, as the KPL.
    pub shard_bytes: usize,
}

impl Default for PutRecordsLimits {
    fn default() -> Self {
        Self { entries: 500, bytes: 5 << 20, shard_bytes: 256 << 10 }
    }
}

/// Counts what is in a request, so that the caller knows when to send it.
///
/// # Examples
///
/// ```
/// use kinpack::{Push, PutRecordsBatch, PutRecordsLimits};
///
/// let mut batch = PutRecordsBatch::new(PutRecordsLimits::default());
/// for _ in 0..5 {
///     assert_eq!(batch.try_add("shardId-000000000000", 51_201), Push::Added);
/// }
/// // The next one brings the shard to 256 KiB, the one after finds the request full.
/// assert_eq!(batch.try_add("shardId-000000000000", 51_201), Push::Added);
/// assert_eq!(batch.try_add("shardId-000000000001", 100), Push::Full);
/// ```
#[derive(Clone, Debug)]
pub struct PutRecordsBatch {
    limits: PutRecordsLimits,
    entries: usize,
    bytes: usize,
    shards: HashMap<String, usize>,
    full: bool,
}

impl PutRecordsBatch {
    /// An empty request.
    #[must_use]
    pub fn new(limits: PutRecordsLimits) -> Self {
        Self { limits, entries: 0, bytes: 0, shards: HashMap::new(), full: false }
    }

    /// Counts an entry of `size` bytes ([`KinesisRecord::size`](crate::KinesisRecord::size)) for
    /// this shard, or says that the request is full without it. An empty request takes any entry.
    pub fn try_add(&mut self, shard: &str, size: usize) -> Push {
        let over = self.entries >= self.limits.entries
            || self.bytes.saturating_add(size) > self.limits.bytes;
        if self.entries > 0 && (self.full || over) {
            return Push::Full;
        }
        self.entries += 1;
        self.bytes = self.bytes.saturating_add(size);
        let held = match self.shards.get_mut(shard) {
            Some(held) => held,
            None => self.shards.entry(shard.to_owned()).or_default(),
        };
        *held = held.saturating_add(size);
        self.full = *held >= self.limits.shard_bytes;
        Push::Added
    }

    /// Entries so far.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// Bytes so far, data and partition keys.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Begins the next request.
    pub fn clear(&mut self) {
        self.entries = 0;
        self.bytes = 0;
        self.shards.clear();
        self.full = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_size_overflows() {
        let mut batch = PutRecordsBatch::new(PutRecordsLimits::default());
        assert_eq!(batch.try_add("s", usize::MAX), Push::Added);
        assert_eq!(batch.try_add("t", 1), Push::Full);
    }

    #[test]
    fn the_entry_that_brings_a_shard_to_its_limit_is_the_last() {
        let mut batch = PutRecordsBatch::new(PutRecordsLimits::default());
        assert_eq!(batch.try_add("s", (256 << 10) - 1), Push::Added);
        assert_eq!(batch.try_add("s", 1), Push::Added);
        assert_eq!(batch.try_add("t", 1), Push::Full);
    }

    #[test]
    fn entries_and_bytes_bound_a_request_and_one_entry_always_goes() {
        let limits = PutRecordsLimits { entries: 3, bytes: 100, shard_bytes: usize::MAX };
        let mut batch = PutRecordsBatch::new(limits);
        assert_eq!(batch.try_add("s", 500), Push::Added);
        assert_eq!(batch.try_add("s", 1), Push::Full);
        batch.clear();
        assert_eq!(batch.try_add("s", 50), Push::Added);
        assert_eq!(batch.try_add("s", 51), Push::Full);
        assert_eq!(batch.try_add("s", 50), Push::Added);
        assert_eq!(batch.try_add("s", 0), Push::Added);
        assert_eq!(batch.try_add("s", 0), Push::Full);
        assert_eq!((batch.entries(), batch.bytes()), (3, 100));
    }
}

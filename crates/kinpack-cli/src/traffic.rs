//! What a stream takes and charges.

/// A shard takes so many Kinesis records a second …
pub(crate) const SHARD_RECORDS: f64 = 1_000.0;
/// … and so many bytes, of data and partition keys.
pub(crate) const SHARD_BYTES: f64 = 1_048_576.0;
/// A PUT payload unit: 25 KB, where the service's KB are of 1,024 bytes.
pub(crate) const PAYLOAD_UNIT: usize = 25 * 1024;

/// What goes over the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) records: usize,
    /// Of data and partition keys.
    pub(crate) bytes: usize,
    pub(crate) payload_units: usize,
}

impl Traffic {
    /// Of Kinesis records with this much data and these keys, in bytes.
    pub(crate) fn of(records: impl Iterator<Item = (usize, usize)>) -> Self {
        records.fold(Self::default(), |sum, (data, key)| Self {
            records: sum.records + 1,
            bytes: sum.bytes + data + key,
            payload_units: sum.payload_units + data.div_ceil(PAYLOAD_UNIT).max(1),
        })
    }

    /// The shards that take this much in so many seconds, if it is spread evenly over them.
    pub(crate) fn shards(&self, seconds: f64) -> f64 {
        let rate = |count: usize| count as f64 / seconds;
        (rate(self.records) / SHARD_RECORDS).max(rate(self.bytes) / SHARD_BYTES).ceil()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arithmetic_is_that_of_the_service() {
        let before = Traffic::of((0..40_000).map(|_| (100, 10)));
        let after = Traffic::of((0..100).map(|_| (51_200, 1)));
        assert_eq!((before.payload_units, after.payload_units), (40_000, 200));
        assert_eq!(Traffic::of([(0, 1), (25_601, 1)].into_iter()).payload_units, 3);
        assert_eq!((before.bytes, after.bytes), (4_400_000, 5_120_100));
        assert_eq!((before.shards(2.0), after.shards(2.0)), (20.0, 3.0));
    }
}

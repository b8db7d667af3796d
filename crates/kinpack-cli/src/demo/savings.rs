//! What a stream takes and charges, before and after.

/// Messages a second that the numbers are for.
pub(super) const RATE: f64 = 20_000.0;

/// A shard takes so many Kinesis records a second …
const SHARD_RECORDS: f64 = 1_000.0;
/// … and so many bytes.
const SHARD_BYTES: f64 = 1_048_576.0;
/// A PUT payload unit: 25 KB, where the service's KB are of 1,024 bytes.
const PAYLOAD_UNIT: usize = 25 * 1024;

/// What goes over the wire.
#[derive(Default)]
pub(super) struct Traffic {
    pub(super) records: usize,
    pub(super) bytes: usize,
    pub(super) payload_units: usize,
}

impl Traffic {
    /// Of Kinesis records with this much data and these keys, in bytes.
    pub(super) fn of(records: impl Iterator<Item = (usize, usize)>) -> Self {
        records.fold(Self::default(), |sum, (data, key)| Self {
            records: sum.records + 1,
            bytes: sum.bytes + data + key,
            payload_units: sum.payload_units + data.div_ceil(PAYLOAD_UNIT).max(1),
        })
    }

    /// Lines of the table: what it is, before, after; each a second, for `messages` at [`RATE`].
    pub(super) fn compare(&self, after: &Self, messages: usize) -> [(&'static str, f64, f64); 4] {
        let seconds = messages as f64 / RATE;
        let rate = |count: usize| count as f64 / seconds;
        let shards =
            |it: &Self| (rate(it.records) / SHARD_RECORDS).max(rate(it.bytes) / SHARD_BYTES).ceil();
        [
            ("Kinesis records a second", rate(self.records), rate(after.records)),
            ("bytes a second, with keys", rate(self.bytes), rate(after.bytes)),
            ("PUT payload units a second", rate(self.payload_units), rate(after.payload_units)),
            ("shards needed", shards(self), shards(after)),
        ]
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
        let table = before.compare(&after, 40_000);
        assert_eq!(table.map(|(_, before, _)| before), [20_000.0, 2_200_000.0, 20_000.0, 20.0]);
        assert_eq!(table.map(|(_, _, after)| after), [50.0, 2_560_050.0, 100.0, 3.0]);
    }
}

//! What outlives an invocation: which user records are finished, how often others failed.

mod encoding;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::positions::Positions;
use crate::sequence_number;

pub use encoding::ProgressError;

/// What is known of the Kinesis records of a shard that Lambda has not passed yet.
///
/// One `Progress` belongs to one shard (stream and shard name its place in the store): a retry may
/// begin anywhere in the shard, and with a parallelization factor several invocations are under
/// way. It is written by those in which something failed.
///
/// Everything in it only grows: finished records, and the highest number of failed attempts. So two
/// of them [merge](Self::merge) to the same in any order, however often, and invocations that
/// overlap cannot undo each other as long as each write is conditional on the version that was read.
///
/// [`encode`](Self::encode) makes bytes of it, some 20 for a finished plain record.
///
/// ```
/// use kinpack_consumer::Progress;
///
/// let progress = Progress::default();
/// assert_eq!(Progress::decode(&progress.encode())?, progress);
/// # Ok::<(), kinpack_consumer::ProgressError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub(crate) records: BTreeMap<Number, RecordProgress>,
}

/// A sequence number, packed, ordered as numbers are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Number(Vec<u8>);

/// What is known of one Kinesis record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RecordProgress {
    /// When it was last written, in seconds since 1970.
    pub(crate) stamp: u64,
    /// Handled.
    pub(crate) done: Positions,
    /// Written to the dead letter.
    pub(crate) dead: Positions,
    /// Failed attempts, by position or, with enhanced fan-out, by fingerprint.
    pub(crate) attempts: BTreeMap<u64, u32>,
}

impl Number {
    pub(crate) fn new(digits: &str) -> Self {
        Self(sequence_number::pack(digits))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Progress {
    /// Takes in all that the other knows.
    pub fn merge(&mut self, other: &Self) {
        for (number, theirs) in &other.records {
            self.records.entry(number.clone()).or_default().merge(theirs);
        }
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// How many Kinesis records something is known of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Forgets what was last written before that time: Lambda has passed it long ago.
    pub(crate) fn forget_before(&mut self, time: Duration) {
        self.records.retain(|_, record| record.stamp >= time.as_secs());
    }

    /// Forgets what was written longest ago, and of that the lowest, until the rest is encoded in
    /// `limit` bytes.
    pub(crate) fn fit(&mut self, limit: usize) {
        let mut over = self.encode().len().saturating_sub(limit);
        if over == 0 {
            return;
        }
        let mut by_age: Vec<_> =
            self.records.iter().map(|(number, record)| (record.stamp, number.clone())).collect();
        by_age.sort();
        for (_, number) in by_age {
            if over == 0 {
                break;
            }
            if let Some(record) = self.records.remove(&number) {
                over = over.saturating_sub(record.encoded_len_at_least());
            }
        }
    }
}

impl RecordProgress {
    fn merge(&mut self, other: &Self) {
        self.stamp = self.stamp.max(other.stamp);
        self.done.unite(&other.done);
        self.dead.unite(&other.dead);
        for (&member, &attempts) in &other.attempts {
            let mine = self.attempts.entry(member).or_default();
            *mine = attempts.max(*mine);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(number: &str, stamp: u64, done: &[u32], attempts: &[(u64, u32)]) -> Progress {
        let mut record = RecordProgress { stamp, ..Default::default() };
        done.iter().for_each(|&position| record.done.push(position));
        record.attempts.extend(attempts.iter().copied());
        Progress { records: [(Number::new(number), record)].into() }
    }

    #[test]
    fn merging_takes_any_order_and_any_number_of_times() {
        let a = progress("49", 10, &[0, 1, 5], &[(2, 1), (7, 3)]);
        let b = progress("49", 12, &[1, 2], &[(7, 2), (8, 1)]);
        let c = progress("100", 11, &[0], &[]);
        let mut one_way = a.clone();
        one_way.merge(&b);
        one_way.merge(&c);
        one_way.merge(&b);
        let mut other_way = c;
        other_way.merge(&b);
        other_way.merge(&a);
        assert_eq!(one_way, other_way);
        let merged = &one_way.records[&Number::new("49")];
        assert_eq!(merged.attempts, [(2, 1), (7, 3), (8, 1)].into());
        assert_eq!(merged.stamp, 12);
        assert_eq!(one_way.records.keys().next(), Some(&Number::new("49")));
    }

    #[test]
    fn what_does_not_fit_is_forgotten_from_the_oldest_and_lowest_on() {
        let mut all = Progress::default();
        for (number, stamp) in [("50", 1), ("10", 2), ("20", 2), ("30", 3)] {
            all.merge(&progress(number, stamp, &[0], &[]));
        }
        let two_records = {
            let mut two = progress("20", 2, &[0], &[]);
            two.merge(&progress("30", 3, &[0], &[]));
            two
        };
        all.fit(two_records.encode().len() + 8);
        assert_eq!(all, two_records);
        all.forget_before(Duration::from_secs(3));
        assert_eq!(all.len(), 1);
        all.fit(0);
        assert!(all.is_empty());
    }
}

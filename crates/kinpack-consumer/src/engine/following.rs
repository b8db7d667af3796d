//! A look ahead, for drivers that hand over several records at once.

use std::collections::HashSet;

use super::{Engine, State};
use crate::batch::{NO_KEY, Record};
use crate::config::BrokenAggregates;

impl Engine {
    /// Failed attempts on the record that are known of; 0 where they are not counted.
    #[must_use]
    pub fn attempts(&self, record: Record) -> u32 {
        self.remembering.attempts(&self.batch, record.index)
    }

    /// The records that come after this one, which was just begun, in the order in which they would
    /// be begun if each of them and it were handled with success, and no time passed. So a driver of
    /// one record at a time may hand over several at once, and answer for one after another. Where
    /// the order is in doubt, they end.
    pub fn following(&self, record: Record) -> impl Iterator<Item = Record> + '_ {
        let mut blocked = HashSet::new();
        for (index, state) in (0..).zip(&self.states) {
            let key = self.batch.key(index);
            let open =
                !matches!(state, State::Waiting | State::Handled | State::Skipped | State::Dead);
            if open && index != record.index && key != NO_KEY {
                blocked.insert(key);
            }
        }
        let limit = (self.stopped_by.is_some() && self.remembering.is_resumable())
            .then_some(self.settings.progress_limit);
        let mut cost = self.order.cost();
        let mut last_group = self.batch.group_of(record.index);
        let rest = record.index + 1..self.batch.user_records() as u32;
        rest.filter(move |&index| {
            self.states[index as usize] == State::Waiting
                && !blocked.contains(&self.batch.key(index))
        })
        .take_while(move |&index| {
            let group = self.batch.group_of(index);
            if group != last_group {
                last_group = group;
                cost += self.order.cost_of_beginning(&self.batch, group);
            }
            let fails =
                self.settings.broken == BrokenAggregates::Fail && self.batch.entry_of(index).broken;
            !fails
                && self.order.held_by(&self.batch, index).is_none()
                && limit.is_none_or(|limit| cost <= limit)
        })
        .map(|index| self.batch.record(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{BatchBuilder, KinesisRecord};
    use crate::config::{AfterDeadLetter, Config, Reporting};
    use crate::engine::{Action, FailureKind, Stored};
    use std::num::NonZeroU32;
    use std::time::Duration;

    const NOW: Duration = Duration::from_secs(1_800_000_000);

    fn engine(keys: &[Option<&str>]) -> Engine {
        let mut builder = BatchBuilder::new("s", "shardId-0");
        for (at, keys) in keys.chunks(3).enumerate() {
            let number = (40 + at).to_string();
            let record = KinesisRecord { sequence_number: &number, ..Default::default() };
            builder.kinesis_record(record, keys.iter().copied()).unwrap();
        }
        let config = Config::new(Reporting::BatchItemFailures)
            .durable_progress()
            .poison_after(NonZeroU32::new(9).unwrap(), AfterDeadLetter::SkipRecord);
        Engine::new(config.settings(), builder.finish(), Stored::default(), None, NOW)
    }

    /// What follows is what is begun, whatever failed before.
    #[test]
    fn it_says_what_comes() {
        let keys = [
            Some("a"),
            Some("b"),
            None,
            Some("a"),
            Some("c"),
            Some("b"),
            None,
            Some("a"),
            Some("c"),
        ];
        for fails in 0..1_u32 << keys.len() {
            let mut engine = engine(&keys);
            let mut expected: Option<Vec<Record>> = None;
            loop {
                let record = match engine.poll(NOW) {
                    Action::Start(record) => record,
                    Action::Persist(_) => {
                        engine.persisted(crate::engine::Persisted::Written);
                        continue;
                    }
                    _ => break,
                };
                if let Some(expected) = &mut expected {
                    assert!(!expected.is_empty(), "{record:?} follows too, {fails:b}");
                    assert_eq!(expected.remove(0), record, "{fails:b}");
                }
                if expected.is_none() {
                    expected = Some(engine.following(record).collect());
                }
                match fails >> record.index & 1 {
                    0 => assert!(engine.done(record)),
                    _ => {
                        assert!(engine.failed(record, FailureKind::Retry));
                        assert_eq!(engine.attempts(record), 1);
                        expected = None;
                    }
                }
            }
            assert_eq!(expected.unwrap_or_default(), [], "{fails:b}");
        }
    }
}

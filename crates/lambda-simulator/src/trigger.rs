//! Lambda's side: batches, checkpoints, retries, limits. No clock and no chance: time is a value in
//! milliseconds since 1970, and what the documents leave open is a setting of the [`Mapping`].

use std::collections::VecDeque;

use crate::answer::Verdict;
use crate::stream::{Delivery, Item, StreamRecord};

/// The event source mapping, and what the documents do not say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Records of an event at most.
    pub batch_size: usize,
    /// `ReportBatchItemFailures`. Without it the answer is ignored.
    pub reporting: bool,
    /// Bisect on function error.
    pub bisect: bool,
    /// Open: whether a split costs an attempt.
    pub split_costs_attempt: bool,
    /// Open: whether attempts are counted anew when the checkpoint moves.
    pub attempts_start_anew: bool,
    /// Open: whether a retry takes in records that came since.
    pub refill: bool,
    /// Retries of a batch at most; `None` is −1.
    pub max_retries: Option<u32>,
    /// Age of a record at most, in milliseconds; `None` is −1.
    pub max_age: Option<u64>,
    /// Parallelization factor, 1 to 10.
    pub factor: u64,
    /// Enhanced fan-out: Lambda takes aggregates apart.
    pub fan_out: bool,
    /// From a failure to the retry, in milliseconds.
    pub backoff: u64,
}

/// Names a delivery that was not answered yet.
pub type DeliveryId = usize;

/// What an answer brought about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Lambda is done with these.
    pub passed: Vec<Item>,
    /// Lambda gave these up: its limits. They go to the on-failure destination, as metadata.
    pub discarded: Vec<Item>,
}

/// Items that are delivered together, and how often they failed so.
#[derive(Clone, Debug)]
struct Work {
    items: Vec<Item>,
    failures: u32,
    not_before: u64,
}

/// What is delivered one batch after another: a shard's records of some outer keys.
#[derive(Clone, Debug)]
struct Lane {
    shard: usize,
    coming: VecDeque<Item>,
    /// To be delivered before what is coming, the last first.
    work: Vec<Work>,
    busy: Option<DeliveryId>,
}

/// The trigger.
#[derive(Clone, Debug)]
pub struct Trigger {
    mapping: Mapping,
    lanes: Vec<Lane>,
    deliveries: usize,
}

impl Trigger {
    /// With these records in these shards.
    #[must_use]
    pub fn new(mapping: Mapping, shards: &[Vec<StreamRecord>]) -> Self {
        let mut lanes = Vec::new();
        for (shard, records) in shards.iter().enumerate() {
            let mut of_shard: Vec<_> = (0..mapping.factor).map(|_| VecDeque::new()).collect();
            for record in records {
                for item in record.items(mapping.fan_out) {
                    of_shard[lane_of(&item, mapping.factor)].push_back(item);
                }
            }
            lanes.extend(of_shard.into_iter().map(|coming| Lane {
                shard,
                coming,
                work: Vec::new(),
                busy: None,
            }));
        }
        Self { mapping, lanes, deliveries: 0 }
    }

    /// When there is something to deliver, as far as no answer brings it about.
    #[must_use]
    pub fn next_time(&self) -> Option<u64> {
        self.lanes.iter().filter_map(Lane::next_time).min()
    }

    /// A batch that is to be delivered now. Records that are too old for it are in `moved`.
    pub fn due(&mut self, now: u64, moved: &mut Moved) -> Option<(DeliveryId, Delivery)> {
        for lane in &mut self.lanes {
            while lane.next_time().is_some_and(|time| time <= now) {
                lane.take_in(&self.mapping, now);
                lane.give_up_old(&self.mapping, now, moved);
                let Some(work) = lane.work.last() else { continue };
                let fan_out = self.mapping.fan_out;
                let delivery = Delivery { shard: lane.shard, fan_out, items: work.items.clone() };
                self.deliveries += 1;
                lane.busy = Some(self.deliveries);
                return Some((self.deliveries, delivery));
            }
        }
        None
    }

    /// A delivery is answered. One that is not under way is none of the trigger's business any more.
    pub fn answered(&mut self, id: DeliveryId, verdict: &Verdict, now: u64) -> Moved {
        let mut moved = Moved::default();
        if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.busy == Some(id)) {
            lane.busy = None;
            lane.answered(&self.mapping, verdict, now, &mut moved);
        }
        moved
    }
}

/// How keys are spread over lanes is not documented; the same key is always in the same one.
pub(crate) fn lane_of(item: &Item, factor: u64) -> usize {
    let text = item.key.as_deref().unwrap_or(&item.sequence_number);
    let hash = text.bytes().fold(0xCBF2_9CE4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    });
    ((hash >> 32) % factor) as usize
}

impl Lane {
    fn next_time(&self) -> Option<u64> {
        if self.busy.is_some() {
            return None;
        }
        match self.work.last() {
            Some(work) => Some(work.not_before),
            None => self.coming.front().map(|item| item.arrival),
        }
    }

    /// Makes a batch of what came, or adds that to a retry.
    fn take_in(&mut self, mapping: &Mapping, now: u64) {
        if self.work.is_empty() {
            self.work.push(Work { items: Vec::new(), failures: 0, not_before: 0 });
        } else if self.work.len() > 1 || !mapping.refill {
            return;
        }
        let Some(work) = self.work.last_mut() else { return };
        while work.items.len() < mapping.batch_size {
            let Some(item) = self.coming.pop_front_if(|item| item.arrival <= now) else { break };
            work.items.push(item);
        }
    }

    fn give_up_old(&mut self, mapping: &Mapping, now: u64, moved: &mut Moved) {
        let Some(max_age) = mapping.max_age else { return };
        if let Some(work) = self.work.last_mut() {
            let (old, young) = std::mem::take(&mut work.items)
                .into_iter()
                .partition(|item| item.arrival.saturating_add(max_age) < now);
            moved.discarded.extend::<Vec<_>>(old);
            work.items = young;
            if work.items.is_empty() {
                self.work.pop();
            }
        }
    }

    fn answered(&mut self, mapping: &Mapping, verdict: &Verdict, now: u64, moved: &mut Moved) {
        let Some(mut work) = self.work.pop() else { return };
        match verdict {
            Verdict::Success => moved.passed.extend(work.items),
            // From the lowest reported number on all comes again.
            &Verdict::From(at) => {
                moved.passed.extend(work.items.drain(..at));
                if at > 0 && mapping.attempts_start_anew {
                    work.failures = 0;
                } else if at == 0 || !mapping.bisect || mapping.split_costs_attempt {
                    work.failures += 1;
                }
                work.not_before = now + mapping.backoff;
                self.again(mapping, work, moved);
            }
            Verdict::Failure => {
                work.not_before = now + mapping.backoff;
                let splits = mapping.bisect && work.items.len() > 1;
                work.failures += u32::from(!splits || mapping.split_costs_attempt);
                if splits {
                    let items = work.items.split_off(work.items.len().div_ceil(2));
                    self.again(mapping, Work { items, ..work.clone() }, moved);
                }
                self.again(mapping, work, moved);
            }
        }
    }

    fn again(&mut self, mapping: &Mapping, work: Work, moved: &mut Moved) {
        if mapping.max_retries.is_some_and(|most| work.failures > most) {
            moved.discarded.extend(work.items);
        } else {
            self.work.push(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::User;

    fn mapping() -> Mapping {
        Mapping {
            batch_size: 4,
            reporting: true,
            bisect: false,
            split_costs_attempt: true,
            attempts_start_anew: false,
            refill: false,
            max_retries: Some(1),
            max_age: None,
            factor: 1,
            fan_out: false,
            backoff: 10,
        }
    }

    fn shard() -> Vec<StreamRecord> {
        let record = |n: u32| StreamRecord {
            sequence_number: n.to_string(),
            arrival: 100,
            outer_key: Some(format!("k{n}")),
            users: vec![User { id: n, key: None }],
            aggregated: false,
            broken: false,
        };
        (1..=6).map(record).collect()
    }

    fn numbers(items: &[Item]) -> Vec<&str> {
        items.iter().map(|item| item.sequence_number.as_str()).collect()
    }

    fn deliver(trigger: &mut Trigger, now: u64) -> (DeliveryId, Vec<String>) {
        let (id, delivery) = trigger.due(now, &mut Moved::default()).unwrap();
        (id, numbers(&delivery.items).into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn a_partial_response_moves_the_checkpoint() {
        let mut trigger = Trigger::new(mapping(), &[shard()]);
        assert_eq!(trigger.next_time(), Some(100));
        let (id, batch) = deliver(&mut trigger, 100);
        assert_eq!(batch, ["1", "2", "3", "4"]);
        assert_eq!(trigger.next_time(), None, "one batch after another");
        let moved = trigger.answered(id, &Verdict::From(2), 200);
        assert_eq!(numbers(&moved.passed), ["1", "2"]);
        assert_eq!(trigger.next_time(), Some(210));
        let (id, batch) = deliver(&mut trigger, 210);
        assert_eq!(batch, ["3", "4"]);
        // The second failure is one too many.
        let moved = trigger.answered(id, &Verdict::From(1), 220);
        assert_eq!(numbers(&moved.passed), ["3"]);
        assert_eq!(numbers(&moved.discarded), ["4"]);
        let (id, batch) = deliver(&mut trigger, 220);
        assert_eq!(batch, ["5", "6"]);
        trigger.answered(id, &Verdict::Success, 230);
        assert_eq!(trigger.next_time(), None);
    }

    #[test]
    fn a_failure_is_bisected() {
        let mapping = Mapping { bisect: true, split_costs_attempt: false, ..mapping() };
        let mut trigger = Trigger::new(mapping, &[shard()]);
        let (id, _) = deliver(&mut trigger, 100);
        trigger.answered(id, &Verdict::Failure, 100);
        let (id, batch) = deliver(&mut trigger, 110);
        assert_eq!(batch, ["1", "2"]);
        trigger.answered(id, &Verdict::Success, 110);
        assert_eq!(deliver(&mut trigger, 110).1, ["3", "4"]);
    }

    #[test]
    fn lanes_keep_the_order_of_outer_keys_and_old_records_are_discarded() {
        let mapping = Mapping { factor: 10, max_age: Some(50), ..mapping() };
        let mut trigger = Trigger::new(mapping, &[shard()]);
        let mut moved = Moved::default();
        let (first, delivery) = trigger.due(100, &mut moved).unwrap();
        let (_, other) = trigger.due(100, &mut moved).unwrap();
        assert_ne!(delivery.items, other.items);
        trigger.answered(first, &Verdict::Failure, 141);
        while trigger.due(151, &mut moved).is_some() {}
        assert!(moved.discarded.contains(&delivery.items[0]));
    }
}

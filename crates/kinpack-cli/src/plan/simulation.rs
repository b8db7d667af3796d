//! A stream's producers, message by message: what is sent when.

use std::collections::{BTreeMap, HashMap};

use kinpack::{
    Aggregator, EncodeError, HashKey, KinesisRecord, Limits, OuterKey, OuterKeyPolicy, Push,
    ShardMap,
};

use super::Settings;
use super::messages::Messages;
use super::ways::Way;
use crate::pack::payload::{Envelopes, PayloadFault, Payloads};
use crate::pack::rows::NewRecord;

/// What one producer sends of the sample.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) records: Vec<KinesisRecord>,
    /// Bytes of the records' data before whole aggregates were compressed.
    pub(super) bytes_inside: usize,
    /// Aggregates that the end of the sample cut short.
    pub(super) cut_short: usize,
    /// Aggregates that fill side by side: shards, times lanes or keys.
    pub(super) places: usize,
    /// Seconds that messages waited in aggregates, all together.
    pub(super) waited: f64,
    /// Seconds that the message waited that waited longest.
    pub(super) longest: f64,
}

/// Why a message cannot be sent.
#[derive(Debug)]
pub(super) enum Unsent {
    Payload(PayloadFault),
    Refused(EncodeError),
    Envelope(std::io::Error),
}

impl std::fmt::Display for Unsent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Payload(fault) => fault.fmt(f),
            Self::Refused(error) => error.fmt(f),
            Self::Envelope(error) => error.fmt(f),
        }
    }
}

/// Where a message is aggregated.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Place {
    Shard(usize),
    Lane(usize, u16),
    Key(usize, Box<str>),
}

/// An aggregate that is filling.
struct Open {
    place: Place,
    aggregator: Aggregator,
    since: f64,
    /// The sum of the times at which its messages came.
    came: f64,
}

struct Producer<'a> {
    shards: &'a ShardMap,
    limits: Limits,
    linger: Option<f64>,
    policy: OuterKeyPolicy,
    envelopes: Envelopes,
    /// In the order in which they were opened.
    open: BTreeMap<u64, Open>,
    opened: u64,
    /// Each place that ever was, and what is open there.
    places: HashMap<Place, Option<u64>>,
    sent: Sent,
}

/// Sends the messages, evenly over time, as one of the producers would.
pub(super) fn send(
    way: &Way,
    settings: &Settings,
    messages: &Messages,
    payloads: &mut [Payloads; 2],
    envelopes: Envelopes,
) -> Result<Sent, Unsent> {
    let mut producer = Producer {
        shards: &settings.shards,
        limits: settings.limits,
        linger: settings.linger,
        policy: way.policy,
        envelopes,
        open: BTreeMap::new(),
        opened: 0,
        places: HashMap::new(),
        sent: Sent::default(),
    };
    let step = settings.seconds_between();
    for (i, message) in messages.iter().enumerate() {
        let data = payloads[half(i, messages.len())].of(message.data).map_err(Unsent::Payload)?;
        let message = NewRecord { data, ..message };
        if way.aggregates {
            producer.take(&message, i as f64 * step)?;
        } else {
            producer.sent.records.push(alone(&message));
            producer.sent.bytes_inside += data.len();
        }
    }
    producer.end(messages.len() as f64 * step)
}

/// Which half of `len` messages one is in.
pub(super) fn half(i: usize, len: usize) -> usize {
    usize::from(i >= len / 2)
}

/// A Kinesis record of one message, as a producer without aggregation puts it.
pub(super) fn alone(message: &NewRecord<'_>) -> KinesisRecord {
    KinesisRecord {
        partition_key: message.partition_key.to_owned(),
        explicit_hash_key: message.explicit_hash_key.unwrap_or_default(),
        data: message.data.to_vec(),
        user_records: 1,
        aggregated: false,
    }
}

impl Producer<'_> {
    fn take(&mut self, message: &NewRecord<'_>, now: f64) -> Result<(), Unsent> {
        self.send_due(now)?;
        let (place, outer_key) = self.place(message);
        let mut open = self.places.get(&place).copied().flatten();
        if let Some(id) = open
            && self.push(id, message, now)? == Push::Full
        {
            self.close(id, now)?;
            open = None;
        }
        if open.is_none() {
            if let OuterKeyPolicy::PerKey { max_open } = self.policy
                && self.open.len() >= max_open
                && let Some((&longest, _)) = self.open.first_key_value()
            {
                self.close(longest, now)?;
            }
            let aggregator = Aggregator::new(self.limits, outer_key);
            let id = self.opened;
            self.opened += 1;
            self.places.insert(place.clone(), Some(id));
            self.open.insert(id, Open { place, aggregator, since: now, came: 0.0 });
            // An empty aggregator takes what is not refused.
            let _ = self.push(id, message, now)?;
            open = Some(id);
        }
        match open {
            Some(id) if self.open.get(&id).is_some_and(|it| it.aggregator.is_full()) => {
                self.close(id, now)
            }
            _ => Ok(()),
        }
    }

    fn place(&self, message: &NewRecord<'_>) -> (Place, OuterKey) {
        let open = self.shards.open();
        let shard = if open.len() == 1 {
            0
        } else {
            let key = HashKey::of(message.partition_key, message.explicit_hash_key);
            open.partition_point(|shard| shard.range.start() <= key).saturating_sub(1)
        };
        match self.policy {
            OuterKeyPolicy::PerKey { .. } => {
                (Place::Key(shard, message.partition_key.into()), OuterKey::PerKey)
            }
            OuterKeyPolicy::Lanes(lanes) => {
                let lane = lanes.lane_of(message.partition_key);
                (Place::Lane(shard, lane), OuterKey::Lane(lane))
            }
            OuterKeyPolicy::First => (Place::Shard(shard), OuterKey::First),
            _ => (Place::Shard(shard), OuterKey::Kpl),
        }
    }

    fn push(&mut self, id: u64, message: &NewRecord<'_>, now: f64) -> Result<Push, Unsent> {
        let Some(open) = self.open.get_mut(&id) else { return Ok(Push::Full) };
        let NewRecord { partition_key, explicit_hash_key, data } = *message;
        let pushed = open
            .aggregator
            .try_push(partition_key, explicit_hash_key, data)
            .map_err(Unsent::Refused)?;
        if pushed == Push::Added {
            open.came += now;
        }
        Ok(pushed)
    }

    /// Sends what has been open for as long as it may.
    fn send_due(&mut self, now: f64) -> Result<(), Unsent> {
        let Some(linger) = self.linger else { return Ok(()) };
        while let Some((&id, open)) = self.open.first_key_value() {
            let due = open.since + linger;
            if due > now {
                break;
            }
            self.close(id, due)?;
        }
        Ok(())
    }

    fn close(&mut self, id: u64, now: f64) -> Result<(), Unsent> {
        let Some(mut open) = self.open.remove(&id) else { return Ok(()) };
        self.places.insert(open.place, None);
        let Some(mut record) = open.aggregator.finish() else { return Ok(()) };
        self.sent.waited += f64::from(record.user_records) * now - open.came;
        self.sent.longest = self.sent.longest.max(now - open.since);
        self.sent.bytes_inside += record.data.len();
        self.envelopes.close(&mut record).map_err(Unsent::Envelope)?;
        self.sent.records.push(record);
        Ok(())
    }

    fn end(mut self, now: f64) -> Result<Sent, Unsent> {
        self.send_due(now)?;
        self.sent.cut_short = self.open.len();
        while let Some((&id, _)) = self.open.first_key_value() {
            self.close(id, now)?;
        }
        self.sent.places = self.places.len();
        Ok(self.sent)
    }
}

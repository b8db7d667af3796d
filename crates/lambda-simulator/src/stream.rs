//! What is in the stream, and how it comes to the function.

use base64_turbo::STANDARD;
use kinpack::{Aggregator, MAGIC, Push};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A user record. Its payload is its id, as decimal text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Its number in the whole schedule.
    pub id: u32,
    /// Its partition key.
    pub key: Option<String>,
}

/// A Kinesis record of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRecord {
    /// The sequence number.
    pub sequence_number: String,
    /// When it came, in milliseconds since 1970.
    pub arrival: u64,
    /// The outer partition key.
    pub outer_key: Option<String>,
    /// Its user records: one that is plain, or those of an aggregate.
    pub users: Vec<User>,
    /// Whether it is an aggregate.
    pub aggregated: bool,
    /// Whether it is an aggregate that cannot be decoded; its one user record stands for it.
    pub broken: bool,
}

/// A record of an event: a Kinesis record, or with enhanced fan-out one of its user records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The sequence number.
    pub sequence_number: String,
    /// When it came, in milliseconds since 1970.
    pub arrival: u64,
    /// The partition key that the event shows.
    pub key: Option<String>,
    /// Its user records.
    pub users: Vec<User>,
    /// Whether they are inside an aggregate.
    pub aggregated: bool,
    /// Whether it is an aggregate that cannot be decoded.
    pub broken: bool,
}

/// The records of one invocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Which shard.
    pub shard: usize,
    /// Whether it came by enhanced fan-out.
    pub fan_out: bool,
    /// The records.
    pub items: Vec<Item>,
}

impl StreamRecord {
    /// As it stands in an event: whole, or with enhanced fan-out in its user records. Those that
    /// Lambda cannot take apart stay whole.
    #[must_use]
    pub fn items(&self, fan_out: bool) -> Vec<Item> {
        let item = |key: &Option<String>, users: Vec<User>, aggregated| Item {
            sequence_number: self.sequence_number.clone(),
            arrival: self.arrival,
            key: key.clone(),
            users,
            aggregated,
            broken: self.broken,
        };
        if fan_out && self.aggregated && !self.broken {
            return self
                .users
                .iter()
                .map(|user| item(&user.key, vec![user.clone()], false))
                .collect();
        }
        vec![item(&self.outer_key, self.users.clone(), self.aggregated)]
    }
}

impl Item {
    /// The data, as the event has it before base64.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "keys and payloads of schedules are short")]
    pub fn data(&self) -> Vec<u8> {
        if self.broken {
            // A key index outside its table: what the KCL would lose.
            return framed(&[0x1A, 5, 0x08, 7, 0x1A, 1, b'?']);
        }
        let payload = |user: &User| user.id.to_string().into_bytes();
        if !self.aggregated {
            return self.users.first().map(payload).unwrap_or_default();
        }
        let mut aggregator = Aggregator::default();
        for user in &self.users {
            let key = user.key.as_deref().unwrap_or("a");
            let pushed = aggregator.try_push(key, None, &payload(user));
            assert_eq!(pushed, Ok(Push::Added), "keys and payloads of schedules are short");
        }
        // Without records: a key that none uses, as a digest of nothing would be plain data.
        aggregator.finish().map_or_else(|| framed(&[0x0A, 1, b'a']), |packed| packed.data)
    }
}

/// An aggregate's bytes, whatever is in it.
fn framed(protobuf: &[u8]) -> Vec<u8> {
    [&MAGIC[..], protobuf, &md5_lanes::md5(protobuf)].concat()
}

impl Delivery {
    /// The event, as Lambda sends it.
    #[must_use]
    pub fn event(&self) -> String {
        let shard = format!("shardId-{:012}", self.shard);
        let consumer = if self.fan_out { "/consumer/simulator:1700000000" } else { "" };
        let records: Vec<_> = self
            .items
            .iter()
            .map(|item| {
                json!({
                    "kinesis": {
                        "kinesisSchemaVersion": "1.0",
                        "partitionKey": item.key,
                        "sequenceNumber": item.sequence_number,
                        "data": STANDARD.encode(item.data()),
                        "approximateArrivalTimestamp": item.arrival as f64 / 1000.0,
                    },
                    "eventSource": "aws:kinesis",
                    "eventVersion": "1.0",
                    "eventID": format!("{shard}:{}", item.sequence_number),
                    "eventName": "aws:kinesis:record",
                    "invokeIdentityArn": "arn:aws:iam::123456789012:role/simulator",
                    "awsRegion": "eu-west-1",
                    "eventSourceARN":
                        format!("arn:aws:kinesis:eu-west-1:123456789012:stream/simulator{consumer}"),
                })
            })
            .collect();
        json!({ "Records": records }).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinpack::{Digest, deaggregate};

    #[test]
    fn data_is_what_the_item_says() {
        let user = |id| User { id, key: Some(format!("k{id}")) };
        let mut record = StreamRecord {
            sequence_number: "49".into(),
            arrival: 1_800_000_000_000,
            outer_key: Some("a".into()),
            users: vec![user(1), user(2)],
            aggregated: true,
            broken: false,
        };
        let payloads = |item: &Item| {
            let data = item.data();
            let contents = deaggregate(&data, Digest::Verify).unwrap();
            contents.records(None).map(|user| user.data.to_vec()).collect::<Vec<_>>()
        };
        assert_eq!(payloads(&record.items(false)[0]), [b"1", b"2"]);
        let fan_out = record.items(true);
        assert_eq!(fan_out.len(), 2);
        assert_eq!(payloads(&fan_out[1]), [b"2"]);
        assert_eq!(fan_out[1].key.as_deref(), Some("k2"));
        let delivery = Delivery { shard: 6, fan_out: false, items: record.items(false) };
        assert!(delivery.event().contains("\"eventID\":\"shardId-000000000006:49\""));
        record.users.clear();
        assert!(payloads(&record.items(false)[0]).is_empty());
        record.broken = true;
        assert!(deaggregate(&record.items(false)[0].data(), Digest::Verify).is_err());
    }
}

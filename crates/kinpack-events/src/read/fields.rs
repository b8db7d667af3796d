//! The members of one record, in whatever spelling it has them.

use serde::de::MapAccess;

use super::any::{Any, Json, Key, Skip, Visit};
use super::shape::Spelling;

// Members that a record may have at several places; a slot is one of these plus its place.
pub(super) const DATA: u8 = 0;
pub(super) const SEQUENCE_NUMBER: u8 = 1;
pub(super) const PARTITION_KEY: u8 = 2;
pub(super) const EXPLICIT_HASH_KEY: u8 = 3;
pub(super) const ARRIVAL: u8 = 4;
pub(super) const ENCRYPTION_TYPE: u8 = 5;
pub(super) const SHARD_ID: u8 = 6;
pub(super) const SUB_SEQUENCE_NUMBER: u8 = 7;

// The places.
pub(super) const PASCAL: u8 = 0;
pub(super) const CAMEL: u8 = 8;
/// In the object `kinesis` of a Lambda event's record.
pub(super) const KINESIS: u8 = 16;
/// In the object `kinesisRecordMetadata` of a Firehose event's record.
pub(super) const METADATA: u8 = 24;

// Members with one place only.
pub(super) const EVENT_ID: u8 = 32;
pub(super) const EVENT_NAME: u8 = 33;
pub(super) const EVENT_SOURCE: u8 = 34;
pub(super) const EVENT_SOURCE_ARN: u8 = 35;
pub(super) const AWS_REGION: u8 = 36;
pub(super) const INVOKE_IDENTITY_ARN: u8 = 37;
pub(super) const RECORD_ID: u8 = 38;

const SLOTS: usize = 39;
const IS_KINESIS: u8 = 62;
const IS_METADATA: u8 = 63;

/// How documents name the member of a slot whose type is checked.
pub(crate) fn member_name(slot: u8) -> &'static str {
    let pascal = place(slot) == PASCAL;
    match (slot - place(slot), pascal) {
        (DATA, true) => "Data",
        (DATA, false) => "data",
        (SEQUENCE_NUMBER, true) => "SequenceNumber",
        (SEQUENCE_NUMBER, false) => "sequenceNumber",
        (PARTITION_KEY, true) => "PartitionKey",
        (PARTITION_KEY, false) => "partitionKey",
        (_, true) => "ExplicitHashKey",
        (_, false) => "explicitHashKey",
    }
}

pub(super) fn place(slot: u8) -> u8 {
    slot & !7
}

/// A member of a record.
#[derive(Clone, Copy)]
pub(super) enum RecordKey {
    Slot(u8),
    Kinesis,
    Metadata,
    Unknown,
}

impl From<&str> for RecordKey {
    fn from(name: &str) -> Self {
        RecordKey::Slot(match name {
            "Data" => PASCAL + DATA,
            "SequenceNumber" => PASCAL + SEQUENCE_NUMBER,
            "PartitionKey" => PASCAL + PARTITION_KEY,
            "ExplicitHashKey" => PASCAL + EXPLICIT_HASH_KEY,
            "ApproximateArrivalTimestamp" => PASCAL + ARRIVAL,
            "EncryptionType" => PASCAL + ENCRYPTION_TYPE,
            "kinesis" => return RecordKey::Kinesis,
            "kinesisRecordMetadata" => return RecordKey::Metadata,
            "eventID" => EVENT_ID,
            "eventName" => EVENT_NAME,
            "eventSource" => EVENT_SOURCE,
            "eventSourceARN" => EVENT_SOURCE_ARN,
            "awsRegion" => AWS_REGION,
            "invokeIdentityArn" => INVOKE_IDENTITY_ARN,
            "recordId" => RECORD_ID,
            _ => match CoreKey::from(name) {
                CoreKey(Some(member)) => CAMEL + member,
                CoreKey(None) => return RecordKey::Unknown,
            },
        })
    }
}

/// A member of the objects inside a record.
pub(super) struct CoreKey(pub(super) Option<u8>);

impl From<&str> for CoreKey {
    fn from(name: &str) -> Self {
        CoreKey(Some(match name {
            "data" => DATA,
            "sequenceNumber" => SEQUENCE_NUMBER,
            "partitionKey" => PARTITION_KEY,
            "explicitHashKey" => EXPLICIT_HASH_KEY,
            "approximateArrivalTimestamp" => ARRIVAL,
            "encryptionType" => ENCRYPTION_TYPE,
            "shardId" => SHARD_ID,
            "subsequenceNumber" => SUB_SEQUENCE_NUMBER,
            _ => return CoreKey(None),
        }))
    }
}

/// The members of one record. Used again for the next, so that a record costs no more than what it
/// has: what is not in `present` is left from another.
pub(super) struct Fields<'de> {
    slots: [Json<'de>; SLOTS],
    present: u64,
}

impl<'de> Fields<'de> {
    pub(super) fn new() -> Self {
        Fields { slots: [const { Json::Null }; SLOTS], present: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.present = 0;
    }

    pub(super) fn set(&mut self, slot: u8, value: Json<'de>) {
        self.slots[slot as usize] = value;
        self.present |= 1 << slot;
    }

    /// What stands in a slot; null if nothing does.
    pub(super) fn get(&self, slot: u8) -> &Json<'de> {
        const NULL: Json<'static> = Json::Null;
        if self.has(slot) { &self.slots[slot as usize] } else { &NULL }
    }

    fn has(&self, slot: u8) -> bool {
        self.present & 1 << slot != 0
    }

    pub(super) fn is_lambda(&self) -> bool {
        self.has(IS_KINESIS)
    }

    pub(super) fn is_pascal(&self) -> bool {
        self.present & 0xff << PASCAL != 0
    }

    /// Has nothing of what only events of Lambda and Firehose say about a record.
    pub(super) fn is_bare(&self) -> bool {
        self.present & (0xff << METADATA | 0xff << EVENT_ID) == 0
    }

    /// Which document a record like this stands in, if it is one at all. Null counts as there.
    pub(super) fn spelling(&self) -> Option<Spelling> {
        let is_record = |place: u8, alone: bool| {
            let key = self.has(place + PARTITION_KEY);
            let number = self.has(place + SEQUENCE_NUMBER);
            key && number || self.has(place + DATA) && (alone || key || number)
        };
        if self.has(IS_KINESIS) {
            Some(Spelling::Lambda)
        } else if self.has(IS_METADATA) || self.has(RECORD_ID) && self.has(CAMEL + DATA) {
            Some(Spelling::Firehose)
        } else if is_record(PASCAL, true) || is_record(CAMEL, false) {
            // `data` alone is in JSON of every sort.
            Some(Spelling::Plain)
        } else {
            None
        }
    }

    /// Reads the value of a member.
    pub(super) fn read<A: MapAccess<'de>>(
        &mut self,
        key: RecordKey,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match key {
            RecordKey::Slot(slot) => {
                self.set(slot, map.next_value()?);
                Ok(())
            }
            RecordKey::Kinesis => self.nested(KINESIS, IS_KINESIS, map),
            RecordKey::Metadata => self.nested(METADATA, IS_METADATA, map),
            RecordKey::Unknown => map.next_value_seed(Any(Skip)),
        }
    }

    fn nested<A: MapAccess<'de>>(
        &mut self,
        place: u8,
        is_object: u8,
        map: &mut A,
    ) -> Result<(), A::Error> {
        self.present &= !(0xff << place | 1 << is_object);
        map.next_value_seed(Any(Core { fields: self, place, is_object }))
    }
}

impl<'de> Visit<'de> for &mut Fields<'de> {
    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key()? {
            self.read(key, &mut map)?;
        }
        Ok(())
    }
}

/// An object inside a record.
struct Core<'f, 'de> {
    fields: &'f mut Fields<'de>,
    place: u8,
    is_object: u8,
}

impl<'de> Visit<'de> for Core<'_, 'de> {
    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.fields.present |= 1 << self.is_object;
        while let Some(Key(CoreKey(member))) = map.next_key()? {
            match member {
                Some(member) => self.fields.set(self.place + member, map.next_value()?),
                None => map.next_value_seed(Any(Skip))?,
            }
        }
        Ok(())
    }
}

//! From the members of a record to what the document keeps of it.

use super::any::Json;
use super::fields::{self as slot, Fields};
use crate::store::{Field, Store, What};
use crate::timestamp;

/// Keeps a record. `firehose` says that it is one of a Firehose event.
pub(super) fn push(store: &mut Store, fields: &Fields<'_>, firehose: bool) {
    let (place, keys) = if fields.is_lambda() {
        (slot::KINESIS, slot::KINESIS)
    } else if firehose {
        (slot::CAMEL, slot::METADATA)
    } else if fields.is_pascal() {
        (slot::PASCAL, slot::PASCAL)
    } else {
        (slot::CAMEL, slot::CAMEL)
    };
    let firehose = keys == slot::METADATA;

    store.begin();
    push_data(store, fields, place + slot::DATA, keys);
    for (field, member) in [
        (Field::SequenceNumber, slot::SEQUENCE_NUMBER),
        (Field::PartitionKey, slot::PARTITION_KEY),
        (Field::ExplicitHashKey, slot::EXPLICIT_HASH_KEY),
    ] {
        if let Some(text) = fields.get(keys + member).text() {
            store.push_text(field, text);
        }
    }
    let arrival = match fields.get(place + slot::ARRIVAL) {
        Json::Null if firehose => fields.get(keys + slot::ARRIVAL),
        arrival => arrival,
    };
    push_arrival(store, arrival, if firehose { 1e3 } else { 1.0 });
    let is_bare = fields.is_bare();
    let mut shard_id = None;
    if !is_bare {
        if let Some(text) = fields.get(slot::EVENT_ID).text() {
            let event_id = store.push_text(Field::EventId, text);
            shard_id = text.find(':').filter(|&len| len > 0).map(|len| (event_id, len));
        }
        push_record_id(store, fields);
    }
    if let Some(text) = fields.get(place + slot::ENCRYPTION_TYPE).text() {
        store.share(Field::EncryptionType, text);
    }
    if !is_bare {
        for (field, slot) in [
            (Field::EventName, slot::EVENT_NAME),
            (Field::EventSource, slot::EVENT_SOURCE),
            (Field::EventSourceArn, slot::EVENT_SOURCE_ARN),
            (Field::AwsRegion, slot::AWS_REGION),
            (Field::InvokeIdentityArn, slot::INVOKE_IDENTITY_ARN),
        ] {
            if let Some(text) = fields.get(slot).text() {
                store.share(field, text);
            }
        }
        if let Some(text) = fields.get(slot::METADATA + slot::SHARD_ID).text() {
            store.share(Field::ShardId, text);
        } else if let Some((event_id, len)) = shard_id {
            store.share_prefix(Field::ShardId, event_id, len);
        }
    }
    store.end();
}

/// What Firehose knows a record by.
fn push_record_id(store: &mut Store, fields: &Fields<'_>) {
    if let Some(text) = fields.get(slot::RECORD_ID).text() {
        store.push_text(Field::RecordId, text);
    }
    match fields.get(slot::METADATA + slot::SUB_SEQUENCE_NUMBER) {
        Json::Integer(number) => store.push(Field::SubSequenceNumber, *number),
        // Amazon's example has it as an empty text.
        Json::Text(text) => {
            if let Ok(number) = text.parse() {
                store.push(Field::SubSequenceNumber, number);
            }
        }
        _ => {}
    }
}

/// The data, unless it or a member without which it would be misplaced cannot be read.
fn push_data(store: &mut Store, fields: &Fields<'_>, data: u8, keys: u8) {
    let is_bad = |slot: &u8| !matches!(fields.get(*slot), Json::Null | Json::Text(_));
    let bad_member = [slot::SEQUENCE_NUMBER, slot::PARTITION_KEY, slot::EXPLICIT_HASH_KEY]
        .map(|member| keys + member)
        .into_iter()
        .find(is_bad);
    match (fields.get(data), bad_member) {
        (Json::Null, _) => store.push_fault(What::Missing, data),
        (Json::Text(_), Some(member)) => store.push_fault(What::Member, member),
        (Json::Text(text), None) => {
            if let Err(position) = store.push_base64(text) {
                store.push_base64_fault(data, position, text);
            }
        }
        _ => store.push_fault(What::NotAString, data),
    }
}

/// When the record arrived, from a number of which `per_second` make a second, or from text.
fn push_arrival(store: &mut Store, arrival: &Json<'_>, per_second: f64) {
    let seconds = match arrival {
        Json::Integer(number) => Some(*number as f64 / per_second),
        Json::Float(number) => Some(number / per_second),
        Json::Text(text) => timestamp::seconds(text),
        _ => None,
    };
    if let Some(seconds) = seconds {
        store.push(Field::ArrivalSeconds, seconds.to_bits());
    }
    if let Some(text) = arrival.text() {
        store.push_text(Field::ArrivalText, text);
    }
}

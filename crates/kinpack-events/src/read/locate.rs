//! Where the faulty records of a document stand, and what stands as its `state`: a second pass that
//! few documents need.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::any::{Any, IsKey, Skip};
use super::fields::{self, KINESIS, METADATA, member_name};
use super::shape::{List, Outer, Shape};
use crate::store::{Store, What};

/// Gives each fault its offset in `text`, and those that have none their text.
pub(super) fn faults(text: &[u8], shape: &Shape, store: &mut Store) -> serde_json::Result<()> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let mut value = <&RawValue>::deserialize(&mut deserializer)?;
    let mut search = Search { text, store, next: 0 };
    if shape.outer == Outer::Object {
        let wrapper = shape.wrapped.then_some("SubscribeToShardEvent");
        let list = match (shape.records, shape.lower_records) {
            (List::Absent, List::Absent) => return search.record(0, value),
            (List::Absent, _) => "records",
            _ => "Records",
        };
        for name in wrapper.into_iter().chain([list]) {
            match member(value, name)? {
                Some(inner) => value = inner,
                None => return Ok(()),
            }
        }
    }
    serde_json::Deserializer::from_str(value.get()).deserialize_seq(&mut search)
}

/// The member `state` of a document as it was written, if the document was read to its end.
pub(super) fn state<'t>(text: &'t [u8], shape: &Shape) -> serde_json::Result<Option<&'t str>> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let mut value = <&RawValue>::deserialize(&mut deserializer)?;
    let wrapper = shape.wrapped.then_some("SubscribeToShardEvent");
    for name in wrapper.into_iter().chain(["state"]) {
        match member(value, name)? {
            Some(inner) => value = inner,
            None => return Ok(None),
        }
    }
    Ok(Some(value.get()))
}

struct Search<'s> {
    text: &'s [u8],
    store: &'s mut Store,
    next: usize,
}

impl Search<'_> {
    /// Takes a look at a record, which may be the next that is faulty.
    fn record(&mut self, index: usize, record: &RawValue) -> serde_json::Result<()> {
        let (what, slot) = match self.store.faults().get(self.next) {
            Some(fault) if fault.record as usize == index => (fault.what, fault.slot),
            _ => return Ok(()),
        };
        let value = match (what, fields::place(slot)) {
            (What::Missing, _) => Some(record),
            (_, KINESIS) => inner(record, "kinesis", slot)?,
            (_, METADATA) => inner(record, "kinesisRecordMetadata", slot)?,
            _ => member(record, member_name(slot))?,
        };
        let at = value.unwrap_or(record).get().as_ptr().addr() - self.text.as_ptr().addr();
        self.store.set_fault_offset(self.next, at);
        if what != What::Base64 {
            self.store.set_fault_text(self.next, record.get());
        }
        self.next += 1;
        Ok(())
    }
}

impl<'de> Visitor<'de> for &mut Search<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut index = 0;
        while let Some(record) = seq.next_element::<&RawValue>()? {
            self.record(index, record).map_err(serde::de::Error::custom)?;
            index += 1;
        }
        Ok(())
    }
}

/// The member of a slot in an object of the record.
fn inner<'a>(
    record: &'a RawValue,
    object: &str,
    slot: u8,
) -> serde_json::Result<Option<&'a RawValue>> {
    match member(record, object)? {
        Some(object) => member(object, member_name(slot)),
        None => Ok(None),
    }
}

/// The last member of an object that has this name.
fn member<'a>(object: &'a RawValue, name: &str) -> serde_json::Result<Option<&'a RawValue>> {
    struct Last<'n>(&'n str);

    impl<'de> Visitor<'de> for Last<'_> {
        type Value = Option<&'de RawValue>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut last = None;
            while let Some(is_it) = map.next_key_seed(IsKey(self.0))? {
                if is_it {
                    last = Some(map.next_value()?);
                } else {
                    map.next_value_seed(Any(Skip))?;
                }
            }
            Ok(last)
        }
    }

    serde_json::Deserializer::from_str(object.get()).deserialize_map(Last(name))
}

//! The outermost value of a document, and its lists of records.

use serde::de::{MapAccess, SeqAccess};

use super::Reader;
use super::any::{Any, Json, Key, Skip, Visit};
use super::fields::{EVENT_SOURCE_ARN, RecordKey};
use super::locate;
use super::notes::Note;
use super::shape::{List, Outer};

/// A member of a document.
#[derive(Clone, Copy)]
enum EventKey {
    Wrapper,
    Records,
    LowerRecords,
    Note(Note),
    MillisBehindLatest,
    Window,
    State,
    IsFinal,
    IsTerminatedEarly,
    /// The document may be a record itself.
    Record(RecordKey),
}

impl From<&str> for EventKey {
    fn from(name: &str) -> Self {
        EventKey::Note(match name {
            "Records" => return EventKey::Records,
            "NextShardIterator" => Note::NextShardIterator,
            "MillisBehindLatest" => return EventKey::MillisBehindLatest,
            "SubscribeToShardEvent" => return EventKey::Wrapper,
            "ContinuationSequenceNumber" => Note::ContinuationSequenceNumber,
            "StreamName" => Note::StreamName,
            "StreamARN" => Note::StreamArn,
            "records" => return EventKey::LowerRecords,
            "invocationId" => Note::InvocationId,
            "deliveryStreamArn" => Note::DeliveryStreamArn,
            "sourceKinesisStreamArn" => Note::SourceKinesisStreamArn,
            "region" => Note::Region,
            "shardId" => Note::ShardId,
            "eventSourceARN" => Note::EventSourceArn,
            "window" => return EventKey::Window,
            "state" => return EventKey::State,
            "isFinalInvokeForWindow" => return EventKey::IsFinal,
            "isWindowTerminatedEarly" => return EventKey::IsTerminatedEarly,
            _ => return EventKey::Record(RecordKey::from(name)),
        })
    }
}

/// The outermost value.
pub(super) struct Value<'r, 'd, 'de>(pub(super) &'r mut Reader<'d, 'de>);

impl<'de> Visit<'de> for Value<'_, '_, 'de> {
    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let reader = self.0;
        reader.shape.outer = Outer::Object;
        while let Some(Key(key)) = map.next_key()? {
            match key {
                EventKey::Wrapper => {
                    reader.restart();
                    reader.shape.outer = Outer::Object;
                    reader.shape.wrapped = true;
                    map.next_value_seed(Any(Wrapped(reader)))?;
                }
                _ if reader.shape.wrapped => map.next_value_seed(Any(Skip))?,
                key => reader.member(key, &mut map)?,
            }
        }
        Ok(())
    }

    fn array<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        self.0.shape.outer = Outer::Array;
        self.0.elements(false, seq)
    }
}

/// The value of `SubscribeToShardEvent`.
struct Wrapped<'r, 'd, 'de>(&'r mut Reader<'d, 'de>);

impl<'de> Visit<'de> for Wrapped<'_, '_, 'de> {
    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key()? {
            self.0.member(key, &mut map)?;
        }
        Ok(())
    }
}

impl<'de> Reader<'_, 'de> {
    /// Reads the value of a member of a document.
    fn member<A: MapAccess<'de>>(&mut self, key: EventKey, map: &mut A) -> Result<(), A::Error> {
        match key {
            EventKey::Wrapper => map.next_value_seed(Any(Skip))?,
            EventKey::Records => {
                self.shape.records = List::NoArray;
                self.list(false, map)?;
            }
            EventKey::LowerRecords if self.shape.records == List::Absent => {
                self.shape.lower_records = List::NoArray;
                self.list(true, map)?;
            }
            EventKey::LowerRecords => map.next_value_seed(Any(Skip))?,
            EventKey::Note(note) => self.note(note, map.next_value()?),
            EventKey::MillisBehindLatest => {
                self.shape.hints.get_records = true;
                let value: Json<'de> = map.next_value()?;
                self.document.notes.millis_behind_latest = value.integer();
            }
            EventKey::Window => {
                self.shape.hints.lambda = true;
                self.text(Note::WindowStart, None);
                self.text(Note::WindowEnd, None);
                map.next_value_seed(Any(Window(self)))?;
            }
            EventKey::State => {
                self.shape.has_state = true;
                map.next_value_seed(Any(Skip))?;
            }
            EventKey::IsFinal => {
                self.shape.hints.lambda = true;
                let value: Json<'de> = map.next_value()?;
                self.document.notes.is_final = value.bool();
            }
            EventKey::IsTerminatedEarly => {
                self.shape.hints.lambda = true;
                let value: Json<'de> = map.next_value()?;
                self.document.notes.is_terminated_early = value.bool();
            }
            // With a list the document is no record.
            EventKey::Record(_) if self.shape.has_list() => map.next_value_seed(Any(Skip))?,
            EventKey::Record(key) => self.fields.read(key, map)?,
        }
        Ok(())
    }

    fn note(&mut self, note: Note, value: Json<'de>) {
        let hints = &mut self.shape.hints;
        match note {
            Note::NextShardIterator | Note::StreamName | Note::StreamArn => {
                hints.get_records = true;
            }
            Note::ContinuationSequenceNumber => hints.subscribe_to_shard = true,
            Note::InvocationId | Note::DeliveryStreamArn => hints.firehose = true,
            Note::ShardId => hints.lambda = true,
            _ => {}
        }
        self.text(note, value.text());
        if matches!(note, Note::EventSourceArn) && !self.shape.has_list() {
            self.fields.set(EVENT_SOURCE_ARN, value);
        }
    }

    /// Notes the text of `state`. A second look for it: the first was at what it says, as
    /// serde_json takes any text for raw JSON.
    pub(super) fn keep_state(&mut self, text: &[u8]) -> serde_json::Result<()> {
        if self.shape.has_state {
            self.text(Note::State, locate::state(text, &self.shape)?);
        }
        Ok(())
    }

    fn text(&mut self, note: Note, text: Option<&str>) {
        let document = &mut *self.document;
        document.notes.set(note, text, &mut document.store);
    }

    fn list<A: MapAccess<'de>>(&mut self, firehose: bool, map: &mut A) -> Result<(), A::Error> {
        self.document.store.clear_records();
        self.shape.begin_list();
        map.next_value_seed(Any(Elements { reader: self, firehose }))
    }

    fn elements<A: SeqAccess<'de>>(&mut self, firehose: bool, mut seq: A) -> Result<(), A::Error> {
        loop {
            self.fields.clear();
            if seq.next_element_seed(Any(&mut self.fields))?.is_none() {
                return Ok(());
            }
            self.end_record(firehose);
        }
    }
}

/// The value of `Records` or `records`.
struct Elements<'r, 'd, 'de> {
    reader: &'r mut Reader<'d, 'de>,
    firehose: bool,
}

impl<'de> Visit<'de> for Elements<'_, '_, 'de> {
    fn array<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        let shape = &mut self.reader.shape;
        if self.firehose {
            shape.lower_records = List::Array;
        } else {
            shape.records = List::Array;
        }
        self.reader.elements(self.firehose, seq)
    }
}

/// The value of `window`.
struct Window<'r, 'd, 'de>(&'r mut Reader<'d, 'de>);

enum WindowKey {
    Edge(Note),
    Unknown,
}

impl From<&str> for WindowKey {
    fn from(name: &str) -> Self {
        match name {
            "start" => WindowKey::Edge(Note::WindowStart),
            "end" => WindowKey::Edge(Note::WindowEnd),
            _ => WindowKey::Unknown,
        }
    }
}

impl<'de> Visit<'de> for Window<'_, '_, 'de> {
    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key()? {
            match key {
                WindowKey::Edge(note) => {
                    let value: Json<'de> = map.next_value()?;
                    self.0.text(note, value.text());
                }
                WindowKey::Unknown => map.next_value_seed(Any(Skip))?,
            }
        }
        Ok(())
    }
}

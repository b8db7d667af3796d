//! From JSON to a document: one pass with serde over the text, whatever the document turns out to
//! be, then the decision what it is. Only a document with faulty records is gone through again, to
//! say where they stand.

mod alike;
mod any;
mod event;
mod fields;
mod locate;
mod notes;
mod pick;
mod shape;

use serde::de::{DeserializeSeed, IgnoredAny};

pub(crate) use fields::member_name;
pub(crate) use notes::Notes;

use crate::{Document, EventError, Kind};
use any::Any;
use event::Value;
use fields::Fields;
use shape::{Shape, Spelling};

/// How much of the text is the document.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    Whole,
    Prefix,
}

/// Spans have 32 bits.
const MAX_LEN: usize = u32::MAX as usize;

/// All that is known while a document is read.
struct Reader<'d, 'de> {
    document: &'d mut Document,
    /// The record that is being read, or the members of the document if it is a record itself.
    fields: Fields<'de>,
    shape: Shape,
}

impl Reader<'_, '_> {
    /// Ends a record of a list.
    fn end_record(&mut self, firehose: bool) {
        let spelling = self.fields.spelling();
        self.shape.note(spelling);
        let firehose = firehose || spelling == Some(Spelling::Firehose);
        pick::push(&mut self.document.store, &self.fields, firehose);
    }

    /// Forgets everything, as the event inside is the document.
    fn restart(&mut self) {
        self.document.store.clear();
        self.document.notes = Notes::default();
        self.fields.clear();
        self.shape = Shape::default();
    }
}

/// Reads a document, whose text it keeps if it has a use for it.
pub(crate) fn owned(
    document: &mut Document,
    kind: Option<Kind>,
    json: Vec<u8>,
) -> Result<(), EventError> {
    match alike::owned(document, kind, json) {
        Ok(()) => Ok(()),
        Err(json) => general(document, kind, &json, Extent::Whole).map(|_| ()),
    }
}

/// Reads the document at the beginning of `json`, and says how many bytes it took.
pub(crate) fn prefix(
    document: &mut Document,
    kind: Option<Kind>,
    json: &[u8],
) -> Result<usize, EventError> {
    let text = &json[..json.len().min(MAX_LEN)];
    match alike::borrowed(document, kind, text, Extent::Prefix) {
        Some(taken) => Ok(taken),
        None => general(document, kind, json, Extent::Prefix),
    }
}

/// Reads a document of any shape.
fn general(
    document: &mut Document,
    kind: Option<Kind>,
    json: &[u8],
    extent: Extent,
) -> Result<usize, EventError> {
    let result = read(document, kind, json, extent);
    if result.is_err() {
        document.store.clear();
        document.notes = Notes::default();
    }
    result
}

fn read(
    document: &mut Document,
    kind: Option<Kind>,
    json: &[u8],
    extent: Extent,
) -> Result<usize, EventError> {
    let text = &json[..json.len().min(MAX_LEN)];
    if extent == Extent::Whole && text.len() < json.len() {
        return Err(EventError::too_large());
    }
    let error = |error: serde_json::Error| match EventError::json(&error, text) {
        cut if cut.is_eof() && text.len() < json.len() => EventError::too_large(),
        error => error,
    };

    document.store.clear();
    document.notes = Notes::default();
    let mut reader = Reader { document, fields: Fields::new(), shape: Shape::default() };
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    Any(Value(&mut reader)).deserialize(&mut deserializer).map_err(error)?;
    let taken = match extent {
        Extent::Whole => deserializer.end().map(|()| json.len()).map_err(error)?,
        // The only way to ask where it stands.
        Extent::Prefix => deserializer.into_iter::<IgnoredAny>().byte_offset(),
    };

    let kind = reader.shape.kind(kind, reader.fields.spelling()).map_err(|kind| {
        let start = text.iter().position(|byte| !byte.is_ascii_whitespace());
        EventError::shape(kind, start.unwrap_or(0), taken)
    })?;
    reader.keep_state(text).map_err(error)?;
    if reader.shape.is_single() {
        reader.end_record(false);
    }
    let Reader { document, shape, .. } = reader;
    document.kind = kind;
    if !document.store.faults().is_empty() {
        locate::faults(text, &shape, &mut document.store).map_err(error)?;
    }
    Ok(taken)
}

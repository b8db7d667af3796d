//! Lists whose records look alike, as those of AWS do: a record is compared with the text between
//! the values of the one before, and only the values are read.
//!
//! Whatever is unusual is left to the general way: records of another shape, faulty ones, members
//! that repeat, text that is not JSON. So nothing here has to say what is wrong.

mod in_place;
mod scan;
mod source;
mod template;
mod walk;

use serde::de::DeserializeSeed;

use super::any::Any;
use super::event::Value;
use super::fields::Fields;
use super::notes::Notes;
use super::shape::{List, Shape};
use super::{Extent, MAX_LEN, Reader};
use crate::{Document, Kind};
use scan::white;
use source::{Beside, InPlace, Source};
use template::{Found, Layout, Template};

/// Reads a document and keeps its text, with the data decoded where it stood; else gives the text
/// back as it was.
pub(super) fn owned(
    document: &mut Document,
    kind: Option<Kind>,
    json: Vec<u8>,
) -> Result<(), Vec<u8>> {
    if json.len() > MAX_LEN {
        return Err(json);
    }
    let mut source = InPlace::new(json);
    document.store.clear();
    if list(document, kind, &mut source, Extent::Whole).is_some() {
        document.store.put_data(source.into_data());
        return Ok(());
    }
    let json = source.undo(document.store.data_spans());
    document.store.clear();
    Err(json)
}

/// Reads the document at the beginning of `json` and says how many bytes it took.
pub(super) fn borrowed(
    document: &mut Document,
    kind: Option<Kind>,
    json: &[u8],
    extent: Extent,
) -> Option<usize> {
    document.store.clear();
    let mut source = Beside::new(json, document.store.take_data());
    let taken = list(document, kind, &mut source, extent);
    document.store.put_data(source.into_data());
    taken
}

fn list(
    document: &mut Document,
    asked: Option<Kind>,
    source: &mut impl Source,
    extent: Extent,
) -> Option<usize> {
    let first = begin(source.text())?;
    let (mut template, mut found) = (Template::default(), Found::default());
    let end = walk::record(source.text(), first, &mut template, &mut found)?;
    let kind = match template.layout {
        Layout::Lambda => Kind::Lambda,
        Layout::Plain => Kind::GetRecords,
    };
    if asked.is_some_and(|asked| asked != kind) {
        return None;
    }

    let store = &mut document.store;
    let mut strings = store.take_strings();
    template.share(source.text(), &mut strings, store);
    let shared = strings.len();
    template.keep(&found, source, &mut strings, store)?;
    if extent == Extent::Whole {
        /// More than the 10,000 records that Lambda sends.
        const MOST: usize = 1 << 14;
        // As if all were as long as the first, which may be much shorter than the others.
        let more = ((source.text().len() - end) / (end - first)).min(MOST);
        store.reserve(more, template.slots());
        strings.reserve(more * (strings.len() - shared));
    }

    let mut at = end;
    let end = loop {
        at = white(source.text(), at);
        match source.text().get(at)? {
            b',' => at = white(source.text(), at + 1),
            b']' => break at + 1,
            _ => return None,
        }
        at = match template.matches(source.text(), at, &mut found) {
            Some(end) => end,
            None => {
                let layout = template.layout;
                let end = walk::record(source.text(), at, &mut template, &mut found)?;
                if template.layout != layout {
                    return None;
                }
                template.share(source.text(), &mut strings, store);
                end
            }
        };
        template.keep(&found, source, &mut strings, store)?;
    };
    let (end, notes, texts) = rest(source.text(), end, extent)?;
    document.notes = notes.moved(strings.len());
    strings.extend_from_slice(texts.as_bytes());
    if strings.len() > MAX_LEN {
        return None;
    }
    document.store.put_strings(String::from_utf8(strings).ok()?);
    document.kind = kind;
    Some(end)
}

/// Where the first record stands.
fn begin(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for token in [&b"{"[..], b"\"Records\"", b":", b"["] {
        at = white(text, at);
        at = text.get(at..)?.starts_with(token).then_some(at + token.len())?;
    }
    Some(white(text, at))
}

/// Reads on after the list: where the document ends, what else it says, and the texts of that.
fn rest(text: &[u8], end: usize, extent: Extent) -> Option<(usize, Notes, String)> {
    /// How much is looked at where more documents may follow.
    const MOST: usize = 4096;

    let at = white(text, end);
    let (end, notes, texts) = if *text.get(at)? == b'}' {
        (at + 1, Notes::default(), String::new())
    } else {
        // Without the list the other members are an object, too.
        let next = white(text, at + 1);
        if text[at] != b',' || *text.get(next)? != b'"' {
            return None;
        }
        let stop = match extent {
            Extent::Whole => text.len(),
            Extent::Prefix => text.len().min(at + MOST),
        };
        let (len, notes, texts) = members(&[b"{", &text[next..stop]].concat())?;
        (next + len - 1, notes, texts)
    };
    match extent {
        Extent::Whole if white(text, end) < text.len() => None,
        Extent::Whole => Some((text.len(), notes, texts)),
        Extent::Prefix => Some((end, notes, texts)),
    }
}

/// Reads the members of a document whose list was read already.
fn members(object: &[u8]) -> Option<(usize, Notes, String)> {
    let mut document = Document::new();
    let mut reader =
        Reader { document: &mut document, fields: Fields::new(), shape: Shape::default() };
    let mut deserializer = serde_json::Deserializer::from_slice(object);
    Any(Value(&mut reader)).deserialize(&mut deserializer).ok()?;
    reader.keep_state(object).ok()?;
    let Shape { records, lower_records, wrapped, hints, .. } = reader.shape;
    if records != List::Absent || lower_records != List::Absent || wrapped {
        return None;
    }
    if hints.subscribe_to_shard || hints.firehose {
        return None;
    }
    let end = deserializer.into_iter::<serde::de::IgnoredAny>().byte_offset();
    Some((end, document.notes, document.store.strings().to_owned()))
}

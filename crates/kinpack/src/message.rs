//! The fields of the format's messages, read from protobuf.

use std::borrow::Cow;
use std::ops::Range;

use crate::error::{DecodeError, DecodeErrorKind, RequiredField};
use crate::java_text::push_replacing;
use crate::wire::{Cursor, FieldTag, LENGTH_DELIMITED, Overlong, VARINT};

/// `AggregatedRecord.partition_key_table`
pub(crate) const PARTITION_KEY_TABLE: FieldTag = FieldTag::new(1, LENGTH_DELIMITED);
/// `AggregatedRecord.explicit_hash_key_table`
pub(crate) const EXPLICIT_HASH_KEY_TABLE: FieldTag = FieldTag::new(2, LENGTH_DELIMITED);
/// `AggregatedRecord.records`
pub(crate) const RECORDS: FieldTag = FieldTag::new(3, LENGTH_DELIMITED);

const PARTITION_KEY_INDEX: FieldTag = FieldTag::new(1, VARINT);
const EXPLICIT_HASH_KEY_INDEX: FieldTag = FieldTag::new(2, VARINT);
const DATA: FieldTag = FieldTag::new(3, LENGTH_DELIMITED);
const TAGS: FieldTag = FieldTag::new(4, LENGTH_DELIMITED);

const TAG_KEY: FieldTag = FieldTag::new(1, LENGTH_DELIMITED);
const TAG_VALUE: FieldTag = FieldTag::new(2, LENGTH_DELIMITED);

/// A `Record` as it stands in the bytes: positions in the data, indices into the tables.
///
/// Data is shorter than 2^30 bytes, so tables have fewer entries and all of it fits 32 bits. An
/// index that does not is outside its table, wherever it is, and stands as [`Self::FAR`].
#[derive(Clone, Copy)]
pub(crate) struct RawRecord {
    pub(crate) partition_key: u32,
    /// Or [`Self::NONE`].
    explicit_hash_key: u32,
    data_start: u32,
    data_end: u32,
    /// Where the whole `Record` stands, if it has tags; else nothing.
    tagged_start: u32,
    tagged_end: u32,
}

impl RawRecord {
    const NONE: u32 = u32::MAX;
    const FAR: u32 = u32::MAX - 1;

    #[inline]
    pub(crate) fn explicit_hash_key(&self) -> Option<u32> {
        (self.explicit_hash_key != Self::NONE).then_some(self.explicit_hash_key)
    }

    #[inline]
    pub(crate) fn data(&self) -> Range<usize> {
        self.data_start as usize..self.data_end as usize
    }

    #[inline]
    pub(crate) fn tagged(&self) -> Range<usize> {
        self.tagged_start as usize..self.tagged_end as usize
    }

    /// Reads a field of `message` that is a `Record` of the shape that every known writer gives
    /// it: its fields once each, in order, no more, numbers below 2^21. `None`, and nothing read,
    /// for any other shape and near the end.
    #[inline(always)]
    pub(crate) fn straight(message: &mut Cursor<'_>) -> Option<Self> {
        let rest = message.rest();
        let head: &[u8; 16] = rest.first_chunk()?;
        let shape = Shape::read(head)?;
        let end = shape.data + shape.data_len as usize;
        if end != shape.body + shape.body_len as usize || end > rest.len() {
            return None;
        }
        let position = message.position();
        message.advance(end);
        Some(Self {
            partition_key: shape.partition_key,
            explicit_hash_key: shape.explicit_hash_key,
            data_start: (position + shape.data) as u32,
            data_end: (position + end) as u32,
            tagged_start: 0,
            tagged_end: 0,
        })
    }

    /// Reads the `Record` under `body`, whatever its shape; `record` is its position.
    pub(crate) fn read(
        body: Cursor<'_>,
        record: u32,
        overlong: &mut Overlong,
    ) -> Result<Self, DecodeError> {
        let wide = WideRecord::read(body, record, overlong)?;
        let narrow = |index: u64| index.min(u64::from(Self::FAR)) as u32;
        Ok(Self {
            partition_key: narrow(wide.partition_key_index),
            explicit_hash_key: wide.explicit_hash_key_index.map_or(Self::NONE, narrow),
            data_start: wide.data.start as u32,
            data_end: wide.data.end as u32,
            tagged_start: wide.tagged.start as u32,
            tagged_end: wide.tagged.end as u32,
        })
    }
}

/// What the first sixteen bytes of a `Record` field say, if its fields stand in order.
struct Shape {
    /// Where the `Record` begins, and its length.
    body: usize,
    body_len: u32,
    partition_key: u32,
    /// Or [`RawRecord::NONE`].
    explicit_hash_key: u32,
    /// Where the data begins, and its length.
    data: usize,
    data_len: u32,
}

impl Shape {
    /// Numbers of one to three bytes each.
    #[inline(always)]
    fn read(head: &[u8; 16]) -> Option<Self> {
        if head[0] != 0x1A {
            return None;
        }
        let (body_len, body) = short_varint(head, 1)?;
        if head[body & 15] != 0x08 {
            return None;
        }
        let (partition_key, mut at) = short_varint(head, body + 1)?;
        let mut explicit_hash_key = RawRecord::NONE;
        if head[at & 15] == 0x10 {
            (explicit_hash_key, at) = short_varint(head, at + 1)?;
        }
        if head[at & 15] != 0x1A {
            return None;
        }
        let (data_len, data) = short_varint(head, at + 1)?;
        Some(Self { body, body_len, partition_key, explicit_hash_key, data, data_len })
    }
}

/// A varint of at most three bytes at `at`, and where it ends. Nothing of a record's head lies
/// beyond its sixteenth byte.
#[inline(always)]
fn short_varint(head: &[u8; 16], at: usize) -> Option<(u32, usize)> {
    let byte = |i: usize| u32::from(head[i & 15]);
    let first = byte(at);
    if first < 0x80 {
        return Some((first, at + 1));
    }
    let second = byte(at + 1);
    if second < 0x80 {
        return Some((first & 0x7F | second << 7, at + 2));
    }
    let third = byte(at + 2);
    (third < 0x80).then_some((first & 0x7F | (second & 0x7F) << 7 | third << 14, at + 3))
}

/// A `Record` with its indices as they were written.
pub(crate) struct WideRecord {
    pub(crate) partition_key_index: u64,
    pub(crate) explicit_hash_key_index: Option<u64>,
    data: Range<usize>,
    tagged: Range<usize>,
}

impl WideRecord {
    pub(crate) fn read(
        mut cursor: Cursor<'_>,
        record: u32,
        overlong: &mut Overlong,
    ) -> Result<Self, DecodeError> {
        let start = cursor.position();
        let (mut partition_key_index, mut explicit_hash_key_index, mut data) = (None, None, None);
        let mut tagged = 0..0;
        while !cursor.at_end() {
            let at = cursor.position();
            match cursor.tag(overlong)? {
                PARTITION_KEY_INDEX => partition_key_index = Some(cursor.varint()?),
                EXPLICIT_HASH_KEY_INDEX => explicit_hash_key_index = Some(cursor.varint()?),
                DATA => {
                    let bytes = cursor.length_delimited(overlong)?;
                    data = Some(bytes.position()..bytes.end());
                }
                TAGS => {
                    let tag = cursor.length_delimited(overlong)?;
                    RawTag::read(tag, record, overlong)?;
                    tagged = start..cursor.end();
                }
                other => cursor.skip(other, at, 1, overlong)?,
            }
        }
        let missing = |field| move || DecodeErrorKind::MissingField { record, field }.at(start);
        Ok(Self {
            partition_key_index: partition_key_index
                .ok_or_else(missing(RequiredField::PartitionKeyIndex))?,
            explicit_hash_key_index,
            data: data.ok_or_else(missing(RequiredField::Data))?,
            tagged,
        })
    }
}

/// A `Tag` as it stands in the bytes.
pub(crate) struct RawTag {
    pub(crate) key: Range<usize>,
    pub(crate) value: Option<Range<usize>>,
}

impl RawTag {
    fn read(
        mut cursor: Cursor<'_>,
        record: u32,
        overlong: &mut Overlong,
    ) -> Result<Self, DecodeError> {
        let start = cursor.position();
        let (mut key, mut value) = (None, None);
        while !cursor.at_end() {
            let at = cursor.position();
            match cursor.tag(overlong)? {
                TAG_KEY => {
                    let text = cursor.length_delimited(overlong)?;
                    key = Some(text.position()..text.end());
                }
                TAG_VALUE => {
                    let text = cursor.length_delimited(overlong)?;
                    value = Some(text.position()..text.end());
                }
                other => cursor.skip(other, at, 2, overlong)?,
            }
        }
        let field = RequiredField::TagKey;
        let key = key.ok_or(DecodeErrorKind::MissingField { record, field }.at(start))?;
        Ok(Self { key, value })
    }
}

/// A tag of a user record. The KPL writes none and the KCL reads none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tag<'a> {
    /// The tag's key; what is not UTF-8 is U+FFFD.
    pub key: Cow<'a, str>,
    /// Its value, if it has one; what is not UTF-8 is U+FFFD.
    pub value: Option<Cow<'a, str>>,
}

/// The tags of a user record, in order: [`UserRecord::tags`](crate::UserRecord::tags).
#[derive(Clone)]
pub struct Tags<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Tags<'a> {
    pub(crate) const NONE: Self = Self { bytes: &[], position: 0 };

    /// The tags of the validated `Record` that is `record`.
    pub(crate) fn of(record: &'a [u8]) -> Self {
        Self { bytes: record, position: 0 }
    }

    /// The next tag with its parts as ranges of the record's bytes.
    pub(crate) fn next_raw(&mut self) -> Option<RawTag> {
        let mut cursor = Cursor::new(self.bytes, self.position, self.bytes.len());
        // What has no tags has no bytes here, and a record that has was validated.
        while !cursor.at_end() {
            let at = cursor.position();
            let raw = match cursor.tag(&mut None).ok()? {
                TAGS => Some(RawTag::read(cursor.length_delimited(&mut None).ok()?, 0, &mut None)),
                other => {
                    cursor.skip(other, at, 1, &mut None).ok()?;
                    None
                }
            };
            self.position = cursor.position();
            if let Some(raw) = raw {
                return raw.ok();
            }
        }
        None
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        let RawTag { key, value } = self.next_raw()?;
        let bytes = self.bytes;
        Some(Tag { key: text(&bytes[key]), value: value.map(|value| text(&bytes[value])) })
    }
}

impl std::fmt::Debug for Tags<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => {
            let mut replaced = String::new();
            push_replacing(&mut replaced, bytes);
            replaced.into()
        }
    }
}

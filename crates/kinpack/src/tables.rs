//! The key tables of an aggregate.

use crate::error::{DecodeError, DecodeErrorKind, TextField};
use crate::java_text::push_replacing;
use crate::message::{EXPLICIT_HASH_KEY_TABLE, PARTITION_KEY_TABLE};
use crate::wire::{Cursor, FieldTag};

/// What to do with keys that are not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    Refuse,
    /// U+FFFD, where Java places it.
    Replace,
}

/// The keys' text, copied: so keys whose bytes had to be replaced are like all others, and records
/// can be shared between threads. The size is known before anything is allocated.
#[derive(Clone, Debug)]
pub(crate) struct KeyTables {
    /// The partition keys, then the explicit hash keys; before each one [`HEAD`] bytes that are
    /// no part of it, as in the message.
    text: Box<str>,
    /// Where each key begins in `text`, and where one more would.
    starts: Box<[u32]>,
    partition_keys: u32,
}

/// Tag and length of an entry below 128 bytes.
const HEAD: usize = NO_HEAD.len();
const NO_HEAD: &str = "  ";

/// How much is in the tables, and where.
#[derive(Clone, Copy, Default)]
pub(crate) struct TableSizes {
    pub(crate) partition_keys: u32,
    pub(crate) explicit_hash_keys: u32,
    text_len: usize,
    /// From the first entry to the end of the last one.
    begin: usize,
    end: usize,
    /// A partition key stands behind an explicit hash key, or an entry has a long head.
    irregular: bool,
}

impl TableSizes {
    /// Counts an entry of one of the two tables, whose field stands at `at`.
    #[inline]
    pub(crate) fn add(&mut self, table: FieldTag, entry: Cursor<'_>, at: usize) {
        if self.entries() == 0 {
            self.begin = at;
        }
        self.end = entry.end();
        self.text_len += entry.rest().len();
        let is_key = table == PARTITION_KEY_TABLE;
        self.irregular |= is_key && self.explicit_hash_keys > 0 || entry.position() - at != HEAD;
        self.partition_keys += u32::from(is_key);
        self.explicit_hash_keys += u32::from(!is_key);
    }

    fn entries(&self) -> usize {
        (self.partition_keys + self.explicit_hash_keys) as usize
    }

    /// Whether the tables stand in the message as they do in [`KeyTables`]: every known writer's
    /// do.
    fn as_one(&self) -> bool {
        !self.irregular && self.end - self.begin == self.text_len + HEAD * self.entries()
    }
}

impl KeyTables {
    /// Collects the tables of a message that was found right.
    pub(crate) fn read(
        data: &[u8],
        message: Cursor<'_>,
        sizes: TableSizes,
        policy: Text,
    ) -> Result<Self, DecodeError> {
        let partition_keys = sizes.partition_keys;
        // Heads are ASCII, so all keys are UTF-8 if the whole is.
        if sizes.as_one()
            && let Ok(text) = std::str::from_utf8(&data[sizes.begin..sizes.end])
        {
            let mut starts = Vec::with_capacity(sizes.entries() + 1);
            let bytes = text.as_bytes();
            let mut at = HEAD;
            while at <= bytes.len() {
                starts.push(at as u32);
                at += usize::from(bytes[at - 1]) + HEAD;
            }
            starts.push(at as u32);
            return Ok(Self { text: text.into(), starts: starts.into(), partition_keys });
        }
        let (text, starts) = one_by_one(message, sizes, policy)?;
        Ok(Self { text: text.into(), starts: starts.into(), partition_keys })
    }

    /// The tables for a loop, which finds nothing behind a second pointer.
    #[inline]
    pub(crate) fn keys(&self) -> Keys<'_> {
        Keys { text: &self.text, starts: &self.starts, partition_keys: self.partition_keys }
    }

    /// The partition key at a validated index.
    #[inline]
    pub(crate) fn partition_key(&self, index: u32) -> &str {
        self.keys().partition_key(index)
    }

    /// The explicit hash key at a validated index.
    #[inline]
    pub(crate) fn explicit_hash_key(&self, index: u32) -> &str {
        self.keys().explicit_hash_key(index)
    }

    pub(crate) fn partition_keys(&self) -> usize {
        self.partition_keys as usize
    }

    pub(crate) fn explicit_hash_keys(&self) -> usize {
        self.starts.len() - 1 - self.partition_keys()
    }
}

/// [`KeyTables`], borrowed.
#[derive(Clone, Copy)]
pub(crate) struct Keys<'a> {
    text: &'a str,
    starts: &'a [u32],
    partition_keys: u32,
}

impl<'a> Keys<'a> {
    #[inline(always)]
    fn key(self, entry: usize) -> &'a str {
        let start = self.starts[entry] as usize;
        &self.text[start..self.starts[entry + 1] as usize - HEAD]
    }

    /// The partition key at a validated index.
    #[inline(always)]
    pub(crate) fn partition_key(self, index: u32) -> &'a str {
        self.key(index as usize)
    }

    /// The explicit hash key at a validated index.
    #[inline(always)]
    pub(crate) fn explicit_hash_key(self, index: u32) -> &'a str {
        self.key(self.partition_keys as usize + index as usize)
    }
}

/// Text and starts, for tables that are scattered, have long keys, or keys that are not UTF-8.
#[cold]
fn one_by_one(
    message: Cursor<'_>,
    sizes: TableSizes,
    policy: Text,
) -> Result<(String, Vec<u32>), DecodeError> {
    // U+FFFD takes three bytes where one was: room that grew by doubling would take much more.
    let all_utf8 = entries(message, sizes).all(|key| std::str::from_utf8(key.rest()).is_ok());
    let room = if all_utf8 { 1 } else { 3 };
    let mut text = String::with_capacity(room * sizes.text_len + HEAD * sizes.entries());
    let mut starts = Vec::with_capacity(sizes.entries() + 1);
    for (key, entry) in entries(message, sizes).zip(0_u32..) {
        text.push_str(NO_HEAD);
        // U+FFFD is three bytes: less than three times MAX_DATA_LEN, so below 2^32.
        starts.push(text.len() as u32);
        match (std::str::from_utf8(key.rest()), policy) {
            (Ok(key), _) => text.push_str(key),
            (Err(_), Text::Replace) => push_replacing(&mut text, key.rest()),
            (Err(error), Text::Refuse) => {
                let field = match entry.checked_sub(sizes.partition_keys) {
                    None => TextField::PartitionKey(entry),
                    Some(entry) => TextField::ExplicitHashKey(entry),
                };
                let offset = key.position() + error.valid_up_to();
                return Err(DecodeErrorKind::NotUtf8(field).at(offset));
            }
        }
    }
    starts.push((text.len() + HEAD) as u32);
    Ok((text, starts))
}

/// The partition keys, then the explicit hash keys.
fn entries(message: Cursor<'_>, sizes: TableSizes) -> impl Iterator<Item = Cursor<'_>> {
    let of = |table, left| Entries { message, table, left };
    of(PARTITION_KEY_TABLE, sizes.partition_keys)
        .chain(of(EXPLICIT_HASH_KEY_TABLE, sizes.explicit_hash_keys))
}

/// The entries of one table of a message that was found right.
struct Entries<'a> {
    message: Cursor<'a>,
    table: FieldTag,
    left: u32,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Cursor<'a>;

    #[inline]
    fn next(&mut self) -> Option<Cursor<'a>> {
        self.left = self.left.checked_sub(1)?;
        loop {
            if let Some((table, entry)) = short_entry(&mut self.message) {
                if table == self.table {
                    return Some(entry);
                }
                continue;
            }
            let at = self.message.position();
            let tag = self.message.tag(&mut None).ok()?;
            if tag == self.table {
                return self.message.length_delimited(&mut None).ok();
            }
            self.message.skip(tag, at, 0, &mut None).ok()?;
        }
    }
}

/// Reads a field of `message` that is an entry of one of the tables, of less than 128 bytes.
/// `None`, and nothing read, for anything else.
#[inline(always)]
pub(crate) fn short_entry<'a>(message: &mut Cursor<'a>) -> Option<(FieldTag, Cursor<'a>)> {
    let (table, len) = match message.rest() {
        [0x0A, len @ 0..=0x7F, ..] => (PARTITION_KEY_TABLE, usize::from(*len)),
        [0x12, len @ 0..=0x7F, ..] => (EXPLICIT_HASH_KEY_TABLE, usize::from(*len)),
        _ => return None,
    };
    message.field(2, len).map(|entry| (table, entry))
}

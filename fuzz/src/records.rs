//! User records to pack, with keys that come back often enough to fill tables of few entries.

use arbitrary::Arbitrary;
use kinpack::{HashKey, Limits};

/// A user record; whether it can be packed at all is another matter.
#[derive(Arbitrary, Debug)]
pub struct Record<'a> {
    key: Key<'a>,
    explicit_hash_key: Option<ExplicitHashKey>,
    data: Data<'a>,
}

#[derive(Arbitrary, Debug)]
enum Key<'a> {
    Numbered(u8),
    Text(&'a str),
    /// Around the longest that Kinesis takes.
    Long(char, u16),
}

#[derive(Arbitrary, Debug)]
enum ExplicitHashKey {
    Small(u8),
    Any(u128),
}

/// A payload, long if need be.
#[derive(Arbitrary, Debug)]
pub enum Data<'a> {
    /// As it stands in the input.
    Bytes(&'a [u8]),
    /// A byte, so many times.
    Fill(u8, u16),
}

impl Data<'_> {
    /// The payload's bytes.
    pub fn build(&self) -> Vec<u8> {
        match *self {
            Self::Bytes(bytes) => bytes.to_vec(),
            Self::Fill(byte, len) => vec![byte; len.into()],
        }
    }
}

impl Record<'_> {
    /// The record in the codec's terms.
    pub fn build(&self) -> Built {
        Built {
            key: match self.key {
                Key::Numbered(number) => format!("key-{number}"),
                Key::Text(text) => text.to_owned(),
                Key::Long(char, times) => char.to_string().repeat(usize::from(times % 300)),
            },
            explicit_hash_key: self.explicit_hash_key.as_ref().map(|key| match *key {
                ExplicitHashKey::Small(key) => HashKey(key.into()),
                ExplicitHashKey::Any(key) => HashKey(key),
            }),
            data: self.data.build(),
        }
    }
}

/// A user record.
#[derive(Clone, Debug, PartialEq)]
pub struct Built {
    /// The partition key.
    pub key: String,
    /// The explicit hash key.
    pub explicit_hash_key: Option<HashKey>,
    /// The payload.
    pub data: Vec<u8>,
}

/// Limits near what small inputs can reach.
#[derive(Arbitrary, Debug)]
pub struct SmallLimits {
    max_size: u16,
    max_count: u8,
    record_limit: u16,
}

impl SmallLimits {
    /// The limits in the codec's terms.
    pub fn build(&self) -> Limits {
        let max_size = usize::from(self.max_size) + Limits::LEAST_MAX_SIZE;
        let record_limit = max_size + usize::from(self.record_limit);
        Limits::new(max_size, u32::from(self.max_count) + 1, record_limit).expect("in order")
    }
}

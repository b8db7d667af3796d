//! A second implementation of the aggregated record: the codec that prost generates from the
//! format's proto file. For tests, fuzzing and benches; never published.
//!
//! It is naive on purpose. Where it differs from the KCL, the KCL is right: prost does not enforce
//! `required` and refuses strings that are not UTF-8.

#![forbid(unsafe_code)]

use std::collections::HashMap;

use md5::{Digest, Md5};
use prost::Message;

mod generated {
    #![allow(missing_docs)]
    include!(concat!(env!("OUT_DIR"), "/kinpack.oracle.rs"));
}

pub use generated::{AggregatedRecord, Record, Tag};

/// What every aggregated record begins with.
pub const MAGIC: [u8; 4] = [0xF3, 0x89, 0x9A, 0xC2];

/// Length of the digest that every aggregated record ends with.
pub const DIGEST_LEN: usize = 16;

/// A user record: partition key, explicit hash key, data.
pub type UserRecord<'a> = (&'a str, Option<&'a str>, &'a [u8]);

/// The MD5 of `bytes`.
///
/// ```
/// assert_eq!(oracle::md5(b"a")[..4], [0x0c, 0xc1, 0x75, 0xb9]);
/// ```
#[must_use]
pub fn md5(bytes: &[u8]) -> [u8; DIGEST_LEN] {
    Md5::digest(bytes).into()
}

/// Puts the magic before `protobuf` and its digest behind it, whatever the bytes are.
#[must_use]
pub fn frame(protobuf: &[u8]) -> Vec<u8> {
    [&MAGIC, protobuf, &md5(protobuf)].concat()
}

/// The protobuf inside an aggregated record, if magic, length and digest are right.
///
/// As to the KCL, an envelope around nothing is no aggregated record.
///
/// ```
/// let framed = oracle::frame(b"anything");
/// assert_eq!(oracle::unframe(&framed), Some(&b"anything"[..]));
/// assert_eq!(oracle::unframe(&framed[..framed.len() - 1]), None);
/// assert_eq!(oracle::unframe(&oracle::frame(b"")), None);
/// ```
#[must_use]
pub fn unframe(data: &[u8]) -> Option<&[u8]> {
    let (protobuf, digest) = data.strip_prefix(&MAGIC)?.split_last_chunk()?;
    (!protobuf.is_empty() && md5(protobuf) == *digest).then_some(protobuf)
}

/// Encodes `message` as the data of a Kinesis record.
#[must_use]
pub fn encode(message: &AggregatedRecord) -> Vec<u8> {
    frame(&message.encode_to_vec())
}

/// Decodes the data of a Kinesis record; `None` if it is not a valid aggregated record.
#[must_use]
pub fn decode(data: &[u8]) -> Option<AggregatedRecord> {
    AggregatedRecord::decode(unframe(data)?).ok()
}

/// Builds the message as the KPL does: the tables hold each distinct key once, in order of first
/// use, and a record has an explicit hash key only if it was given one.
///
/// ```
/// let message = oracle::aggregate([("k", None, &b"1"[..]), ("k", Some("7"), b"2")]);
/// assert_eq!(message.partition_key_table, ["k"]);
/// assert_eq!(message.explicit_hash_key_table, ["7"]);
/// assert_eq!(message.records[0].explicit_hash_key_index, None);
/// assert_eq!(message.records[1].explicit_hash_key_index, Some(0));
/// assert_eq!(oracle::decode(&oracle::encode(&message)), Some(message));
/// ```
pub fn aggregate<'a>(records: impl IntoIterator<Item = UserRecord<'a>>) -> AggregatedRecord {
    let mut partition_keys = Table::default();
    let mut explicit_hash_keys = Table::default();
    let records = records
        .into_iter()
        .map(|(partition_key, explicit_hash_key, data)| Record {
            partition_key_index: partition_keys.index_of(partition_key),
            explicit_hash_key_index: explicit_hash_key.map(|key| explicit_hash_keys.index_of(key)),
            data: data.to_vec(),
            tags: Vec::new(),
        })
        .collect();
    AggregatedRecord {
        partition_key_table: partition_keys.entries,
        explicit_hash_key_table: explicit_hash_keys.entries,
        records,
    }
}

/// Distinct keys in order of first use.
#[derive(Default)]
struct Table<'a> {
    entries: Vec<String>,
    indices: HashMap<&'a str, u64>,
}

impl<'a> Table<'a> {
    fn index_of(&mut self, key: &'a str) -> u64 {
        *self.indices.entry(key).or_insert_with(|| {
            self.entries.push(key.to_owned());
            self.entries.len() as u64 - 1
        })
    }
}

//! What is measured, the rivals, and the proof that all of them do the same.
#![forbid(unsafe_code)]

/// The README's Rust runs, too. Here, as nothing that is published can reach it.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

pub mod events;
pub mod payload;

use std::collections::HashSet;
use std::hint::black_box;
use std::ops::Range;

use kinpack::{
    AggregatedRecord, Aggregator, Digest, HashKey, KinesisRecord, Limits, OuterKey, Push,
    UserRecord, deaggregate_many,
};

/// The keys of a workload's user records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// Ten keys in turn.
    Few,
    /// A UUID each.
    Unique,
    /// A UUID each, and an explicit hash key each.
    UniqueExplicit,
}

/// One aggregate's worth of user records.
#[derive(Debug)]
pub struct Workload {
    /// What it is, for the tables.
    pub name: String,
    /// The partition keys and the payloads, one after another, as a producer reads them.
    keys: String,
    payloads: Vec<u8>,
    records: Vec<(Range<usize>, Option<HashKey>, Range<usize>)>,
    /// The explicit hash keys as the format writes them.
    pub explicit_texts: Vec<Option<String>>,
    /// The aggregate.
    pub data: Vec<u8>,
    /// The limits it was packed under.
    pub limits: Limits,
}

impl Workload {
    /// As many user records of `size` bytes as `max_size` bytes hold. The bytes are the same in
    /// every run.
    ///
    /// # Panics
    ///
    /// If kinpack and its rival do not write the same bytes or do not read the same user records.
    #[must_use]
    pub fn new(size: usize, max_size: usize, keys: Keys) -> Self {
        Self::build(size, max_size, keys, false)
    }

    /// The same with a last user record that is as large as there is room for.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    #[must_use]
    pub fn filled(size: usize, max_size: usize, keys: Keys) -> Self {
        Self::build(size, max_size, keys, true)
    }

    fn build(size: usize, max_size: usize, keys: Keys, fill: bool) -> Self {
        let mut random = SplitMix(size as u64 ^ (max_size as u64) << 32);
        let limits = Limits::new(max_size, u32::MAX, 10 << 20).expect("limits are in bounds");
        let mut aggregator = Aggregator::new(limits, OuterKey::Kpl);
        let (mut text, mut payloads, mut records) = (String::new(), Vec::new(), Vec::new());
        loop {
            let key = match keys {
                Keys::Few => format!("device-{}", records.len() % 10),
                Keys::Unique | Keys::UniqueExplicit => random.uuid(),
            };
            let explicit = (keys == Keys::UniqueExplicit).then(|| HashKey(random.wide()));
            let data: Vec<u8> = (0..size).map(|_| random.next() as u8).collect();
            let smallest = if fill { 1 } else { size };
            let fitting = (smallest..=size).rev().find(|&size| {
                aggregator.try_push(&key, explicit, &data[..size]) == Ok(Push::Added)
            });
            let Some(added) = fitting else { break };
            text.push_str(&key);
            payloads.extend_from_slice(&data[..added]);
            let key = text.len() - key.len()..text.len();
            records.push((key, explicit, payloads.len() - added..payloads.len()));
            if added < size {
                break;
            }
        }
        let data = aggregator.finish().expect("something was pushed").data;
        let explicit_texts =
            records.iter().map(|it| it.1.map(|key: HashKey| key.to_string())).collect();
        let aggregate = if max_size >= 1 << 20 { "1 MiB" } else { "50 KiB" };
        let keys = match keys {
            Keys::Few => "few keys",
            Keys::Unique => "unique keys",
            Keys::UniqueExplicit => "unique keys + explicit hash keys",
        };
        let name = format!("{size} B in {aggregate}, {keys}");
        let workload = Self { name, keys: text, payloads, records, explicit_texts, data, limits };
        workload.assert_equal();
        workload
    }

    /// Every combination that is measured.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for max_size in [51_200, 1 << 20] {
            for size in [32, 100, 1_000, 10_000] {
                for keys in [Keys::Few, Keys::Unique, Keys::UniqueExplicit] {
                    all.push(Self::new(size, max_size, keys));
                }
            }
        }
        all
    }

    fn assert_equal(&self) {
        assert_eq!(prost_encode(self), self.data, "{}", self.name);
        let ours = AggregatedRecord::parse(&self.data, Digest::Verify).expect("our own bytes");
        assert_same_rows(ours.records(), &self.data);
        assert_eq!(kinpack_decode(&self.data, Digest::Verify), prost_decode(&self.data));
    }

    /// Partition key, explicit hash key and data of each user record.
    pub fn records(&self) -> impl ExactSizeIterator<Item = (&str, Option<HashKey>, &[u8])> {
        let slices = |it: &(Range<usize>, _, Range<usize>)| {
            (&self.keys[it.0.clone()], it.1, &self.payloads[it.2.clone()])
        };
        self.records.iter().map(slices)
    }

    /// Bytes of the user records' data.
    #[must_use]
    pub fn payload(&self) -> usize {
        self.payloads.len()
    }

    /// Bytes of payload, and user records.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.payload(), self.records.len())
    }

    /// The bytes under the digest.
    #[must_use]
    pub fn protobuf(&self) -> &[u8] {
        &self.data[4..self.data.len() - 16]
    }
}

/// That these are the user records that prost finds in the data: key, explicit hash key and data.
fn assert_same_rows<'a>(ours: impl ExactSizeIterator<Item = UserRecord<'a>>, data: &[u8]) {
    let message = oracle::decode(data).expect("prost reads our bytes");
    assert_eq!(ours.len(), message.records.len());
    for (ours, theirs) in ours.zip(prost_rows(&message)) {
        assert_eq!((ours.partition_key, ours.explicit_hash_key, ours.data), theirs);
    }
}

/// Many aggregates of unequal size, as a Lambda event has them.
#[derive(Debug)]
pub struct Batch {
    /// What it is, for the tables.
    pub name: String,
    /// The aggregates.
    pub aggregates: Vec<Workload>,
}

impl Batch {
    /// `count` aggregates of at most `max_size` bytes, hardly two of one length, the smallest an
    /// eighth smaller.
    ///
    /// # Panics
    ///
    /// If kinpack does not read from them together what prost reads from each.
    #[must_use]
    pub fn new(count: usize, size: usize, max_size: usize, keys: Keys) -> Self {
        Self::down_to(max_size * 7 / 8, count, size, max_size, keys)
    }

    /// The same, but the smallest is a tenth of the largest: closed by time, not by size.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    #[must_use]
    pub fn wide(count: usize, size: usize, max_size: usize, keys: Keys) -> Self {
        let mut batch = Self::down_to(max_size / 10, count, size, max_size, keys);
        batch.name += ", from a tenth on";
        batch
    }

    fn down_to(smallest: usize, count: usize, size: usize, max_size: usize, keys: Keys) -> Self {
        // Not from large to small: senders know nothing of each other.
        let max_sizes =
            (0..count).map(|i| max_size - (max_size - smallest) * (i * 37 % count) / count);
        let aggregates: Vec<_> =
            max_sizes.map(|max_size| Workload::filled(size, max_size, keys)).collect();
        let lengths: HashSet<_> = aggregates.iter().map(|it| it.data.len()).collect();
        // Where less room is left than a user record takes, two may end alike.
        assert!(lengths.len() >= count - count / 20, "{} lengths of {count}", lengths.len());
        let name = format!("{count} x {}", aggregates[0].name);
        let batch = Self { name, aggregates };
        let datas = batch.datas();
        for (contents, data) in deaggregate_many(&datas, Digest::Verify).zip(&datas) {
            assert_same_rows(contents.expect("a right aggregate").records(None), data);
        }
        let mut aggregators = batch.aggregators();
        let mut together = Vec::new();
        kinpack_encode_many(&batch, &mut aggregators, &mut together);
        assert!(together.iter().map(|it| &it.data).eq(batch.aggregates.iter().map(|it| &it.data)));
        batch
    }

    /// Bytes of payload, and user records.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let add = |sum: (usize, usize), it: (usize, usize)| (sum.0 + it.0, sum.1 + it.1);
        self.aggregates.iter().map(Workload::size).fold((0, 0), add)
    }

    /// The data of each aggregate.
    #[must_use]
    pub fn datas(&self) -> Vec<&[u8]> {
        self.aggregates.iter().map(|it| it.data.as_slice()).collect()
    }

    /// An empty aggregator for each aggregate.
    #[must_use]
    pub fn aggregators(&self) -> Vec<Aggregator> {
        self.aggregates.iter().map(|it| Aggregator::new(it.limits, OuterKey::Kpl)).collect()
    }
}

/// [`kinpack_decode`] of many aggregates, verified together.
///
/// # Panics
///
/// If an aggregate is faulty.
#[must_use]
pub fn kinpack_decode_many(datas: &[&[u8]]) -> usize {
    let mut touched = 0;
    for contents in deaggregate_many(black_box(datas), Digest::Verify) {
        let contents = contents.expect("a right aggregate");
        contents.records(None).for_each(|record| {
            touched += touch(record.partition_key, record.explicit_hash_key, record.data);
        });
    }
    touched
}

/// [`kinpack_encode`] of many aggregates, sealed together.
///
/// # Panics
///
/// If a workload does not fit.
pub fn kinpack_encode_many(
    batch: &Batch,
    aggregators: &mut [Aggregator],
    out: &mut Vec<KinesisRecord>,
) {
    for (workload, aggregator) in batch.aggregates.iter().zip(&mut *aggregators) {
        for (key, explicit, data) in black_box(workload).records() {
            assert_eq!(aggregator.try_push(key, explicit, data), Ok(Push::Added));
        }
    }
    Aggregator::finish_many_into(aggregators, out);
}

/// The digest alone: what any reader and writer has to pay.
pub fn md5(bytes: &[u8]) {
    black_box(oracle::md5(black_box(bytes)));
}

/// Validates the aggregate and visits every user record: key, explicit hash key, data.
///
/// # Panics
///
/// If the aggregate is faulty.
#[must_use]
pub fn kinpack_decode(data: &[u8], digest: Digest) -> usize {
    let aggregate = AggregatedRecord::parse(black_box(data), digest).expect("a right aggregate");
    let mut touched = 0;
    for record in &aggregate {
        touched += touch(record.partition_key, record.explicit_hash_key, record.data);
    }
    touched
}

/// The same with what prost generates and `md-5`.
///
/// # Panics
///
/// If the aggregate is faulty.
#[must_use]
pub fn prost_decode(data: &[u8]) -> usize {
    prost_visit(&oracle::decode(black_box(data)).expect("a right aggregate"))
}

fn prost_visit(message: &oracle::AggregatedRecord) -> usize {
    prost_rows(message).map(|(key, explicit, data)| touch(key, explicit, data)).sum()
}

/// Partition key, explicit hash key and data of each user record.
#[inline]
fn prost_rows(
    message: &oracle::AggregatedRecord,
) -> impl ExactSizeIterator<Item = (Option<&str>, Option<&str>, &[u8])> {
    message.records.iter().map(|record| {
        let key = &message.partition_key_table[record.partition_key_index as usize];
        let explicit = record
            .explicit_hash_key_index
            .map(|index| message.explicit_hash_key_table[index as usize].as_str());
        (Some(key.as_str()), explicit, record.data.as_slice())
    })
}

#[inline]
fn touch(key: Option<&str>, explicit: Option<&str>, data: &[u8]) -> usize {
    let first = |bytes: &[u8]| usize::from(*bytes.first().unwrap_or(&0));
    let key = key.map_or(0, |key| key.len() + first(key.as_bytes()));
    let explicit = explicit.map_or(0, |key| key.len() + first(key.as_bytes()));
    key + explicit + data.len() + first(data)
}

/// Packs the workload's user records with an aggregator that is used again.
///
/// # Panics
///
/// If the workload does not fit.
pub fn kinpack_encode(workload: &Workload, aggregator: &mut Aggregator, out: &mut KinesisRecord) {
    for (key, explicit, data) in black_box(workload).records() {
        assert_eq!(aggregator.try_push(key, explicit, data), Ok(Push::Added));
    }
    assert!(aggregator.finish_into(out));
    black_box(out);
}

/// The same with what prost generates and `md-5`.
#[must_use]
pub fn prost_encode(workload: &Workload) -> Vec<u8> {
    let rows = black_box(workload).records().zip(&workload.explicit_texts);
    let message = oracle::aggregate(rows.map(|(it, text)| (it.0, text.as_deref(), it.2)));
    black_box(oracle::encode(&message))
}

struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let word = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ word >> 31
    }

    fn wide(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }

    fn uuid(&mut self) -> String {
        let hex = format!("{:032x}", self.wide());
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
    }
}

//! Any message by any codec at any level, with and without a dictionary, in both places.
#![cfg(all(feature = "gzip", feature = "zstd"))]
#![allow(clippy::unwrap_used)]

mod common;

use std::cell::RefCell;
use std::sync::LazyLock;

use common::{dictionary, message};
use kinpack::{Aggregator, Digest, KinesisRecord, Push, deaggregate_strict};
use kinpack_payload::{
    Codec, Compression, Compressor, Decompressor, Dictionary, detect, whole_aggregate,
};
use proptest::collection::vec;
use proptest::prelude::*;

static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(dictionary);

fn compressions() -> impl Strategy<Value = Compression> {
    prop::sample::select(Codec::ALL).prop_flat_map(|codec| {
        codec.levels().prop_map(move |level| Compression::new(codec, level).unwrap())
    })
}

/// Noise, text that repeats itself, messages, nothing.
fn messages() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..2_000),
        (vec(any::<u8>(), 0..20), 0..2_000_usize).prop_map(|(part, times)| part.repeat(times)),
        (any::<u32>(), 1..300_u32).prop_map(|(from, count)| {
            (0..count).map(|n| message(from.wrapping_add(n) % 1_000)).collect::<String>().into()
        }),
        (0..400_000_usize).prop_map(|length| vec![0; length]),
    ]
}

fn compressor(compression: Compression, with_dictionary: bool) -> Compressor {
    if with_dictionary && compression.codec() == Codec::Zstd {
        Compressor::with_dictionary(compression, &DICTIONARY).unwrap()
    } else {
        Compressor::new(compression).unwrap()
    }
}

thread_local! {
    /// One for all cases, as contexts are made to be used again.
    static DECOMPRESSOR: RefCell<Decompressor> =
        RefCell::new(Decompressor::new().with_dictionaries([DICTIONARY.clone()].into()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn messages_come_back(
        compression in compressions(),
        with_dictionary: bool,
        messages in vec(messages(), 1..4),
    ) {
        let codec = compression.codec();
        let mut compressor = compressor(compression, with_dictionary);
        let (mut small, mut large) = (b"old".to_vec(), b"old".to_vec());
        for message in &messages {
            compressor.compress_into(message, &mut small).unwrap();
            // Stored blocks are cut by the room there is, all else is the same each time.
            if codec == Codec::Zstd || compression.level() > 0 {
                prop_assert_eq!(&compressor.compress(message).unwrap(), &small);
            }
            if codec != Codec::Deflate {
                prop_assert_eq!(detect(&small), Some(codec));
            }
            DECOMPRESSOR.with_borrow_mut(|it| it.decompress_into(codec, &small, &mut large)).unwrap();
            prop_assert_eq!(&large, message);
        }
    }

    /// Whatever is one stream to the codec: members and frames behind each other.
    #[test]
    fn parts_come_back_as_one(
        gzip: bool,
        messages in vec((messages(), 0..9), 0..6),
        padding in 0..20_usize,
    ) {
        let codec = if gzip { Codec::Gzip } else { Codec::Zstd };
        let mut stream = Vec::new();
        for (message, level) in &messages {
            let compression = Compression::new(codec, *level).unwrap();
            stream.extend(compressor(compression, level % 2 == 0).compress(message).unwrap());
            if !gzip {
                stream.extend([0x50 | *level as u8, 0x2A, 0x4D, 0x18, *level as u8, 0, 0, 0]);
                stream.extend(&vec![7; *level as usize]);
            }
        }
        prop_assume!(!stream.is_empty());
        if gzip {
            stream.extend(vec![0; padding]);
        }
        let inside: Vec<u8> = messages.into_iter().flat_map(|it| it.0).collect();
        let read = DECOMPRESSOR.with_borrow_mut(|it| it.decompress(codec, &stream));
        prop_assert_eq!(read, Ok(inside));
    }

    /// Compressed user records, in an aggregate that may be compressed as a whole.
    #[test]
    fn aggregates_come_back(
        inner in prop::option::of(compressions()),
        with_dictionary: bool,
        outer in prop::option::of(compressions()),
        messages in vec(messages(), 2..6),
    ) {
        let mut inner = inner.map(|it| (it.codec(), compressor(it, with_dictionary)));
        let mut aggregator = Aggregator::default();
        let mut packed = Vec::new();
        for message in messages {
            let payload = match &mut inner {
                Some((_, compressor)) => compressor.compress(&message).unwrap(),
                None => message.clone(),
            };
            if aggregator.try_push("key", None, &payload) == Ok(Push::Added) {
                packed.push(message);
            }
        }
        let Some(KinesisRecord { mut data, .. }) = aggregator.finish() else { return Ok(()) };
        prop_assume!(data.starts_with(&kinpack::MAGIC) && packed.len() > 1);
        if let Some(outer) = outer.filter(|it| it.codec() != Codec::Deflate) {
            let (aggregate, mut compressor) = (data, Compressor::new(outer).unwrap());
            data = Vec::new();
            whole_aggregate::compress_for_kinpack_readers_only(&aggregate, &mut compressor, &mut data)
                .unwrap();
        }

        let mut buffer = Vec::new();
        DECOMPRESSOR.with_borrow_mut(|decompressor| {
            let whole = whole_aggregate::unwrap(&data, decompressor, &mut buffer).unwrap().data;
            let contents = deaggregate_strict(whole, Digest::Verify).unwrap();
            let unpacked: Vec<Vec<u8>> = contents
                .records(None)
                .map(|record| match &inner {
                    Some((codec, _)) => decompressor.decompress(*codec, record.data).unwrap(),
                    None => record.data.to_vec(),
                })
                .collect();
            assert_eq!(unpacked, packed);
        });
    }

    /// Whatever is changed: an answer within the limit, never a panic. Where the codec has a
    /// checksum, the answer is right or an error.
    #[test]
    fn changed_bytes_do_no_harm(
        compression in compressions(),
        with_dictionary: bool,
        message in messages(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let codec = compression.codec();
        let mut small = compressor(compression, with_dictionary).compress(&message).unwrap();
        for (index, byte) in changes {
            let index = index.index(small.len());
            small[index] = byte;
        }
        let mut decompressor =
            Decompressor::new().with_limit(500_000).with_dictionaries([DICTIONARY.clone()].into());
        if let Ok(read) = decompressor.decompress(codec, &small) {
            prop_assert!(read.len() <= 500_000);
            if matches!(codec, Codec::Gzip | Codec::Zlib) {
                prop_assert_eq!(&read, &message);
            }
        }
        for &codec in Codec::ALL {
            let _ = decompressor.decompress(codec, &small);
        }
        let mut buffer = Vec::new();
        let unwrapped = whole_aggregate::unwrap(&small, &mut decompressor, &mut buffer);
        prop_assert_eq!(unwrapped.unwrap().data, &small);
    }
}

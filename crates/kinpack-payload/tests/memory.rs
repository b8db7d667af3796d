//! What is allocated: nothing once buffers have grown, and never much more than there is to show.
#![cfg(all(feature = "gzip", feature = "zstd"))]
#![allow(clippy::unwrap_used)]

mod common;

use allocation_counter::measure;
use common::{bomb, dictionary, message};
use kinpack::MAGIC;
use kinpack_payload::{
    Codec, CompressionError, Compressor, Decompressor, Dictionary, detect, whole_aggregate,
};

const MIB: usize = 1 << 20;

#[test]
fn steady_state_allocates_nothing() {
    let messages: Vec<Vec<u8>> = (0..50).map(|n| message(n).into_bytes()).collect();
    let dictionary = dictionary();
    for (codec, dictionary) in [
        (Codec::Gzip, None),
        (Codec::Zlib, None),
        (Codec::Deflate, None),
        (Codec::Zstd, None),
        (Codec::Zstd, Some(&dictionary)),
    ] {
        let mut compressor = compressor(codec, dictionary);
        let mut decompressor =
            Decompressor::new().with_dictionaries(dictionary.into_iter().cloned().collect());
        let (mut small, mut large) = (Vec::new(), Vec::new());
        let mut turn = || {
            for message in &messages {
                compressor.compress_into(message, &mut small).unwrap();
                decompressor.decompress_into(codec, &small, &mut large).unwrap();
                assert_eq!(&large, message);
            }
        };
        turn();
        assert_eq!(measure(turn).count_total, 0, "{codec}");
    }
}

#[test]
fn steady_state_of_whole_aggregates_allocates_nothing() {
    let aggregate = [&MAGIC[..], &message(0).repeat(400).into_bytes()].concat();
    let logs = Compressor::new(Codec::Gzip).unwrap().compress(&message(1).into_bytes()).unwrap();
    for codec in [Codec::Gzip, Codec::Zlib, Codec::Zstd] {
        let mut compressor = Compressor::new(codec).unwrap();
        let mut decompressor = Decompressor::new();
        let (mut small, mut large) = (Vec::new(), Vec::new());
        let mut turn = || {
            whole_aggregate::compress_for_kinpack_readers_only(
                &aggregate,
                &mut compressor,
                &mut small,
            )
            .unwrap();
            for (data, expected) in [(&small, &aggregate), (&logs, &logs)] {
                let unwrapped = whole_aggregate::unwrap(data, &mut decompressor, &mut large);
                assert_eq!(unwrapped.unwrap().data, expected);
            }
        };
        turn();
        assert_eq!(measure(turn).count_total, 0, "{codec}");
    }
}

/// A small message that inflates to more than the limit costs about the limit.
#[test]
fn bombs_stop_at_the_limit() {
    for &codec in Codec::ALL {
        let bomb = bomb(codec, 64 * MIB + 1);
        assert!(bomb.len() < 80_000, "{codec}: {}", bomb.len());
        for limit in [0, 1, 1_000, MIB, Decompressor::DEFAULT_LIMIT] {
            let mut error = None;
            let used = measure(|| {
                let mut decompressor = Decompressor::new().with_limit(limit);
                error = decompressor.decompress(codec, &bomb).err();
            });
            assert_eq!(error, Some(CompressionError::LimitExceeded { codec, limit }));
            // The output doubles as it grows, and moves; and there is a context.
            let most = 2 * limit as u64 + 4 * bomb.len() as u64 + 300_000;
            assert!(used.bytes_max <= most, "{codec} under {limit}: {} bytes", used.bytes_max);
        }
    }
}

/// Nor does a buffer that is larger than the limit already let more through.
#[test]
fn a_large_buffer_is_no_larger_limit() {
    for &codec in Codec::ALL {
        let small = bomb(codec, 1_001);
        let mut out = Vec::with_capacity(MIB);
        let mut decompressor = Decompressor::new().with_limit(1_000);
        let limit = CompressionError::LimitExceeded { codec, limit: 1_000 };
        assert_eq!(decompressor.decompress_into(codec, &small, &mut out), Err(limit));
        assert!(out.is_empty());
        let mut decompressor = decompressor.with_limit(1_001);
        assert_eq!(decompressor.decompress_into(codec, &small, &mut out), Ok(()));
        assert_eq!(out.len(), 1_001);
    }
}

/// Many small members or frames are one message under one limit.
#[test]
fn bombs_in_many_parts() {
    for (codec, part) in [(Codec::Gzip, 10_000), (Codec::Zstd, 10_000)] {
        let bomb = bomb(codec, part).repeat(100);
        let mut decompressor = Decompressor::new().with_limit(100 * part - 1);
        let limit = CompressionError::LimitExceeded { codec, limit: 100 * part - 1 };
        assert_eq!(decompressor.decompress(codec, &bomb), Err(limit));
        let all = decompressor.with_limit(100 * part).decompress(codec, &bomb).unwrap();
        assert_eq!(all.len(), 100 * part);
    }
}

/// Sizes that a zstd frame declares, of its content or its window, cost nothing.
#[test]
fn declared_sizes_are_not_trusted() {
    // 64 MiB − 1 of content, one raw block of a byte; a window of 64 MiB, the same block.
    let content = [&[0x28, 0xB5, 0x2F, 0xFD, 0xA0, 0xFF, 0xFF, 0xFF, 0x03, 9, 0, 0][..], b"x"];
    let window = [&[0x28, 0xB5, 0x2F, 0xFD, 0x00, 16 << 3, 9, 0, 0][..], b"x"];
    // The same windows before compressed blocks, so that looking inside means decoding.
    let real = Compressor::new(Codec::Zstd).unwrap().compress(&b"ab".repeat(100)).unwrap();
    let block = real[6..].to_vec();
    let compressed = [&[0x28, 0xB5, 0x2F, 0xFD, 0x00, 14 << 3][..], &block];
    for frame in [content.concat(), window.concat(), compressed.concat()] {
        assert_eq!(detect(&frame), Some(Codec::Zstd));
        let mut buffer = Vec::new();
        let used = measure(|| {
            let mut decompressor = Decompressor::new();
            let _ = decompressor.decompress_into(Codec::Zstd, &frame, &mut buffer);
            let untouched = whole_aggregate::unwrap(&frame, &mut decompressor, &mut buffer);
            assert_eq!(untouched.unwrap().codec, None);
        });
        assert!(used.bytes_max < 300_000, "{} bytes", used.bytes_max);
    }
}

fn compressor(codec: Codec, dictionary: Option<&Dictionary>) -> Compressor {
    match dictionary {
        Some(dictionary) => Compressor::with_dictionary(codec, dictionary),
        None => Compressor::new(codec),
    }
    .unwrap()
}

/// An asynchronous handler may keep them across its waits.
#[test]
fn contexts_may_change_threads() {
    fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<Compressor>();
    is_send_and_sync::<Decompressor>();
    is_send_and_sync::<Dictionary>();
}

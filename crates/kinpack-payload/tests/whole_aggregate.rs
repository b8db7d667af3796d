//! Envelopes around whole aggregates, and all that is none.
#![cfg(all(feature = "gzip", feature = "zstd"))]
#![allow(clippy::unwrap_used)]

mod common;

use common::{bomb, dictionary, message};
use kinpack::{Aggregator, Digest, HashKey, Limits, MAGIC, OuterKey, Push, deaggregate_strict};
use kinpack_payload::whole_aggregate::{Unwrapped, compress_for_kinpack_readers_only, unwrap};
use kinpack_payload::{Codec, Compression, CompressionError, Compressor, Decompressor};

const DETECTED: [Codec; 3] = [Codec::Gzip, Codec::Zlib, Codec::Zstd];

/// So many user records in one aggregate.
fn aggregate(records: u32) -> Vec<u8> {
    let mut aggregator =
        Aggregator::new(Limits::new(10 << 20, u32::MAX, 10 << 20).unwrap(), OuterKey::Kpl);
    for n in 0..records {
        let hash_key = (n % 3 == 0).then_some(HashKey(u128::from(n)));
        let pushed =
            aggregator.try_push(&format!("device-{}", n % 7), hash_key, message(n).as_bytes());
        assert_eq!(pushed, Ok(Push::Added));
    }
    aggregator.finish().unwrap().data
}

fn envelope(aggregate: &[u8], compression: impl Into<Compression>) -> Vec<u8> {
    let mut out = b"from before".to_vec();
    let mut compressor = Compressor::new(compression).unwrap();
    compress_for_kinpack_readers_only(aggregate, &mut compressor, &mut out).unwrap();
    out
}

fn assert_untouched(data: &[u8]) {
    let mut buffer = Vec::new();
    let unwrapped = unwrap(data, &mut Decompressor::new(), &mut buffer);
    assert_eq!(unwrapped, Ok(Unwrapped { data, codec: None }));
}

#[test]
fn round_trip() {
    let (mut decompressor, mut buffer) = (Decompressor::new(), Vec::new());
    // In one zstd block, and in many.
    for records in [2, 400, 20_000] {
        let aggregate = aggregate(records);
        for codec in DETECTED {
            for level in codec.levels().step_by(3).filter(|_| records < 1_000).chain([1]) {
                let small = envelope(&aggregate, Compression::new(codec, level).unwrap());
                let unwrapped = unwrap(&small, &mut decompressor, &mut buffer).unwrap();
                assert_eq!(unwrapped, Unwrapped { data: &aggregate, codec: Some(codec) });
                let contents = deaggregate_strict(unwrapped.data, Digest::Verify).unwrap();
                for (n, record) in (0..).zip(contents.records(None)) {
                    assert_eq!(record.data, message(n).as_bytes());
                }
            }
        }
    }
}

#[test]
fn what_is_no_envelope_passes_untouched() {
    let aggregate = aggregate(100);
    assert_untouched(b"");
    assert_untouched(b"plain");
    assert_untouched(&aggregate);
    for &codec in Codec::ALL {
        let mut compressor = Compressor::new(codec).unwrap();
        for inside in [
            b"".to_vec(),
            MAGIC[..3].to_vec(),
            [b"x", &aggregate[..]].concat(),
            message(1).into_bytes(),
            (0..5_000).map(message).collect::<String>().into_bytes(),
            vec![MAGIC[0]; 100],
            // Opened once, it would be an envelope again.
            envelope(&aggregate, Codec::Gzip),
            envelope(&aggregate, Codec::Zstd),
        ] {
            assert_untouched(&compressor.compress(&inside).unwrap());
        }
    }
    // Raw deflate is detected by nobody.
    assert_untouched(&Compressor::new(Codec::Deflate).unwrap().compress(&aggregate).unwrap());
    // Nor is a frame with a dictionary looked into.
    let mut with_dictionary = Compressor::with_dictionary(Codec::Zstd, &dictionary()).unwrap();
    assert_untouched(&with_dictionary.compress(&aggregate).unwrap());
}

/// CloudWatch Logs puts gzip records into streams. They cost a look, whatever their size, and a
/// bomb among them explodes with whoever asked for it.
#[test]
fn cloudwatch_logs_pass_untouched() {
    let events: Vec<String> = (0..1_000)
        .map(|n| format!(r#"{{"id":"{n}","timestamp":1,"message":{:?}}}"#, message(n)))
        .collect();
    let payload = format!(
        r#"{{"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"g","logStream":"s",
        "subscriptionFilters":["f"],"logEvents":[{}]}}"#,
        events.join(",")
    );
    for level in 0..=9 {
        let mut gzip = Compressor::new(Compression::new(Codec::Gzip, level).unwrap()).unwrap();
        let record = gzip.compress(payload.as_bytes()).unwrap();
        assert_untouched(&record);
        for end in 0..200 {
            assert_untouched(&record[..end]);
        }
    }
    for &codec in Codec::ALL {
        let mut decompressor = Decompressor::new().with_limit(10);
        let (record, mut buffer) = (bomb(codec, 10 << 20), Vec::new());
        let unwrapped = unwrap(&record, &mut decompressor, &mut buffer).unwrap();
        assert_eq!((unwrapped.data, unwrapped.codec), (&record[..], None));
        assert!(buffer.capacity() < 1_000);
    }
}

#[test]
fn parts_make_one_envelope() {
    let aggregate = aggregate(3_000);
    let (front, back) = aggregate.split_at(aggregate.len() / 2);
    let skippable = [&[0x5A, 0x2A, 0x4D, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    for codec in [Codec::Gzip, Codec::Zstd] {
        let mut compressor = Compressor::new(codec).unwrap();
        let mut parts: Vec<Vec<u8>> =
            [b"", front, b"", back].iter().map(|it| compressor.compress(it).unwrap()).collect();
        if codec == Codec::Zstd {
            parts.insert(2, skippable.clone());
            parts.insert(0, skippable.clone());
        }
        let (mut decompressor, mut buffer) = (Decompressor::new(), Vec::new());
        let envelope = parts.concat();
        let unwrapped = unwrap(&envelope, &mut decompressor, &mut buffer);
        assert_eq!(unwrapped, Ok(Unwrapped { data: &aggregate, codec: Some(codec) }));
    }
}

/// Even the magic may be in parts.
#[test]
fn tiny_gzip_members_make_one_envelope() {
    let aggregate = aggregate(10);
    let mut gzip = Compressor::new(Codec::Gzip).unwrap();
    let envelope: Vec<u8> =
        aggregate.chunks(3).flat_map(|part| gzip.compress(part).unwrap()).collect();
    let (mut decompressor, mut buffer) = (Decompressor::new(), Vec::new());
    let unwrapped = unwrap(&envelope, &mut decompressor, &mut buffer);
    assert_eq!(unwrapped, Ok(Unwrapped { data: &aggregate, codec: Some(Codec::Gzip) }));
}

/// What begins as an aggregate is an envelope, and must be right to its end.
#[test]
fn broken_envelopes_are_errors() {
    let (mut decompressor, mut buffer) = (Decompressor::new(), Vec::new());
    for records in [400, 10_000] {
        let aggregate = aggregate(records);
        for codec in DETECTED {
            let envelope = envelope(&aggregate, codec);
            let cut = &envelope[..envelope.len() - 1];
            if codec == Codec::Zstd && records == 400 {
                // Its only block is not complete, so nobody can say what is inside.
                assert_untouched(cut);
            } else {
                let offset = cut.len();
                assert_eq!(
                    unwrap(cut, &mut decompressor, &mut buffer),
                    Err(CompressionError::Truncated { codec, offset })
                );
            }
            let longer = [&envelope[..], b"trailer"].concat();
            assert_eq!(
                unwrap(&longer, &mut decompressor, &mut buffer),
                Err(CompressionError::TrailingBytes { codec, offset: envelope.len() })
            );
            let mut limited = Decompressor::new().with_limit(aggregate.len() - 1);
            assert_eq!(
                unwrap(&envelope, &mut limited, &mut buffer),
                Err(CompressionError::LimitExceeded { codec, limit: aggregate.len() - 1 })
            );
            assert!(
                unwrap(&envelope, &mut limited.with_limit(aggregate.len()), &mut buffer).is_ok()
            );
        }
    }
}

#[test]
fn what_readers_would_not_find_is_not_written() {
    let aggregate = aggregate(10);
    let mut out = Vec::new();
    let mut wrap = |data: &[u8], mut compressor: Compressor| {
        let error = compress_for_kinpack_readers_only(data, &mut compressor, &mut out).unwrap_err();
        assert!(out.is_empty());
        error
    };
    let zstd = || Compressor::new(Codec::Zstd).unwrap();
    assert_eq!(wrap(b"plain", zstd()), CompressionError::NotAnAggregate);
    assert_eq!(wrap(&envelope(&aggregate, Codec::Zstd), zstd()), CompressionError::NotAnAggregate);
    assert_eq!(
        wrap(&aggregate, Compressor::new(Codec::Deflate).unwrap()),
        CompressionError::NotForWholeAggregates { codec: Codec::Deflate }
    );
    assert_eq!(
        wrap(&aggregate, Compressor::with_dictionary(Codec::Zstd, &dictionary()).unwrap()),
        CompressionError::NotForWholeAggregates { codec: Codec::Zstd }
    );
}

//! Any bytes as compressed by any codec, with a dictionary at hand.
#![no_main]

use std::sync::LazyLock;

use kinpack_fuzz::compressed::{LIMIT, decompressor};
use kinpack_payload::{Codec, CompressionError, Decompressor, Dictionary, detect};
use libfuzzer_sys::fuzz_target;

/// Of the test vector that is among the seeds.
static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(|| {
    let vector = include_str!(
        "../../crates/kinpack-payload/tests/vectors/compression/zstd-python-dict.json"
    );
    let hex = vector.split(r#""dict": ""#).nth(1).expect("the vector has a dictionary");
    let hex = hex.split('"').next().expect("its text ends");
    let bytes = hex.as_bytes().chunks(2).map(|digits| {
        let digits = str::from_utf8(digits).expect("ASCII");
        u8::from_str_radix(digits, 16).expect("hex")
    });
    Dictionary::from_bytes(bytes.collect()).expect("it is one")
});

fuzz_target!(|data: &[u8]| {
    let mut used = decompressor().with_dictionaries([DICTIONARY.clone()].into());
    let mut out = Vec::new();
    for &codec in Codec::ALL {
        match used.decompress_into(codec, data, &mut out) {
            Ok(()) => {
                assert!(out.len() <= LIMIT);
                limits_hold(&mut used, codec, data, &out);
                if codec == Codec::Deflate || codec == Codec::Zlib {
                    as_miniz_reads(codec, data, &out);
                }
            }
            Err(error) => {
                assert!(out.is_empty());
                names_the_codec(error, codec, data);
            }
        }
    }

    let detected = detect(data);
    match used.decompress_detected(data, &mut out) {
        Ok(Some(codec)) => assert_eq!(Some(codec), detected),
        Ok(None) => assert!(matches!(detected, None | Some(Codec::Zlib))),
        Err(_) => assert!(detected.is_some()),
    }
    // A dictionary of anyone's choice.
    if let Ok(dictionary) = Dictionary::from_bytes(data.to_vec()) {
        assert_eq!(dictionary.as_bytes(), data);
    }
});

/// The exact limit is enough, and a byte less is not, whatever room there is.
fn limits_hold(used: &mut Decompressor, codec: Codec, data: &[u8], inside: &[u8]) {
    let dictionaries = used.dictionaries().clone();
    let mut fresh =
        Decompressor::new().with_limit(inside.len()).with_dictionaries(dictionaries.clone());
    assert_eq!(fresh.decompress(codec, data).as_deref(), Ok(inside));
    if let Some(limit) = inside.len().checked_sub(1) {
        let too_large = Err(CompressionError::LimitExceeded { codec, limit });
        let mut fresh = fresh.with_limit(limit);
        assert_eq!(fresh.decompress(codec, data), too_large);
        let mut roomy = Vec::with_capacity(2 * inside.len());
        assert_eq!(fresh.decompress_into(codec, data, &mut roomy), too_large.map(|_: Vec<u8>| ()));
    }
}

fn as_miniz_reads(codec: Codec, data: &[u8], inside: &[u8]) {
    use miniz_oxide::inflate::{decompress_to_vec, decompress_to_vec_zlib};
    let read =
        if codec == Codec::Zlib { decompress_to_vec_zlib(data) } else { decompress_to_vec(data) };
    assert_eq!(read.ok().as_deref(), Some(inside), "{codec}");
}

fn names_the_codec(error: CompressionError, expected: Codec, data: &[u8]) {
    assert!(!error.to_string().is_empty());
    match error {
        CompressionError::LimitExceeded { codec, limit } => {
            assert_eq!((codec, limit), (expected, LIMIT));
        }
        CompressionError::Truncated { codec, offset } => {
            assert_eq!((codec, offset), (expected, data.len()));
        }
        CompressionError::TrailingBytes { codec, offset } => {
            assert_eq!(codec, expected);
            assert!((1..data.len()).contains(&offset));
        }
        CompressionError::Corrupt { codec, offset, .. } => {
            assert_eq!(codec, expected);
            assert!(offset <= data.len());
        }
        CompressionError::UnknownDictionary { offset, .. } => {
            assert_eq!(expected, Codec::Zstd);
            assert!(offset < data.len());
        }
        other => panic!("{other:?}"),
    }
}

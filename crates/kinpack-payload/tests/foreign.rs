//! What other implementations wrote: `vectors/compression`, whose README tells who they are.
#![cfg(all(feature = "gzip", feature = "zstd"))]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use kinpack_payload::{Codec, CompressionError, Decompressor, Dictionary, detect};
use serde_json::Value;

struct Vector {
    file: String,
    /// `None`: brotli, which is no codec of ours.
    codec: Option<Codec>,
    bytes: Vec<u8>,
    text: String,
    dictionary: Option<Dictionary>,
}

fn vectors() -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/compression");
    let mut vectors = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|it| it != "json") {
            continue;
        }
        let vector: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let text = |name: &str| vector[name].as_str().unwrap();
        let dictionary = vector["dict"].as_str().map(|it| {
            let dictionary = Dictionary::from_bytes(from_hex(it)).unwrap();
            assert_eq!(vector["dict_id"], dictionary.id());
            dictionary
        });
        vectors.push(Vector {
            file: path.file_name().unwrap().to_string_lossy().into_owned(),
            codec: match text("codec") {
                "gzip" => Some(Codec::Gzip),
                "zlib" => Some(Codec::Zlib),
                "deflate-raw" => Some(Codec::Deflate),
                "zstd" => Some(Codec::Zstd),
                "brotli" => None,
                other => panic!("{other}"),
            },
            bytes: from_hex(text("bytes")),
            text: text("value").to_owned(),
            dictionary,
        });
    }
    assert_eq!(vectors.len(), 28);
    vectors
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().map(|digit| digit.to_digit(16).unwrap().try_into().unwrap()).collect();
    digits.as_chunks().0.iter().map(|[high, low]| high << 4 | low).collect()
}

#[test]
fn all_are_read() {
    let all = vectors();
    let dictionaries = all.iter().filter_map(|it| it.dictionary.clone()).collect();
    let mut decompressor = Decompressor::new().with_dictionaries(dictionaries);
    for vector in &all {
        let Some(codec) = vector.codec else { continue };
        let inside = decompressor.decompress(codec, &vector.bytes);
        assert_eq!(inside, Ok(vector.text.clone().into_bytes()), "{}", vector.file);
    }
}

#[test]
fn all_but_raw_deflate_are_detected() {
    let mut out = Vec::new();
    for vector in vectors() {
        let codec = vector.codec.filter(|&it| it != Codec::Deflate);
        assert_eq!(detect(&vector.bytes), codec, "{}", vector.file);
        let dictionaries = vector.dictionary.into_iter().collect();
        let mut decompressor = Decompressor::new().with_dictionaries(dictionaries);
        assert_eq!(decompressor.decompress_detected(&vector.bytes, &mut out), Ok(codec));
        assert_eq!(out, if codec.is_some() { vector.text.as_bytes() } else { b"" });
    }
}

#[test]
fn a_missing_dictionary_is_named() {
    let with_dictionary = vectors().into_iter().find(|it| it.dictionary.is_some()).unwrap();
    let id = with_dictionary.dictionary.unwrap().id();
    assert_eq!(id, 243_453_913);
    assert_eq!(
        Decompressor::new().decompress(Codec::Zstd, &with_dictionary.bytes),
        Err(CompressionError::UnknownDictionary { id, offset: 0 })
    );
}

/// However the messages are cut, and whatever follows them, it is said where.
#[test]
fn cut_and_continued() {
    let all = vectors();
    let dictionaries = all.iter().filter_map(|it| it.dictionary.clone()).collect();
    let mut decompressor = Decompressor::new().with_dictionaries(dictionaries);
    for vector in all {
        let Some(codec) = vector.codec else { continue };
        let mut ends = Vec::new();
        for offset in 0..vector.bytes.len() {
            match decompressor.decompress(codec, &vector.bytes[..offset]) {
                Err(error) => assert_eq!(
                    error,
                    CompressionError::Truncated { codec, offset },
                    "{}",
                    vector.file
                ),
                Ok(_) => ends.push(offset),
            }
        }
        // Where a member or frame ends, the message may end, too.
        let expected: &[usize] = match vector.file.as_str() {
            "gzip-python-multimember.json" => &[30],
            "gzip-python-empty-member.json" => &[20, 71, 72, 73, 74, 75, 76, 77, 78],
            "zstd-multiframe.json" => &[19],
            "zstd-skippable.json" => &[12],
            _ => &[],
        };
        assert_eq!(ends, expected, "{}", vector.file);

        let offset = match vector.file.as_str() {
            // Padding belongs to nothing as soon as it is not all zeros.
            "gzip-python-empty-member.json" => 71,
            _ => vector.bytes.len(),
        };
        for trailer in ["x", "(not", "\0\0\0x", "x\0\0\0"] {
            let longer = [&vector.bytes[..], trailer.as_bytes()].concat();
            assert_eq!(
                decompressor.decompress(codec, &longer),
                Err(CompressionError::TrailingBytes { codec, offset }),
                "{} and {trailer:?}",
                vector.file
            );
        }
    }
}

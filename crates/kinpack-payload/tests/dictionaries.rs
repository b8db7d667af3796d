//! Dictionaries: trained, kept, found again.
#![cfg(feature = "zstd")]
#![allow(clippy::unwrap_used)]

mod common;

use common::{dictionary, message};
use kinpack_payload::{
    Codec, Compression, CompressionError, Compressor, Decompressor, Dictionaries, Dictionary,
};

#[test]
fn training_is_worth_it_and_repeatable() {
    let dictionary = dictionary();
    assert_eq!(dictionary.as_bytes().len(), 8 << 10);
    assert_eq!(dictionary.as_bytes(), common::dictionary().as_bytes());

    // On messages that were not among the samples.
    let messages: Vec<String> = (10_000..10_100).map(message).collect();
    let mut sizes = [0, 0];
    for (size, mut compressor) in sizes.iter_mut().zip([
        Compressor::new(Codec::Zstd).unwrap(),
        Compressor::with_dictionary(Codec::Zstd, &dictionary).unwrap(),
    ]) {
        *size = messages.iter().map(|it| compressor.compress(it.as_bytes()).unwrap().len()).sum();
    }
    assert!(sizes[1] * 2 < sizes[0], "{sizes:?}");
}

#[test]
fn training_says_what_it_lacks() {
    let failed = |samples: u32, size| Dictionary::train((0..samples).map(message), size).err();
    let too_few = |samples, bytes| {
        let reason = "they are too few";
        Some(CompressionError::TrainingFailed { samples, bytes, reason })
    };
    assert_eq!(failed(0, 1_000), too_few(0, 0));
    assert_eq!(failed(1, 1_000), too_few(1, message(0).len()));
    assert_eq!(
        failed(1_000, 255).unwrap().to_string(),
        "no dictionary comes of 1000 samples of 88647 bytes together: \
         a dictionary has 256 bytes at least"
    );
    assert_eq!(failed(1_000, 256), None);
    // A size out of all proportion is no memory out of all proportion.
    let large = Dictionary::train((0..1_000).map(message), usize::MAX).unwrap();
    assert!(large.as_bytes().len() < 88_647);
}

#[test]
fn what_is_no_dictionary_is_refused() {
    let whole = dictionary().as_bytes().to_vec();
    // Behind its tables it may end anywhere.
    for end in 0..100 {
        let Err(error) = Dictionary::from_bytes(whole[..end].to_vec()) else {
            panic!("{end} bytes of {} are no dictionary", whole.len());
        };
        assert!(matches!(error, CompressionError::NotADictionary { .. }), "{error}");
    }
    let mut without_id = whole;
    without_id[4..8].fill(0);
    assert_eq!(
        Dictionary::from_bytes(without_id).unwrap_err().to_string(),
        "no zstd dictionary: its id is 0, which no frame can name"
    );
}

#[test]
fn frames_find_theirs_among_many() {
    let of = |word: &str| {
        let sample = |n| format!("{} {word} {}", message(n), n * 7);
        Dictionary::train((0..1_000).map(sample), 2 << 10).unwrap()
    };
    let dictionaries = [of("north"), of("south"), of("west")];
    let mut known: Dictionaries = dictionaries[..2].iter().cloned().collect();
    assert_eq!(known.len(), 2);
    assert!(known.insert(dictionaries[0].clone()).is_some());
    assert_eq!(known.by_id(dictionaries[1].id()).unwrap().id(), dictionaries[1].id());
    assert!(known.by_id(dictionaries[2].id()).is_none());

    // One frame after another, each with its own, or none.
    let frames: Vec<Vec<u8>> = dictionaries
        .iter()
        .map(|it| Compressor::with_dictionary(Codec::Zstd, it).unwrap())
        .chain([Compressor::new(Codec::Zstd).unwrap()])
        .map(|mut compressor| compressor.compress(message(9).as_bytes()).unwrap())
        .collect();
    let mut decompressor = Decompressor::new().with_dictionaries(known);
    assert_eq!(decompressor.dictionaries().len(), 2);
    let stream = [&frames[3][..], &frames[1], &frames[0], &frames[3], &frames[0]].concat();
    let inside = decompressor.decompress(Codec::Zstd, &stream).unwrap();
    assert_eq!(inside, message(9).repeat(5).as_bytes());

    let stream = [&frames[0][..], &frames[2]].concat();
    assert_eq!(
        decompressor.decompress(Codec::Zstd, &stream),
        Err(CompressionError::UnknownDictionary {
            id: dictionaries[2].id(),
            offset: frames[0].len()
        })
    );
}

#[test]
fn only_zstd_takes_one() {
    let dictionary = dictionary();
    for &codec in Codec::ALL {
        let made = Compressor::with_dictionary(codec, &dictionary);
        if codec == Codec::Zstd {
            assert!(made.unwrap().has_dictionary());
        } else {
            let error = CompressionError::DictionaryNotSupported { codec };
            assert_eq!(made.unwrap_err(), error);
        }
    }
}

/// A level of zstd's with a dictionary is that level.
#[test]
fn levels_count_with_a_dictionary() {
    let dictionary = dictionary();
    let text: String = (0..300).map(|n| message(n * 31)).collect();
    let size = |level| {
        let compression = Compression::new(Codec::Zstd, level).unwrap();
        let mut compressor = Compressor::with_dictionary(compression, &dictionary).unwrap();
        compressor.compress(text.as_bytes()).unwrap().len()
    };
    assert!(size(19) < size(3) && size(3) < size(-7), "{} {} {}", size(19), size(3), size(-7));
}

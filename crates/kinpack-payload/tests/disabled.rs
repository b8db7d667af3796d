//! A codec that was not compiled in says so, wherever it is asked for.
#![cfg(not(all(feature = "gzip", feature = "zstd")))]
#![allow(clippy::unwrap_used)]

use kinpack_payload::{
    Codec, CompressionError, Compressor, Decompressor, Dictionary, detect, whole_aggregate,
};

#[test]
fn it_does_not_vanish() {
    let (mut decompressor, mut buffer) = (Decompressor::new(), Vec::new());
    for codec in Codec::ALL.iter().copied().filter(|codec| !codec.is_enabled()) {
        let disabled = CompressionError::CodecDisabled { codec };
        assert_eq!(Compressor::new(codec).unwrap_err(), disabled);
        assert_eq!(decompressor.decompress(codec, b""), Err(disabled));
        assert_eq!(disabled.to_string(), format!("{codec} was not compiled in"));

        let stream: &[u8] = match codec {
            Codec::Gzip => &[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3],
            Codec::Zlib => &[0x78, 0x9C, 3],
            Codec::Zstd => &[0x28, 0xB5, 0x2F, 0xFD, 0],
            _ => continue,
        };
        assert_eq!(detect(stream), Some(codec));
        assert_eq!(decompressor.decompress_detected(stream, &mut buffer), Err(disabled));
        let unwrapped = whole_aggregate::unwrap(stream, &mut decompressor, &mut buffer);
        assert_eq!(unwrapped, Err(disabled));
    }
    if !Codec::Zstd.is_enabled() {
        let disabled = CompressionError::CodecDisabled { codec: Codec::Zstd };
        assert_eq!(Dictionary::train(["a", "b"], 1_000).unwrap_err(), disabled);
        let dictionary = Dictionary::from_bytes(vec![0x37, 0xA4, 0x30, 0xEC, 7, 0, 0, 0]).unwrap();
        assert_eq!(dictionary.id(), 7);
        assert_eq!(Compressor::with_dictionary(Codec::Zstd, &dictionary).unwrap_err(), disabled);
    }
}

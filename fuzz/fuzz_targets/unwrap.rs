//! Any bytes as the data of a Kinesis record that may be a whole aggregate, compressed.
#![no_main]

use kinpack::MAGIC;
use kinpack_fuzz::compressed::decompressor;
use kinpack_payload::whole_aggregate::{compress_for_kinpack_readers_only, unwrap};
use kinpack_payload::{Codec, Compression, Compressor, detect};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (mut decompressor, mut buffer) = (decompressor(), Vec::new());
    let detected = detect(data).map(|codec| (codec, decompressor.decompress(codec, data)));
    match unwrap(data, &mut decompressor, &mut buffer) {
        Ok(unwrapped) => match (unwrapped.codec, detected) {
            (Some(codec), Some((detected, inside))) => {
                assert_eq!(codec, detected);
                assert!(unwrapped.data.starts_with(&MAGIC));
                assert_eq!(Ok(unwrapped.data), inside.as_deref());
            }
            (Some(codec), None) => panic!("{codec} that was not detected"),
            (None, detected) => {
                assert_eq!(unwrapped.data, data);
                // A zstd stream may be in blocks that are too small to show the magic.
                if let Some((Codec::Gzip | Codec::Zlib, Ok(inside))) = detected {
                    assert!(!inside.starts_with(&MAGIC));
                }
            }
        },
        Err(error) => {
            let (_, inside) = detected.expect("else there is nothing to be wrong");
            assert_eq!(Err(error), inside);
        }
    }

    // Whatever is in an aggregate, it comes out of its envelope.
    let aggregate = [&MAGIC[..], data].concat();
    for compression in [Codec::Gzip.into(), Codec::Zlib.into(), Compression::from(Codec::Zstd)] {
        let mut compressor = Compressor::new(compression).expect("all are compiled in");
        let mut envelope = Vec::new();
        compress_for_kinpack_readers_only(&aggregate, &mut compressor, &mut envelope)
            .expect("it has the magic");
        let unwrapped = unwrap(&envelope, &mut decompressor, &mut buffer).expect("an envelope");
        assert_eq!((unwrapped.data, unwrapped.codec), (&aggregate[..], Some(compression.codec())));
    }
});

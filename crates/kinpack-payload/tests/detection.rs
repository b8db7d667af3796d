//! What is taken for compressed, and what is not.
#![allow(clippy::unwrap_used)]

use kinpack_payload::{Codec, detect};

#[test]
fn headers() {
    for (data, codec) in [
        (&[][..], None),
        (&[0x1F], None),
        (&[0x1F, 0x8B, 8], None),
        (&[0x1F, 0x8B, 8, 0], Some(Codec::Gzip)),
        (&[0x1F, 0x8B, 8, 0x1F], Some(Codec::Gzip)),
        // A reserved flag, and a compression method that is none.
        (&[0x1F, 0x8B, 8, 0x20, 0, 0, 0, 0], None),
        (&[0x1F, 0x8B, 7, 0, 0, 0, 0, 0], None),
        (&[0x28, 0xB5, 0x2F], None),
        (&[0x28, 0xB5, 0x2F, 0xFD], Some(Codec::Zstd)),
        // zstd 0.7, which is not read.
        (&[0x27, 0xB5, 0x2F, 0xFD, 0, 0], None),
        // Skippable frames: alone they may be LZ4's.
        (&[0x50, 0x2A, 0x4D, 0x18, 0, 0, 0, 0], None),
        (&[0x5F, 0x2A, 0x4D, 0x18, 1, 0, 0, 0, 9, 0x28, 0xB5, 0x2F, 0xFD], Some(Codec::Zstd)),
        (&[0x60, 0x2A, 0x4D, 0x18, 1, 0, 0, 0, 9, 0x28, 0xB5, 0x2F, 0xFD], None),
        (&[0x50, 0x2A, 0x4D, 0x18, 0xFF, 0xFF, 0xFF, 0xFF, 9, 0x28, 0xB5, 0x2F, 0xFD], None),
        (&[0x50, 0x2A, 0x4D, 0x18, 1, 0], None),
        (&[0x04, 0x22, 0x4D, 0x18, 0x64, 0x40, 0xA7], None),
        // zlib: a final block with fixed codes; the checksum; a preset dictionary; a window of
        // 64 KiB; a block type that does not exist; stored blocks, one with the wrong complement.
        (&[0x78, 0x9C], None),
        (&[0x78, 0x9C, 3], Some(Codec::Zlib)),
        (&[0x78, 0x9D, 3], None),
        (&[0x78, 0xBB, 3], None),
        (&[0x88, 0x1C, 3], None),
        (&[0x78, 0x9C, 7], None),
        (&[0x78, 0x01, 1, 5, 0, 0xFA, 0xFF], Some(Codec::Zlib)),
        (&[0x78, 0x01, 1, 5, 0, 0xFA, 0xFE], None),
        // An aggregate, Confluent's and Glue's framings, Avro, Snappy, bzip2, xz.
        (&kinpack::MAGIC, None),
        (&[0, 0, 0, 1, 45, 2], None),
        (&[3, 5, 0x78, 0x9C, 0, 0], None),
        (&[0xC3, 1, 8, 8, 8, 8], None),
        (b"Obj\x01\x04", None),
        (b"\xFF\x06\0\0sNaPpY", None),
        (b"BZh91AY", None),
        (b"\xFD7zXZ\0", None),
    ] {
        assert_eq!(detect(data), codec, "{data:02X?}");
    }
}

/// Whatever a JSON text begins with, it is not taken for compressed.
#[test]
fn json_is_never_compressed() {
    let starts = b"{[\"-tfn0123456789 \t\r\n";
    let follows = b"0123456789.eE,]} \t\r\n\"{[\\:-+rua";
    for &first in starts {
        for &second in follows {
            for third in 0..=255 {
                let text = [first, second, third, b'1', b'2', b'3', b'4', b'5'];
                assert_eq!(detect(&text), None, "{text:02X?}");
            }
        }
    }
}

/// Two bytes and a block type: weak evidence, of known weakness.
#[test]
fn chance_looks_like_zlib_once_in_4_000() {
    let heads = (0..=0xFFFF_u16).flat_map(|head| (0..8).map(move |block| (head, block)));
    let found = heads
        .filter(|&(head, block)| {
            let [cmf, flg] = head.to_be_bytes();
            detect(&[cmf, flg, block, 1, 2, 3, 4]).is_some()
        })
        .count();
    assert_eq!(0x1_0000 * 8 / found, 4_096);
}

/// Where text looks like zlib, inflating tells.
#[cfg(feature = "gzip")]
#[test]
fn text_that_looks_like_zlib() {
    let mut decompressor = kinpack_payload::Decompressor::new();
    let mut out = b"old".to_vec();
    for text in ["HKB lane 4, 12 items", "x^2 + y^2 = z^2", "XGB,1,2,3", "(SELECT 1)", "hCJ"] {
        let text = text.as_bytes();
        assert_eq!(decompressor.decompress_detected(text, &mut out), Ok(None));
        assert!(out.is_empty());
    }
    assert_eq!(detect(b"HKB lane 4, 12 items"), Some(Codec::Zlib));
}

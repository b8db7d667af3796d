//! Each user record by itself.

use base64_simd::STANDARD as BASE64;
use kinpack_payload::{Codec, Compressor, Dictionary};
use serde_json::json;

use crate::run::Scratch;
use crate::{assert_unpacks, pack, packed, unpack, values};

const NAMED: [(&str, &str); 6] = [
    ("gzip", "gzip"),
    ("gzip:9", "gzip"),
    ("zlib:0", "zlib"),
    ("deflate", "deflate"),
    ("zstd", "zstd"),
    ("zstd:-7", "zstd"),
];

#[test]
fn what_is_compressed_is_decompressed() {
    for (compress, codec) in NAMED {
        let packed = packed(&["--compress", compress]);
        assert_unpacks(&["--decompress", codec], &packed);
        if codec != "deflate" {
            assert_unpacks(&["--decompress", "auto"], &packed);
        }
    }
    // What is not compressed is not touched, unless a codec was named.
    let packed = packed(&[]);
    assert_unpacks(&["--decompress", "auto"], &packed);
    assert_eq!(unpack(&["--decompress", "gzip"], &packed).status, 1);
}

#[test]
fn readers_that_know_nothing_of_it_see_compressed_payloads() {
    let run = crate::run::kinpack(&["unpack"], packed(&["--compress", "gzip"]));
    for row in run.rows() {
        let data = BASE64.decode_to_vec(row["data"].as_str().unwrap()).unwrap();
        assert!(data.starts_with(&[0x1f, 0x8b]) && row["aggregated"] == true);
    }
}

#[test]
fn a_payload_that_is_not_compressed_so_is_a_fault_and_keeps_its_bytes() {
    let run = unpack(&["--decompress", "zstd"], &packed(&["--compress", "gzip"]));
    assert_eq!(run.status, 1);
    let rows = run.faulty_rows();
    assert_eq!(rows.len(), values().len());
    for row in rows {
        let data = BASE64.decode_to_vec(row["data"].as_str().unwrap()).unwrap();
        assert!(data.starts_with(&[0x1f, 0x8b]));
        assert!(row["error"].as_str().unwrap().starts_with("no zstd data: "), "{row}");
    }
    let first = run.stderr.lines().next().unwrap();
    let place = "kinpack: standard input: line 1, record 0, user record 0: no zstd data: ";
    assert!(first.starts_with(place), "{first}");
}

#[test]
fn a_bomb_is_a_fault_with_any_codec() {
    for codec in [Codec::Gzip, Codec::Zlib, Codec::Deflate, Codec::Zstd] {
        let bomb = Compressor::new(codec).unwrap().compress(&vec![0; 2 << 20]).unwrap();
        let record = json!({"Data": BASE64.encode_to_string(&bomb)}).to_string();
        // Raw deflate is never taken for compressed unless it is named.
        for decompress in ["auto", codec.name()].into_iter().skip((codec == Codec::Deflate).into())
        {
            let args = ["--decompress", decompress, "--inflate-limit", "1MiB"];
            let run = unpack(&args, record.as_bytes());
            let error = format!("{codec} data of more than 1048576 bytes, which is the limit");
            assert_eq!((run.status, &run.member("error")[0]), (1, &json!(error)));
            assert_eq!(run.member("data")[0], json!(BASE64.encode_to_string(&bomb)));
            assert!(run.stderr.contains(&error));
        }
    }
}

#[test]
fn broken_off_streams_are_faults_also_where_nobody_named_a_codec() {
    let whole = Compressor::new(Codec::Gzip).unwrap().compress(b"a message").unwrap();
    let record = json!({"Data": BASE64.encode_to_string(&whole[..whole.len() - 1])}).to_string();
    let run = unpack(&["--decompress", "auto"], record.as_bytes());
    assert_eq!(run.status, 1);
    assert!(run.stderr.contains("the gzip data breaks off"), "{}", run.stderr);
}

#[test]
fn dictionaries_are_found_by_their_id() {
    let samples: Vec<String> =
        (0..2000).map(|i| format!(r#"{{"id":{i},"user":"user-{}"}}"#, i % 7)).collect();
    let dictionary = Dictionary::train(&samples, 4096).unwrap();
    let file = Scratch::new("messages.dict", dictionary.as_bytes());
    let other = Dictionary::train(&samples[..1500], 2048).unwrap();
    let other_file = Scratch::new("other.dict", other.as_bytes());

    let packed = packed(&["--compress", &format!("zstd:3,dict={}", file.path())]);
    assert_unpacks(
        &["--decompress", "auto", "--dict", other_file.path(), "--dict", file.path()],
        &packed,
    );
    let run = unpack(&["--decompress", "zstd", "--dict", other_file.path()], &packed);
    assert_eq!(run.status, 1);
    let error = format!("the zstd dictionary {} is not known", dictionary.id());
    assert!(run.stderr.contains(&error), "{}", run.stderr);
}

#[test]
fn what_cannot_be_is_said_before_anything_is_read() {
    for (args, message) in [
        (&["--compress", "lz4"][..], "lz4"),
        (&["--compress", "gzip:10"], "gzip has no level 10"),
        (&["--compress", "gzip,dict=x"], "only zstd takes a dictionary"),
        (&["--compress", "zstd,dict=/nowhere/x"], "/nowhere/x: "),
        (&["--at", "aggregate-kinpack-only"], "needs --compress"),
        (
            &["--compress", "deflate", "--at", "aggregate-kinpack-only"],
            "which no reader can detect",
        ),
    ] {
        let run = pack(args, "");
        assert_eq!((run.status, run.text()), (2, ""), "{args:?}");
        assert!(run.stderr.contains(message), "{args:?}: {}", run.stderr);
    }
    let run = unpack(&["--dict", "/nowhere/x"], b"");
    assert!(run.status == 2 && run.stderr.contains("--decompress"), "{}", run.stderr);
    let run = unpack(&["--decompress", "zstd", "--dict", "/nowhere/x"], b"");
    assert!(run.status == 2 && run.stderr.contains("/nowhere/x: "), "{}", run.stderr);
}

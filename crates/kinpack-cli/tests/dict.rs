//! `kinpack dict train`, as it is run.
#![allow(clippy::unwrap_used)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64_simd::STANDARD as BASE64;
use kinpack_payload::{Codec, Compressor, Decompressor, Dictionary};
use serde_json::json;

/// Exit status, output, messages.
fn kinpack(words: &[&str], stdin: &str) -> (i32, Vec<u8>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kinpack"))
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to_child = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        // It may end before it has read all.
        scope.spawn(move || to_child.write_all(stdin.as_bytes()));
        child.wait_with_output().unwrap()
    });
    let stderr = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), output.stdout, stderr)
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn message(n: usize) -> String {
    let (device, t) = (n * 7919 % 500, n * 31 % 400);
    json!({ "device": format!("device-{device}"), "celsius": t, "unit": "celsius", "n": n })
        .to_string()
}

fn lines(count: usize) -> String {
    (0..count).map(|n| message(n) + "\n").collect()
}

/// Trains from standard input, and says nothing of faulty lines.
fn train(words: &[&str], name: &str, stdin: &str) -> Dictionary {
    let path = file(name);
    let train = ["dict", "train", "-o", path.to_str().unwrap()];
    let words: Vec<&str> = train.into_iter().chain(words.iter().copied()).collect();
    let (status, stdout, stderr) = kinpack(&words, stdin);
    assert_eq!((status, stdout.len()), (0, 0), "{stderr}");
    Dictionary::from_bytes(std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn messages_get_smaller_and_come_back() {
    let dictionary = train(&["--lines", "--size", "4KiB"], "small.dict", &lines(5_000));
    assert!(dictionary.as_bytes().len() <= 4 << 10);
    let mut alone = Compressor::new(Codec::Zstd).unwrap();
    let mut with = Compressor::with_dictionary(Codec::Zstd, &dictionary).unwrap();
    let mut decompressor = Decompressor::new().with_dictionaries([dictionary].into());
    for n in 900_000..900_100 {
        let message = message(n);
        let small = with.compress(message.as_bytes()).unwrap();
        assert!(small.len() * 3 < alone.compress(message.as_bytes()).unwrap().len() * 2);
        assert_eq!(decompressor.decompress(Codec::Zstd, &small).unwrap(), message.as_bytes());
    }
}

#[test]
fn rows_and_lines_with_the_same_messages_give_the_same_dictionary() {
    let lines_ = lines(2_000);
    let of_lines = train(&["--lines"], "lines.dict", &lines_);
    let row = |data: serde_json::Value| json!({"partition_key": "k", "data": data}).to_string();
    let base64 = |line: &str| row(BASE64.encode_to_string(line).into()) + "\n";
    let rows: String = lines_.lines().map(base64).collect();
    let of_rows = train(&[], "rows.dict", &rows);
    assert_eq!(of_rows.as_bytes(), of_lines.as_bytes());
    let rows: String = lines_.lines().map(|line| row(line.into()) + "\n").collect();
    let of_text = train(&["--data", "utf8"], "text.dict", &rows);
    assert_eq!(of_text.as_bytes(), of_lines.as_bytes());
}

#[test]
fn files_are_read_in_turn_and_the_output_may_be_standard_output() {
    let (one, other) = (file("one.samples"), file("other.samples"));
    let all = lines(2_000);
    let half = lines(1_000);
    std::fs::write(&one, &half).unwrap();
    std::fs::write(&other, &all[half.len()..]).unwrap();
    let words = ["dict", "train", "--lines", "-o", "-"];
    let files = [one.to_str().unwrap(), other.to_str().unwrap()];
    let (status, stdout, stderr) = kinpack(&[&words[..], &files].concat(), "");
    assert_eq!(status, 0, "{stderr}");
    assert_eq!(stdout, train(&["--lines"], "both.dict", &all).as_bytes());
    assert!(stderr.contains("2000 samples"), "{stderr}");
    assert!(stderr.contains("a message it has not seen: "), "{stderr}");
}

#[test]
fn what_it_makes_is_what_pack_and_unpack_take() {
    let path = file("pack.dict");
    train(&["--lines"], "pack.dict", &lines(2_000));
    let compress = format!("zstd:3,dict={}", path.display());
    let pack = ["pack", "--lines", "--partition-key", "k", "--compress", &compress];
    let (status, entries, stderr) = kinpack(&pack, &lines(100));
    assert_eq!(status, 0, "{stderr}");
    let entries = String::from_utf8(entries).unwrap();
    let unpack = ["unpack", "--data", "utf8", "--decompress", "zstd", "--dict"];
    let (status, rows, stderr) =
        kinpack(&[&unpack[..], &[path.to_str().unwrap()]].concat(), &entries);
    assert_eq!(status, 0, "{stderr}");
    let data = |row: &str| {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        row["data"].as_str().unwrap().to_owned() + "\n"
    };
    let back: String = String::from_utf8(rows).unwrap().lines().map(data).collect();
    assert_eq!(back, lines(100));
}

#[test]
fn too_few_samples_are_an_error_that_says_how_many_and_what_helps() {
    let path = file("never.dict");
    let words = ["dict", "train", "--lines", "-o", path.to_str().unwrap()];
    for (stdin, said) in [("", "0 samples of 0 bytes"), ("one\ntwo\n", "2 samples of 6 bytes")] {
        let (status, _, stderr) = kinpack(&words, stdin);
        assert_eq!(status, 2);
        assert!(stderr.contains(said) && stderr.contains("--size"), "{stderr}");
    }
    assert!(!path.exists());
}

#[test]
fn faulty_lines_are_left_out_and_said() {
    let path = file("faulty.dict");
    let rows: String = (0..2_000)
        .map(|n| json!({"partition_key": "k", "data": message(n)}).to_string() + "\n")
        .collect();
    let words = ["dict", "train", "--data", "utf8", "-o", path.to_str().unwrap()];
    let (status, _, stderr) = kinpack(&words, &format!("{{}}\n{rows}"));
    assert_eq!(status, 1);
    assert!(stderr.starts_with("kinpack: standard input: line 1: no partition key"), "{stderr}");
    let all = train(&["--data", "utf8"], "unfaulty.dict", &rows);
    assert_eq!(std::fs::read(path).unwrap(), all.as_bytes());
}

#[test]
fn files_that_cannot_be_read_or_written_are_named() {
    let out = file("out.dict");
    let words = ["dict", "train", "--lines", "/no/such/samples", "-", "-o", out.to_str().unwrap()];
    let (status, _, stderr) = kinpack(&words, &lines(2_000));
    assert_eq!(status, 2);
    assert!(stderr.contains("/no/such/samples: "), "{stderr}");
    assert!(out.exists(), "the others were used");

    let words = ["dict", "train", "--lines", "-o", "/no/such/directory/out.dict"];
    let (status, _, stderr) = kinpack(&words, &lines(2_000));
    assert_eq!(status, 2);
    assert!(stderr.contains("/no/such/directory/out.dict: "), "{stderr}");
}

#[test]
fn wrong_usage_is_said() {
    for (words, said) in [
        (&["dict", "train", "--lines"][..], "--output"),
        (&["dict", "train", "-o", "-", "--size", "100"], "256 bytes at least"),
        (&["dict", "train", "-o", "-", "--lines", "--data", "hex"], "cannot be used with"),
        (&["dict"], "train"),
    ] {
        let (status, _, stderr) = kinpack(words, "");
        assert_eq!(status, 2, "{words:?}");
        assert!(stderr.contains(said), "{words:?}: {stderr}");
    }
}

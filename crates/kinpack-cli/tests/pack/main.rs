//! `kinpack pack`, as it is run.
#![allow(clippy::unwrap_used)]

mod faults;
mod files;
mod limits;
#[cfg(target_os = "linux")]
mod memory;
mod outer_keys;
mod outputs;
mod round_trip;
mod shards;
mod vectors;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64_simd::STANDARD as BASE64;
use kinpack::{Contents, Digest, deaggregate};
use serde_json::{Value, json};

/// How a run ended.
struct Run {
    status: i32,
    stdout: String,
    stderr: String,
}

impl Run {
    /// The lines of the output, each a JSON document.
    fn documents(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Runs `kinpack` with words of a command line and what comes in.
fn kinpack(words: &[&str], stdin: impl AsRef<[u8]>) -> Run {
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
        let stdin = stdin.as_ref();
        scope.spawn(move || to_child.write_all(stdin));
        child.wait_with_output().unwrap()
    });
    Run {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// `kinpack pack` with options that go well and say nothing.
fn pack(options: &str, stdin: impl AsRef<[u8]>) -> Vec<Value> {
    let words: Vec<&str> = ["pack"].into_iter().chain(options.split_whitespace()).collect();
    let run = kinpack(&words, stdin);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "pack {options}");
    run.documents()
}

/// A row of input.
fn row(partition_key: &str, explicit_hash_key: Option<&str>, data: &[u8]) -> String {
    let data = BASE64.encode_to_string(data);
    let row = json!({
        "partition_key": partition_key, "explicit_hash_key": explicit_hash_key, "data": data,
    });
    format!("{row}\n")
}

/// `count` rows, `size` bytes of data each, of ten partition keys.
fn rows(count: usize, size: usize) -> String {
    (0..count).map(|i| row(&format!("key-{}", i % 10), None, &numbered(i, size))).collect()
}

/// Data that tells one record from another.
fn numbered(i: usize, size: usize) -> Vec<u8> {
    let mut data = format!("{i:08}").into_bytes();
    data.resize(size, b'.');
    data
}

fn data_of(document: &Value) -> Vec<u8> {
    let data = document["Data"].as_str().or_else(|| document["data"].as_str()).unwrap();
    BASE64.decode_to_vec(data).unwrap()
}

/// The user records of an entry: partition keys and data.
fn unpacked(entry: &Value) -> Vec<(String, Vec<u8>)> {
    let data = data_of(entry);
    let key = entry["PartitionKey"].as_str().or_else(|| entry["partitionKey"].as_str());
    let contents = deaggregate(&data, Digest::Verify).unwrap();
    let record =
        |it: kinpack::UserRecord<'_>| (it.partition_key.unwrap().to_owned(), it.data.to_vec());
    contents.records(key).map(record).collect()
}

fn is_aggregate(entry: &Value) -> bool {
    matches!(deaggregate(&data_of(entry), Digest::Verify), Ok(Contents::Aggregated(_)))
}

/// A file for one test.
fn file(name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).unwrap();
    path
}

//! `kinpack plan`, as it is run.
#![allow(clippy::unwrap_used)]

mod agreement;
mod faults;
mod figures;
mod json;
mod page;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// How a run ended.
struct Run {
    status: i32,
    stdout: String,
    stderr: String,
}

/// Runs `kinpack` with words of a command line and what comes in.
fn kinpack(words: &[&str], stdin: &str) -> Run {
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
    Run {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// `kinpack plan --json` of rows with JSON in them, which goes well.
fn plan(options: &str, stdin: &str) -> Value {
    let words = ["plan", "--json", "--data", "json"].into_iter();
    let words: Vec<&str> = words.chain(options.split_whitespace()).collect();
    let run = kinpack(&words, stdin);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "plan {options}");
    serde_json::from_str(&run.stdout).unwrap()
}

/// The row with this id.
fn row<'a>(report: &'a Value, list: &str, id: &str) -> &'a Value {
    report[list].as_array().unwrap().iter().find(|row| row["id"] == id).unwrap()
}

/// Rows of `pack`, of 20 partition keys.
fn rows(count: usize) -> String {
    (0..count)
        .map(|n| {
            let device = format!("device-{}", n * n % 20);
            let data = json!({ "device": device, "celsius": n * 31 % 400, "n": n });
            json!({ "partition_key": device, "data": data }).to_string() + "\n"
        })
        .collect()
}

const SCHEMA: &str = r#"{"type": "record", "name": "Reading", "fields": [
    {"name": "device", "type": "string"},
    {"name": "celsius", "type": "int"},
    {"name": "n", "type": "long"}
]}"#;

/// A file for one test.
fn file(name: &str, content: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).unwrap();
    path
}

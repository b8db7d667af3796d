//! Runs the built binary.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// What a run has left.
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap(),
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Run {
    /// The rows, if nothing was wrong.
    #[track_caller]
    pub(crate) fn rows(&self) -> Vec<Value> {
        assert_eq!((self.status, &*self.stderr), (0, ""));
        self.faulty_rows()
    }

    /// The rows.
    #[track_caller]
    pub(crate) fn faulty_rows(&self) -> Vec<Value> {
        let lines = self.stdout.split_inclusive(|&byte| byte == b'\n');
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
    }

    /// A member of each row.
    #[track_caller]
    pub(crate) fn member(&self, name: &str) -> Vec<Value> {
        self.faulty_rows().iter_mut().map(|row| row[name].take()).collect()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }
}

pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinpack"));
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs with `input` on standard input.
pub(crate) fn kinpack(args: &[&str], input: impl AsRef<[u8]>) -> Run {
    let mut child = command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.as_ref();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // Who stops at a usage error does not read.
            let _ = stdin.write_all(input);
        });
        child.wait_with_output().unwrap().into()
    })
}

pub(crate) fn unpack(args: &[&str], input: impl AsRef<[u8]>) -> Run {
    kinpack(&[&["unpack"], args].concat(), input)
}

/// A file that is gone when the test is over.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, content).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A file of test vectors.
pub(crate) fn vectors(path: &str) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../kinpack/tests/vectors/");
    serde_json::from_slice(&std::fs::read(format!("{folder}{path}")).unwrap()).unwrap()
}

/// The data of a reader's vector, as base64.
pub(crate) fn reader_case(file: &str, name: &str) -> String {
    let vectors = vectors(&format!("reader/{file}.json"));
    let mut cases = vectors["cases"].as_array().unwrap().iter();
    let case = cases.find(|case| case["name"] == name).unwrap();
    case["outer"]["data"].as_str().unwrap().to_owned()
}

/// Two user records, `x` under the key `a` and `y` under `b`, as zio-kinesis writes them.
pub(crate) const AGGREGATE: &str =
    "84mawgoBYQoBYhIBMBIBMBoFCAAaAXgaBQgBGgF5RYIkBaElFHCZNTQaC/Kk/w==";

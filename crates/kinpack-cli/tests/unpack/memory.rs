//! Memory is bounded by the largest document, not by the stream.
#![cfg(target_os = "linux")]

use std::io::{Read as _, Write as _};
use std::process::Stdio;

use crate::run::command;

/// The most memory that a process has had so far, in KiB.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Runs 32 MiB of `document` through a command, and says how much memory that took, in KiB.
fn peak_of(args: &[&str], document: &[u8]) -> u64 {
    let mut child = command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let process = child.id();
    let peak = std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut sink = vec![0; 1 << 16];
            while stdout.read(&mut sink).unwrap() > 0 {}
        });
        for _ in 0..(32 << 20) / document.len() {
            stdin.write_all(document).unwrap();
        }
        let peak = peak(process);
        drop(stdin);
        peak
    });
    assert_eq!(child.wait().unwrap().code(), Some(0));
    peak
}

#[test]
fn a_long_stream_takes_no_more_than_a_short_one() {
    let data = "A".repeat(1 << 10);
    let record = format!(r#"{{"Data":"{data}","PartitionKey":"a","SequenceNumber":"1"}}"#);
    // 1 MiB, in one line and over many.
    let lines = vec![record.as_str(); (1 << 20) / record.len()].join(",\n");
    let document = format!("{{\"Records\":[{lines}]}}\n");
    for (args, document) in [
        (&["unpack", "--raw"][..], document.replace(",\n", ",")),
        (&["unpack"], record),
        (&["inspect"], document),
    ] {
        let peak = peak_of(args, document.as_bytes());
        assert!(peak < 24 << 10, "{args:?}: {peak} KiB");
    }
}

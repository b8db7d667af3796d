//! Memory is bounded by what is open, not by the stream.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use crate::row;

/// The most memory that a process has had so far, in KiB.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Packs `count` rows, and says how much memory that took, in KiB.
fn peak_of(options: &str, count: usize, row: impl Fn(usize) -> String) -> u64 {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kinpack"))
        .arg("pack")
        .args(options.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let peak = std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut sink = vec![0; 1 << 16];
            while stdout.read(&mut sink).unwrap() > 0 {}
        });
        for i in 0..count {
            stdin.write_all(row(i).as_bytes()).unwrap();
        }
        // All but what the pipe holds has been packed.
        let peak = peak(child.id());
        drop(stdin);
        peak
    });
    assert_eq!(child.wait().unwrap().code(), Some(0));
    peak
}

#[test]
fn a_long_stream_takes_no_more_than_a_short_one() {
    for output in ["entries", "put-records --stream s"] {
        let peak = peak_of(&format!("--output {output}"), 32 << 10, |i| {
            row(&format!("key-{}", i % 1_000), None, &[b'x'; 1_000])
        });
        assert!(peak < 24 << 10, "{output}: {peak} KiB");
    }
}

/// Records that fill an aggregate are not kept open for each key or lane.
#[test]
fn large_records_of_many_keys_are_not_all_held() {
    let line = "x".repeat(900_000) + "\n";
    for policy in ["per-key", "lanes:1000"] {
        let options = format!("--lines --partition-key random --outer-key {policy}");
        let peak = peak_of(&options, 150, |_| line.clone());
        assert!(peak < 80 << 10, "{policy}: {peak} KiB");
    }
}

//! Memory is bounded by the limit and the largest record, not by what comes out of all.
#![cfg(target_os = "linux")]

use std::io::{Read as _, Write as _};
use std::process::Stdio;

use base64_simd::STANDARD as BASE64;
use kinpack_payload::{Codec, Compressor};
use serde_json::json;

use crate::run::{command, kinpack};

/// Unpacks a line again and again, and says how much memory that took, in KiB, and how it ended.
fn peak_of(args: &[&str], line: &[u8], times: usize) -> (u64, i32) {
    let expected = times * kinpack(args, line).stdout.len();
    let mut child = command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let status = format!("/proc/{}/status", child.id());
    let peak = std::thread::scope(|scope| {
        let all_is_there = scope.spawn(move || {
            let (mut sink, mut read) = (vec![0; 1 << 16], 0);
            while read < expected {
                match stdout.read(&mut sink).unwrap() {
                    0 => break,
                    bytes => read += bytes,
                }
            }
            (read, stdout)
        });
        for _ in 0..times {
            stdin.write_all(line).unwrap();
        }
        // It waits for more then.
        let (read, _stdout) = all_is_there.join().unwrap();
        assert_eq!(read, expected);
        let status = std::fs::read_to_string(status).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        drop(stdin);
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    });
    (peak, child.wait().unwrap().code().unwrap())
}

#[test]
fn a_stream_of_envelopes_takes_no_more_than_a_few() {
    // Each line is a request of 40 envelopes, each of 1 MiB inside.
    let lines = vec!["x".repeat(900); 40 << 10].join("\n");
    let args = ["pack", "--lines", "--partition-key", "k", "--max-size", "1MiB", "--compress"];
    let more =
        ["zstd", "--at", "aggregate-kinpack-only", "--output", "put-records", "--stream", "s"];
    let packed = kinpack(&[&args[..], &more].concat(), &lines);
    assert_eq!(packed.status, 0);
    let request = packed.stdout.split_inclusive(|&byte| byte == b'\n').next().unwrap();
    let (peak, status) = peak_of(&["unpack", "--raw", "--no-verify"], request, 8);
    assert_eq!(status, 0);
    assert!(peak < 32 << 10, "{peak} KiB");
}

#[test]
fn bombs_take_what_the_limit_allows() {
    // 1 GiB of zeros, in frames of 64 MiB.
    let frame = Compressor::new(Codec::Zstd).unwrap().compress(&vec![0; 64 << 20]).unwrap();
    let bomb = json!({"Data": BASE64.encode_to_string(frame.repeat(16))}).to_string() + "\n";
    let limited = &["unpack", "--decompress", "auto", "--inflate-limit", "8MiB"][..];
    for (args, most) in [(limited, 24 << 10), (&limited[..3], 112 << 10)] {
        let (peak, status) = peak_of(args, bomb.as_bytes(), 4);
        assert_eq!(status, 1);
        assert!(peak < most, "{args:?}: {peak} KiB");
    }
}

//! Compression and Avro, through the built binary.
#![allow(clippy::unwrap_used)]

mod avro;
mod compression;
mod envelope;
mod matrix;
mod memory;
#[path = "../unpack/run.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod run;
mod schemas;

use run::{Run, kinpack};
use serde_json::Value;

/// Three messages as `pack --data json` reads them, twenty times.
fn messages() -> String {
    let rows = [
        r#"{"partition_key":"device-1","data":{"id":1,"user":"ada"}}"#,
        r#"{"partition_key":"device-2","data":{"id":2,"user":"bob"}}"#,
        r#"{"partition_key":"device-2","data":{"id":-3,"user":""}}"#,
    ];
    let mut text = String::new();
    for _ in 0..20 {
        rows.iter().for_each(|row| text += &format!("{row}\n"));
    }
    text
}

/// The `data` of each message.
fn values() -> Vec<Value> {
    let rows = messages();
    rows.lines().map(|row| serde_json::from_str::<Value>(row).unwrap()["data"].take()).collect()
}

/// What `kinpack pack` writes of the messages; nothing may be wrong.
#[track_caller]
fn packed(args: &[&str]) -> Vec<u8> {
    let run = pack(args, &messages());
    assert_eq!((run.status, &*run.stderr), (0, ""), "{args:?}");
    run.stdout
}

fn pack(args: &[&str], input: &str) -> Run {
    kinpack(&[&["pack", "--data", "json"], args].concat(), input)
}

fn unpack(args: &[&str], input: &[u8]) -> Run {
    kinpack(&[&["unpack", "--data", "json"], args].concat(), input)
}

/// All messages came back.
#[track_caller]
fn assert_unpacks(args: &[&str], packed: &[u8]) {
    let run = unpack(args, packed);
    let data: Vec<Value> = run.rows().iter_mut().map(|row| row["data"].take()).collect();
    assert_eq!(data, values(), "{args:?}");
}

//! What kinpack costs a function: size, start, and time of an invocation, beside the same function
//! without it. Run by `benches/lambda/run`, which builds the two.

#[path = "../../../crates/kinpack-lambda/tests/support/events.rs"]
#[allow(dead_code)]
mod events;
#[path = "../../../crates/kinpack-lambda/tests/support/function.rs"]
#[allow(dead_code)]
mod function;
#[path = "../../../crates/kinpack-lambda/tests/support/runtime_api.rs"]
mod runtime_api;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use events::{ALL_GOOD, aggregated, event, record};
use function::Function;
use kinpack_lambda::RawEvent;

const STARTS: usize = 200;
const INVOCATIONS: usize = 60;

fn main() {
    let programs: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    assert_eq!(programs.len(), 2, "usage: measure <without kinpack> <with kinpack>");

    let sizes = programs.iter().map(|program| std::fs::metadata(program).unwrap().len());
    row("stripped, KiB", sizes.map(|bytes| bytes as f64 / 1024.0));
    // In turn, so that the machine's moods meet both.
    let mut starts = [Vec::new(), Vec::new()];
    for _ in 0..STARTS {
        for (program, times) in programs.iter().zip(&mut starts) {
            times.push(start(program));
        }
    }
    row("start to first answer, ms", starts.iter_mut().map(|times| millis(typical(times))));

    let plain: Vec<_> = (1..=10_000).map(|n| record(n, Some("key"), &[b'x'; 100])).collect();
    let users: Vec<_> = (0..1000).map(|n| (format!("key {}", n % 50), [b'x'; 100])).collect();
    let aggregates: Vec<_> = (1..=10).map(|n| aggregated(n, &users)).collect();
    for (name, event) in [
        ("1 record, ms", event(&plain[..1])),
        ("10,000 plain records, ms", event(&plain)),
        ("10 aggregates of 1,000 (without: not taken apart), ms", event(&aggregates)),
    ] {
        row(name, programs.iter().map(|program| millis(invocations(program, &event))));
    }

    let event = event(&(1..=4).map(|n| record(n, None, &[b'x'; 1_000_000])).collect::<Vec<_>>());
    let mut times: Vec<_> = (0..INVOCATIONS)
        .map(|_| {
            let begin = Instant::now();
            let raw: RawEvent = serde_json::from_str(&event).unwrap();
            let time = begin.elapsed();
            drop(raw);
            time
        })
        .collect();
    let (mebibytes, time) = (event.len() as f64 / (1 << 20) as f64, millis(typical(&mut times)));
    println!("saved by `serve` for an event of {mebibytes:.1} MiB: {time:.2} ms of walk and copy");
}

fn command(program: &PathBuf) -> Function {
    let program = program.clone();
    Function::new(move || {
        let mut command = Command::new(&program);
        // No line a record: it is not the log that is measured.
        command.env("AWS_LAMBDA_LOG_LEVEL", "ERROR");
        command
    })
}

fn start(program: &PathBuf) -> Duration {
    let mut function = command(program);
    let begin = Instant::now();
    assert_eq!(function.returned(r#"{"Records":[]}"#), ALL_GOOD);
    begin.elapsed()
}

fn invocations(program: &PathBuf, event: &str) -> Duration {
    let mut function = command(program);
    let mut times = Vec::new();
    for _ in 0..INVOCATIONS {
        let begin = Instant::now();
        assert_eq!(function.returned(event), ALL_GOOD);
        times.push(begin.elapsed());
    }
    typical(&mut times)
}

/// The tenth part from the fastest: whatever else the machine does only makes it slower.
fn typical(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 10]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn row(name: &str, values: impl Iterator<Item = f64>) {
    let values: Vec<_> = values.collect();
    let (without, with) = (values[0], values[1]);
    println!("{name:55} without {without:9.2}   with {with:9.2}   more {:+9.2}", with - without);
}

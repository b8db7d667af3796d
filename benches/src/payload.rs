//! What is inside the records: ways to make 100-byte messages smaller, a row each.

pub mod avro;
pub mod compression;

use std::hint::black_box;
use std::time::Instant;

/// One way to put messages on a stream and to take them off again.
pub struct Row {
    /// What it is, for the table.
    pub name: String,
    /// How many messages a call of `encode` or `decode` handles.
    pub messages: usize,
    /// Bytes on the stream of them all.
    pub bytes: usize,
    /// Packs the messages.
    pub encode: Box<dyn FnMut() -> usize>,
    /// Unpacks what `encode` makes, and says how many bytes it saw.
    pub decode: Box<dyn FnMut() -> usize>,
}

/// Nanoseconds a message.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// To pack it.
    pub encode: f64,
    /// To unpack it.
    pub decode: f64,
}

const ROUNDS: usize = 40;

/// Times all rows turn by turn, so that a noisy machine disturbs all alike; of each the tenth
/// fastest in a hundred.
pub fn measure(rows: &mut [Row]) -> Vec<Times> {
    let mut samples = vec![(Vec::new(), Vec::new()); rows.len()];
    for _ in 0..ROUNDS {
        for (row, (encode, decode)) in rows.iter_mut().zip(&mut samples) {
            encode.push(time(&mut row.encode));
            decode.push(time(&mut row.decode));
        }
    }
    rows.iter()
        .zip(samples)
        .map(|(row, (encode, decode))| {
            let each = |samples| typical(samples) / row.messages as f64;
            Times { encode: each(encode), decode: each(decode) }
        })
        .collect()
}

fn time(call: &mut dyn FnMut() -> usize) -> f64 {
    let start = Instant::now();
    black_box(call());
    start.elapsed().as_nanos() as f64
}

fn typical(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 10]
}

/// A JSON message of 100 bytes, as sensors send them.
#[must_use]
pub fn message(n: usize) -> String {
    let mut random = crate::SplitMix(n as u64);
    let mut below = |end: u64| random.next() % end;
    let mut text = format!(
        r#"{{"device":"sensor-{:04}","time":{},"t":{}.{},"rh":{}.{},"mV":{},"state":"{}","n":{}"#,
        below(2_000),
        1_700_000_000_000 + 37 * n as u64 + below(37),
        10 + below(20),
        below(10),
        30 + below(40),
        below(10),
        3_000 + below(900),
        ["ok", "ok", "ok", "low"][below(4) as usize],
        below(100_000),
    );
    while text.len() < 99 {
        text.push(' ');
    }
    text.push('}');
    text
}

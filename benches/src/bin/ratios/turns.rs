//! Times taken turn by turn.

use std::time::{Duration, Instant};

const ROUNDS: usize = 60;
const TURN: Duration = Duration::from_millis(4);

/// Seconds of one call of each, typical of rounds in which each has its turn. Whatever else the
/// machine does only makes a turn slower.
pub(crate) fn interleave(calls: &mut [&mut dyn FnMut()]) -> Vec<f64> {
    let runs: Vec<u32> = calls
        .iter_mut()
        .map(|call| {
            let start = Instant::now();
            let mut runs = 0;
            while start.elapsed() < TURN {
                call();
                runs += 1;
            }
            runs
        })
        .collect();
    let mut samples = vec![Vec::with_capacity(ROUNDS); calls.len()];
    for _ in 0..ROUNDS {
        for ((call, &runs), samples) in calls.iter_mut().zip(&runs).zip(&mut samples) {
            let start = Instant::now();
            for _ in 0..runs {
                call();
            }
            samples.push(start.elapsed().as_secs_f64() / f64::from(runs));
        }
    }
    samples.into_iter().map(typical).collect()
}

/// The same for calls that take a copy of the text each, made before the clock starts.
pub(crate) fn interleave_once(text: &[u8], calls: &mut [&mut dyn FnMut(Vec<u8>)]) -> Vec<f64> {
    let mut samples = vec![Vec::with_capacity(ROUNDS); calls.len()];
    for _ in 0..ROUNDS {
        for (call, samples) in calls.iter_mut().zip(&mut samples) {
            let copy = text.to_vec();
            let start = Instant::now();
            call(copy);
            samples.push(start.elapsed().as_secs_f64());
        }
    }
    samples.into_iter().map(typical).collect()
}

/// The tenth part from the fastest.
fn typical(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 10]
}

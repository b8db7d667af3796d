//! `model [schedules] [first seed]`: runs schedules on every core, and shows the first that fails.
#![forbid(unsafe_code)]

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use lambda_simulator::{Failure, Tally, check_engine};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let (schedules, seed) = match (arguments.next(), arguments.next(), arguments.next()) {
        (schedules, seed, None) => {
            (schedules.unwrap_or(Ok(100_000)), seed.unwrap_or(Ok(any_seed())))
        }
        _ => return usage(),
    };
    let (Ok(schedules), Ok(seed)) = (schedules, seed) else { return usage() };
    println!("{schedules} schedules from seed {seed} on");
    // Panics are violations, and shown as such.
    std::panic::set_hook(Box::new(|_| ()));
    let begun = Instant::now();
    match on_all_cores(schedules, seed) {
        Ok(tally) => {
            println!(
                "all hold: {} user records, {} invocations, {} facts in {:.1} s",
                tally.records,
                tally.invocations,
                tally.facts,
                begun.elapsed().as_secs_f64()
            );
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{}", failure.story);
            println!("choices {:?}", failure.choices);
            println!("seed {}: {}", failure.seed, failure.violation);
            println!("again: make model SCHEDULES=1 SEED={}", failure.seed);
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: model [schedules] [first seed]");
    ExitCode::from(2)
}

fn any_seed() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(0)
}

fn on_all_cores(schedules: u64, seed: u64) -> Result<Tally, Box<Failure>> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get) as u64;
    let share = |core: u64| seed.wrapping_add(schedules * core / cores);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores)
            .map(|core| {
                scope.spawn(move || check_engine(share(core)..share(core + 1), None, 20_000))
            })
            .collect();
        let mut all = Tally::default();
        for thread in threads {
            let tally = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            all.records += tally.records;
            all.invocations += tally.invocations;
            all.facts += tally.facts;
        }
        Ok(all)
    })
}

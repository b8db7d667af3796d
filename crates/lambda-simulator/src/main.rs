//! `model [schedules] [first seed]`: runs schedules on every core, and shows the first that fails.
//! `model schedules seed -- command…` runs them on a handler in another process:
//! `lambda_simulator::LineSubject` says what it is told.
#![forbid(unsafe_code)]

use std::io::{self, BufReader};
use std::num::NonZeroUsize;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use lambda_simulator::{Choices, Failure, LineSubject, Plan, Tally, check_engine, run_schedule};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut parts = arguments.splitn(2, |argument| argument == "--");
    let numbers = parts.next().unwrap_or_default();
    let command = parts.next();
    let mut arguments = numbers.iter().map(|argument| argument.parse::<u64>());
    let (schedules, seed) = match (arguments.next(), arguments.next(), arguments.next()) {
        (schedules, seed, None) => {
            (schedules.unwrap_or(Ok(100_000)), seed.unwrap_or(Ok(any_seed())))
        }
        _ => return usage(),
    };
    let (Ok(schedules), Ok(seed)) = (schedules, seed) else { return usage() };
    println!("{schedules} schedules from seed {seed} on");
    if let Some(command) = command {
        return elsewhere(command, seed..seed.saturating_add(schedules));
    }
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

/// Runs schedules on a handler in another process.
fn elsewhere(command: &[String], seeds: std::ops::Range<u64>) -> ExitCode {
    match try_elsewhere(command, seeds) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{}: {error}", command.join(" "));
            ExitCode::FAILURE
        }
    }
}

fn try_elsewhere(command: &[String], seeds: std::ops::Range<u64>) -> io::Result<ExitCode> {
    let Some((program, arguments)) = command.split_first() else { return Ok(usage()) };
    let mut process = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let (Some(mut to), Some(from)) = (process.stdin.take(), process.stdout.take()) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let mut from = BufReader::new(from);
    let mut invocations = 0;
    for seed in seeds.clone() {
        let mut choices = Choices::of_seed(seed);
        let plan = Plan::draw(&mut choices);
        let mut subject = LineSubject::new(&plan.handler, &mut from, &mut to)?;
        match run_schedule(&plan, &mut subject, &mut choices) {
            Ok(tally) => invocations += tally.invocations,
            Err(violation) => {
                println!("{:?}\n{:?}\nseed {seed}: {violation}", plan.mapping, plan.handler);
                process.kill()?;
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    drop(to);
    process.wait()?;
    println!("all {} hold: {invocations} invocations", seeds.end - seeds.start);
    Ok(ExitCode::SUCCESS)
}

fn usage() -> ExitCode {
    eprintln!("usage: model [schedules] [first seed] [-- command…]");
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

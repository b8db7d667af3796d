//! A short run of the model, and proof that it notices what is wrong. `make model` is the long run.

use lambda_simulator::{Mutant, check_engine};

/// Any seeds would do; these are the same in every run, so that a failure is one of the change.
const SEED: u64 = 20_260_101;

#[test]
fn the_engine_keeps_its_promise() {
    match check_engine(SEED..SEED + 4_000, None, 2_000) {
        Ok(tally) => assert!(tally.invocations > 4_000, "{tally:?}"),
        Err(failure) => panic!(
            "{}\nchoices {:?}\nseed {}: {}",
            failure.story, failure.choices, failure.seed, failure.violation
        ),
    }
}

/// Schedules within which each mutant must be found: by a run of 100,000 it is found 20 times.
const ENOUGH: u64 = 5_000;

#[test]
fn every_mutant_is_found() {
    // A mutant may go in a circle: those are violations, and need no backtrace.
    std::panic::set_hook(Box::new(|_| ()));
    let mut missed = Vec::new();
    for mutant in Mutant::ALL {
        match check_engine(SEED..SEED + ENOUGH, Some(mutant), 0) {
            Ok(_) => missed.push(mutant),
            Err(failure) => println!(
                "{mutant:?}: {} after {} schedules",
                failure.violation,
                failure.seed - SEED + 1
            ),
        }
    }
    let _ = std::panic::take_hook();
    assert!(missed.is_empty(), "missed {missed:?}");
}

#[test]
fn a_failing_schedule_becomes_small() {
    let failure = check_engine(SEED..SEED + ENOUGH, Some(Mutant::ReportsTooHigh), 5_000)
        .expect_err("a mutant that reports too high");
    let invocations = failure.story.lines().filter(|line| line.starts_with("{\"run\"")).count();
    assert!(invocations <= 2, "{}", failure.story);
    assert!(failure.violation.contains("the checkpoint passes record"), "{}", failure.violation);
}

//! A handler on the other side of a pipe is judged as one that is here.

#![allow(clippy::unwrap_used)]

use std::io::{BufReader, pipe};
use std::thread;

use lambda_simulator::{Choices, EngineSubject, LineSubject, Mutant, Plan, run_schedule, serve};

/// How many of these schedules fail on the other side of a pipe.
fn failures(seeds: std::ops::Range<u64>, mutant: Option<Mutant>) -> usize {
    let fails = |&seed: &u64| {
        let mut choices = Choices::of_seed(seed);
        let plan = Plan::draw(&mut choices);
        let (from_here, to_there) = pipe().unwrap();
        let (from_there, to_here) = pipe().unwrap();
        let handler = plan.handler.clone();
        let other = thread::spawn(move || {
            serve(BufReader::new(from_here), to_here, |settings| {
                assert_eq!(*settings, handler.to_json());
                EngineSubject::new(&handler, mutant)
            })
        });
        let mut subject =
            LineSubject::new(&plan.handler, BufReader::new(from_there), to_there).unwrap();
        let result = run_schedule(&plan, &mut subject, &mut choices);
        drop(subject);
        other.join().unwrap().unwrap();
        result.is_err()
    };
    seeds.filter(fails).count()
}

#[test]
fn the_engine_keeps_its_promise_over_a_pipe() {
    assert_eq!(failures(0..100, None), 0);
}

#[test]
fn mutants_are_found_over_a_pipe() {
    for mutant in [Mutant::ReportsTooHigh, Mutant::HidesKeys, Mutant::ForgetsToWrite] {
        assert_ne!(failures(0..50, Some(mutant)), 0, "{mutant:?}");
    }
}

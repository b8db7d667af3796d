//! Without a store.

use super::*;
use crate::config::BrokenAggregates;
use crate::outcome::InvocationError;

#[test]
fn an_empty_batch_is_a_success() {
    let (log, finished) =
        run(&mut engine(&stateless(), batch(&[]), Stored::default()), &[], &mut Stored::default());
    assert_eq!((log.as_str(), finished.response), ("", Response::Success));
    assert_eq!(finished.outcome.stopped_by, None);
}

#[test]
fn all_good_is_in_order_and_writes_nothing() {
    let records: [(&str, &[&str]); 3] = [("1", &["a", "b"]), ("2", &[]), ("3", &["", "a"])];
    for _ in 0..2 {
        let mut store = Stored::default();
        let mut engine = engine(&stateless(), batch(&records), Stored::default());
        let (log, finished) = run(&mut engine, &[], &mut store);
        assert_eq!(log, "h0 h1 h2 h3");
        assert_eq!(finished.outcome.handled, 4);
        assert_eq!(finished.outcome.metrics.bytes, 30);
    }
    let mut store = Stored::default();
    let durable = durable(3, AfterDeadLetter::SkipRecord);
    let (log, _) = run(&mut engine(&durable, batch(&records), store.clone()), &[], &mut store);
    assert_eq!(log, "h0 h1 h2 h3");
}

#[test]
fn the_first_failure_ends_it_and_its_kinesis_record_is_reported() {
    let records: [(&str, &[&str]); 3] = [("9", &["a"]), ("10", &["b", "c"]), ("11", &["d"])];
    let mut engine = engine(&stateless(), batch(&records), Stored::default());
    let (log, finished) = run(&mut engine, &[(2, '-')], &mut Stored::default());
    assert_eq!(log, "h0 h1 h2");
    assert_eq!(finished.response, partial("10"));
    let outcome = finished.outcome;
    assert_eq!((outcome.handled, outcome.failed, outcome.not_finished), (2, 1, 2));
    assert_eq!(outcome.stopped_by, Some(StoppedBy::Failure));
}

#[test]
fn a_mapping_without_partial_responses_gets_an_error() {
    let config = Config::new(Reporting::FailInvocation);
    let records: [(&str, &[&str]); 2] = [("9", &["a"]), ("10", &["b"])];
    let mut first = engine(&config, batch(&records), Stored::default());
    let (_, finished) = run(&mut first, &[(1, '-')], &mut Stored::default());
    let error = InvocationError::NotFinished { sequence_number: "10".into(), user_records: 1 };
    assert_eq!(finished.response, Response::Fail(error));
}

#[test]
fn keys_are_in_order_and_others_side_by_side() {
    let config = stateless().concurrency(NonZeroUsize::new(3).unwrap());
    let records: [(&str, &[&str]); 2] = [("1", &["a", "a", "b"]), ("2", &["", "a"])];
    let mut engine = engine(&config, batch(&records), Stored::default());
    let start = |engine: &mut Engine| match engine.poll(at(1)) {
        Action::Start(record) => record,
        other => panic!("{other:?}"),
    };
    let (a0, b, none) = (start(&mut engine), start(&mut engine), start(&mut engine));
    assert_eq!((a0.index, b.index, none.index), (0, 2, 3));
    assert!(matches!(engine.poll(at(1)), Action::Wait { .. }));
    assert!(engine.done(b));
    assert!(!engine.done(b), "answered before");
    assert!(matches!(engine.poll(at(1)), Action::Wait { .. }), "the others are all of key a");
    assert!(engine.done(a0));
    let a1 = start(&mut engine);
    assert_eq!(a1.index, 1);
    // A failure: what runs is awaited, nothing is begun.
    assert!(engine.failed(a1, FailureKind::Retry));
    assert!(matches!(engine.poll(at(1)), Action::Wait { .. }));
    assert!(engine.done(none));
    let Action::Finish(finished) = engine.poll(at(1)) else { panic!() };
    assert_eq!(finished.response, partial("1"));
    assert_eq!(finished.outcome.handled, 3);
}

#[test]
fn before_the_deadline_nothing_is_begun_and_what_runs_is_given_up() {
    let config = stateless().deadline_margin(Duration::from_secs(10));
    let records: [(&str, &[&str]); 2] = [("1", &["a"]), ("2", &["b"])];
    let mut engine = engine(&config, batch(&records), Stored::default());
    let Action::Start(record) = engine.poll(at(49)) else { panic!() };
    assert!(engine.done(record));
    let Action::Finish(finished) = engine.poll(at(50)) else { panic!() };
    assert_eq!(finished.response, partial("2"));
    assert_eq!(finished.outcome.stopped_by, Some(StoppedBy::Deadline));
    assert_eq!(finished.outcome.metrics.deadline_stop, 1);

    let mut engine = super::engine(&config, batch(&records), Stored::default());
    let Action::Start(record) = engine.poll(at(49)) else { panic!() };
    assert_eq!(engine.poll(at(50)), Action::Wait { until: Some(at(55)) });
    let Action::Finish(finished) = engine.poll(at(55)) else { panic!() };
    let error = InvocationError::NoProgress { sequence_number: "1".into() };
    assert_eq!(finished.response, Response::Fail(error));
    assert_eq!(finished.outcome.metrics.no_progress, 1);
    assert!(!engine.done(record), "given up");
}

#[test]
fn declared_poison_needs_no_store() {
    let records: [(&str, &[&str]); 2] = [("1", &["a", "b", "a"]), ("2", &["a", "b"])];
    let log = |then: Option<AfterDeadLetter>, script: Script<'_>| {
        let config = match then {
            Some(then) => stateless().dead_letter(then),
            None => stateless(),
        };
        let mut engine = engine(&config, batch(&records), Stored::default());
        let (log, finished) = run(&mut engine, script, &mut Stored::default());
        (log, finished.outcome.checkpoint)
    };
    let all = "h0 d0 h1 h2 h3 h4".to_owned();
    assert_eq!(log(Some(AfterDeadLetter::SkipRecord), &[(0, 'x')]), (all, None));
    let held = "h0 d0 h1 d2 d3 h4".to_owned();
    assert_eq!(log(Some(AfterDeadLetter::HoldKey), &[(0, 'x')]), (held, None));
    let block = "h0 d0".to_owned();
    assert_eq!(log(Some(AfterDeadLetter::Block), &[(0, 'x')]), (block, Some("1".into())));
    assert_eq!(log(None, &[(0, 'x')]), ("h0".to_owned(), Some("1".into())));
    // The checkpoint stays at the poison record as long as records wait to follow it.
    let failed = "h0 d0 h1 d2 d3 h4".to_owned();
    let script = [(0, 'x'), (4, '-')];
    assert_eq!(log(Some(AfterDeadLetter::HoldKey), &script), (failed, Some("2".into())));
    let stopped = "h0 d0 h1".to_owned();
    let script = [(0, 'x'), (1, '-')];
    assert_eq!(log(Some(AfterDeadLetter::HoldKey), &script), (stopped, Some("1".into())));
}

#[test]
fn a_dead_letter_that_fails_is_a_failure() {
    let config = stateless().dead_letter(AfterDeadLetter::SkipRecord);
    let mut engine = engine(&config, batch(&[("1", &["a"])]), Stored::default());
    let Action::Start(record) = engine.poll(at(0)) else { panic!() };
    assert!(engine.failed(record, FailureKind::Poison));
    let Action::DeadLetter { record, reason, attempts } = engine.poll(at(0)) else { panic!() };
    assert_eq!((reason, attempts), (DeadLetterReason::Poison, 0));
    assert!(engine.dead_lettered(record, false));
    let Action::Finish(finished) = engine.poll(at(0)) else { panic!() };
    assert_eq!(finished.response, partial("1"));
    assert_eq!(finished.outcome.metrics.dead_letter_failures, 1);
}

#[test]
fn broken_aggregates_fail_or_pass_through() {
    let broken = || {
        let mut builder = BatchBuilder::new("s", "shardId-0");
        let record = |sequence_number| KinesisRecord { sequence_number, ..Default::default() };
        builder.kinesis_record(record("1"), [Some("b")]).unwrap();
        builder.broken_aggregate(record("2"), Some("a")).unwrap();
        builder.kinesis_record(record("3"), [Some("b")]).unwrap();
        builder.finish()
    };
    let mut first = engine(&stateless(), broken(), Stored::default());
    let (log, finished) = run(&mut first, &[], &mut Stored::default());
    assert_eq!((log.as_str(), finished.response), ("h0", partial("2")));
    assert_eq!(finished.outcome.metrics.decode_fault, 1);

    let through = stateless().broken_aggregates(BrokenAggregates::PassThrough);
    let mut engine = engine(&through, broken(), Stored::default());
    let (log, finished) = run(&mut engine, &[], &mut Stored::default());
    assert_eq!((log.as_str(), finished.response), ("h0 h1 h2", Response::Success));
}

#[test]
fn a_driver_that_wants_no_more_gets_no_more() {
    let mut engine =
        engine(&stateless(), batch(&[("1", &["a"]), ("2", &["a", "b"])]), Stored::default());
    let Action::Start(record) = engine.poll(at(0)) else { panic!() };
    engine.stop();
    engine.done(record);
    // Near the deadline, too: it is the driver that ends it.
    let Action::Finish(finished) = engine.poll(at(60)) else { panic!() };
    assert_eq!(finished.response, partial("2"));
    assert_eq!(finished.outcome.stopped_by, Some(StoppedBy::Driver));
    assert_eq!((finished.outcome.metrics.deadline_stop, finished.outcome.not_finished), (0, 2));
}

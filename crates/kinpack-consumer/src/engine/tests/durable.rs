//! With a durable store.

use super::*;
use crate::config::CheckpointEvery;

fn go(
    config: &Config<Durable>,
    records: &[(&str, &[&str])],
    script: Script<'_>,
    store: &mut Stored,
) -> (String, Finished) {
    run(&mut engine(config, batch(records), store.clone()), script, store)
}

const RECORDS: [(&str, &[&str]); 3] = [("1", &["a", "b", "a"]), ("2", &["c", "a"]), ("3", &["b"])];

#[test]
fn other_keys_go_on_and_the_retry_takes_up_where_it_stopped() {
    let config = durable(9, AfterDeadLetter::SkipRecord);
    let mut store = Stored::default();
    let (log, finished) = go(&config, &RECORDS, &[(0, '-')], &mut store);
    assert_eq!((log.as_str(), finished.response), ("h0 h1 h3 h5 p", partial("1")));
    let (log, finished) = go(&config, &RECORDS, &[(2, '-')], &mut store);
    assert_eq!((log.as_str(), finished.response), ("h0 h2 p", partial("1")));
    assert_eq!(finished.outcome.skipped, 3);
    let (log, finished) = go(&config, &RECORDS, &[], &mut store);
    assert_eq!((log.as_str(), finished.response), ("h2 h4", Response::Success));
}

#[test]
fn poison_is_told_by_its_attempts_and_only_that_record_goes() {
    let config = durable(3, AfterDeadLetter::SkipRecord);
    let mut store = Stored::default();
    for _ in 0..2 {
        let (log, _) = go(&config, &RECORDS, &[(2, '-')], &mut store);
        assert!(log.ends_with("p") && !log.contains('d'), "{log}");
    }
    let (log, finished) = go(&config, &RECORDS, &[(2, '-')], &mut store);
    assert_eq!((log.as_str(), finished.response), ("h2 d2 h4", Response::Success));
    assert_eq!((finished.outcome.dead, finished.outcome.metrics.poison), (1, 1));
}

#[test]
fn a_held_key_stays_held_at_the_retry() {
    let config = durable(1, AfterDeadLetter::HoldKey);
    let mut engine = engine(&config, batch(&RECORDS), Stored::default());
    let Action::Start(a) = engine.poll(at(0)) else { panic!() };
    engine.failed(a, FailureKind::Retry);
    let Action::DeadLetter { record, reason, attempts } = engine.poll(at(0)) else { panic!() };
    assert_eq!((reason, attempts), (DeadLetterReason::Attempts, 1));
    engine.dead_lettered(record, true);
    // The deadline comes; a follower is left in the batch.
    let Action::Persist(write) = engine.poll(at(60)) else { panic!() };
    let mut store = Stored { progress: write.progress, version: write.version };
    engine.persisted(Persisted::Written);
    let Action::Finish(finished) = engine.poll(at(60)) else { panic!() };
    assert_eq!(finished.response, partial("1"));
    let (log, finished) = go(&config, &RECORDS, &[], &mut store);
    assert_eq!((log.as_str(), finished.response), ("h1 d2 h3 d4 h5", Response::Success));
}

#[test]
fn block_writes_the_dead_letter_once_and_lets_a_mended_handler_go_on() {
    let config = durable(2, AfterDeadLetter::Block);
    let mut store = Stored::default();
    let logs: Vec<_> = (0..4).map(|_| go(&config, &RECORDS, &[(0, '-')], &mut store).0).collect();
    assert_eq!(logs, ["h0 h1 h3 h5 p", "h0 d0 p", "h0 p", "h0 p"]);
    let (log, finished) = go(&config, &RECORDS, &[], &mut store);
    assert_eq!((log.as_str(), finished.response), ("h0 h2 h4", Response::Success));
}

#[test]
fn overlapping_invocations_do_not_undo_each_other() {
    let config = durable(9, AfterDeadLetter::SkipRecord);
    let mut store = Stored::default();
    let mut slow = engine(&config, batch(&RECORDS), Stored::default());
    go(&config, &RECORDS, &[(0, '-')], &mut store);
    // The slow one has read before that, did only record 0, and finds another version.
    let Action::Start(record) = slow.poll(at(0)) else { panic!() };
    slow.done(record);
    let Action::Start(record) = slow.poll(at(0)) else { panic!() };
    slow.failed(record, FailureKind::Retry);
    let Action::Persist(write) = slow.poll(at(60)) else { panic!() };
    assert_eq!(write.if_version, 0);
    slow.persisted(Persisted::Conflict(store.clone()));
    let Action::Persist(write) = slow.poll(at(60)) else { panic!() };
    assert_eq!(write.if_version, store.version);
    assert!(write.version > store.version);
    store = Stored { progress: write.progress, version: write.version };
    slow.persisted(Persisted::Written);
    assert!(matches!(slow.poll(at(60)), Action::Finish(_)));
    let (log, _) = go(&config, &RECORDS, &[], &mut store);
    assert_eq!(log, "h2 h4");
}

/// Two invocations may write in the same millisecond, and one of them never gets its answer.
#[test]
fn a_write_without_an_answer_is_not_taken_for_another_of_its_version() {
    let config = durable(9, AfterDeadLetter::SkipRecord);
    let write = |position| {
        let mut engine = engine(&config, batch(&RECORDS), Stored::default());
        for at_position in 0..=position {
            let Action::Start(record) = engine.poll(at(0)) else { panic!() };
            match at_position == position {
                true => engine.failed(record, FailureKind::Retry),
                false => engine.done(record),
            };
        }
        let Action::Persist(write) = engine.poll(at(60)) else { panic!() };
        write
    };
    let (mine, other) = (write(0), write(1));
    assert_eq!(mine.version, other.version);
    let stored =
        |write: &Write| Stored { progress: write.progress.clone(), version: write.version };
    assert_eq!(mine.unanswered(stored(&mine)), Persisted::Written);
    assert_eq!(mine.unanswered(stored(&other)), Persisted::Conflict(stored(&other)));
    assert_eq!(mine.unanswered(Stored::default()), Persisted::Failed);
}

#[test]
fn a_store_that_fails_is_said_and_the_report_still_made() {
    let config = durable(9, AfterDeadLetter::SkipRecord);
    let mut engine = engine(&config, batch(&RECORDS), Stored::default());
    let Action::Start(record) = engine.poll(at(0)) else { panic!() };
    engine.failed(record, FailureKind::Retry);
    let Action::Persist(_) = engine.poll(at(60)) else { panic!() };
    engine.persisted(Persisted::Failed);
    let Action::Finish(finished) = engine.poll(at(60)) else { panic!() };
    assert_eq!(finished.response, partial("1"));
    assert!(finished.outcome.progress_lost);
    assert_eq!(finished.outcome.metrics.progress_failures, 1);
}

#[test]
fn checkpoints_come_every_so_many_records_or_so_often() {
    let config = durable(9, AfterDeadLetter::SkipRecord);
    let every = CheckpointEvery::Records(NonZeroU32::new(2).unwrap());
    let mut store = Stored::default();
    let (log, _) = go(&config.clone().checkpoint_every(every), &RECORDS, &[], &mut store);
    assert_eq!(log, "h0 h1 p h2 h3 p h4 h5 p");

    let every = CheckpointEvery::Time(Duration::from_secs(5));
    let config = config.checkpoint_every(every).concurrency(NonZeroUsize::new(2).unwrap());
    let mut engine = engine(&config, batch(&RECORDS), Stored::default());
    let Action::Start(a) = engine.poll(at(1)) else { panic!() };
    let Action::Start(_) = engine.poll(at(1)) else { panic!() };
    engine.done(a);
    let Action::Start(_) = engine.poll(at(2)) else { panic!() };
    assert_eq!(engine.poll(at(2)), Action::Wait { until: Some(at(5)) });
    assert!(matches!(engine.poll(at(5)), Action::Persist(_)));
    engine.persisted(Persisted::Failed);
    assert!(matches!(engine.poll(at(6)), Action::Wait { until: Some(_) }));
}

#[test]
fn inside_an_aggregate_it_goes_forward_with_a_durable_store_only() {
    let records: [(&str, &[&str]); 1] = [("1", &["a", "b", "c"])];
    let config = stateless().durable_progress();
    let mut first = engine(&config, batch(&records), Stored::default());
    let Action::Start(record) = first.poll(at(0)) else { panic!() };
    first.done(record);
    let Action::Persist(write) = first.poll(at(60)) else { panic!() };
    let mut store = Stored { progress: write.progress, version: write.version };
    first.persisted(Persisted::Written);
    let Action::Finish(finished) = first.poll(at(60)) else { panic!() };
    assert_eq!(finished.response, partial("1"));
    assert_eq!(finished.outcome.metrics.no_progress, 0);
    let (log, _) = go(&config, &records, &[], &mut store);
    assert_eq!(log, "h1 h2");
}

#[test]
fn a_record_that_never_ends_is_poison_too() {
    let config = durable(2, AfterDeadLetter::SkipRecord);
    let records: [(&str, &[&str]); 1] = [("1", &["a", "b"])];
    let mut store = Stored::default();
    for round in 0..2 {
        let mut engine = engine(&config, batch(&records), store.clone());
        let Action::Start(record) = engine.poll(at(0)) else { panic!() };
        assert_eq!(record.index, 0);
        let mut action = engine.poll(at(60));
        if let Action::DeadLetter { record, reason, attempts } = action {
            assert_eq!((round, reason, attempts), (1, DeadLetterReason::TimedOut, 2));
            engine.dead_lettered(record, true);
            action = engine.poll(at(60));
        }
        let Action::Persist(write) = action else { panic!("{action:?}") };
        store = Stored { progress: write.progress, version: write.version };
        engine.persisted(Persisted::Written);
        assert!(matches!(engine.poll(at(60)), Action::Finish(_)));
    }
    let (log, _) = go(&config, &records, &[], &mut store);
    assert_eq!(log, "h1");
}

#[test]
fn with_enhanced_fan_out_a_group_is_reported_and_begun_anew() {
    let group = |prints: &[Option<u64>]| {
        let mut builder = BatchBuilder::new("s", "shardId-0");
        for (at, &fingerprint) in prints.iter().enumerate() {
            let sequence_number = if at == 0 { "1" } else { "2" };
            let record = KinesisRecord { sequence_number, fingerprint, ..Default::default() };
            builder.kinesis_record(record, [Some("a")]).unwrap();
        }
        builder.finish()
    };
    let config = durable(2, AfterDeadLetter::SkipRecord);
    let mut store = Stored::default();
    let mut first = engine(&config, group(&[Some(7), Some(8), Some(9)]), store.clone());
    let (log, finished) = run(&mut first, &[(2, '-')], &mut store);
    assert_eq!((log.as_str(), finished.response), ("h0 h1 h2 p", partial("2")));
    // The group was cut: the same record is now the first of it, and its attempts are known.
    let mut second = engine(&config, group(&[Some(7), Some(9), Some(10)]), store.clone());
    let (log, _) = run(&mut second, &[(1, '-')], &mut store);
    assert_eq!(log, "h0 h1 d1 h2");
    // Without fingerprints nothing is counted.
    let mut store = Stored::default();
    let mut third = engine(&config, group(&[None, None, None]), store.clone());
    let (log, _) = run(&mut third, &[(1, '-')], &mut store);
    assert_eq!(log, "h0 h1");
}

#[test]
fn what_must_be_remembered_stays_below_the_limit() {
    let numbers: Vec<String> = (0..100).map(|n| format!("{:056}", n + 1_000)).collect();
    let numbers: Vec<String> = numbers.iter().map(|n| format!("9{n}")).collect();
    let records: Vec<(&str, &[&str])> =
        numbers.iter().map(|number| (number.as_str(), &[""] as &[&str])).collect();
    let config = stateless().durable_progress().progress_limit(1000);
    let mut store = Stored::default();
    let (log, finished) = go(&config, &records, &[(0, '-')], &mut store);
    let begun = log.split(' ').filter(|word| word.starts_with('h')).count();
    assert!((40..70).contains(&begun), "{log}");
    assert!(store.progress.encode().len() <= 1000);
    assert_eq!(store.progress.len(), begun - 1);
    assert_eq!(finished.outcome.stopped_by, Some(StoppedBy::Failure));
}

#[test]
fn what_a_poison_record_holds_follows_it_though_the_driver_wants_no_more() {
    let config = durable(3, AfterDeadLetter::HoldKey);
    let records = [("1", &["a", "b"] as &[&str]), ("2", &["b", "a"])];
    let mut store = Stored::default();
    let mut first = engine(&config, batch(&records), store.clone());
    let Action::Start(record) = first.poll(at(0)) else { panic!() };
    first.stop();
    first.failed(record, FailureKind::Poison);
    let (log, finished) = run(&mut first, &[], &mut store);
    assert_eq!((log.as_str(), finished.response), ("d0 d3 p", partial("1")));
    assert_eq!(go(&config, &records, &[], &mut store).0, "h1 h2");
}

#[test]
fn a_record_that_is_given_back_is_not_finished_and_has_not_failed() {
    let config = durable(1, AfterDeadLetter::SkipRecord);
    let records = [("1", &["a"] as &[&str]), ("2", &["a", "b"])];
    let mut store = Stored::default();
    let mut engine = engine(&config, batch(&records), store.clone());
    let Action::Start(record) = engine.poll(at(0)) else { panic!() };
    engine.done(record);
    let Action::Start(record) = engine.poll(at(0)) else { panic!() };
    assert!(engine.give_back(record) && !engine.give_back(record));
    let (log, finished) = run(&mut engine, &[], &mut store);
    assert_eq!((log.as_str(), finished.response), ("p", partial("2")));
    assert_eq!(finished.outcome.stopped_by, Some(StoppedBy::Driver));
    assert_eq!((finished.outcome.metrics.failures, finished.outcome.failed), (0, 0));
    // No attempt was counted, or it would be poison now.
    assert_eq!(go(&config, &records, &[], &mut store).0, "h1 h2");
}

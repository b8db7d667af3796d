//! The semantics, one by one. The model test does them all at once.

mod basics;
mod durable;

use super::*;
use crate::batch::{BatchBuilder, KinesisRecord};
use crate::config::{AfterDeadLetter, Config, Durable, Reporting};
use crate::outcome::Response;
use std::num::{NonZeroU32, NonZeroUsize};

/// Sequence number and partition keys of each Kinesis record; an empty key is none.
fn batch(records: &[(&str, &[&str])]) -> Batch {
    let mut builder = BatchBuilder::new("s", "shardId-0");
    for &(sequence_number, keys) in records {
        let record = KinesisRecord { sequence_number, bytes: 10, ..Default::default() };
        let keys = keys.iter().map(|&key| Some(key).filter(|key| !key.is_empty()));
        builder.kinesis_record(record, keys).unwrap();
    }
    builder.finish()
}

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(1_800_000_000 + seconds)
}

fn stateless() -> Config {
    Config::new(Reporting::BatchItemFailures)
}

fn durable(n: u32, then: AfterDeadLetter) -> Config<Durable> {
    stateless().durable_progress().poison_after(NonZeroU32::new(n).unwrap(), then)
}

fn engine<S>(config: &Config<S>, batch: Batch, stored: Stored) -> Engine {
    Engine::new(config.settings(), batch, stored, Some(at(60)), at(0))
}

/// What a handler does with a record: `+` done, `-` failed, `x` poison.
type Script<'a> = &'a [(u32, char)];

/// What happened: `h3` record 3 was handed to the handler, `d3` it went to the dead letter, `p`
/// progress was written.
fn run(engine: &mut Engine, script: Script<'_>, store: &mut Stored) -> (String, Finished) {
    let mut log = Vec::new();
    loop {
        match engine.poll(at(0)) {
            Action::Start(record) => {
                log.push(format!("h{}", record.index));
                match script.iter().find(|(index, _)| *index == record.index) {
                    Some((_, '-')) => assert!(engine.failed(record, FailureKind::Retry)),
                    Some((_, 'x')) => assert!(engine.failed(record, FailureKind::Poison)),
                    _ => assert!(engine.done(record)),
                }
            }
            Action::DeadLetter { record, .. } => {
                log.push(format!("d{}", record.index));
                assert!(engine.dead_lettered(record, true));
            }
            Action::Persist(write) => {
                log.push("p".to_owned());
                assert_eq!(write.if_version, store.version);
                *store = Stored { progress: write.progress, version: write.version };
                engine.persisted(Persisted::Written);
            }
            Action::Wait { until } => panic!("nothing to wait for until {until:?}"),
            Action::Finish(finished) => return (log.join(" "), finished),
        }
    }
}

fn partial(number: &str) -> Response {
    Response::Partial { sequence_number: number.to_owned() }
}

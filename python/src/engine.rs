//! The consumer engine, driven from Python: `kinpack/_handlers` asks what to do next, does it and
//! tells how it went. Times are nanoseconds since 1970.

use std::collections::HashMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use kinpack_consumer::{
    Action, AfterDeadLetter, BatchBuilder, BrokenAggregates, CheckpointEvery, Config, DeadLetter,
    DeadLetterReason, FailureKind, Finished, KinesisRecord, Outcome, Persisted, Progress, Record,
    Reporting, Response, Settings, ShardKey, StoppedBy, Stored, Write, fingerprint,
};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use crate::batch::Batch;
use crate::options::one_of;
use crate::records::Records;
use crate::user_record::UserRecord;

/// What the user of a handler chose.
#[pyclass(frozen, module = "kinpack._kinpack")]
pub(crate) struct EngineSettings(Settings);

#[pymethods]
impl EngineSettings {
    #[new]
    #[pyo3(signature = (*, report, concurrency = 1, margin, memory = None, poison_after = None,
        policy = None, broken = "fail", checkpoint_records = None, checkpoint_time = None,
        progress_limit = None, progress_kept = None))]
    #[expect(clippy::too_many_arguments, reason = "each by its name")]
    fn new(
        report: &str,
        concurrency: usize,
        margin: u64,
        memory: Option<&str>,
        poison_after: Option<NonZeroU32>,
        policy: Option<&str>,
        broken: &str,
        checkpoint_records: Option<NonZeroU32>,
        checkpoint_time: Option<u64>,
        progress_limit: Option<usize>,
        progress_kept: Option<u64>,
    ) -> PyResult<Self> {
        let reports = [
            ("batch_item_failures", Reporting::BatchItemFailures),
            ("fail_invocation", Reporting::FailInvocation),
        ];
        let brokens =
            [("fail", BrokenAggregates::Fail), ("pass_through", BrokenAggregates::PassThrough)];
        let policies = [
            ("skip_record", AfterDeadLetter::SkipRecord),
            ("hold_key", AfterDeadLetter::HoldKey),
            ("block", AfterDeadLetter::Block),
        ];
        let concurrency = NonZeroUsize::new(concurrency)
            .ok_or_else(|| PyValueError::new_err("concurrency is at least 1, not 0"))?;
        let mut config = Config::new(one_of("report", report, &reports)?)
            .concurrency(concurrency)
            .deadline_margin(Duration::from_nanos(margin))
            .broken_aggregates(one_of("broken_aggregates", broken, &brokens)?);
        let then = policy.map(|policy| one_of("policy", policy, &policies)).transpose()?;
        if let Some(then) = then {
            config = config.dead_letter(then);
        }
        let memory = memory.map(|it| one_of("memory", it, &[("memory", false), ("durable", true)]));
        let settings = match memory.transpose()? {
            None => config.settings(),
            Some(false) => config.progress_in_memory().settings(),
            Some(true) => {
                let mut config = config.durable_progress();
                if let Some((attempts, then)) = poison_after.zip(then) {
                    config = config.poison_after(attempts, then);
                }
                if let Some(records) = checkpoint_records {
                    config = config.checkpoint_every(CheckpointEvery::Records(records));
                }
                if let Some(time) = checkpoint_time {
                    config = config.checkpoint_every(CheckpointEvery::Time(nanos(time)));
                }
                if let Some(limit) = progress_limit {
                    config = config.progress_limit(limit);
                }
                if let Some(time) = progress_kept {
                    config = config.progress_kept(nanos(time));
                }
                config.settings()
            }
        };
        Ok(Self(settings))
    }
}

/// The batch of one invocation, before what a store remembers of it is known.
#[pyclass(module = "kinpack._kinpack")]
pub(crate) struct EngineBatch {
    batch: Arc<Batch>,
    engine_batch: kinpack_consumer::Batch,
    /// The first entry of each Kinesis record.
    first: Vec<u32>,
    key: ShardKey,
    shard: String,
}

#[pymethods]
impl EngineBatch {
    /// Of all user records of an event, read with `errors="keep"`.
    #[new]
    fn new(py: Python<'_>, records: &Records, consumer: &str) -> PyResult<Self> {
        let batch = Arc::clone(records.whole_batch()?);
        let source = &batch.source;
        let (mut of, mut shard) = (None, None);
        for index in 0..source.len() {
            let text = |text: Option<Bound<'_, PyString>>| {
                text.map(|it| it.to_cow().map(std::borrow::Cow::into_owned)).transpose()
            };
            of = of.or(text(source.event_source_arn(py, index)?)?);
            let here = text(source.shard_id(py, index)?)?;
            if shard.is_some() && here.is_some() && shard != here {
                let message = format!("record {index} is of another shard than those before");
                return Err(PyValueError::new_err(message));
            }
            shard = shard.or(here);
        }
        let (of, shard) = (of.unwrap_or_default(), shard.unwrap_or_default());
        let mut builder = BatchBuilder::of_event_source(&of, &shard);
        let mut first = Vec::with_capacity(source.len());
        let mut entries = 0..batch.entries.len() as u32;
        for index in 0..source.len() {
            first.push(entries.start);
            add(py, &batch, &mut builder, index, &mut entries)?;
        }
        let key = ShardKey::new(consumer, &of, &shard);
        Ok(Self { engine_batch: builder.finish(), batch, first, key, shard })
    }

    /// What progress is kept under.
    #[getter]
    fn key(&self) -> String {
        self.key.to_string()
    }

    /// How many Kinesis records are faulty.
    #[getter]
    fn faults(&self) -> usize {
        self.batch.faults.len()
    }

    #[getter]
    fn fan_out(&self) -> bool {
        self.engine_batch.is_fan_out()
    }

    fn __len__(&self) -> usize {
        self.engine_batch.user_records()
    }
}

/// Adds a Kinesis record with its user records, which are the next of the entries.
fn add(
    py: Python<'_>,
    batch: &Batch,
    builder: &mut BatchBuilder,
    index: usize,
    entries: &mut std::ops::Range<u32>,
) -> PyResult<()> {
    let source = &batch.source;
    let outer = source.partition_key(py, index)?;
    let outer = outer.as_ref().map(PyStringMethods::to_cow).transpose()?;
    let number = source.sequence_number(py, index)?;
    let number = number.as_ref().map(PyStringMethods::to_cow).transpose()?;
    let data = source.data(index);
    let bytes = data.as_ref().map_or(0, |data| data.len());
    let record = KinesisRecord {
        sequence_number: number.as_deref().unwrap_or_default(),
        arrival: arrival(source.arrival(py, index)?),
        bytes,
        fingerprint: builder
            .is_fan_out()
            .then(|| fingerprint(outer.as_deref(), data.as_deref().unwrap_or_default())),
    };
    let start = entries.start;
    while batch.entries.get(entries.start as usize).is_some_and(|it| it.kinesis as usize == index) {
        entries.start += 1;
    }
    let added = if data.is_ok() && batch.faults.contains_key(&(index as u32)) {
        builder.broken_aggregate(record, outer.as_deref())
    } else {
        let keys = batch.entries[start as usize..entries.start as usize].iter().map(|entry| {
            match entry.aggregated() {
                true => Some(batch.keys.get(entry.partition_key)),
                false => outer.as_deref(),
            }
        });
        builder.kinesis_record(record, keys)
    };
    added.map_err(|error| PyValueError::new_err(error.to_string()))
}

/// Milliseconds, as the service says them, are no exact fractions.
fn arrival(seconds: Option<f64>) -> Option<Duration> {
    let micros = (seconds? * 1e6).round();
    (0.0..=u64::MAX as f64).contains(&micros).then(|| Duration::from_micros(micros as u64))
}

fn nanos(time: u64) -> Duration {
    Duration::from_nanos(time)
}

/// The metrics of an invocation that fails before anything is handled, as
/// `Engine.embedded_metrics`: it has no batch if the event is none, and else the store cannot be
/// read.
#[pyfunction]
pub(crate) fn early_metrics(
    namespace: &str,
    consumer: &str,
    batch: Option<&EngineBatch>,
    now: u64,
    decode: u64,
) -> String {
    let mut outcome = Outcome::default();
    let metrics = &mut outcome.metrics;
    match batch {
        None => metrics.event_fault = 1,
        Some(batch) => {
            metrics.user_records = batch.engine_batch.user_records() as u64;
            metrics.kinesis_records = batch.engine_batch.kinesis_records() as u64;
            metrics.decode_fault = batch.faults() as u64;
            metrics.progress_failures = 1;
        }
    }
    let shard = batch.map_or("", |batch| &batch.shard);
    outcome.embedded_metrics(namespace, consumer, shard, nanos(now), nanos(decode))
}

/// One invocation's work.
#[pyclass(module = "kinpack._kinpack")]
pub(crate) struct Engine {
    engine: kinpack_consumer::Engine,
    of: Py<EngineBatch>,
    /// What was begun, by its number.
    begun: HashMap<u32, Record>,
    dying: HashMap<u32, (Record, DeadLetterReason, u32)>,
    write: Option<Write>,
    finished: Option<Finished>,
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (settings, batch, stored, deadline, now))]
    fn new(
        py: Python<'_>,
        settings: &EngineSettings,
        batch: Py<EngineBatch>,
        stored: Option<(u64, Vec<u8>)>,
        deadline: Option<u64>,
        now: u64,
    ) -> PyResult<Self> {
        let stored = read(stored)?;
        let engine_batch = batch.borrow(py).engine_batch.clone();
        let (settings, deadline) = (settings.0.clone(), deadline.map(nanos));
        Ok(Self {
            engine: kinpack_consumer::Engine::new(
                settings,
                engine_batch,
                stored,
                deadline,
                nanos(now),
            ),
            of: batch,
            begun: HashMap::new(),
            dying: HashMap::new(),
            write: None,
            finished: None,
        })
    }

    /// What to do next: its name and what belongs to it.
    fn poll(&mut self, py: Python<'_>, now: u64) -> PyResult<Py<PyAny>> {
        match self.engine.poll(nanos(now)) {
            Action::Start(record) => {
                self.begun.insert(record.index, record);
                let of = self.of.borrow(py);
                let kinesis = record.kinesis_record as usize;
                let unreadable = of.batch.source.data(kinesis).err().map(|fault| fault.message);
                let user = UserRecord::in_batch(&of.batch, of.entry(record));
                ("start", record.index, user, unreadable).into_py_any(py)
            }
            Action::DeadLetter { record, reason, attempts } => {
                self.dying.insert(record.index, (record, reason, attempts));
                ("dead_letter", record.index, reason.name(), attempts).into_py_any(py)
            }
            Action::Persist(write) => {
                let progress = PyBytes::new(py, &write.progress.encode());
                let action = ("persist", write.if_version, write.version, progress);
                self.write = Some(write);
                action.into_py_any(py)
            }
            Action::Wait { until } => {
                let until = until.map(|until| until.as_nanos() as u64);
                ("wait", until).into_py_any(py)
            }
            Action::Finish(finished) => {
                let (json, error) = match &finished.response {
                    Response::Fail(error) => (None, Some((error.name(), error.to_string()))),
                    response => (response.to_json(), None),
                };
                let outcome = outcome(py, &finished.outcome)?;
                self.finished = Some(finished);
                ("finish", json, error, outcome).into_py_any(py)
            }
            other => Err(PyRuntimeError::new_err(format!("an unknown action: {other:?}"))),
        }
    }

    /// Nothing new is to be begun.
    fn stop(&mut self) {
        self.engine.stop();
    }

    fn done(&mut self, index: u32) -> bool {
        self.begun.remove(&index).is_some_and(|record| self.engine.done(record))
    }

    fn failed(&mut self, index: u32, poison: bool) -> bool {
        let kind = if poison { FailureKind::Poison } else { FailureKind::Retry };
        self.begun.remove(&index).is_some_and(|record| self.engine.failed(record, kind))
    }

    fn give_back(&mut self, index: u32) -> bool {
        self.begun.remove(&index).is_some_and(|record| self.engine.give_back(record))
    }

    fn dead_lettered(&mut self, index: u32, written: bool) -> bool {
        let dying = self.dying.remove(&index);
        dying.is_some_and(|(record, ..)| self.engine.dead_lettered(record, written))
    }

    /// The last write is in the store.
    fn written(&mut self) {
        self.write = None;
        self.engine.persisted(Persisted::Written);
    }

    /// The last write cannot be done.
    fn not_written(&mut self) {
        self.write = None;
        self.engine.persisted(Persisted::Failed);
    }

    /// The store holds another version: this one.
    fn refused(&mut self, stored: Option<(u64, Vec<u8>)>) -> PyResult<()> {
        self.compared(stored, Write::refused).map(drop)
    }

    /// Nobody knows whether the last write arrived, and the store now holds this. Whether it is
    /// well again.
    fn unanswered(&mut self, stored: Option<(u64, Vec<u8>)>) -> PyResult<bool> {
        self.compared(stored, Write::unanswered)
    }

    /// The name of a record that was begun or goes to the dead letter.
    fn id(&self, index: u32) -> Option<String> {
        let dying = self.dying.get(&index).map(|(record, ..)| record);
        let record = self.begun.get(&index).or(dying)?;
        Some(self.engine.batch().id(*record).to_string())
    }

    /// The document for the dead letter. `data` instead of what cannot be had.
    #[pyo3(signature = (index, *, error, function_arn, request_id, data = None))]
    fn letter(
        &self,
        py: Python<'_>,
        index: u32,
        error: Option<String>,
        function_arn: Option<String>,
        request_id: Option<String>,
        data: Option<&[u8]>,
    ) -> PyResult<String> {
        let Some((record, reason, attempts)) = self.dying.get(&index) else {
            return Err(PyRuntimeError::new_err("it does not go to the dead letter"));
        };
        let of = self.of.borrow(py);
        let entry = &of.batch.entries[of.entry(*record) as usize];
        let kinesis = entry.kinesis as usize;
        let source = &of.batch.source;
        let written = of.batch.written(entry);
        let data = data.or(written.as_deref().ok()).unwrap_or_default();
        let mut letter = DeadLetter::new(&self.engine.batch().id(*record), *reason, data);
        let user = UserRecord::in_batch(&of.batch, of.entry(*record));
        let text = |it: Option<Bound<'_, PyString>>| {
            it.map(|it| it.to_cow().map(|it| it.into_owned().into())).transpose()
        };
        letter.partition_key = text(user.partition_key(py)?)?;
        letter.explicit_hash_key = text(user.explicit_hash_key(py)?)?;
        if let Some(arrival) = arrival(source.arrival(py, kinesis)?) {
            letter.set_arrival(arrival);
        }
        letter.attempts = *attempts;
        let fault = of.batch.faults.get(&entry.kinesis).map(|fault| fault.message.clone());
        letter.error = error.or(fault).map(Into::into);
        if let DeadLetterReason::HeldBy(poison) = reason {
            letter.held_by = Some(self.engine.batch().id(*poison).to_string().into());
        }
        letter.function_arn = function_arn.map(Into::into);
        letter.request_id = request_id.map(Into::into);
        Ok(letter.to_json())
    }

    /// The metrics as a line of CloudWatch's embedded metric format, once it is finished.
    fn embedded_metrics(
        &self,
        py: Python<'_>,
        namespace: &str,
        decode_faults: u64,
        now: u64,
        decode: u64,
    ) -> Option<String> {
        let mut outcome = self.finished.as_ref()?.outcome.clone();
        outcome.metrics.decode_fault = decode_faults;
        let of = self.of.borrow(py);
        let (consumer, shard) = (of.key.consumer(), &of.shard);
        Some(outcome.embedded_metrics(namespace, consumer, shard, nanos(now), nanos(decode)))
    }
}

impl EngineBatch {
    fn entry(&self, record: Record) -> u32 {
        self.first[record.kinesis_record as usize] + record.user_record
    }
}

impl Engine {
    fn compared(
        &mut self,
        stored: Option<(u64, Vec<u8>)>,
        compare: impl FnOnce(&Write, Stored) -> Persisted,
    ) -> PyResult<bool> {
        let stored = read(stored)?;
        let Some(write) = self.write.take() else {
            return Err(PyRuntimeError::new_err("nothing is being written"));
        };
        let persisted = compare(&write, stored);
        let well = persisted != Persisted::Failed;
        self.engine.persisted(persisted);
        Ok(well)
    }
}

/// What a store holds: a version and the progress.
fn read(stored: Option<(u64, Vec<u8>)>) -> PyResult<Stored> {
    let Some((version, progress)) = stored else { return Ok(Stored::default()) };
    let progress =
        Progress::decode(&progress).map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(Stored { progress, version })
}

fn outcome<'py>(py: Python<'py>, outcome: &Outcome) -> PyResult<Bound<'py, PyDict>> {
    let metrics = &outcome.metrics;
    let numbers = PyDict::new(py);
    for (name, value) in [
        ("user_records", metrics.user_records),
        ("kinesis_records", metrics.kinesis_records),
        ("bytes", metrics.bytes),
        ("failures", metrics.failures),
        ("poison", metrics.poison),
        ("dead_letter_failures", metrics.dead_letter_failures),
        ("skipped", metrics.skipped),
        ("deadline_stop", metrics.deadline_stop),
        ("no_progress", metrics.no_progress),
        ("decode_fault", metrics.decode_fault),
        ("progress_failures", metrics.progress_failures),
        ("event_fault", metrics.event_fault),
    ] {
        numbers.set_item(name, value)?;
    }
    let stopped_by = outcome.stopped_by.map(|by| match by {
        StoppedBy::Failure => "failure",
        StoppedBy::Deadline => "deadline",
        StoppedBy::Driver => "driver",
        _ => "other",
    });
    let dict = PyDict::new(py);
    dict.set_item("handled", outcome.handled)?;
    dict.set_item("skipped", outcome.skipped)?;
    dict.set_item("dead", outcome.dead)?;
    dict.set_item("failed", outcome.failed)?;
    dict.set_item("not_finished", outcome.not_finished)?;
    dict.set_item("stopped_by", stopped_by)?;
    dict.set_item("checkpoint", &outcome.checkpoint)?;
    dict.set_item("progress_lost", outcome.progress_lost)?;
    dict.set_item("metrics", numbers)?;
    Ok(dict)
}

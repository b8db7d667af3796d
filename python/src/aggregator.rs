//! Packing user records.

use std::sync::{Mutex, MutexGuard, PoisonError};

use kinpack::{HashKey, Lanes, Limits, OuterKeyPolicy, PlacedRecord, ShardMap, ShardedAggregator};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyBytes, PyDict, PyIterator, PyList, PyString, PyTuple};

use crate::error::EncodeError;
use crate::options::{hash_key, shown};
use crate::shards;
use crate::text;
use crate::user_record::UserRecord;

/// Packs user records into entries for PutRecords.
///
/// An aggregate has at most `max_size` bytes and `max_count` user records; an entry at most
/// `record_limit` bytes. `outer_key`: `kpl`, `first`, `per-key` or `lanes:N`, as docs/outer-keys.md
/// has them. `shards`: what `list_shards` answers, a `ShardMap`, or a number of equal shards; without
/// it aggregates take whatever comes, which suits streams of one shard. Several threads may use one.
///
/// As a context manager it finishes what is open; `finished()` then gives it.
///
/// >>> with kinpack.Aggregator(shards=2) as aggregator:
/// ...     for key in ["ada", "ann", "bob"]:
/// ...         waiting = aggregator.add(key, "hello")
/// >>> entries = aggregator.finished()
/// >>> [len(kinpack.records([entry])) for entry in entries]
/// [1, 2]
/// >>> sorted(record.partition_key for record in kinpack.records(entries))
/// ['ada', 'ann', 'bob']
#[pyclass(frozen, module = "kinpack", weakref)]
pub(crate) struct Aggregator(Mutex<State>);

struct State {
    sharded: ShardedAggregator,
    /// User records that were added, for messages.
    added: u64,
}

#[pymethods]
impl Aggregator {
    #[new]
    #[pyo3(signature = (*, max_size = 51_200, outer_key = "kpl", shards = None,
        max_count = 4_294_967_295, record_limit = 1_048_576))]
    fn new(
        max_size: usize,
        outer_key: &str,
        shards: Option<Bound<'_, PyAny>>,
        max_count: u32,
        record_limit: usize,
    ) -> PyResult<Self> {
        let limits = Limits::new(max_size, max_count, record_limit)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        let shards = match shards {
            Some(shards) => shards::read(&shards)?,
            None => ShardMap::even(std::num::NonZeroU32::MIN),
        };
        let sharded = ShardedAggregator::new(shards, limits, outer_key_policy(outer_key)?);
        Ok(Self(Mutex::new(State { sharded, added: 0 })))
    }

    /// Adds a user record. Returns how many finished entries wait for `finished()`.
    #[pyo3(signature = (partition_key, data, explicit_hash_key = None))]
    fn add(
        &self,
        partition_key: &Bound<'_, PyAny>,
        data: &Bound<'_, PyAny>,
        explicit_hash_key: Option<Bound<'_, PyAny>>,
    ) -> PyResult<usize> {
        let record = Given::new(partition_key, data, explicit_hash_key.as_ref())?;
        let mut state = self.lock(data.py());
        state.push(&record)?;
        Ok(state.sharded.finished_len())
    }

    /// Adds user records until `enough` finished entries wait or there are no more of them.
    /// Returns whether there may be more.
    fn _extend(&self, records: &Bound<'_, PyIterator>, enough: usize) -> PyResult<bool> {
        for record in records {
            let record = record?;
            let given = match Given::of(&record)? {
                Ok(given) => given,
                Err(Unfit::NoKey) => {
                    return Err(self.lock(records.py()).refused("it has no partition key"));
                }
                Err(Unfit::Form(shown)) => {
                    let index = self.lock(records.py()).added;
                    return Err(PyTypeError::new_err(format!(
                        "user record {index}: a tuple (partition_key, data[, explicit_hash_key]) \
                         or a UserRecord is wanted, not {shown}"
                    )));
                }
            };
            let mut state = self.lock(records.py());
            state.push(&given)?;
            if state.sharded.finished_len() >= enough {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Finishes what is open, so that `finished()` gives all that was added.
    fn flush(&self, py: Python<'_>) {
        self.lock(py).sharded.flush();
    }

    /// The entries that are finished, as `put_records` of boto3 takes them; each is given once.
    fn finished<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let entries = self.take(py).into_iter().map(|placed| entry(py, &placed));
        PyList::new(py, entries.collect::<PyResult<Vec<_>>>()?)
    }

    /// The same with the shard that each is meant for: (entry, shard id, user records, whether it
    /// is an aggregate).
    fn _placed<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let entries = self.take(py).into_iter().map(|placed| {
            let entry = entry(py, &placed)?;
            let record = &placed.record;
            (entry, &placed.shard.id, record.user_records, record.aggregated).into_pyobject(py)
        });
        PyList::new(py, entries.collect::<PyResult<Vec<Bound<'py, PyTuple>>>>()?)
    }

    /// User records that were added.
    #[getter]
    fn added(&self, py: Python<'_>) -> u64 {
        self.lock(py).added
    }

    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) {
        self.flush(py);
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let state = self.lock(py);
        let (added, waiting) = (state.added, state.sharded.finished_len());
        format!("<kinpack.Aggregator: {added} user records added, {waiting} entries finished>")
    }
}

impl Aggregator {
    /// Never held while Python code runs, which might add to this one, too, or let another thread
    /// do so; a thread that waits for it lets others run.
    fn lock(&self, py: Python<'_>) -> MutexGuard<'_, State> {
        match self.0.try_lock() {
            Ok(state) => state,
            Err(std::sync::TryLockError::Poisoned(state)) => state.into_inner(),
            Err(std::sync::TryLockError::WouldBlock) => {
                // A guard cannot cross threads, so only the waiting is done without the interpreter.
                py.detach(|| drop(self.0.lock().unwrap_or_else(PoisonError::into_inner)));
                self.0.lock().unwrap_or_else(PoisonError::into_inner)
            }
        }
    }

    /// Takes what is finished; the digests are computed without the interpreter.
    fn take(&self, py: Python<'_>) -> Vec<PlacedRecord> {
        py.detach(|| {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::iter::from_fn(|| state.sharded.next_finished()).collect()
        })
    }
}

/// A user record that is to be added, out of its Python objects.
struct Given<'py> {
    partition_key: PyBackedStr,
    explicit_hash_key: Option<HashKey>,
    data: Data<'py>,
}

enum Data<'py> {
    /// As they are: nothing to keep, so nothing to copy.
    Bytes(Bound<'py, PyBytes>),
    Backed(PyBackedBytes),
}

/// Why something is no user record.
enum Unfit {
    NoKey,
    /// What it is instead.
    Form(String),
}

impl<'py> Given<'py> {
    fn new(
        partition_key: &Bound<'py, PyAny>,
        data: &Bound<'py, PyAny>,
        explicit_hash_key: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Self> {
        let Ok(key) = partition_key.cast::<PyString>() else {
            let class = partition_key.get_type();
            return Err(PyTypeError::new_err(format!("a partition key is a str, not {class}")));
        };
        Ok(Self {
            explicit_hash_key: explicit_hash_key
                .filter(|key| !key.is_none())
                .map(hash_key)
                .transpose()?,
            // One copy; `to_cow` makes two where the limited API is that of 3.9.
            partition_key: PyBackedStr::try_from(key.clone())?,
            data: match data.cast::<PyBytes>() {
                Ok(bytes) => Data::Bytes(bytes.clone()),
                Err(_) => Data::Backed(text::data(data)?),
            },
        })
    }

    /// A tuple, or a [`UserRecord`].
    fn of(record: &Bound<'py, PyAny>) -> PyResult<Result<Self, Unfit>> {
        let py = record.py();
        if let Ok(record) = record.cast::<UserRecord>() {
            let record = record.get();
            let Some(key) = record.partition_key(py)? else { return Ok(Err(Unfit::NoKey)) };
            let explicit = record.explicit_hash_key(py)?;
            let explicit = explicit.as_ref().map(Bound::as_any);
            return Self::new(key.as_any(), record.data(py)?.as_any(), explicit).map(Ok);
        }
        let (key, data, explicit) = match record.cast::<PyTuple>() {
            Ok(parts) if parts.len() == 2 => (parts.get_item(0)?, parts.get_item(1)?, None),
            Ok(parts) if parts.len() == 3 => {
                (parts.get_item(0)?, parts.get_item(1)?, Some(parts.get_item(2)?))
            }
            _ => return Ok(Err(Unfit::Form(shown(&record.repr()?.to_cow()?)))),
        };
        Self::new(&key, &data, explicit.as_ref()).map(Ok)
    }

    fn data(&self) -> &[u8] {
        match &self.data {
            Data::Bytes(bytes) => bytes.as_bytes(),
            Data::Backed(bytes) => bytes,
        }
    }
}

impl State {
    fn push(&mut self, record: &Given<'_>) -> PyResult<()> {
        let Given { partition_key, explicit_hash_key, .. } = record;
        let pushed = self.sharded.push(partition_key, *explicit_hash_key, record.data());
        pushed.map_err(|error| self.refused(error))?;
        self.added += 1;
        Ok(())
    }

    fn refused(&self, why: impl std::fmt::Display) -> PyErr {
        let index = self.added;
        EncodeError::new_err((format!("user record {index}: {why}"), index))
    }
}

/// An entry for PutRecords.
fn entry<'py>(py: Python<'py>, placed: &PlacedRecord) -> PyResult<Bound<'py, PyDict>> {
    let record = &placed.record;
    let entry = PyDict::new(py);
    entry.set_item(pyo3::intern!(py, "Data"), PyBytes::new(py, &record.data))?;
    entry.set_item(pyo3::intern!(py, "PartitionKey"), &record.partition_key)?;
    let hash_key = record.explicit_hash_key.to_string();
    entry.set_item(pyo3::intern!(py, "ExplicitHashKey"), hash_key)?;
    Ok(entry)
}

fn outer_key_policy(text: &str) -> PyResult<OuterKeyPolicy> {
    match text {
        "kpl" => return Ok(OuterKeyPolicy::Kpl),
        "first" => return Ok(OuterKeyPolicy::First),
        "per-key" => return Ok(OuterKeyPolicy::PER_KEY),
        _ => {}
    }
    let lanes = text.strip_prefix("lanes:").and_then(|count| Lanes::new(count.parse().ok()?));
    lanes.map(OuterKeyPolicy::Lanes).ok_or_else(|| {
        let wanted =
            "outer_key is \"kpl\", \"first\", \"per-key\" or \"lanes:N\" (N from 1 to 65535)";
        PyValueError::new_err(format!("{wanted}, not {}", shown(text)))
    })
}

//! One aggregate at a time, for `kinpack.compat`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use kinpack::{HashKey, Limits, OuterKey, Push};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyBytes, PyString};

use crate::error::EncodeError;
use crate::options::hash_key;
use crate::text;

/// Packs one aggregate, also if it holds one user record only.
#[pyclass(frozen, name = "_AggregateBuilder", module = "kinpack._kinpack")]
pub(crate) struct AggregateBuilder(Mutex<State>);

struct State {
    aggregator: kinpack::Aggregator,
    partition_key: Option<Py<PyString>>,
    hash_key: HashKey,
}

/// What makes an aggregate of a single user record, too. The key itself is not used.
const LANE: OuterKey = OuterKey::Lane(0);
const LANE_KEY_LEN: usize = "lane-0".len();

impl AggregateBuilder {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl AggregateBuilder {
    #[new]
    fn new(max_size: usize) -> PyResult<Self> {
        // So that a record which is too large alone is refused.
        let record_limit = max_size.saturating_add(LANE_KEY_LEN);
        let limits = Limits::new(max_size, u32::MAX, record_limit)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        let aggregator = kinpack::Aggregator::new(limits, LANE);
        let hash_key = HashKey::MIN;
        Ok(Self(Mutex::new(State { aggregator, partition_key: None, hash_key })))
    }

    /// Adds a user record; `False`: it does not fit any more.
    #[pyo3(signature = (partition_key, data, explicit_hash_key = None))]
    fn add(
        &self,
        partition_key: &Bound<'_, PyString>,
        data: &Bound<'_, PyAny>,
        explicit_hash_key: Option<Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        let data = text::data(data)?;
        let explicit = explicit_hash_key.as_ref().map(hash_key).transpose()?;
        let key = PyBackedStr::try_from(partition_key.clone())?;
        let mut state = self.lock();
        let index = state.aggregator.len();
        let pushed = state.aggregator.try_push(&key, explicit, &data).map_err(|error| {
            EncodeError::new_err((format!("user record {index}: {error}"), index))
        })?;
        if pushed == Push::Added && index == 0 {
            state.partition_key = Some(partition_key.clone().unbind());
            state.hash_key = HashKey::of(&key, explicit);
        }
        Ok(pushed == Push::Added)
    }

    fn __len__(&self) -> usize {
        self.lock().aggregator.len()
    }

    fn __deepcopy__(&self, py: Python<'_>, _memo: &Bound<'_, PyAny>) -> Self {
        let state = self.lock();
        Self(Mutex::new(State {
            aggregator: state.aggregator.clone(),
            partition_key: state.partition_key.as_ref().map(|key| key.clone_ref(py)),
            hash_key: state.hash_key,
        }))
    }

    /// Exact bytes of the aggregate; those of the envelope if nothing is in.
    #[getter]
    fn size(&self) -> usize {
        const ENVELOPE: usize = 20;
        self.lock().aggregator.data_len().max(ENVELOPE)
    }

    /// The first user record's partition key.
    #[getter]
    fn partition_key(&self, py: Python<'_>) -> Option<Py<PyString>> {
        self.lock().partition_key.as_ref().map(|key| key.clone_ref(py))
    }

    /// The first user record's hash key, in decimal.
    #[getter]
    fn explicit_hash_key(&self) -> Option<String> {
        let state = self.lock();
        state.partition_key.is_some().then(|| state.hash_key.to_string())
    }

    /// The aggregate; an empty one if nothing is in.
    fn contents<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let finished = py.detach(|| self.lock().aggregator.clone().finish());
        PyBytes::new(py, finished.as_ref().map_or(EMPTY, |record| &record.data))
    }
}

/// An aggregate of nothing: the magic, and the MD5 of no bytes.
const EMPTY: &[u8] =
    b"\xF3\x89\x9A\xC2\xD4\x1D\x8C\xD9\x8F\x00\xB2\x04\xE9\x80\x09\x98\xEC\xF8\x42\x7E";

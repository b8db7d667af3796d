//! The user records of an event, as a sequence.

use std::sync::{Arc, Mutex};

use pyo3::exceptions::{PyIndexError, PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyMemoryView, PySlice, PyTuple};

use crate::batch::Batch;
use crate::compression::Decompressor;
use crate::error::Fault;
use crate::input::Source;
use crate::options::Options;
use crate::user_record::UserRecord;

/// The user records of a Lambda event, of a response of boto3, or of their records.
///
/// `event` is a Lambda event (the dict, or its JSON), what `get_records` returns, an event of
/// `subscribe_to_shard`, a Firehose event, or the records of any of these. All is decoded and checked
/// at once.
///
/// - `policy`: what begins as an aggregate and is none is a plain record (`kcl`) or a fault (`strict`)
/// - `verify_digest`: whether digests are computed
/// - `hash_key_range`: the shard's, both ends inside; an aggregate with a user record outside is
///   dropped whole, or only those outside with `range_rule="record"`
/// - `decompress`: `True` or a `Decompressor` for compressed payloads; `False` leaves whole aggregates
///   that are compressed, too
/// - `errors`: `raise`, or `keep` what cannot be read as a user record with an `error`
///
/// Raises `EventError` for what is no event, and `DecodeError` for a Kinesis record that cannot be
/// read.
///
/// >>> event = testing.event([[("ada", "1"), ("bob", "2")], ("cyd", "3")])
/// >>> for record in kinpack.records(event):
/// ...     print(record.partition_key, record.sub_sequence_number, record.json())
/// ada 0 1
/// bob 1 2
/// cyd 0 3
#[pyfunction]
#[pyo3(signature = (event, /, *, policy = "kcl", verify_digest = true, hash_key_range = None,
    range_rule = "aggregate", decompress = None, errors = "raise"))]
pub(crate) fn records(
    event: &Bound<'_, PyAny>,
    policy: &str,
    verify_digest: bool,
    hash_key_range: Option<(Bound<'_, PyAny>, Bound<'_, PyAny>)>,
    range_rule: &str,
    decompress: Option<Bound<'_, PyAny>>,
    errors: &str,
) -> PyResult<Records> {
    let py = event.py();
    let mut options = Options::new(policy, verify_digest, hash_key_range, range_rule, errors)?;
    let decompressor = match decompress {
        Some(decompress) => {
            let decompressor = decompressor(&decompress)?;
            options.open_envelopes = decompressor.is_some();
            decompressor
        }
        None => None,
    };
    let source = Source::read(event)?;
    let batch = match source.is_small() && decompressor.is_none() {
        true => Batch::read(source, &options, None),
        false => py.detach(|| Batch::read(source, &options, decompressor)),
    };
    if let Some((&index, fault)) = batch.faults.first_key_value().filter(|_| !options.keep_faulty) {
        return Err(fault.clone().into_py(py, &batch.source, index as usize));
    }
    let len = batch.entries.len();
    Ok(Records { batch: Arc::new(batch), start: 0, step: 1, len })
}

/// `True` is a decompressor with the default limit and no dictionaries.
fn decompressor(
    given: &Bound<'_, PyAny>,
) -> PyResult<Option<Arc<Mutex<kinpack_payload::Decompressor>>>> {
    if let Ok(decompressor) = given.cast::<Decompressor>() {
        return Ok(Some(Arc::clone(&decompressor.get().0)));
    }
    match given.extract() {
        Ok(true) => Ok(Some(Arc::new(Mutex::new(kinpack_payload::Decompressor::new())))),
        Ok(false) => Ok(None),
        Err(_) => Err(PyTypeError::new_err(format!(
            "decompress is True, False or a Decompressor, not {}",
            given.get_type()
        ))),
    }
}

/// User records in order. Each is made when it is looked at; all share what was decoded.
///
/// A sequence: it has a length, indices, slices, and can be matched.
///
/// >>> records = kinpack.records(testing.event([[("ada", "1"), ("bob", "2")], ("cyd", "3")]))
/// >>> len(records), records.data()
/// (3, [b'1', b'2', b'3'])
/// >>> match records:
/// ...     case [first, *others]:
/// ...         print(first.partition_key, len(others))
/// ada 2
#[pyclass(frozen, module = "kinpack", weakref)]
pub(crate) struct Records {
    batch: Arc<Batch>,
    start: usize,
    step: isize,
    len: usize,
}

impl Records {
    /// The number of an entry of the batch.
    fn entry(&self, position: usize) -> usize {
        self.start.wrapping_add_signed(self.step.wrapping_mul(position as isize))
    }

    fn entries(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        (0..self.len).map(|position| self.entry(position))
    }

    /// What was decoded, if this is all of it.
    pub(crate) fn whole_batch(&self) -> PyResult<&Arc<Batch>> {
        match (self.start, self.step, self.len == self.batch.entries.len()) {
            (0, 1, true) => Ok(&self.batch),
            _ => Err(PyValueError::new_err("a part of an event's records is no batch")),
        }
    }

    /// The fault of the first record whose data cannot be had.
    fn check_readable(&self, py: Python<'_>) -> PyResult<()> {
        let batch = &*self.batch;
        if batch.faults.is_empty() {
            return Ok(());
        }
        for entry in self.entries() {
            let kinesis = batch.entries[entry].kinesis as usize;
            if let Err(fault) = batch.kinesis_data(kinesis) {
                return Err(fault.into_py(py, &batch.source, kinesis));
            }
        }
        Ok(())
    }

    /// The payloads, decompressed without the interpreter.
    fn decompressed<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let batch = &*self.batch;
        let decompress = || {
            let (mut all, mut buffer) = (Vec::with_capacity(self.len), Vec::new());
            for entry in self.entries() {
                let entry = &batch.entries[entry];
                let payload = batch.payload(entry, &mut buffer);
                let payload = payload.map(<[u8]>::to_vec);
                all.push(payload.map_err(|fault| (entry.kinesis as usize, fault))?);
            }
            Ok(all)
        };
        let all = py
            .detach(decompress)
            .map_err(|(kinesis, fault): (_, Fault)| fault.into_py(py, &batch.source, kinesis))?;
        Ok(all.iter().map(|payload| PyBytes::new(py, payload)).collect())
    }

    fn record(&self, position: usize) -> UserRecord {
        UserRecord::in_batch(&self.batch, self.entry(position) as u32)
    }
}

#[pymethods]
impl Records {
    /// A program may put these into the very dicts that they were read from.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // What others hold, too, is not for one to tell of.
        if Arc::strong_count(&self.batch) == 1 {
            self.batch.source.traverse(&visit)?;
        }
        Ok(())
    }

    fn __len__(&self) -> usize {
        self.len
    }

    fn __getitem__<'py>(&self, py: Python<'py>, index: &Bound<'py, PyAny>) -> PyResult<Py<PyAny>> {
        if let Ok(slice) = index.cast::<PySlice>() {
            let slice = slice.indices(self.len as isize)?;
            let part = Self {
                batch: Arc::clone(&self.batch),
                start: self.entry(slice.start.max(0) as usize),
                step: self.step * slice.step,
                len: slice.slicelength,
            };
            return Ok(Py::new(py, part)?.into_any());
        }
        let Ok(index) = index.extract::<isize>() else {
            let message = format!("an index is an int or a slice, not {}", index.get_type());
            return Err(PyTypeError::new_err(message));
        };
        let position = if index < 0 { index + self.len as isize } else { index };
        if !(0..self.len as isize).contains(&position) {
            let message = format!("there are {} user records, index {index} is none", self.len);
            return Err(PyIndexError::new_err(message));
        }
        Ok(Py::new(py, self.record(position as usize))?.into_any())
    }

    fn __iter__(&self) -> RecordsIterator {
        RecordsIterator {
            batch: Arc::clone(&self.batch),
            next: self.start,
            step: self.step,
            left: self.len,
        }
    }

    fn __reversed__(&self) -> RecordsIterator {
        RecordsIterator {
            batch: Arc::clone(&self.batch),
            next: self.entry(self.len.wrapping_sub(1)),
            step: self.step.wrapping_neg(),
            left: self.len,
        }
    }

    /// The position of the first record that equals `value`.
    fn index(&self, value: &Bound<'_, PyAny>) -> PyResult<usize> {
        for position in 0..self.len {
            if value.eq(self.record(position))? {
                return Ok(position);
            }
        }
        Err(PyValueError::new_err("it is not among the user records"))
    }

    /// How many records equal `value`.
    fn count(&self, value: &Bound<'_, PyAny>) -> PyResult<usize> {
        let equal = (0..self.len).map(|position| value.eq(self.record(position)));
        equal.map(|equal| equal.map(usize::from)).sum()
    }

    /// The payloads.
    fn data<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let batch = &*self.batch;
        if batch.decompresses() {
            return PyList::new(py, self.decompressed(py)?);
        }
        self.check_readable(py)?;
        // Neighbours mostly stand in the same Kinesis record.
        let (mut kinesis, mut data) = (u32::MAX, &[][..]);
        let list = self.entries().map(|entry| {
            let entry = &batch.entries[entry];
            if entry.kinesis != kinesis {
                kinesis = entry.kinesis;
                data = batch.kinesis_data(kinesis as usize).unwrap_or_default();
            }
            PyBytes::new(py, &data[entry.range()])
        });
        PyList::new(py, list)
    }

    /// The payloads as views of what was decoded.
    fn memoryviews<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let batch = &*self.batch;
        if batch.decompresses() {
            let payloads = self.decompressed(py)?.into_iter();
            let views = payloads.map(|it| PyMemoryView::from(&it)).collect::<PyResult<Vec<_>>>()?;
            return PyList::new(py, views);
        }
        let slice = py.get_type::<PySlice>();
        let mut views = Vec::with_capacity(self.len);
        let mut holder: Option<(u32, Bound<'py, PyAny>, usize)> = None;
        for entry in self.entries() {
            let entry = &batch.entries[entry];
            let kinesis = entry.kinesis as usize;
            let fault = |fault: Fault| fault.into_py(py, &batch.source, kinesis);
            let (view, start) = match &holder {
                Some((of, view, start)) if *of == entry.kinesis => (view.clone(), *start),
                _ => {
                    let (bytes, start) = if batch.is_enveloped(kinesis) {
                        let data = batch.kinesis_data(kinesis).map_err(fault)?;
                        (PyBytes::new(py, data).into_any(), 0)
                    } else {
                        batch.source.object(py, kinesis).map_err(fault)?
                    };
                    let view = PyMemoryView::from(&bytes)?.into_any();
                    holder = Some((entry.kinesis, view.clone(), start));
                    (view, start)
                }
            };
            let range = entry.range();
            let (start, end) = (start + range.start, start + range.end);
            // Not by `PySlice::new`, which never frees the numbers (pyo3 0.30).
            views.push(view.get_item(slice.call1((start, end))?)?);
        }
        PyList::new(py, views)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Py<PyAny>, Bound<'py, PyTuple>)> {
        let records: Vec<_> =
            (0..self.len).map(|at| Py::new(py, self.record(at))).collect::<PyResult<_>>()?;
        let list = PyList::new(py, records)?;
        Ok((py.get_type::<PyList>().into_any().unbind(), PyTuple::new(py, [list])?))
    }

    fn __repr__(&self) -> String {
        let s = if self.len == 1 { "" } else { "s" };
        let kinesis = self.batch.source.len();
        let of = if kinesis == 1 { "" } else { "s" };
        format!("<kinpack.Records: {} user record{s} of {kinesis} Kinesis record{of}>", self.len)
    }
}

#[pyclass(module = "kinpack._kinpack")]
pub(crate) struct RecordsIterator {
    batch: Arc<Batch>,
    next: usize,
    step: isize,
    left: usize,
}

#[pymethods]
impl RecordsIterator {
    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__(&mut self) -> Option<UserRecord> {
        self.left = self.left.checked_sub(1)?;
        let entry = self.next;
        self.next = entry.wrapping_add_signed(self.step);
        Some(UserRecord::in_batch(&self.batch, entry as u32))
    }

    fn __length_hint__(&self) -> usize {
        self.left
    }
}

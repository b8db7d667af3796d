//! One user record.

use std::sync::Arc;

use pyo3::IntoPyObjectExt;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pyclass::CompareOp;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use crate::batch::{Batch, Entry, NO_KEY};
use crate::text;

/// A message as its producer wrote it.
///
/// >>> made = kinpack.UserRecord(b'{"t": 21.5}', "device-1", sequence_number="49")
/// >>> made.json(), made.partition_key, made.explicit_hash_key
/// ({'t': 21.5}, 'device-1', None)
/// >>> match made:
/// ...     case kinpack.UserRecord(data=data, sequence_number=number):
/// ...         print(data, number)
/// b'{"t": 21.5}' 49
#[pyclass(frozen, module = "kinpack", weakref)]
pub(crate) struct UserRecord(Inner);

enum Inner {
    InBatch {
        batch: Arc<Batch>,
        entry: u32,
    },
    /// Unpickled, or made by the program.
    Owned(Box<Owned>),
}

struct Owned {
    data: Py<PyBytes>,
    partition_key: Option<Py<PyString>>,
    explicit_hash_key: Option<Py<PyString>>,
    sequence_number: Option<Py<PyString>>,
    sub_sequence_number: u64,
    approximate_arrival_timestamp: Option<f64>,
    event_source_arn: Option<Py<PyString>>,
    shard_id: Option<Py<PyString>>,
    record_id: Option<Py<PyString>>,
    aggregated: bool,
}

type Text<'py> = PyResult<Option<Bound<'py, PyString>>>;

fn bound<'py>(py: Python<'py>, text: &Option<Py<PyString>>) -> Option<Bound<'py, PyString>> {
    text.as_ref().map(|text| text.bind(py).clone())
}

impl UserRecord {
    #[inline]
    pub(crate) fn in_batch(batch: &Arc<Batch>, entry: u32) -> Self {
        Self(Inner::InBatch { batch: Arc::clone(batch), entry })
    }

    /// What the Kinesis record says, by where this one came from.
    fn of_kinesis<'py>(
        &self,
        py: Python<'py>,
        owned: impl FnOnce(&Owned) -> &Option<Py<PyString>>,
        look_up: impl FnOnce(&crate::input::Source, Python<'py>, usize) -> Text<'py>,
    ) -> Text<'py> {
        match &self.0 {
            Inner::InBatch { batch, entry } => {
                let kinesis = batch.entries[*entry as usize].kinesis;
                look_up(&batch.source, py, kinesis as usize)
            }
            Inner::Owned(it) => Ok(bound(py, owned(it))),
        }
    }

    fn values<'py>(&self, py: Python<'py>) -> PyResult<[Py<PyAny>; 10]> {
        Ok([
            self.data(py)?.into_any().unbind(),
            self.partition_key(py)?.into_py_any(py)?,
            self.explicit_hash_key(py)?.into_py_any(py)?,
            self.sequence_number(py)?.into_py_any(py)?,
            self.sub_sequence_number().into_py_any(py)?,
            self.approximate_arrival_timestamp(py)?.into_py_any(py)?,
            self.event_source_arn(py)?.into_py_any(py)?,
            self.shard_id(py)?.into_py_any(py)?,
            self.record_id(py)?.into_py_any(py)?,
            self.aggregated().into_py_any(py)?,
        ])
    }
}

const NAMES: [&str; 10] = [
    "data",
    "partition_key",
    "explicit_hash_key",
    "sequence_number",
    "sub_sequence_number",
    "approximate_arrival_timestamp",
    "event_source_arn",
    "shard_id",
    "record_id",
    "aggregated",
];

#[pymethods]
impl UserRecord {
    #[classattr]
    fn __match_args__() -> (&'static str, &'static str, &'static str) {
        ("partition_key", "data", "explicit_hash_key")
    }

    #[new]
    #[pyo3(signature = (data, partition_key = None, explicit_hash_key = None, *,
        sequence_number = None, sub_sequence_number = 0, approximate_arrival_timestamp = None,
        event_source_arn = None, shard_id = None, record_id = None, aggregated = false))]
    #[expect(clippy::too_many_arguments, reason = "each is an attribute")]
    fn new(
        data: &Bound<'_, PyAny>,
        partition_key: Option<Py<PyString>>,
        explicit_hash_key: Option<Py<PyString>>,
        sequence_number: Option<Py<PyString>>,
        sub_sequence_number: u64,
        approximate_arrival_timestamp: Option<f64>,
        event_source_arn: Option<Py<PyString>>,
        shard_id: Option<Py<PyString>>,
        record_id: Option<Py<PyString>>,
        aggregated: bool,
    ) -> PyResult<Self> {
        let py = data.py();
        let data = match data.cast::<PyBytes>() {
            Ok(bytes) => bytes.clone().unbind(),
            Err(_) => PyBytes::new(py, &text::data(data)?).unbind(),
        };
        Ok(Self(Inner::Owned(Box::new(Owned {
            data,
            partition_key,
            explicit_hash_key,
            sequence_number,
            sub_sequence_number,
            approximate_arrival_timestamp,
            event_source_arn,
            shard_id,
            record_id,
            aggregated,
        }))))
    }

    /// The payload.
    #[getter]
    pub(crate) fn data<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        match &self.0 {
            Inner::InBatch { batch, entry } => {
                let entry = &batch.entries[*entry as usize];
                let mut buffer = Vec::new();
                let payload = match batch.decompresses() {
                    true => py.detach(|| batch.payload(entry, &mut buffer)),
                    false => batch.written(entry),
                };
                match payload {
                    Ok(data) => Ok(PyBytes::new(py, data)),
                    Err(fault) => Err(fault.into_py(py, &batch.source, entry.kinesis as usize)),
                }
            }
            Inner::Owned(owned) => Ok(owned.data.bind(py).clone()),
        }
    }

    /// The partition key; `None` only for a plain record of a stream with service-managed
    /// distribution.
    #[getter]
    pub(crate) fn partition_key<'py>(&self, py: Python<'py>) -> Text<'py> {
        match &self.0 {
            Inner::InBatch { batch, entry } => match &batch.entries[*entry as usize] {
                Entry { partition_key: NO_KEY, kinesis, .. } => {
                    batch.source.partition_key(py, *kinesis as usize)
                }
                entry => Ok(Some(batch.keys.object(py, entry.partition_key))),
            },
            Inner::Owned(owned) => Ok(bound(py, &owned.partition_key)),
        }
    }

    /// The explicit hash key as it was written, if there was one.
    #[getter]
    pub(crate) fn explicit_hash_key<'py>(&self, py: Python<'py>) -> Text<'py> {
        match &self.0 {
            Inner::InBatch { batch, entry } => match &batch.entries[*entry as usize] {
                Entry { partition_key: NO_KEY, kinesis, .. } => {
                    batch.source.explicit_hash_key(py, *kinesis as usize)
                }
                Entry { explicit_hash_key: NO_KEY, .. } => Ok(None),
                entry => Ok(Some(batch.keys.object(py, entry.explicit_hash_key))),
            },
            Inner::Owned(owned) => Ok(bound(py, &owned.explicit_hash_key)),
        }
    }

    /// The sequence number of the Kinesis record.
    #[getter]
    fn sequence_number<'py>(&self, py: Python<'py>) -> Text<'py> {
        self.of_kinesis(py, |it| &it.sequence_number, |it, py, at| it.sequence_number(py, at))
    }

    /// The position in the aggregate, from 0; 0 for a plain record.
    #[getter]
    fn sub_sequence_number(&self) -> u64 {
        match &self.0 {
            Inner::InBatch { batch, entry } => {
                batch.entries[*entry as usize].sub_sequence_number.into()
            }
            Inner::Owned(owned) => owned.sub_sequence_number,
        }
    }

    /// When the Kinesis record came to the stream, in seconds since 1970-01-01T00:00:00Z.
    #[getter]
    fn approximate_arrival_timestamp(&self, py: Python<'_>) -> PyResult<Option<f64>> {
        match &self.0 {
            Inner::InBatch { batch, entry } => {
                batch.source.arrival(py, batch.entries[*entry as usize].kinesis as usize)
            }
            Inner::Owned(owned) => Ok(owned.approximate_arrival_timestamp),
        }
    }

    /// The ARN of the stream, or of the enhanced fan-out consumer.
    #[getter]
    fn event_source_arn<'py>(&self, py: Python<'py>) -> Text<'py> {
        self.of_kinesis(py, |it| &it.event_source_arn, |it, py, at| it.event_source_arn(py, at))
    }

    /// The shard, where the event says it.
    #[getter]
    fn shard_id<'py>(&self, py: Python<'py>) -> Text<'py> {
        self.of_kinesis(py, |it| &it.shard_id, |it, py, at| it.shard_id(py, at))
    }

    /// What the answer to Firehose refers to the record by.
    #[getter]
    fn record_id<'py>(&self, py: Python<'py>) -> Text<'py> {
        self.of_kinesis(py, |it| &it.record_id, |it, py, at| it.record_id(py, at))
    }

    /// Whether the record comes out of an aggregate.
    #[getter]
    fn aggregated(&self) -> bool {
        match &self.0 {
            Inner::InBatch { batch, entry } => batch.entries[*entry as usize].aggregated(),
            Inner::Owned(owned) => owned.aggregated,
        }
    }

    /// A name that is the same at each delivery: stream, shard, sequence number, sub-sequence
    /// number, those that are known. Under enhanced fan-out, where another record may have it at
    /// the next delivery, it ends in `?`.
    #[getter]
    fn id(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let Some(number) = self.sequence_number(py)? else { return Ok(None) };
        let mut id = String::new();
        let arn = self.event_source_arn(py)?;
        let mut fan_out = false;
        if let Some(arn) = &arn {
            // Of an enhanced fan-out consumer's ARN the stream's.
            let arn = arn.to_cow()?;
            let (stream, consumer) = arn.split_once("/consumer/").unwrap_or((&arn, ""));
            fan_out = !consumer.is_empty();
            id.push_str(stream);
            id.push('/');
        }
        if let Some(shard) = self.shard_id(py)? {
            id.push_str(&shard.to_cow()?);
            id.push('/');
        }
        let place = match &self.0 {
            Inner::InBatch { batch, entry } if arn.is_some() => {
                batch.place_in_group(py, *entry as usize)
            }
            // Of a copy the place is not known.
            _ => fan_out.then_some(0),
        };
        Ok(Some(match place {
            Some(place) => format!("{id}{number}:{place}?"),
            None => format!("{id}{number}:{}", self.sub_sequence_number()),
        }))
    }

    /// Which Kinesis record of the event holds it, from 0; `None` if it is in none.
    #[getter]
    fn kinesis_index(&self) -> Option<u32> {
        match &self.0 {
            Inner::InBatch { batch, entry } => Some(batch.entries[*entry as usize].kinesis),
            Inner::Owned(_) => None,
        }
    }

    /// What is wrong with the Kinesis record, if it was read with `errors="keep"` and is faulty.
    #[getter]
    fn error(&self, py: Python<'_>) -> Option<PyErr> {
        let Inner::InBatch { batch, entry } = &self.0 else { return None };
        let kinesis = batch.entries[*entry as usize].kinesis;
        let fault = batch.faults.get(&kinesis)?.clone();
        Some(fault.into_py(py, &batch.source, kinesis as usize))
    }

    /// The payload read as JSON.
    fn json(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let data = self.data(py)?;
        let value = LOADS.import(py, "json", "loads")?.call1((data,));
        value.map(Bound::unbind).inspect_err(|error| {
            // A handler that lets it through finds its record poison.
            let _ = error.value(py).setattr(intern!(py, "_kinpack_payload"), true);
            // From Python 3.11 on an exception can be told where it happened, and stays what it is.
            if let Some(name) = self.name(py) {
                let _ = error.value(py).call_method1(intern!(py, "add_note"), (name,));
            }
        })
    }

    /// The payload read as Avro, by an `AvroSchema` or an `AvroReader`.
    #[pyo3(signature = (schema, *, framing = None))]
    fn avro<'py>(
        &self,
        schema: &Bound<'py, PyAny>,
        framing: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = schema.py();
        crate::avro::read(py, schema, framing, self.data(py)?.as_bytes(), || self.name(py))
    }

    fn __richcmp__(&self, other: &Self, op: CompareOp, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let equal = || -> PyResult<bool> {
            for (one, other) in self.values(py)?.iter().zip(other.values(py)?) {
                if !one.bind(py).eq(other)? {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        match op {
            CompareOp::Eq => equal()?.into_py_any(py),
            CompareOp::Ne => (!equal()?).into_py_any(py),
            _ => Ok(py.NotImplemented()),
        }
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        PyTuple::new(py, self.values(py)?)?.hash()
    }

    fn __getnewargs_ex__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let values = self.values(py)?;
        let named = PyDict::new(py);
        for (name, value) in NAMES.iter().zip(&values).skip(3) {
            named.set_item(name, value)?;
        }
        Ok((PyTuple::new(py, &values[..3])?, named))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        const MOST: usize = 40;
        let data = match self.data(py) {
            Ok(data) => {
                let bytes = data.as_bytes();
                let part = PyBytes::new(py, &bytes[..bytes.len().min(MOST)]).repr()?;
                match bytes.len() {
                    0..=MOST => part.to_string(),
                    len => format!("{part}… ({len} bytes)"),
                }
            }
            Err(_) => "?".to_owned(),
        };
        let mut text = format!("UserRecord(data={data}");
        for (name, value) in NAMES.iter().zip(self.shown(py)).skip(1) {
            if let Some(value) = value {
                text.push_str(&format!(", {name}={value}"));
            }
        }
        text.push(')');
        Ok(text)
    }
}

impl UserRecord {
    /// What a message calls it; `None` if it is nowhere.
    fn name(&self, py: Python<'_>) -> Option<String> {
        let Inner::InBatch { batch, entry } = &self.0 else {
            return self.id(py).ok().flatten().map(|id| format!("user record {id}"));
        };
        let entry = &batch.entries[*entry as usize];
        let name = batch.source.name(py, entry.kinesis as usize);
        Some(match entry.aggregated() {
            true => format!("{name}: user record {}", entry.sub_sequence_number),
            false => name,
        })
    }

    /// What `repr` shows: the attributes that say something, and a question mark for what is wrong.
    fn shown(&self, py: Python<'_>) -> Vec<Option<String>> {
        let text = |value: Text<'_>| match value {
            Ok(value) => value.map(|it| it.repr().map_or("?".to_owned(), |it| it.to_string())),
            Err(_) => Some("?".to_owned()),
        };
        let aggregated = self.aggregated();
        let number = self.sub_sequence_number();
        vec![
            None,
            text(self.partition_key(py)),
            text(self.explicit_hash_key(py)),
            text(self.sequence_number(py)),
            (aggregated || number > 0).then(|| number.to_string()),
            None,
            None,
            None,
            None,
            aggregated.then(|| "True".to_owned()),
        ]
    }
}

//! Where Kinesis records come from: JSON, or the objects that Lambda and boto3 make of it.

mod dicts;
mod metadata;

use kinpack_events::Document;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyMapping, PyString, PyTuple};

use crate::error::{EventError, Fault};
use crate::text;
use dicts::Dicts;

/// Kinesis records. Their data can be had without the interpreter.
pub(crate) enum Source {
    Document(Box<Document>),
    Dicts(Dicts),
}

impl Source {
    /// Reads whatever an event, a response or their records may be.
    pub(crate) fn read(event: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(event) = event.cast::<PyDict>() {
            return Self::from_dict(event);
        }
        if let Ok(list) = event.cast::<PyList>() {
            return Dicts::read(list.py(), list.len(), list.iter()).map(Self::Dicts);
        }
        if let Some(json) = text::bytes_or_text(event)? {
            return Self::from_json(event.py(), &json);
        }
        if event.cast::<PyMapping>().is_ok() {
            let dict = event.py().get_type::<PyDict>().call1((event,))?;
            return Self::from_dict(dict.cast::<PyDict>()?);
        }
        Self::from_iterable(event)
    }

    fn from_iterable(records: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = records.py();
        if let Ok(tuple) = records.cast::<PyTuple>() {
            return Dicts::read(py, tuple.len(), tuple.iter()).map(Self::Dicts);
        }
        let Ok(iterator) = records.try_iter() else {
            return Err(EventError::new_err(format!(
                "an event is a dict, JSON as bytes or str, or records, not {}",
                records.get_type()
            )));
        };
        let list: Vec<_> = iterator.collect::<PyResult<_>>()?;
        Dicts::read(py, list.len(), list.into_iter()).map(Self::Dicts)
    }

    fn from_json(py: Python<'_>, json: &[u8]) -> PyResult<Self> {
        /// Below this many bytes giving the interpreter away takes longer than reading.
        const SMALL: usize = 4096;
        // Borrowed text is decoded into a buffer of its own, which costs less than a copy of all.
        let read = || match Document::parse_prefix(None, json) {
            Ok((document, taken)) if json[taken..].trim_ascii().is_empty() => Ok(document),
            _ => Document::parse(json.to_vec()),
        };
        let read = if json.len() < SMALL { read() } else { py.detach(read) };
        let document = read.map_err(|error| EventError::new_err(error.to_string()))?;
        Ok(Self::Document(Box::new(document)))
    }

    fn from_dict(event: &Bound<'_, PyDict>) -> PyResult<Self> {
        let py = event.py();
        for name in [pyo3::intern!(py, "Records"), pyo3::intern!(py, "records")] {
            if let Some(records) = event.get_item(name)? {
                return Self::from_records(name, &records);
            }
        }
        if let Some(inner) = event.get_item("SubscribeToShardEvent")? {
            let Ok(inner) = inner.cast::<PyDict>() else {
                return Err(EventError::new_err("SubscribeToShardEvent is not a dict"));
            };
            return Self::from_dict(inner);
        }
        if !dicts::is_record(event)? {
            return Err(EventError::new_err(format!(
                "no event of Kinesis and no record: a dict with {}",
                members(event)?
            )));
        }
        Dicts::read(py, 1, std::iter::once(event.clone().into_any())).map(Self::Dicts)
    }

    fn from_records(name: &Bound<'_, PyString>, records: &Bound<'_, PyAny>) -> PyResult<Self> {
        match records.cast::<PyList>() {
            Ok(list) => Dicts::read(list.py(), list.len(), list.iter()).map(Self::Dicts),
            Err(_) if records.cast::<PyTuple>().is_ok() => Self::from_iterable(records),
            Err(_) => Err(EventError::new_err(format!(
                "{name} is not a list of records but {}",
                records.get_type()
            ))),
        }
    }

    /// The objects that may refer to whoever holds these.
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Document(_) => Ok(()),
            Self::Dicts(dicts) => dicts.records.iter().try_for_each(|it| visit.call(&it.record)),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Document(document) => document.len(),
            Self::Dicts(dicts) => dicts.len(),
        }
    }

    /// The data of a Kinesis record.
    #[inline]
    pub(crate) fn data(&self, index: usize) -> Result<&[u8], Fault> {
        match self {
            Self::Document(document) => match document.record(index) {
                Some(record) => record.data.map_err(|bad| Fault::new(bad.to_string())),
                None => Err(Fault::new("there is no such record")),
            },
            Self::Dicts(dicts) => dicts.data(index),
        }
    }

    /// A Python object that holds the data of a Kinesis record, and where in it that begins. What
    /// JSON was read from is none, so there the data is copied.
    pub(crate) fn object<'py>(
        &self,
        py: Python<'py>,
        index: usize,
    ) -> Result<(Bound<'py, PyAny>, usize), Fault> {
        match self {
            Self::Document(_) => Ok((PyBytes::new(py, self.data(index)?).into_any(), 0)),
            Self::Dicts(dicts) => dicts.object(py, index),
        }
    }

    /// Whether reading takes less time than giving the interpreter away.
    pub(crate) fn is_small(&self) -> bool {
        const SMALL: usize = 4096;
        const FEW: usize = 16;
        self.len() < FEW
            && (0..self.len()).filter_map(|i| self.data(i).ok()).map(<[u8]>::len).sum::<usize>()
                < SMALL
    }

    /// What Firehose says of a user record that it has taken out of an aggregate itself.
    pub(crate) fn sub_sequence_number(&self, index: usize) -> u32 {
        match self {
            Self::Document(document) => {
                let number = document.record(index).and_then(|it| it.sub_sequence_number);
                number.map_or(0, |number| number as u32)
            }
            Self::Dicts(dicts) => dicts.sub_sequence_number(index),
        }
    }
}

/// The members of a dict in a message.
fn members(dict: &Bound<'_, PyDict>) -> PyResult<String> {
    const MOST: usize = 6;
    if dict.is_empty() {
        return Ok("nothing in it".to_owned());
    }
    let names: Vec<String> = dict
        .keys()
        .iter()
        .take(MOST)
        .map(|key| key.repr().map(|it| it.to_string()))
        .collect::<PyResult<_>>()?;
    let more = if dict.len() > MOST { ", …" } else { "" };
    Ok(format!("{}{more}", names.join(", ")))
}

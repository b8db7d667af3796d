//! Records as dicts. Their data is decoded at once, everything else is looked up when somebody
//! asks for it.

use base64_turbo::STANDARD;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyString};

use super::metadata;
use crate::error::{EventError, Fault};
use crate::text;

/// How a record's members are called and where they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `{"kinesis": {"data": base64, "partitionKey": …}, "eventID": …}`
    Lambda,
    /// `{"Data": bytes, "PartitionKey": …}`
    Api,
    /// `{"recordId": …, "data": base64, "kinesisRecordMetadata": {"partitionKey": …}}`
    Firehose,
    /// `{"data": base64, "partitionKey": …}`: what stands within `kinesis`.
    Bare,
}

pub(crate) struct Dicts {
    pub(super) records: Vec<Found>,
    /// All data that was base64, one after another; a Python object, so that views of it can be
    /// handed out.
    decoded: Option<PyBackedBytes>,
    /// Data that was bytes already.
    given: Vec<PyBackedBytes>,
    faults: Vec<Fault>,
}

pub(super) struct Found {
    pub(super) record: Py<PyDict>,
    pub(super) shape: Shape,
    sub_sequence_number: u32,
    place: Place,
}

#[derive(Clone, Copy)]
enum Place {
    /// In `decoded`.
    Decoded { start: usize, len: usize },
    /// A position in `given`.
    Given(u32),
    /// A position in `faults`.
    Faulty(u32),
}

impl Dicts {
    pub(super) fn read<'py>(
        py: Python<'py>,
        len: usize,
        records: impl Iterator<Item = Bound<'py, PyAny>>,
    ) -> PyResult<Self> {
        let mut reader = Reader {
            dicts: Dicts {
                records: Vec::with_capacity(len),
                decoded: None,
                given: Vec::new(),
                faults: Vec::new(),
            },
            texts: Vec::with_capacity(len),
        };
        for record in records {
            reader.record(&record)?;
        }
        reader.finish(py)
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn sub_sequence_number(&self, index: usize) -> u32 {
        self.records[index].sub_sequence_number
    }

    #[inline]
    pub(super) fn data(&self, index: usize) -> Result<&[u8], Fault> {
        match self.records[index].place {
            Place::Decoded { start, len } => Ok(self
                .decoded
                .as_ref()
                .and_then(|decoded| decoded.get(start..start + len))
                .unwrap_or_default()),
            Place::Given(at) => Ok(&self.given[at as usize]),
            Place::Faulty(at) => Err(self.faults[at as usize].clone()),
        }
    }
}

impl Dicts {
    /// See [`Source::object`](super::Source::object).
    pub(super) fn object<'py>(
        &self,
        py: Python<'py>,
        index: usize,
    ) -> Result<(Bound<'py, PyAny>, usize), Fault> {
        let (holder, start) = match self.records[index].place {
            Place::Decoded { start, .. } => (self.decoded.as_ref(), start),
            Place::Given(at) => (self.given.get(at as usize), 0),
            Place::Faulty(at) => return Err(self.faults[at as usize].clone()),
        };
        let object = match holder {
            // Gives the very object that holds the bytes.
            Some(holder) => holder.into_pyobject(py).map(Bound::into_any),
            None => Ok(PyBytes::new(py, &[]).into_any()),
        };
        object.map(|object| (object, start)).map_err(|_| Fault::new("the data cannot be viewed"))
    }
}

/// The data of a record in a dict, and which shape tells so.
fn find<'py>(record: &Bound<'py, PyDict>) -> PyResult<Option<(Shape, Option<Bound<'py, PyAny>>)>> {
    let py = record.py();
    if let Some(inner) = record.get_item(intern!(py, "kinesis"))? {
        let data = match inner.cast::<PyDict>() {
            Ok(inner) => inner.get_item(intern!(py, "data"))?,
            Err(_) => None,
        };
        return Ok(Some((Shape::Lambda, data)));
    }
    if let Some(data) = record.get_item(intern!(py, "Data"))? {
        return Ok(Some((Shape::Api, Some(data))));
    }
    if let Some(data) = record.get_item(intern!(py, "data"))? {
        let firehose = record.contains(intern!(py, "recordId"))?;
        return Ok(Some((if firehose { Shape::Firehose } else { Shape::Bare }, Some(data))));
    }
    // Without data, but known by another member.
    for (name, shape) in [
        ("SequenceNumber", Shape::Api),
        ("PartitionKey", Shape::Api),
        ("recordId", Shape::Firehose),
        ("sequenceNumber", Shape::Bare),
        ("partitionKey", Shape::Bare),
    ] {
        if record.contains(name)? {
            return Ok(Some((shape, None)));
        }
    }
    Ok(None)
}

pub(super) fn is_record(dict: &Bound<'_, PyDict>) -> PyResult<bool> {
    Ok(find(dict)?.is_some())
}

struct Reader<'py> {
    dicts: Dicts,
    /// Base64 that is still to be decoded, and whose it is.
    texts: Vec<(usize, Base64<'py>)>,
}

enum Base64<'py> {
    Text(Bound<'py, PyString>),
    Bytes(PyBackedBytes),
}

impl Base64<'_> {
    /// Characters. Where they are base64, as many bytes.
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len().unwrap_or_default(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// `None` if these are none of base64. The limited API of Python 3.9 has copies of text only.
    fn into_bytes(self) -> Option<PyBackedBytes> {
        let len = self.len();
        let bytes = match self {
            // Lone surrogates cannot be encoded.
            Self::Text(text) => text.encode_utf8().ok()?.into(),
            Self::Bytes(bytes) => bytes,
        };
        (bytes.len() == len).then_some(bytes)
    }
}

impl<'py> Reader<'py> {
    fn record(&mut self, record: &Bound<'py, PyAny>) -> PyResult<()> {
        let index = self.dicts.records.len();
        let Ok(dict) = record.cast::<PyDict>() else {
            let class = record.get_type();
            return Err(EventError::new_err(format!("record {index} is not a dict but {class}")));
        };
        let Some((shape, data)) = find(dict)? else {
            return Err(EventError::new_err(format!(
                "record {index} is not a Kinesis record: a dict with {}",
                super::members(dict)?
            )));
        };
        let place = match data.filter(|data| !data.is_none()) {
            None => self.faulty("the record has no data"),
            Some(data) => self.data(index, shape, &data)?,
        };
        let sub_sequence_number = match shape {
            Shape::Firehose => metadata::sub_sequence_number(dict).unwrap_or(0),
            _ => 0,
        };
        let record = dict.clone().unbind();
        self.dicts.records.push(Found { record, shape, sub_sequence_number, place });
        Ok(())
    }

    fn data(&mut self, index: usize, shape: Shape, data: &Bound<'py, PyAny>) -> PyResult<Place> {
        if let Ok(text) = data.cast::<PyString>() {
            self.texts.push((index, Base64::Text(text.clone())));
            return Ok(Place::Decoded { start: 0, len: 0 });
        }
        match text::bytes(data)? {
            // boto3 has decoded it.
            Some(bytes) if shape == Shape::Api => {
                self.dicts.given.push(bytes);
                Ok(Place::Given(self.dicts.given.len() as u32 - 1))
            }
            // What aws-kinesis-agg gives: base64, but as bytes.
            Some(bytes) => {
                self.texts.push((index, Base64::Bytes(bytes)));
                Ok(Place::Decoded { start: 0, len: 0 })
            }
            None => Ok(self.faulty("the data is not a string")),
        }
    }

    fn faulty(&mut self, message: impl Into<String>) -> Place {
        self.dicts.faults.push(Fault::new(message));
        Place::Faulty(self.dicts.faults.len() as u32 - 1)
    }

    /// Decodes all base64 into one object.
    fn finish(mut self, py: Python<'py>) -> PyResult<Dicts> {
        /// Bytes of text that are copied before they are decoded: few enough to be in the cache
        /// still, enough not to ask for the interpreter all the time.
        const TOGETHER: usize = 1 << 20;
        let texts = std::mem::take(&mut self.texts);
        if texts.is_empty() {
            return Ok(self.dicts);
        }
        // The decoder wants room for the padding, too.
        let room: usize = texts.iter().map(|(_, text)| text.len().div_ceil(4) * 3).sum();
        let mut failed = Vec::new();
        let records = &mut self.dicts.records;
        let decoded = PyBytes::new_with(py, room, |out| {
            let mut decoder = Decoder { out, end: 0, records, failed: &mut failed };
            let (mut group, mut size) = (Vec::new(), 0);
            for (index, text) in texts {
                let Some(bytes) = text.into_bytes() else {
                    decoder.failed.push((index, "the data is not base64".to_owned()));
                    continue;
                };
                size += bytes.len();
                group.push((index, bytes));
                if size >= TOGETHER {
                    decoder.decode(py, &group, size);
                    group.clear();
                    size = 0;
                }
            }
            decoder.decode(py, &group, size);
            Ok(())
        })?;
        self.dicts.decoded = Some(decoded.into());
        for (index, message) in failed {
            self.dicts.records[index].place = self.faulty(message);
        }
        Ok(self.dicts)
    }
}

/// Decodes text after text.
struct Decoder<'a> {
    out: &'a mut [u8],
    /// Of what has been written.
    end: usize,
    records: &'a mut [Found],
    /// What is no base64, and why.
    failed: &'a mut Vec<(usize, String)>,
}

impl Decoder<'_> {
    fn decode(&mut self, py: Python<'_>, texts: &[(usize, PyBackedBytes)], size: usize) {
        /// Below this many bytes giving the interpreter away takes longer than decoding.
        const SMALL: usize = 20 << 10;
        let each = |this: &mut Self| texts.iter().for_each(|(index, text)| this.one(*index, text));
        if size < SMALL { each(self) } else { py.detach(|| each(self)) }
    }

    fn one(&mut self, index: usize, text: &[u8]) {
        let len = decoded_len(text);
        let start = self.end;
        match STANDARD.decode_slice(text, &mut self.out[start..][..len + padding(text)]) {
            Ok(written) if written == len => {
                self.records[index].place = Place::Decoded { start, len };
                self.end += len;
            }
            _ => self.failed.push((index, fault(text))),
        }
    }
}

/// What padded base64 comes to if it is right.
fn decoded_len(text: &[u8]) -> usize {
    (text.len().div_ceil(4) * 3).saturating_sub(padding(text))
}

fn fault(text: &[u8]) -> String {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let digits = text.len() - padding(text);
    match text[..digits].iter().position(|byte| !is_digit(byte)) {
        Some(at) => format!("the data is not base64 at its byte {at}"),
        None if !text.len().is_multiple_of(4) => {
            format!("the data is not base64: it breaks off after {} bytes", text.len())
        }
        None => format!("the data is not base64 at its byte {}", digits.saturating_sub(1)),
    }
}

fn padding(text: &[u8]) -> usize {
    text.iter().rev().take(2).take_while(|&&byte| byte == b'=').count()
}

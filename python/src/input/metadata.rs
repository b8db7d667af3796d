//! What a Kinesis record is besides its data, looked up when it is asked for.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyString};

use super::Source;
use super::dicts::{Dicts, Found, Shape};
use crate::error::DecodeError;

type Text<'py> = PyResult<Option<Bound<'py, PyString>>>;

/// Shapes that have members of the event, too; EventBridge Pipes puts them beside the others.
const EVENT: &[Shape] = &[Shape::Lambda, Shape::Bare];

/// What Kinesis itself says of a record, and goes by several names.
#[derive(Clone, Copy)]
enum Member {
    PartitionKey,
    SequenceNumber,
    ExplicitHashKey,
}

impl Member {
    /// Its name in records of a shape, if it is there.
    fn name<'py>(self, py: Python<'py>, shape: Shape) -> Option<&'py Bound<'py, PyString>> {
        Some(match (self, shape) {
            (Self::PartitionKey, Shape::Api) => intern!(py, "PartitionKey"),
            (Self::PartitionKey, _) => intern!(py, "partitionKey"),
            (Self::SequenceNumber, Shape::Api) => intern!(py, "SequenceNumber"),
            (Self::SequenceNumber, _) => intern!(py, "sequenceNumber"),
            (Self::ExplicitHashKey, Shape::Api) => intern!(py, "ExplicitHashKey"),
            (Self::ExplicitHashKey, Shape::Lambda | Shape::Bare) => intern!(py, "explicitHashKey"),
            (Self::ExplicitHashKey, Shape::Firehose) => return None,
        })
    }
}

impl Source {
    /// What a message calls a Kinesis record.
    pub(crate) fn name(&self, py: Python<'_>, index: usize) -> String {
        match self.sequence_number(py, index) {
            Ok(Some(number)) => format!("Kinesis record {index} (sequence number {number})"),
            _ => format!("Kinesis record {index}"),
        }
    }

    pub(crate) fn partition_key<'py>(&self, py: Python<'py>, index: usize) -> Text<'py> {
        match self {
            Self::Document(it) => Ok(text(py, it.record(index).and_then(|it| it.partition_key))),
            Self::Dicts(it) => it.member(py, index, Member::PartitionKey),
        }
    }

    pub(crate) fn sequence_number<'py>(&self, py: Python<'py>, index: usize) -> Text<'py> {
        match self {
            Self::Document(it) => Ok(text(py, it.record(index).and_then(|it| it.sequence_number))),
            Self::Dicts(it) => it.member(py, index, Member::SequenceNumber),
        }
    }

    /// Only what goes into a stream has one: the input of PutRecords.
    pub(crate) fn explicit_hash_key<'py>(&self, py: Python<'py>, index: usize) -> Text<'py> {
        match self {
            Self::Document(it) => {
                Ok(text(py, it.record(index).and_then(|it| it.explicit_hash_key)))
            }
            Self::Dicts(it) => it.member(py, index, Member::ExplicitHashKey),
        }
    }

    pub(crate) fn shard_id<'py>(&self, py: Python<'py>, index: usize) -> Text<'py> {
        match self {
            Self::Document(it) => Ok(text(py, it.record(index).and_then(|it| it.shard_id))),
            Self::Dicts(it) => it.shard_id(py, index),
        }
    }

    pub(crate) fn event_source_arn<'py>(&self, py: Python<'py>, index: usize) -> Text<'py> {
        match self {
            Self::Document(it) => Ok(text(py, it.record(index).and_then(|it| it.event_source_arn))),
            Self::Dicts(it) => it.outer(py, index, EVENT, intern!(py, "eventSourceARN")),
        }
    }

    /// Firehose: what the answer refers to the record by.
    pub(crate) fn record_id<'py>(&self, py: Python<'py>, index: usize) -> Text<'py> {
        match self {
            Self::Document(it) => Ok(text(py, it.record(index).and_then(|it| it.record_id))),
            Self::Dicts(it) => it.outer(py, index, &[Shape::Firehose], intern!(py, "recordId")),
        }
    }

    pub(crate) fn arrival(&self, py: Python<'_>, index: usize) -> PyResult<Option<f64>> {
        match self {
            Self::Document(it) => {
                Ok(it.record(index).and_then(|it| it.approximate_arrival_timestamp))
            }
            Self::Dicts(it) => it.arrival(py, index),
        }
    }
}

fn text<'py>(py: Python<'py>, text: Option<&str>) -> Option<Bound<'py, PyString>> {
    text.map(|text| PyString::new(py, text))
}

impl Dicts {
    fn found(&self, index: usize) -> &Found {
        &self.records[index]
    }

    /// The dict with the members of Kinesis itself.
    fn inner<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Found { record, shape, .. } = self.found(index);
        let record = record.bind(py);
        let inner = match shape {
            Shape::Lambda => record.get_item(intern!(py, "kinesis"))?,
            Shape::Api | Shape::Bare => return Ok(Some(record.clone())),
            // The second one is that of Kinesis Data Analytics.
            Shape::Firehose => match record.get_item(intern!(py, "kinesisRecordMetadata"))? {
                Some(metadata) => Some(metadata),
                None => record.get_item(intern!(py, "kinesisStreamRecordMetadata"))?,
            },
        };
        Ok(inner.and_then(|inner| inner.cast_into::<PyDict>().ok()))
    }

    fn member<'py>(&self, py: Python<'py>, index: usize, member: Member) -> Text<'py> {
        let name = member.name(py, self.found(index).shape);
        match (name, self.inner(py, index)?) {
            (Some(name), Some(inner)) => string(index, name, inner.get_item(name)?),
            _ => Ok(None),
        }
    }

    /// A member of the record itself, in these shapes only.
    fn outer<'py>(
        &self,
        py: Python<'py>,
        index: usize,
        shapes: &[Shape],
        name: &Bound<'py, PyString>,
    ) -> Text<'py> {
        let found = self.found(index);
        if !shapes.contains(&found.shape) {
            return Ok(None);
        }
        // Nothing of Kinesis, so what is no string is as good as absent, as in JSON.
        let value = found.record.bind(py).get_item(name)?;
        Ok(value.and_then(|value| value.cast_into::<PyString>().ok()))
    }

    fn shard_id<'py>(&self, py: Python<'py>, index: usize) -> Text<'py> {
        match self.found(index).shape {
            // `shardId-000000000006:<sequence number>`
            Shape::Lambda | Shape::Bare => {
                let id = self.outer(py, index, EVENT, intern!(py, "eventID"))?;
                let Some(id) = id else { return Ok(None) };
                let id = id.to_cow()?;
                Ok(id.split_once(':').map(|(shard, _)| PyString::new(py, shard)))
            }
            Shape::Firehose => match self.inner(py, index)? {
                Some(inner) => {
                    string(index, intern!(py, "shardId"), inner.get_item(intern!(py, "shardId"))?)
                }
                None => Ok(None),
            },
            Shape::Api => Ok(None),
        }
    }

    fn arrival(&self, py: Python<'_>, index: usize) -> PyResult<Option<f64>> {
        let found = self.found(index);
        let (holder, name, unit) = match found.shape {
            Shape::Lambda => (self.inner(py, index)?, "approximateArrivalTimestamp", 1.0),
            Shape::Api => (self.inner(py, index)?, "ApproximateArrivalTimestamp", 1.0),
            Shape::Bare => (self.inner(py, index)?, "approximateArrivalTimestamp", 1.0),
            Shape::Firehose => {
                let record = found.record.bind(py).clone();
                (Some(record), "approximateArrivalTimestamp", 1000.0)
            }
        };
        let value = match holder {
            Some(holder) => holder.get_item(name)?,
            None => None,
        };
        Ok(value.and_then(|value| seconds(&value)).map(|seconds| seconds / unit))
    }
}

/// A number, or a moment. What is neither is no time, as in JSON.
fn seconds(value: &Bound<'_, PyAny>) -> Option<f64> {
    if value.cast::<PyBool>().is_ok() {
        return None;
    }
    if value.cast::<PyFloat>().is_ok() || value.cast::<PyInt>().is_ok() {
        return value.extract().ok();
    }
    // The AWS CLI prints ISO 8601, boto3 makes a datetime.
    let Ok(text) = value.cast::<PyString>() else {
        return value.call_method0("timestamp").ok()?.extract().ok();
    };
    let text = text.to_cow().ok()?;
    // Before 3.11 Python does not know this name of UTC.
    let text = text.strip_suffix('Z').map_or(text.to_string(), |text| format!("{text}+00:00"));
    let datetime = value.py().import("datetime").ok()?.getattr("datetime").ok()?;
    let moment = datetime.call_method1("fromisoformat", (text,)).ok()?;
    // Without an offset it may be of anywhere.
    if moment.getattr("tzinfo").ok()?.is_none() {
        return None;
    }
    moment.call_method0("timestamp").ok()?.extract().ok()
}

/// What Firehose says of a user record that it has taken out of an aggregate itself.
pub(super) fn sub_sequence_number(record: &Bound<'_, PyDict>) -> Option<u32> {
    let inner = record.get_item(intern!(record.py(), "kinesisRecordMetadata")).ok()??;
    let number = inner.cast::<PyDict>().ok()?.get_item("subsequenceNumber").ok()??;
    // Firehose writes it as text.
    number.str().ok()?.to_cow().ok()?.parse().ok()
}

/// A member that is a string, null or absent.
fn string<'py>(
    index: usize,
    name: &Bound<'py, PyString>,
    value: Option<Bound<'py, PyAny>>,
) -> Text<'py> {
    let Some(value) = value.filter(|value| !value.is_none()) else { return Ok(None) };
    value.cast_into::<PyString>().map(Some).map_err(|_| {
        let message = format!("Kinesis record {index}: {name} is not a string");
        DecodeError::new_err((message, index))
    })
}

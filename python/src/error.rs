//! What is wrong, as the exceptions of `kinpack._errors`.

use pyo3::import_exception;
use pyo3::prelude::*;

use crate::input::Source;

import_exception!(kinpack._errors, AvroError);
import_exception!(kinpack._errors, CompressionError);
import_exception!(kinpack._errors, DecodeError);
import_exception!(kinpack._errors, EncodeError);
import_exception!(kinpack._errors, EventError);
import_exception!(kinpack._errors, SchemaStoreError);

/// What is wrong with one Kinesis record.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) message: String,
    /// Where in the record's data.
    pub(crate) offset: Option<usize>,
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), offset: None }
    }

    /// The exception, which names the record.
    pub(crate) fn into_py(self, py: Python<'_>, source: &Source, index: usize) -> PyErr {
        let number = source.sequence_number(py, index).ok().flatten().map(|it| it.to_string());
        let name = source.name(py, index);
        DecodeError::new_err((format!("{name}: {}", self.message), index, number, self.offset))
    }
}

impl From<kinpack_payload::CompressionError> for Fault {
    fn from(error: kinpack_payload::CompressionError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<kinpack::DecodeError> for Fault {
    fn from(error: kinpack::DecodeError) -> Self {
        Self { message: error.to_string(), offset: Some(error.offset) }
    }
}

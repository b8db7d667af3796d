//! Bytes and text as Python programs have them.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PyString};

/// The bytes of `bytes` as they are, of `bytearray` and `memoryview` copied; `None` for anything
/// else. (The limited API of Python 3.9 and 3.10 has no buffers.)
pub(crate) fn bytes(value: &Bound<'_, PyAny>) -> PyResult<Option<PyBackedBytes>> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(Some(bytes.clone().into()));
    }
    if let Ok(array) = value.cast::<PyByteArray>() {
        return Ok(Some(array.clone().into()));
    }
    if value.cast::<PyMemoryView>().is_ok() {
        let bytes = value.py().get_type::<PyBytes>().call1((value,))?;
        return Ok(Some(bytes.cast_into::<PyBytes>()?.into()));
    }
    Ok(None)
}

/// [`bytes`], and text as UTF-8.
pub(crate) fn bytes_or_text(value: &Bound<'_, PyAny>) -> PyResult<Option<PyBackedBytes>> {
    match value.cast::<PyString>() {
        Ok(text) => Ok(Some(text.encode_utf8()?.into())),
        Err(_) => bytes(value),
    }
}

/// What a program handed over as data.
pub(crate) fn data(value: &Bound<'_, PyAny>) -> PyResult<PyBackedBytes> {
    bytes_or_text(value)?.ok_or_else(|| {
        let class = value.get_type();
        let message = format!("data is bytes, bytearray, memoryview or str, not {class}");
        PyTypeError::new_err(message)
    })
}

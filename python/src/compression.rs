//! Compression, as `kinpack-payload` has it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kinpack_payload::{Codec, Compression, CompressionError, whole_aggregate};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::CompressionError as Raised;
use crate::text;

fn raised(error: CompressionError) -> PyErr {
    Raised::new_err(error.to_string())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Compresses messages, each by itself.
///
/// `compression` is a codec and maybe a level: `gzip`, `zlib`, `deflate`, `zstd`, `zstd:3`. Zstd takes
/// a `Dictionary`. It is made once and used for many messages, by any thread.
///
/// >>> small = kinpack.Compressor("zstd:3").compress("hello " * 100)
/// >>> len(small) < 30
/// True
/// >>> kinpack.Decompressor().decompress(small) == b"hello " * 100
/// True
#[pyclass(frozen, module = "kinpack")]
pub(crate) struct Compressor(Mutex<kinpack_payload::Compressor>);

#[pymethods]
impl Compressor {
    #[new]
    #[pyo3(signature = (compression = "zstd", *, dictionary = None))]
    fn new(compression: &str, dictionary: Option<&Bound<'_, Dictionary>>) -> PyResult<Self> {
        let compression: Compression = compression
            .parse()
            .map_err(|error| PyValueError::new_err(format!("compression: {error}")))?;
        let compressor = match dictionary {
            Some(it) => kinpack_payload::Compressor::with_dictionary(compression, &it.get().0),
            None => kinpack_payload::Compressor::new(compression),
        };
        Ok(Self(Mutex::new(compressor.map_err(raised)?)))
    }

    /// Compresses a message.
    fn compress<'py>(
        &self,
        py: Python<'py>,
        data: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let data = text::data(data)?;
        let small = py.detach(|| lock(&self.0).compress(&data)).map_err(raised)?;
        Ok(PyBytes::new(py, &small))
    }

    /// Compresses a whole aggregate. Readers other than kinpack do not find its user records.
    fn compress_for_kinpack_readers_only<'py>(
        &self,
        py: Python<'py>,
        aggregate: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let aggregate = text::data(aggregate)?;
        let mut small = Vec::new();
        let done = py.detach(|| {
            let compressor = &mut lock(&self.0);
            whole_aggregate::compress_for_kinpack_readers_only(&aggregate, compressor, &mut small)
        });
        done.map_err(raised)?;
        Ok(PyBytes::new(py, &small))
    }

    fn __repr__(&self) -> String {
        format!("<kinpack.Compressor: {}>", lock(&self.0).compression())
    }
}

/// Decompresses messages, under a limit.
///
/// `limit` is in bytes. For gzip, zlib and zstd it finds out by itself how a message is compressed,
/// and takes what is not as it is.
///
/// >>> decompressor = kinpack.Decompressor(limit=100)
/// >>> decompressor.decompress(b"as it is")
/// b'as it is'
/// >>> decompressor.decompress(kinpack.Compressor("gzip").compress("hello " * 100))
/// Traceback (most recent call last):
///   ...
/// kinpack._errors.CompressionError: gzip data of more than 100 bytes, which is the limit
#[pyclass(frozen, module = "kinpack")]
pub(crate) struct Decompressor(pub(crate) Arc<Mutex<kinpack_payload::Decompressor>>);

#[pymethods]
impl Decompressor {
    #[new]
    #[pyo3(signature = (*, limit = 67_108_864,
        dictionaries = None))]
    fn new(limit: usize, dictionaries: Option<Vec<Py<Dictionary>>>) -> Self {
        let dictionaries = dictionaries.unwrap_or_default();
        let dictionaries = dictionaries.into_iter().map(|it| it.get().0.clone()).collect();
        let decompressor =
            kinpack_payload::Decompressor::new().with_limit(limit).with_dictionaries(dictionaries);
        Self(Arc::new(Mutex::new(decompressor)))
    }

    /// Decompresses a message of this codec; without one, a message that begins as compressed
    /// ones do, and any other comes back as it is.
    #[pyo3(signature = (data, codec = None))]
    fn decompress<'py>(
        &self,
        py: Python<'py>,
        data: &Bound<'py, PyAny>,
        codec: Option<&str>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let data = text::data(data)?;
        let codec: Option<Codec> = codec.map(str::parse).transpose().map_err(
            |error: kinpack_payload::ParseCompressionError| {
                PyValueError::new_err(format!("codec: {error}"))
            },
        )?;
        let mut out = Vec::new();
        let compressed = py.detach(|| {
            let mut decompressor = lock(&self.0);
            match codec {
                Some(codec) => decompressor.decompress_into(codec, &data, &mut out).map(|()| true),
                None => decompressor.decompress_detected(&data, &mut out).map(|it| it.is_some()),
            }
        });
        Ok(PyBytes::new(py, if compressed.map_err(raised)? { &out } else { &data }))
    }

    /// The most bytes that a message may decompress to.
    #[getter]
    fn limit(&self) -> usize {
        lock(&self.0).limit()
    }
}

/// A trained zstd dictionary.
///
/// Short messages of one kind take far fewer bytes with one. Whoever reads them needs it.
///
/// >>> samples = [f'{{"device": "device-{number}", "t": {number / 10}}}' for number in range(1000)]
/// >>> dictionary = kinpack.Dictionary.train(samples, size=1024)
/// >>> small = kinpack.Compressor("zstd", dictionary=dictionary).compress(samples[500])
/// >>> len(small) < len(samples[500])
/// True
/// >>> kinpack.Decompressor(dictionaries=[dictionary]).decompress(small).decode() == samples[500]
/// True
#[pyclass(frozen, module = "kinpack")]
pub(crate) struct Dictionary(kinpack_payload::Dictionary);

#[pymethods]
impl Dictionary {
    #[new]
    fn new(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        let data = text::data(data)?.to_vec();
        kinpack_payload::Dictionary::from_bytes(data).map(Self).map_err(raised)
    }

    /// Trains a dictionary of at most `size` bytes.
    #[staticmethod]
    #[pyo3(signature = (samples, size = 16_384))]
    fn train(samples: &Bound<'_, PyAny>, size: usize) -> PyResult<Self> {
        let py = samples.py();
        let samples =
            samples.try_iter()?.map(|sample| text::data(&sample?)).collect::<PyResult<Vec<_>>>()?;
        let trained = py.detach(|| kinpack_payload::Dictionary::train(&samples, size));
        trained.map(Self).map_err(raised)
    }

    /// What frames name it by.
    #[getter]
    fn id(&self) -> u32 {
        self.0.id()
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.as_bytes())
    }

    fn __repr__(&self) -> String {
        format!("<kinpack.Dictionary: id {}, {} bytes>", self.0.id(), self.0.as_bytes().len())
    }
}

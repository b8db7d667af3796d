//! Avro, as `kinpack-payload` has it.

mod item;
mod store;

use std::sync::{Arc, OnceLock};

use kinpack_payload::avro::{self, AvroWriter, Framing, SchemaId};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{IntoPyDict, PyBytes, PyDict, PyInt, PyList, PyString};

use crate::error::{AvroError, SchemaStoreError};
use crate::options::one_of;
use crate::text;
use item::Item;
pub(crate) use store::SchemaStore;
use store::Store;

fn raised(error: avro::AvroError) -> PyErr {
    match error {
        avro::AvroError::Store { .. } => SchemaStoreError::new_err(error.to_string()),
        _ => AvroError::new_err(error.to_string()),
    }
}

/// An Avro schema, parsed once.
///
/// Of JSON as text, or of what `json.loads` makes of it. `references` are schemas that it names.
///
/// >>> schema = kinpack.AvroSchema({"type": "record", "name": "Click", "fields": [
/// ...     {"name": "user", "type": "string"}, {"name": "n", "type": "int"}]})
/// >>> message = schema.encode({"user": "ada", "n": 3})
/// >>> kinpack.UserRecord(message).avro(schema)
/// {'user': 'ada', 'n': 3}
#[pyclass(frozen, module = "kinpack")]
pub(crate) struct AvroSchema {
    schema: Arc<avro::AvroSchema>,
    /// Reads what was written with it.
    reader: OnceLock<avro::AvroReader<Store>>,
}

/// The text of a schema that is given as text, or as what `json.loads` makes of it.
fn schema_text(schema: &Bound<'_, PyAny>) -> PyResult<String> {
    static DUMPS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    if let Some(text) = text::bytes_or_text(schema)? {
        return match std::str::from_utf8(&text) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(AvroError::new_err("the schema is not UTF-8")),
        };
    }
    if schema.cast::<PyDict>().is_err() && schema.cast::<PyList>().is_err() {
        return Err(PyTypeError::new_err(format!(
            "a schema is JSON as str or bytes, a dict, a list or an AvroSchema, not {}",
            schema.get_type()
        )));
    }
    DUMPS.import(schema.py(), "json", "dumps")?.call1((schema,))?.extract()
}

impl AvroSchema {
    fn reader(&self) -> &avro::AvroReader<Store> {
        self.reader.get_or_init(|| {
            avro::AvroReader::new(Store::Fixed(Arc::clone(&self.schema)))
                .with_reader_schema(Arc::clone(&self.schema))
        })
    }

    /// A schema in whichever form it was given.
    fn of(schema: &Bound<'_, PyAny>) -> PyResult<Arc<avro::AvroSchema>> {
        match schema.cast::<Self>() {
            Ok(schema) => Ok(Arc::clone(&schema.get().schema)),
            Err(_) => {
                let text = schema_text(schema)?;
                avro::AvroSchema::parse(&text).map(Arc::new).map_err(raised)
            }
        }
    }
}

#[pymethods]
impl AvroSchema {
    #[new]
    #[pyo3(signature = (schema, *, references = None))]
    fn new(schema: &Bound<'_, PyAny>, references: Option<Vec<Bound<'_, PyAny>>>) -> PyResult<Self> {
        let text = schema_text(schema)?;
        let references: Vec<String> =
            references.unwrap_or_default().iter().map(schema_text).collect::<PyResult<_>>()?;
        let references: Vec<&str> = references.iter().map(String::as_str).collect();
        let schema = avro::AvroSchema::parse_with_references(&text, &references);
        Ok(Self { schema: Arc::new(schema.map_err(raised)?), reader: OnceLock::new() })
    }

    /// The parsing canonical form.
    #[getter]
    fn canonical_form(&self) -> String {
        self.schema.canonical_form()
    }

    /// The CRC-64-AVRO fingerprint of the canonical form.
    #[getter]
    fn fingerprint(&self) -> u64 {
        match self.schema.fingerprint() {
            SchemaId::Fingerprint(fingerprint) => fingerprint,
            _ => 0,
        }
    }

    /// Writes a value, as `json.dumps` takes it, as a message. Bytes are text of U+0000 to U+00FF
    /// there, decimals text.
    #[pyo3(signature = (value, *, framing = "single-object", id = None))]
    fn encode<'py>(
        &self,
        py: Python<'py>,
        value: &Bound<'py, PyAny>,
        framing: &str,
        id: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        static DUMPS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let options = [("allow_nan", false)].into_py_dict(py)?;
        let json: String = DUMPS
            .import(py, "json", "dumps")?
            .call((value,), Some(&options))
            .map_err(|error| no_json(py, &error))?
            .extract()?;
        let json: serde_json::Value = serde_json::from_str(&json)
            .map_err(|error| AvroError::new_err(format!("no JSON value: {error}")))?;
        let id = id.as_ref().map(store::schema_id).transpose()?;
        let mut writer = match (one_of("framing", framing, &FRAMINGS)?, id) {
            (Framing::SingleObject, None) => AvroWriter::single_object(&self.schema),
            (Framing::Datum, None) => AvroWriter::datum(&self.schema),
            (Framing::Confluent, Some(SchemaId::Confluent(id))) => {
                AvroWriter::confluent(&self.schema, id)
            }
            (Framing::Glue, Some(SchemaId::Glue(id))) => AvroWriter::glue(&self.schema, id),
            (Framing::Container, _) => {
                return Err(PyValueError::new_err("a message is no container file"));
            }
            (framing, _) => {
                let message = "id is the schema id of Confluent (an int) or Glue (a UUID), and \
                               of these only";
                return Err(PyValueError::new_err(format!("{framing}: {message}")));
            }
        };
        let mut out = Vec::new();
        py.detach(|| writer.write_json(&json, &mut out)).map_err(raised)?;
        Ok(PyBytes::new(py, &out))
    }

    fn __repr__(&self) -> String {
        format!("AvroSchema({:?})", self.schema.canonical_form())
    }
}

/// What `json.dumps` says of values that are none, and how they are written.
fn no_json(py: Python<'_>, error: &PyErr) -> PyErr {
    let message = format!(
        "no JSON value: {}. Bytes are written as text of U+0000 to U+00FF, decimals as text, and \
         numbers that are not finite as \"NaN\", \"Infinity\" and \"-Infinity\"",
        error.value(py)
    );
    AvroError::new_err(message)
}

const FRAMINGS: [(&str, Framing); 5] = [
    ("single-object", Framing::SingleObject),
    ("confluent", Framing::Confluent),
    ("glue", Framing::Glue),
    ("container", Framing::Container),
    ("datum", Framing::Datum),
];

/// Reads messages whose schemas a store knows.
///
/// `store` is a `SchemaStore`, an `AvroSchema`, or a function of an id that gives a schema or `None`;
/// it is asked once for each id. `schema` is the reader's, which values are resolved to. `framing`:
/// `single-object`, `container`, `confluent`, `glue` or `datum`; the first two are found without it.
/// `limit`: the most bytes that values may take.
///
/// >>> schema = kinpack.AvroSchema('"string"')
/// >>> reader = kinpack.AvroReader({7: schema}.get, framing="confluent")
/// >>> reader.read(schema.encode("hello", framing="confluent", id=7))
/// 'hello'
#[pyclass(frozen, module = "kinpack")]
pub(crate) struct AvroReader {
    reader: avro::AvroReader<Store>,
    framing: Option<Framing>,
}

#[pymethods]
impl AvroReader {
    #[new]
    #[pyo3(signature = (store, *, schema = None, framing = None, limit = 67_108_864))]
    fn new(
        store: &Bound<'_, PyAny>,
        schema: Option<Bound<'_, PyAny>>,
        framing: Option<&str>,
        limit: usize,
    ) -> PyResult<Self> {
        let mut reader = avro::AvroReader::new(store::read(store)?);
        if let Some(schema) = schema {
            reader = reader.with_reader_schema(AvroSchema::of(&schema)?);
        }
        let framing = framing.map(|framing| one_of("framing", framing, &FRAMINGS)).transpose()?;
        Ok(Self { reader: reader.with_limit(limit), framing })
    }

    /// The value of a message; of a container file, the list of its values.
    fn read<'py>(&self, py: Python<'py>, data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        read_with(py, &self.reader, self.framing, &text::data(data)?)
    }
}

fn read_with<'py>(
    py: Python<'py>,
    reader: &avro::AvroReader<Store>,
    framing: Option<Framing>,
    data: &[u8],
) -> PyResult<Bound<'py, PyAny>> {
    let read = || -> Result<Option<Item>, avro::AvroError> {
        let opened = match framing {
            Some(framing) => Some(reader.open_as(framing, data)?),
            None => reader.open(data)?,
        };
        let Some(mut opened) = opened else { return Ok(None) };
        let container = opened.is_container();
        let mut items = Vec::new();
        while let Some(datum) = opened.next()? {
            items.push(datum.read::<Item>()?);
        }
        Ok(if container { Some(Item::List(items)) } else { items.pop() })
    };
    match py.detach(read).map_err(raised)? {
        Some(item) => item.into_object(py),
        None => Err(AvroError::new_err(
            "the message begins neither as an Avro single object nor as a container file; \
             say its framing: \"confluent\", \"glue\" or \"datum\"",
        )),
    }
}

/// Reads a message by a schema or a reader, as `UserRecord.avro` is given one. An error begins with
/// the message's name.
pub(crate) fn read<'py>(
    py: Python<'py>,
    schema: &Bound<'py, PyAny>,
    framing: Option<&str>,
    data: &[u8],
    name: impl FnOnce() -> Option<String>,
) -> PyResult<Bound<'py, PyAny>> {
    let framing = framing.map(|framing| one_of("framing", framing, &FRAMINGS)).transpose()?;
    let value = if let Ok(reader) = schema.cast::<AvroReader>() {
        let reader = reader.get();
        read_with(py, &reader.reader, framing.or(reader.framing), data)
    } else if let Ok(schema) = schema.cast::<AvroSchema>() {
        read_with(py, schema.get().reader(), framing, data)
    } else {
        let schema = AvroSchema { schema: AvroSchema::of(schema)?, reader: OnceLock::new() };
        read_with(py, schema.reader(), framing, data)
    };
    value.map_err(|error| match name() {
        Some(name) if error.is_instance_of::<SchemaStoreError>(py) => {
            SchemaStoreError::new_err(format!("{name}: {}", error.value(py)))
        }
        Some(name) if error.is_instance_of::<AvroError>(py) => {
            AvroError::new_err(format!("{name}: {}", error.value(py)))
        }
        _ => error,
    })
}

/// Whether a value is what a Confluent registry numbers schemas by.
fn is_number(id: &Bound<'_, PyAny>) -> bool {
    id.cast::<PyInt>().is_ok() && id.cast::<PyString>().is_err()
}

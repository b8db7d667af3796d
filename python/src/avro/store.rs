//! Where schemas come from: one for all, a set, or a Python function.

use std::path::PathBuf;
use std::sync::Arc;

use kinpack_payload::avro::{self, CachedStore, Lookup, MemoryStore, SchemaId};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::{AvroSchema, is_number, raised};
use crate::options::shown;

pub(super) enum Store {
    /// One schema that everything was written with.
    Fixed(Arc<avro::AvroSchema>),
    Memory(Arc<MemoryStore>),
    Function(CachedStore<Function>),
}

/// A function of an id that gives a schema, or `None`.
pub(super) struct Function(Py<PyAny>);

impl avro::SchemaStore for Store {
    fn look_up(&self, id: SchemaId) -> Lookup<'_> {
        match self {
            Self::Fixed(schema) => Lookup::ready(match id {
                // This one says what it was written with.
                SchemaId::Fingerprint(_) if id != schema.fingerprint() => {
                    Err(avro::AvroError::UnknownSchema(id))
                }
                _ => Ok(Arc::clone(schema)),
            }),
            Self::Memory(store) => store.look_up(id),
            Self::Function(store) => store.look_up(id),
        }
    }
}

impl avro::SchemaStore for Function {
    fn look_up(&self, id: SchemaId) -> Lookup<'_> {
        let asked = Python::attach(|py| {
            let schema = match id {
                SchemaId::Fingerprint(number) => self.0.bind(py).call1((number,)),
                SchemaId::Confluent(number) => self.0.bind(py).call1((number,)),
                SchemaId::ConfluentGuid(uuid) | SchemaId::Glue(uuid) => {
                    self.0.bind(py).call1((uuid.to_string(),))
                }
            }?;
            if schema.is_none() { Ok(None) } else { AvroSchema::of(&schema).map(Some) }
        });
        Lookup::ready(match asked {
            Ok(Some(schema)) => Ok(schema),
            Ok(None) => Err(avro::AvroError::UnknownSchema(id)),
            Err(error) => Err(avro::AvroError::Store { id, message: error.to_string() }),
        })
    }
}

/// Schemas in memory: each is found by its fingerprint, and by the id that it was given.
///
/// Of a list of schemas, or of a dict from ids (Confluent: a number; Glue: a UUID) to schemas.
///
/// >>> store = kinpack.SchemaStore({7: '"string"'})
/// >>> kinpack.AvroReader(store, framing="confluent").read(bytes.fromhex("0000000007 0a") + b"hello")
/// 'hello'
#[pyclass(frozen, module = "kinpack")]
pub(crate) struct SchemaStore(Arc<MemoryStore>);

#[pymethods]
impl SchemaStore {
    #[new]
    #[pyo3(signature = (schemas = None))]
    fn new(schemas: Option<Bound<'_, PyAny>>) -> PyResult<Self> {
        let mut store = MemoryStore::new();
        match schemas {
            None => {}
            Some(schemas) => match schemas.cast::<PyDict>() {
                Ok(by_id) => {
                    for (id, schema) in by_id.iter() {
                        let (id, schema) = (schema_id(&id)?, AvroSchema::of(&schema)?);
                        if let SchemaId::Glue(uuid) = id {
                            store.insert(SchemaId::ConfluentGuid(uuid), Arc::clone(&schema));
                        }
                        store.insert(id, schema);
                    }
                }
                Err(_) => {
                    for schema in schemas.try_iter()? {
                        store.add(AvroSchema::of(&schema?)?);
                    }
                }
            },
        }
        Ok(Self(Arc::new(store)))
    }

    /// Reads a directory of schema files, named by their ids: `301.avsc`, `<UUID>.avsc`.
    #[staticmethod]
    fn from_directory(directory: PathBuf) -> PyResult<Self> {
        MemoryStore::from_directory(directory).map(|store| Self(Arc::new(store))).map_err(raised)
    }
}

pub(super) fn read(store: &Bound<'_, PyAny>) -> PyResult<Store> {
    if let Ok(store) = store.cast::<SchemaStore>() {
        return Ok(Store::Memory(Arc::clone(&store.get().0)));
    }
    if let Ok(schema) = store.cast::<AvroSchema>() {
        return Ok(Store::Fixed(Arc::clone(&schema.get().schema)));
    }
    if store.is_callable() {
        return Ok(Store::Function(CachedStore::new(Function(store.clone().unbind()))));
    }
    Err(PyTypeError::new_err(format!(
        "a store is a SchemaStore, an AvroSchema or a function of an id, not {}",
        store.get_type()
    )))
}

/// An id as programs write it: Confluent's are numbers, Glue's are UUIDs.
pub(super) fn schema_id(id: &Bound<'_, PyAny>) -> PyResult<SchemaId> {
    if is_number(id) {
        let id = id.extract().map_err(|_| PyValueError::new_err("a Confluent id has 32 bits"))?;
        return Ok(SchemaId::Confluent(id));
    }
    // uuid.UUID prints itself so.
    let text: Bound<'_, PyString> = id.str()?;
    let text = text.to_cow()?;
    text.parse().map(SchemaId::Glue).map_err(|error: avro::InvalidUuid| {
        PyValueError::new_err(format!("a schema id is an int or a UUID, {}: {error}", shown(&text)))
    })
}

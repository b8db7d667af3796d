//! A datum on its way to Python: read without the interpreter, then made into objects.

use std::fmt;

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A value as JSON has them, and bytes.
pub(super) enum Item {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Item>),
    Map(Vec<(String, Item)>),
}

impl Item {
    pub(super) fn into_object(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        match self {
            Self::Null => Ok(py.None().into_bound(py)),
            Self::Boolean(value) => value.into_bound_py_any(py),
            Self::Integer(value) => value.into_bound_py_any(py),
            Self::Float(value) => value.into_bound_py_any(py),
            Self::Text(value) => value.into_bound_py_any(py),
            Self::Bytes(value) => Ok(PyBytes::new(py, &value).into_any()),
            Self::List(items) => {
                let items: Vec<_> =
                    items.into_iter().map(|item| item.into_object(py)).collect::<PyResult<_>>()?;
                Ok(PyList::new(py, items)?.into_any())
            }
            Self::Map(members) => {
                let dict = PyDict::new(py);
                for (name, value) in members {
                    dict.set_item(name, value.into_object(py)?)?;
                }
                Ok(dict.into_any())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of Avro")
    }

    fn visit_unit<E>(self) -> Result<Item, E> {
        Ok(Item::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Item, E> {
        Ok(Item::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Item, E> {
        Ok(Item::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Item, E> {
        // Avro has no unsigned numbers; parts of a duration have 32 bits.
        Ok(Item::Integer(value as i64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Item, E> {
        Ok(Item::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Item, E> {
        Ok(Item::Text(value.to_owned()))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Item, E> {
        Ok(Item::Bytes(value.to_vec()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Item, A::Error> {
        // The reader's limit counts 64 bytes for each.
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Item::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Item, A::Error> {
        let mut map = Vec::new();
        while let Some(member) = members.next_entry()? {
            map.push(member);
        }
        Ok(Item::Map(map))
    }
}

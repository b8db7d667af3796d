//! Bare datums, read by one schema or by two.

use std::sync::Arc;

use apache_avro::types::Value;
use serde::Deserialize;

use super::cursor::Cursor;
use super::plan::Plan;
use super::{AvroError, AvroSchema, DEFAULT_LIMIT, de, json_out, value};

/// Reads bare datums that were written with one schema, as that or as another one says.
///
/// Making one takes some time; keep it for all datums of the same schema. Clones share what was
/// made.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use kinpack_payload::avro::{AvroSchema, DatumReader};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct User<'a> {
///     name: &'a str,
///     age: Option<u32>,
/// }
///
/// let wrote = Arc::new(AvroSchema::parse(
///     r#"{"type": "record", "name": "User", "fields": [{"name": "name", "type": "string"}]}"#,
/// )?);
/// let reads = Arc::new(AvroSchema::parse(
///     r#"{"type": "record", "name": "User", "fields": [
///         {"name": "name", "type": "string"},
///         {"name": "age", "type": ["null", "int"], "default": null}
///     ]}"#,
/// )?);
/// let reader = DatumReader::resolving(&wrote, &reads)?;
/// let user: User = reader.read(b"\x06ada")?;
/// assert_eq!((user.name, user.age), ("ada", None));
/// assert_eq!(reader.read_json(b"\x06ada")?, r#"{"name":"ada","age":null}"#);
/// # Ok::<(), kinpack_payload::avro::AvroError>(())
/// ```
#[derive(Clone, Debug)]
pub struct DatumReader {
    kind: Kind,
    limit: usize,
}

#[derive(Clone, Debug)]
enum Kind {
    Own(Arc<AvroSchema>),
    Resolving(Arc<Plan>),
}

impl DatumReader {
    /// Reads as it was written.
    #[must_use]
    pub fn new(schema: &Arc<AvroSchema>) -> Self {
        DatumReader { kind: Kind::Own(schema.clone()), limit: DEFAULT_LIMIT }
    }

    /// Reads what `writer` wrote as `reader`, by Avro's rules of schema resolution: numbers are
    /// widened, fields found by name or alias, in any order, and those the writer lacks take their
    /// defaults. Records need not have the same name, except to tell the branches of a union.
    ///
    /// # Errors
    ///
    /// [`AvroError::Resolution`] if the schemas can not fit, and where.
    pub fn resolving(
        writer: &Arc<AvroSchema>,
        reader: &Arc<AvroSchema>,
    ) -> Result<Self, AvroError> {
        if Arc::ptr_eq(writer, reader) {
            return Ok(DatumReader::new(writer));
        }
        let defaults = |record: &str, position| reader.plan.default(record, position);
        let plan = Plan::resolved(writer.schema(), reader.schema(), defaults)
            .map_err(|e| AvroError::Resolution { path: e.path(), message: e.message })?;
        Ok(DatumReader { kind: Kind::Resolving(Arc::new(plan)), limit: DEFAULT_LIMIT })
    }

    /// With another limit: the bytes of memory that the values of a datum may take as [`Value`]s,
    /// which is 64 each, their text and the names of their fields.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// The limit, in bytes.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    fn plan(&self) -> &Plan {
        match &self.kind {
            Kind::Own(schema) => &schema.plan,
            Kind::Resolving(plan) => plan,
        }
    }

    /// Reads a datum as a `serde` type, with nothing between. Text may be borrowed.
    ///
    /// Records are structs or maps, unions of null and another type are options, other unions the
    /// type of the value or an enum: its variant of the branch's name, else of its position.
    ///
    /// # Errors
    ///
    /// [`AvroError::Datum`] if the bytes are no datum of the schema, [`AvroError::Serde`] if `T`
    /// does not fit it.
    pub fn read<'de, T: Deserialize<'de>>(&'de self, datum: &'de [u8]) -> Result<T, AvroError> {
        self.whole(datum, |cursor| {
            T::deserialize(de::Deserializer::new(cursor, self.plan(), self.plan().root))
        })
    }

    /// Reads a datum as a [`Value`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use kinpack_payload::avro::{AvroSchema, DatumReader, Value};
    ///
    /// let reader = DatumReader::new(&Arc::new(AvroSchema::parse(r#""long""#)?));
    /// assert_eq!(reader.read_value(&[0x54])?, Value::Long(42));
    /// let error = reader.read_value(&[0x54, 0]).unwrap_err();
    /// assert_eq!(error.to_string(), "Avro datum: bytes are left after the value (byte 1)");
    /// # Ok::<(), kinpack_payload::avro::AvroError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AvroError::Datum`] if the bytes are no datum of the schema.
    pub fn read_value(&self, datum: &[u8]) -> Result<Value, AvroError> {
        self.whole(datum, |cursor| value::read(cursor, self.plan(), self.plan().root))
    }

    /// Reads a datum as JSON text on one line; the [module](super) says how values are written.
    ///
    /// # Errors
    ///
    /// [`AvroError::Datum`] if the bytes are no datum of the schema.
    pub fn read_json(&self, datum: &[u8]) -> Result<String, AvroError> {
        self.whole(datum, |cursor| self.json_at(cursor))
    }

    fn whole<'de, T>(
        &self,
        datum: &'de [u8],
        read: impl FnOnce(&mut Cursor<'de>) -> Result<T, AvroError>,
    ) -> Result<T, AvroError> {
        let mut cursor = Cursor::new(datum, self.limit);
        let value = read(&mut cursor)?;
        cursor.finish()?;
        Ok(value)
    }

    fn json_at(&self, cursor: &mut Cursor<'_>) -> Result<String, AvroError> {
        let mut out = String::new();
        json_out::write(cursor, self.plan(), self.plan().root, &mut out)?;
        Ok(out)
    }

    /// The length of the datum that the data begins with.
    pub(super) fn measure(&self, data: &[u8]) -> Result<usize, AvroError> {
        let mut cursor = Cursor::new(data, self.limit);
        cursor.skip(self.plan(), self.plan().root)?;
        Ok(cursor.position())
    }
}

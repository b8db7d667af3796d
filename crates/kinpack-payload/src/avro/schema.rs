//! A parsed schema, ready to read and write by.

use std::fmt;

use apache_avro::Schema;
use apache_avro::rabin::Rabin;
use apache_avro::types::Value;
use serde::Serialize;

use super::plan::{Mismatch, Names, Plan, collect_names};
use super::{AvroError, SchemaId, json_in, ser};

/// An Avro schema, parsed once and ready to write by. To read, see
/// [`DatumReader`](super::DatumReader).
///
/// # Examples
///
/// ```
/// use kinpack_payload::avro::AvroSchema;
///
/// let schema = AvroSchema::parse(r#"{"type": "array", "items": "long"}"#)?;
/// let mut datum = Vec::new();
/// schema.write(&[1i64, 2], &mut datum)?;
/// assert_eq!(datum, [4, 2, 4, 0]);
/// # Ok::<(), kinpack_payload::avro::AvroError>(())
/// ```
pub struct AvroSchema {
    schema: Schema,
    fingerprint: u64,
    pub(super) plan: Plan,
}

impl AvroSchema {
    /// Parses the JSON text of a schema.
    ///
    /// # Errors
    ///
    /// [`AvroError::Schema`] if it is none.
    pub fn parse(text: &str) -> Result<AvroSchema, AvroError> {
        AvroSchema::parse_with_references(text, &[])
    }

    /// Parses the JSON text of a schema that names types of other ones, as a Confluent registry
    /// keeps them (`references`).
    ///
    /// # Examples
    ///
    /// ```
    /// use kinpack_payload::avro::AvroSchema;
    ///
    /// let user = r#"{"type": "record", "name": "User", "fields": []}"#;
    /// let list = r#"{"type": "array", "items": "User"}"#;
    /// assert!(AvroSchema::parse(list).is_err());
    /// assert!(AvroSchema::parse_with_references(list, &[user]).is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// [`AvroError::Schema`] if one of them is no schema, or a type is missing.
    pub fn parse_with_references(text: &str, references: &[&str]) -> Result<AvroSchema, AvroError> {
        let failed = |error: apache_avro::Error| AvroError::Schema(error.to_string());
        let (mut schema, others) =
            Schema::parse_str_with_list(text, references.iter().copied()).map_err(failed)?;
        schema.denormalize(&others).map_err(failed)?;
        AvroSchema::new(schema)
    }

    /// Parses a schema that came with the data. The defaults of its fields are left out: reading
    /// what it wrote needs none, and defaults that hold each other take the parser time without end.
    pub(super) fn parse_of_writer(text: &str) -> Result<AvroSchema, AvroError> {
        let mut json: serde_json::Value =
            serde_json::from_str(text).map_err(|error| AvroError::Schema(error.to_string()))?;
        drop_defaults(&mut json);
        let schema = Schema::parse(&json).map_err(|error| AvroError::Schema(error.to_string()))?;
        AvroSchema::new(schema)
    }

    /// From a schema that is parsed already; it must stand by itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use kinpack_payload::avro::{AvroSchema, apache_avro::Schema};
    ///
    /// let schema = AvroSchema::new(Schema::Long)?;
    /// assert_eq!(schema.canonical_form(), r#""long""#);
    /// # Ok::<(), kinpack_payload::avro::AvroError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AvroError::Schema`] if a type is missing or a default does not fit its field.
    pub fn new(schema: Schema) -> Result<AvroSchema, AvroError> {
        let failed = |mismatch: Mismatch| {
            let path = mismatch.path();
            let at = if path.is_empty() { path } else { format!("{path}: ") };
            AvroError::Schema(format!("{at}{}", mismatch.message))
        };
        let mut plan = Plan::new(&schema).map_err(failed)?;
        let mut names = Names::new();
        collect_names(&schema, &mut names);
        plan.add_defaults(|record, position| match names.get(record)? {
            Schema::Record(record) => record.fields.get(position)?.default.as_ref(),
            _ => None,
        })
        .map_err(failed)?;
        // Little-endian, as it stands in a single object.
        let print = schema.fingerprint::<Rabin>().bytes;
        let print = print.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        Ok(AvroSchema { schema, fingerprint: print, plan })
    }

    /// The schema as the library [`apache_avro`](super::apache_avro) knows it.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The CRC-64-AVRO fingerprint of the canonical form.
    ///
    /// # Examples
    ///
    /// ```
    /// use kinpack_payload::avro::{AvroSchema, SchemaId};
    ///
    /// // From the table of the specification's tests.
    /// let fingerprint = AvroSchema::parse(r#""int""#)?.fingerprint();
    /// assert_eq!(fingerprint, SchemaId::Fingerprint(0x7275_d51a_3f39_5c8f));
    /// # Ok::<(), kinpack_payload::avro::AvroError>(())
    /// ```
    #[must_use]
    pub fn fingerprint(&self) -> SchemaId {
        SchemaId::Fingerprint(self.fingerprint)
    }

    /// The schema's parsing canonical form: the text that the fingerprint is taken of.
    #[must_use]
    pub fn canonical_form(&self) -> String {
        self.schema.canonical_form()
    }

    /// Writes a value as a bare datum to the end of `out`, straight from its `serde` form.
    ///
    /// Structs are records, by the names of their fields; `None` is null; an enum without values is
    /// an enum, by symbol, and an enum with values is a union: the branch of the variant's name,
    /// else of its position. A field that the value lacks takes its default.
    ///
    /// # Errors
    ///
    /// [`AvroError::Serde`] or [`AvroError::Value`] if it is no value of the schema; `out` is then
    /// as it was.
    pub fn write<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), AvroError> {
        let start = out.len();
        let result = value.serialize(ser::Serializer::new(&self.plan, self.plan.root, out));
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    /// Writes a [`Value`] as a bare datum to the end of `out`. [`AvroSchema::write`] is faster.
    ///
    /// # Examples
    ///
    /// ```
    /// use kinpack_payload::avro::{AvroSchema, Value};
    ///
    /// let mut datum = Vec::new();
    /// AvroSchema::parse(r#""long""#)?.write_value(&Value::Long(42), &mut datum)?;
    /// assert_eq!(datum, [0x54]);
    /// # Ok::<(), kinpack_payload::avro::AvroError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AvroError::Value`] if it is no value of the schema; `out` is then as it was.
    pub fn write_value(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), AvroError> {
        let start = out.len();
        let failed = |e: apache_avro::Error| AvroError::Value {
            path: String::new(),
            message: e.to_string(),
        };
        let writer = apache_avro::writer::datum::GenericDatumWriter::builder(&self.schema).build();
        let result = writer.and_then(|writer| writer.write_value_ref(out, value)).map_err(failed);
        if result.is_err() {
            out.truncate(start);
        }
        result.map(drop)
    }

    /// Writes a JSON value as a bare datum to the end of `out`; the [module](super) says how JSON
    /// is understood.
    ///
    /// # Examples
    ///
    /// ```
    /// use kinpack_payload::avro::AvroSchema;
    /// use serde_json::json;
    ///
    /// let schema = AvroSchema::parse(r#"["null", "long"]"#)?;
    /// let (mut plain, mut tagged) = (Vec::new(), Vec::new());
    /// schema.write_json(&json!(42), &mut plain)?;
    /// schema.write_json(&json!({"long": 42}), &mut tagged)?;
    /// assert_eq!((plain, tagged), (vec![2, 0x54], vec![2, 0x54]));
    /// # Ok::<(), kinpack_payload::avro::AvroError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AvroError::Value`] if it is no value of the schema, and where; `out` is then as it was.
    pub fn write_json(
        &self,
        value: &serde_json::Value,
        out: &mut Vec<u8>,
    ) -> Result<(), AvroError> {
        let start = out.len();
        let result = json_in::encode(&self.plan, self.plan.root, value, out);
        if result.is_err() {
            out.truncate(start);
        }
        result
    }
}

fn drop_defaults(schema: &mut serde_json::Value) {
    use serde_json::Value as Json;
    match schema {
        Json::Array(branches) => branches.iter_mut().for_each(drop_defaults),
        Json::Object(object) => {
            if let Some(Json::Array(fields)) = object.get_mut("fields") {
                for field in fields.iter_mut().filter_map(Json::as_object_mut) {
                    field.remove("default");
                }
            }
            object.values_mut().for_each(drop_defaults);
        }
        _ => {}
    }
}

impl fmt::Debug for AvroSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AvroSchema").field(&self.canonical_form()).finish()
    }
}

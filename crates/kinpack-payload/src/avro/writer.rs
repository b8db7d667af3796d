//! Datums, written with their frame.

use std::sync::Arc;

use serde::Serialize;

use super::framing::{write_glue_zlib_header, write_header};
use super::{AvroError, AvroSchema, SchemaId, Uuid, Value};
use crate::{Codec, Compressor};

/// Writes payloads of one schema and one framing.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use kinpack_payload::avro::{AvroSchema, AvroWriter};
///
/// let schema = Arc::new(AvroSchema::parse(r#""long""#)?);
/// let mut payload = Vec::new();
/// AvroWriter::confluent(&schema, 301).write(&42i64, &mut payload)?;
/// assert_eq!(payload, b"\0\0\0\x01\x2d\x54");
/// # Ok::<(), kinpack_payload::avro::AvroError>(())
/// ```
#[derive(Debug)]
pub struct AvroWriter {
    schema: Arc<AvroSchema>,
    header: Vec<u8>,
    zlib: Option<Zlib>,
}

#[derive(Debug)]
struct Zlib {
    compressor: Compressor,
    datum: Vec<u8>,
    compressed: Vec<u8>,
}

impl AvroWriter {
    fn new(schema: &Arc<AvroSchema>, id: SchemaId) -> Self {
        let mut header = Vec::new();
        write_header(id, &mut header);
        AvroWriter { schema: schema.clone(), header, zlib: None }
    }

    /// `C3 01`, the schema's fingerprint, the datum: 10 bytes more.
    #[must_use]
    pub fn single_object(schema: &Arc<AvroSchema>) -> Self {
        AvroWriter::new(schema, schema.fingerprint())
    }

    /// `00`, this schema id, the datum: 5 bytes more.
    #[must_use]
    pub fn confluent(schema: &Arc<AvroSchema>, id: u32) -> Self {
        AvroWriter::new(schema, SchemaId::Confluent(id))
    }

    /// `03 00`, this schema version id, the datum: 18 bytes more.
    #[must_use]
    pub fn glue(schema: &Arc<AvroSchema>, version: Uuid) -> Self {
        AvroWriter::new(schema, SchemaId::Glue(version))
    }

    /// `03 05`, this schema version id, the datum as a zlib stream.
    ///
    /// # Errors
    ///
    /// [`AvroError::Compression`] if zlib was not compiled in (feature `gzip`).
    pub fn glue_zlib(schema: &Arc<AvroSchema>, version: Uuid) -> Result<Self, AvroError> {
        let compressor = Compressor::new(Codec::Zlib).map_err(AvroError::Compression)?;
        let mut header = Vec::new();
        write_glue_zlib_header(version, &mut header);
        let zlib = Zlib { compressor, datum: Vec::new(), compressed: Vec::new() };
        Ok(AvroWriter { schema: schema.clone(), header, zlib: Some(zlib) })
    }

    /// The datum alone; the schema's id travels elsewhere.
    #[must_use]
    pub fn datum(schema: &Arc<AvroSchema>) -> Self {
        AvroWriter { schema: schema.clone(), header: Vec::new(), zlib: None }
    }

    /// The schema.
    #[must_use]
    pub fn schema(&self) -> &Arc<AvroSchema> {
        &self.schema
    }

    /// Writes a payload to the end of `out`, straight from its `serde` form.
    ///
    /// # Errors
    ///
    /// As [`AvroSchema::write`]; `out` is then as it was.
    pub fn write<T: Serialize + ?Sized>(
        &mut self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), AvroError> {
        self.frame(out, |schema, out| schema.write(value, out))
    }

    /// Writes a [`Value`] to the end of `out`.
    ///
    /// # Errors
    ///
    /// As [`AvroSchema::write_value`]; `out` is then as it was.
    pub fn write_value(&mut self, value: &Value, out: &mut Vec<u8>) -> Result<(), AvroError> {
        self.frame(out, |schema, out| schema.write_value(value, out))
    }

    /// Writes a JSON value to the end of `out`.
    ///
    /// # Errors
    ///
    /// As [`AvroSchema::write_json`]; `out` is then as it was.
    pub fn write_json(
        &mut self,
        value: &serde_json::Value,
        out: &mut Vec<u8>,
    ) -> Result<(), AvroError> {
        self.frame(out, |schema, out| schema.write_json(value, out))
    }

    fn frame(
        &mut self,
        out: &mut Vec<u8>,
        write: impl FnOnce(&AvroSchema, &mut Vec<u8>) -> Result<(), AvroError>,
    ) -> Result<(), AvroError> {
        let start = out.len();
        out.extend_from_slice(&self.header);
        let result = match &mut self.zlib {
            None => write(&self.schema, out),
            Some(zlib) => {
                zlib.datum.clear();
                write(&self.schema, &mut zlib.datum).and_then(|()| {
                    zlib.compressor
                        .compress_into(&zlib.datum, &mut zlib.compressed)
                        .map_err(AvroError::Compression)?;
                    out.extend_from_slice(&zlib.compressed);
                    Ok(())
                })
            }
        };
        if result.is_err() {
            out.truncate(start);
        }
        result
    }
}

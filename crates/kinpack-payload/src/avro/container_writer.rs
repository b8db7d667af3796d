//! Object container files, written.

use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use serde::Serialize;

use super::container_codec::{ContainerCodec, deflate};
use super::framing::CONTAINER;
use super::number::{write_bytes, write_long};
use super::{AvroError, AvroSchema, Value};

/// Writes a batch of datums as an object container file of one block, for one record to carry.
///
/// The same datums give the same file: the marker between its blocks is taken from what it holds.
#[derive(Debug)]
pub struct ContainerWriter {
    schema: Arc<AvroSchema>,
    text: String,
    codec: ContainerCodec,
    block: Vec<u8>,
    count: usize,
}

impl ContainerWriter {
    /// A file without datums. [`ContainerReader`](super::ContainerReader) has an example.
    ///
    /// # Errors
    ///
    /// [`AvroError::Schema`] if the schema has no JSON text.
    pub fn new(schema: &Arc<AvroSchema>, codec: ContainerCodec) -> Result<Self, AvroError> {
        let text = serde_json::to_string(schema.schema())
            .map_err(|error| AvroError::Schema(error.to_string()))?;
        let (block, count) = (Vec::new(), 0);
        Ok(ContainerWriter { schema: schema.clone(), text, codec, block, count })
    }

    /// Appends a value from its `serde` form: [`AvroSchema::write`].
    ///
    /// # Errors
    ///
    /// As there; the file is then as it was.
    pub fn append<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), AvroError> {
        self.schema.write(value, &mut self.block)?;
        self.count += 1;
        Ok(())
    }

    /// Appends a [`Value`]: [`AvroSchema::write_value`].
    ///
    /// # Errors
    ///
    /// As there; the file is then as it was.
    pub fn append_value(&mut self, value: &Value) -> Result<(), AvroError> {
        self.schema.write_value(value, &mut self.block)?;
        self.count += 1;
        Ok(())
    }

    /// Appends a JSON value: [`AvroSchema::write_json`].
    ///
    /// # Errors
    ///
    /// As there; the file is then as it was.
    pub fn append_json(&mut self, value: &serde_json::Value) -> Result<(), AvroError> {
        self.schema.write_json(value, &mut self.block)?;
        self.count += 1;
        Ok(())
    }

    /// How many datums it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The bytes of the datums so far, before they are compressed.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.block.len()
    }

    /// The file.
    ///
    /// # Errors
    ///
    /// [`AvroError::Compression`] if the codec was not compiled in.
    pub fn finish(self) -> Result<Vec<u8>, AvroError> {
        let sync = self.sync_marker();
        let mut out = CONTAINER.to_vec();
        write_long(2, &mut out);
        for (key, value) in [("avro.schema", &*self.text), ("avro.codec", self.codec.name())] {
            write_bytes(key.as_bytes(), &mut out);
            write_bytes(value.as_bytes(), &mut out);
        }
        out.push(0);
        out.extend_from_slice(&sync);
        if self.count > 0 {
            write_long(self.count as i64, &mut out);
            write_bytes(&deflate(self.codec, self.block)?, &mut out);
            out.extend_from_slice(&sync);
        }
        Ok(out)
    }

    fn sync_marker(&self) -> [u8; 16] {
        let mut marker = [0; 16];
        for (at, half) in marker.chunks_exact_mut(8).enumerate() {
            let mut hasher = DefaultHasher::new();
            hasher.write_usize(at);
            hasher.write(self.text.as_bytes());
            hasher.write(&self.block);
            half.copy_from_slice(&hasher.finish().to_le_bytes());
        }
        marker
    }
}

//! What stands in for schemas when Avro was not compiled in.

use std::convert::Infallible;

use super::{AvroError, SchemaId};

/// An Avro schema: none, as Avro was not compiled in (feature `avro`).
#[derive(Debug)]
pub struct AvroSchema(Infallible);

impl AvroSchema {
    /// Parses nothing.
    ///
    /// # Errors
    ///
    /// Always [`AvroError::Disabled`].
    pub fn parse(_: &str) -> Result<AvroSchema, AvroError> {
        Err(AvroError::Disabled)
    }

    /// The fingerprint of a schema, of which there is none.
    #[must_use]
    pub fn fingerprint(&self) -> SchemaId {
        match self.0 {}
    }
}

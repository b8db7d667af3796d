//! Payloads of any framing, and the schemas they name.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::{
    AvroError, AvroSchema, ContainerReader, DEFAULT_LIMIT, Datum, DatumReader, Framing, Framings,
    SchemaId, SchemaStore,
};
use crate::Decompressor;

type Result<T> = std::result::Result<T, AvroError>;

/// Reads payloads: takes the framing off, finds the schema, and reads what is left.
///
/// What it makes of a schema is kept for each id, so that in the long run nothing is parsed.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use kinpack_payload::avro::{AvroReader, AvroSchema, AvroWriter, MemoryStore};
///
/// let schema = Arc::new(AvroSchema::parse(r#"{"type": "map", "values": "long"}"#)?);
/// let mut payload = Vec::new();
/// AvroWriter::single_object(&schema)
///     .write_json(&serde_json::json!({"ada": 42}), &mut payload)?;
///
/// let mut store = MemoryStore::new();
/// store.add(schema);
/// let reader = AvroReader::new(store);
/// let mut opened = reader.open(&payload)?.expect("a framing that is looked for");
/// while let Some(datum) = opened.next()? {
///     assert_eq!(datum.read_json()?, r#"{"ada":42}"#);
/// }
/// assert!(reader.open(b"plain text")?.is_none());
/// # Ok::<(), kinpack_payload::avro::AvroError>(())
/// ```
#[derive(Debug)]
pub struct AvroReader<S> {
    store: S,
    framings: Framings,
    schema: Option<Arc<AvroSchema>>,
    limit: usize,
    readers: RwLock<HashMap<SchemaId, DatumReader>>,
    decompressor: Mutex<Decompressor>,
}

impl<S: SchemaStore> AvroReader<S> {
    /// With the schemas of `store`. Looks for [`Framings::default`], reads as was written, and
    /// takes [`DEFAULT_LIMIT`] for each payload.
    pub fn new(store: S) -> Self {
        AvroReader {
            store,
            framings: Framings::default(),
            schema: None,
            limit: DEFAULT_LIMIT,
            readers: RwLock::default(),
            decompressor: Mutex::new(Decompressor::new().with_limit(DEFAULT_LIMIT)),
        }
    }

    /// Looks for these framings.
    #[must_use]
    pub fn with_framings(self, framings: Framings) -> Self {
        AvroReader { framings, ..self }
    }

    /// Reads everything as this schema says, whichever it was written with.
    #[must_use]
    pub fn with_reader_schema(self, schema: Arc<AvroSchema>) -> Self {
        AvroReader { schema: Some(schema), readers: RwLock::default(), ..self }
    }

    /// With another limit, in bytes: what a payload may inflate to, and what the values of a datum
    /// may take (see [`DatumReader::with_limit`]).
    #[must_use]
    pub fn with_limit(self, limit: usize) -> Self {
        let decompressor = Mutex::new(Decompressor::new().with_limit(limit));
        AvroReader { limit, decompressor, readers: RwLock::default(), ..self }
    }

    /// The store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Opens a payload whose framing is looked for; `None` if it is none of those, and to be handed
    /// on as it is. Waits on this thread for the schema.
    ///
    /// # Errors
    ///
    /// What is wrong with the frame, or the schema.
    pub fn open<'a>(&self, data: &'a [u8]) -> Result<Option<Opened<'a>>> {
        match self.framings.detect(data) {
            Some(framing) => self.open_as(framing, data).map(Some),
            None => Ok(None),
        }
    }

    /// Opens a payload of this framing, looked for or not. A [`Framing::Datum`] is read by the
    /// reader's schema, if there is one.
    ///
    /// # Errors
    ///
    /// [`AvroError::NotFramed`] if it is not framed so, and what is wrong with the frame or the
    /// schema.
    pub fn open_as<'a>(&self, framing: Framing, data: &'a [u8]) -> Result<Opened<'a>> {
        match self.unframe(framing, data)? {
            Unframed::Opened(opened) => Ok(opened),
            Unframed::Asks(id, bytes) => {
                let schema = self.store.look_up(id).wait()?;
                Ok(Opened::datum(self.keep(id, &schema)?, Some(id), bytes))
            }
        }
    }

    /// Opens a bare datum whose schema is named elsewhere, as by a Confluent header
    /// ([`SchemaId::from_confluent_header`]).
    ///
    /// # Errors
    ///
    /// What is wrong with the schema.
    pub fn open_datum<'a>(&self, id: SchemaId, data: &'a [u8]) -> Result<Opened<'a>> {
        let reader = match self.known(id) {
            Some(reader) => reader,
            None => self.keep(id, &self.store.look_up(id).wait()?)?,
        };
        Ok(Opened::datum(reader, Some(id), Cow::Borrowed(data)))
    }

    /// As [`AvroReader::open`], for stores that need an executor.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn open_async<'a>(&self, data: &'a [u8]) -> Result<Option<Opened<'a>>> {
        match self.framings.detect(data) {
            Some(framing) => self.open_as_async(framing, data).await.map(Some),
            None => Ok(None),
        }
    }

    /// As [`AvroReader::open_as`], for stores that need an executor.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn open_as_async<'a>(&self, framing: Framing, data: &'a [u8]) -> Result<Opened<'a>> {
        match self.unframe(framing, data)? {
            Unframed::Opened(opened) => Ok(opened),
            Unframed::Asks(id, bytes) => {
                let schema = self.store.look_up(id).await?;
                Ok(Opened::datum(self.keep(id, &schema)?, Some(id), bytes))
            }
        }
    }

    /// As [`AvroReader::open_datum`], for stores that need an executor.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn open_datum_async<'a>(&self, id: SchemaId, data: &'a [u8]) -> Result<Opened<'a>> {
        let reader = match self.known(id) {
            Some(reader) => reader,
            None => self.keep(id, &self.store.look_up(id).await?)?,
        };
        Ok(Opened::datum(reader, Some(id), Cow::Borrowed(data)))
    }

    fn unframe<'a>(&self, framing: Framing, data: &'a [u8]) -> Result<Unframed<'a>> {
        match framing {
            Framing::Container => {
                let reader = ContainerReader::with(data, self.schema.as_ref(), self.limit)?;
                Ok(Unframed::Opened(Opened(Kind::Container(Box::new(reader)))))
            }
            Framing::Datum => {
                let schema = self.schema.as_ref().ok_or(AvroError::NoSchema)?;
                let reader = DatumReader::new(schema).with_limit(self.limit);
                Ok(Unframed::Opened(Opened::datum(reader, None, Cow::Borrowed(data))))
            }
            _ => {
                let frame = framing.split(data)?;
                let bytes = frame.inflate(
                    &mut self.decompressor.lock().unwrap_or_else(PoisonError::into_inner),
                )?;
                let id = frame.schema_id;
                Ok(match self.known(id) {
                    Some(reader) => Unframed::Opened(Opened::datum(reader, Some(id), bytes)),
                    None => Unframed::Asks(id, bytes),
                })
            }
        }
    }

    fn known(&self, id: SchemaId) -> Option<DatumReader> {
        self.readers.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    fn keep(&self, id: SchemaId, schema: &Arc<AvroSchema>) -> Result<DatumReader> {
        let reader = match &self.schema {
            Some(reader) => DatumReader::resolving(schema, reader)?,
            None => DatumReader::new(schema),
        };
        let reader = reader.with_limit(self.limit);
        let mut readers = self.readers.write().unwrap_or_else(PoisonError::into_inner);
        Ok(readers.entry(id).or_insert(reader).clone())
    }
}

/// A frame that is off, and what is still to be asked.
enum Unframed<'a> {
    Opened(Opened<'a>),
    Asks(SchemaId, Cow<'a, [u8]>),
}

/// A payload that can be read: one datum, or those of a container file.
#[derive(Debug)]
pub struct Opened<'a>(Kind<'a>);

#[derive(Debug)]
enum Kind<'a> {
    Datum { reader: DatumReader, id: Option<SchemaId>, bytes: Cow<'a, [u8]>, read: bool },
    Container(Box<ContainerReader<'a>>),
}

impl<'a> Opened<'a> {
    fn datum(reader: DatumReader, id: Option<SchemaId>, bytes: Cow<'a, [u8]>) -> Self {
        Opened(Kind::Datum { reader, id, bytes, read: false })
    }

    /// The schema id that was named; `None` for a container file, which has the schema itself.
    #[must_use]
    pub fn schema_id(&self) -> Option<SchemaId> {
        match &self.0 {
            Kind::Datum { id, .. } => *id,
            Kind::Container(_) => None,
        }
    }

    /// Whether it is a container file, which may hold any number of datums.
    #[must_use]
    pub fn is_container(&self) -> bool {
        matches!(self.0, Kind::Container(_))
    }

    /// The next datum; `None` at the end.
    ///
    /// # Errors
    ///
    /// As [`ContainerReader::next`].
    #[allow(clippy::should_implement_trait)] // What it gives borrows the payload.
    pub fn next(&mut self) -> Result<Option<Datum<'_>>> {
        match &mut self.0 {
            Kind::Container(container) => container.next(),
            Kind::Datum { read: true, .. } => Ok(None),
            Kind::Datum { reader, bytes, read, .. } => {
                *read = true;
                Ok(Some(Datum { reader, bytes }))
            }
        }
    }
}

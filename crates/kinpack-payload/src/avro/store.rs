//! Where schemas come from.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use super::{AvroError, AvroSchema, SchemaId};

/// What a look-up comes to.
pub type Looked = Result<Arc<AvroSchema>, AvroError>;

/// Knows schemas by their ids.
///
/// A store that has its schemas at hand answers with [`Lookup::ready`]; one that asks a registry
/// answers with [`Lookup::pending`]. Put a [`CachedStore`](super::CachedStore) in front of that
/// one.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use kinpack_payload::avro::{AvroError, AvroSchema, Lookup, SchemaId, SchemaStore};
///
/// struct Registry;
///
/// async fn ask(id: u32) -> Result<String, String> {
///     Ok(r#""long""#.to_owned())
/// }
///
/// impl SchemaStore for Registry {
///     fn look_up(&self, id: SchemaId) -> Lookup<'_> {
///         let SchemaId::Confluent(number) = id else {
///             return Lookup::ready(Err(AvroError::UnknownSchema(id)));
///         };
///         Lookup::pending(async move {
///             let text = ask(number).await.map_err(|message| AvroError::Store { id, message })?;
///             AvroSchema::parse(&text).map(Arc::new)
///         })
///     }
/// }
///
/// // With an executor: `Registry.look_up(id).await`. Without one:
/// let schema = Registry.look_up(SchemaId::Confluent(1)).wait()?;
/// assert_eq!(schema.canonical_form(), r#""long""#);
/// # Ok::<(), AvroError>(())
/// ```
pub trait SchemaStore: Send + Sync {
    /// Looks a schema up. A failure names the id.
    fn look_up(&self, id: SchemaId) -> Lookup<'_>;
}

impl<S: SchemaStore + ?Sized> SchemaStore for &S {
    fn look_up(&self, id: SchemaId) -> Lookup<'_> {
        (**self).look_up(id)
    }
}

impl<S: SchemaStore + ?Sized> SchemaStore for Arc<S> {
    fn look_up(&self, id: SchemaId) -> Lookup<'_> {
        (**self).look_up(id)
    }
}

impl<S: SchemaStore + ?Sized> SchemaStore for Box<S> {
    fn look_up(&self, id: SchemaId) -> Lookup<'_> {
        (**self).look_up(id)
    }
}

/// The answer of a [`SchemaStore`]: there already, or a future.
#[must_use = "a look-up does nothing unless it is awaited or waited for"]
pub struct Lookup<'a>(State<'a>);

enum State<'a> {
    Ready(Option<Looked>),
    Pending(Pin<Box<dyn Future<Output = Looked> + Send + 'a>>),
}

impl<'a> Lookup<'a> {
    /// An answer that is there; nothing is allocated.
    pub fn ready(answer: Looked) -> Self {
        Lookup(State::Ready(Some(answer)))
    }

    /// An answer that is to come.
    pub fn pending(answer: impl Future<Output = Looked> + Send + 'a) -> Self {
        Lookup(State::Pending(Box::pin(answer)))
    }

    /// Waits on this thread, without an executor. A future that needs one (as those of tokio's
    /// network do) must be awaited there instead.
    ///
    /// # Errors
    ///
    /// As the store says.
    pub fn wait(self) -> Looked {
        let mut lookup = match self.0 {
            State::Ready(Some(answer)) => return answer,
            state => Lookup(state),
        };
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            match Pin::new(&mut lookup).poll(&mut context) {
                Poll::Ready(answer) => return answer,
                Poll::Pending => std::thread::park(),
            }
        }
    }
}

impl Future for Lookup<'_> {
    type Output = Looked;

    /// # Panics
    ///
    /// If it is polled again after it was ready.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Looked> {
        match &mut self.0 {
            State::Ready(answer) => match answer.take() {
                Some(answer) => Poll::Ready(answer),
                None => panic!("a look-up was polled after it was ready"),
            },
            State::Pending(future) => future.as_mut().poll(context),
        }
    }
}

impl fmt::Debug for Lookup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            State::Ready(answer) => f.debug_tuple("Lookup").field(answer).finish(),
            State::Pending(_) => f.write_str("Lookup(pending)"),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Schemas in memory. Each is found by its fingerprint, and by the ids it is given.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use kinpack_payload::avro::{AvroError, AvroSchema, MemoryStore, SchemaId, SchemaStore};
///
/// let schema = Arc::new(AvroSchema::parse(r#""long""#)?);
/// let mut store = MemoryStore::new();
/// store.insert(SchemaId::Confluent(301), schema.clone());
/// assert!(store.look_up(SchemaId::Confluent(301)).wait().is_ok());
/// assert!(store.look_up(schema.fingerprint()).wait().is_ok());
/// let unknown = store.look_up(SchemaId::Confluent(302)).wait().unwrap_err();
/// assert_eq!(unknown.to_string(), "no schema for Confluent schema id 302");
/// # Ok::<(), AvroError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    schemas: HashMap<SchemaId, Arc<AvroSchema>>,
}

impl MemoryStore {
    /// A store without schemas.
    #[must_use]
    pub fn new() -> Self {
        MemoryStore::default()
    }

    /// Adds a schema under its fingerprint, and under `id`. Returns what was under `id` before.
    pub fn insert(&mut self, id: SchemaId, schema: Arc<AvroSchema>) -> Option<Arc<AvroSchema>> {
        self.add(schema.clone());
        self.schemas.insert(id, schema)
    }

    /// Adds a schema under its fingerprint only. The first of several with the same one stays.
    pub fn add(&mut self, schema: Arc<AvroSchema>) {
        self.schemas.entry(schema.fingerprint()).or_insert(schema);
    }

    /// Reads a directory of schema files: `301.avsc` is Confluent's schema 301, a file named by a
    /// UUID (`b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63.avsc`) a version in Glue or Confluent's GUID,
    /// and every file is found by its fingerprint. Other files are left alone.
    ///
    /// The files are read now, and never again.
    ///
    /// # Examples
    ///
    /// ```
    /// use kinpack_payload::avro::{MemoryStore, SchemaId, SchemaStore};
    ///
    /// let directory = std::env::temp_dir().join(format!("schemas-{}", std::process::id()));
    /// std::fs::create_dir_all(&directory)?;
    /// std::fs::write(directory.join("301.avsc"), r#""long""#)?;
    /// let store = MemoryStore::from_directory(&directory)?;
    /// assert!(store.look_up(SchemaId::Confluent(301)).wait().is_ok());
    /// # std::fs::remove_dir_all(&directory)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AvroError::SchemaFile`], which names the file that cannot be read or is no schema.
    pub fn from_directory(directory: impl AsRef<Path>) -> Result<Self, AvroError> {
        let directory = directory.as_ref();
        let failed = |path: &Path, why: &dyn fmt::Display| AvroError::SchemaFile {
            path: path.to_owned(),
            message: why.to_string(),
        };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(|e| failed(directory, &e))? {
            let path = entry.map_err(|e| failed(directory, &e))?.path();
            if path.extension().is_some_and(|extension| extension == "avsc") {
                paths.push(path);
            }
        }
        // So that it does not depend on the file system which of two equal schemas is found.
        paths.sort();
        let mut store = MemoryStore::new();
        for path in paths {
            let text = std::fs::read_to_string(&path).map_err(|e| failed(&path, &e))?;
            let schema = AvroSchema::parse(&text).map_err(|e| failed(&path, &e))?;
            let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            store.add_named(name, Arc::new(schema)).map_err(|e| failed(&path, &e))?;
        }
        Ok(store)
    }

    fn add_named(&mut self, name: &str, schema: Arc<AvroSchema>) -> Result<(), String> {
        let ids = if name.bytes().all(|byte| byte.is_ascii_digit())
            && let Ok(id) = name.parse()
        {
            vec![SchemaId::Confluent(id)]
        } else if let Ok(uuid) = name.parse() {
            vec![SchemaId::Glue(uuid), SchemaId::ConfluentGuid(uuid)]
        } else {
            Vec::new()
        };
        for id in ids {
            if self.insert(id, schema.clone()).is_some() {
                return Err(format!("another file names {id}, too"));
            }
        }
        self.add(schema);
        Ok(())
    }
}

impl SchemaStore for MemoryStore {
    fn look_up(&self, id: SchemaId) -> Lookup<'_> {
        Lookup::ready(self.schemas.get(&id).cloned().ok_or(AvroError::UnknownSchema(id)))
    }
}

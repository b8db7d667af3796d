//! Where progress is kept from one invocation to the next.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};

use kinpack_consumer::{Durable, InMemory, ShardKey, Stateless, Stored, Write};

/// What a store may say when it is asked.
pub type StoreError = Box<dyn std::error::Error + Send + Sync>;

/// How a write went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is in the store.
    Yes,
    /// The store holds another version than the write was for: this one.
    Conflict(Stored),
}

/// A store of progress, one item a shard.
///
/// The durable ones are those that all environments share and that outlive them. A write must be
/// atomic and conditional on the version ([`Write::if_version`]), or invocations that overlap undo
/// each other.
pub trait ProgressStore: Send + Sync {
    /// [`Durable`] if all environments share it.
    type Kind;

    /// What is known of a shard; nothing, if there is no item.
    ///
    /// # Errors
    ///
    /// The store cannot be read: the invocation fails.
    fn read(&self, key: &ShardKey) -> impl Future<Output = Result<Stored, StoreError>> + Send;

    /// Writes, if the store holds the version that the write is for.
    ///
    /// # Errors
    ///
    /// It is not known whether it was written: the store is read.
    fn write(
        &self,
        key: &ShardKey,
        write: &Write,
    ) -> impl Future<Output = Result<Written, StoreError>> + Send;
}

/// Nothing is remembered.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl ProgressStore for NoProgress {
    type Kind = Stateless;

    async fn read(&self, _: &ShardKey) -> Result<Stored, StoreError> {
        Ok(Stored::default())
    }

    async fn write(&self, _: &ShardKey, _: &Write) -> Result<Written, StoreError> {
        Ok(Written::Yes)
    }
}

/// Shards that are remembered at most: an environment sees a handful.
const MOST_SHARDS: usize = 64;

/// Progress in the memory of this environment.
#[derive(Debug, Default)]
pub struct MemoryProgress(Mutex<HashMap<ShardKey, Stored>>);

impl ProgressStore for MemoryProgress {
    type Kind = InMemory;

    async fn read(&self, key: &ShardKey) -> Result<Stored, StoreError> {
        let shards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(shards.get(key).cloned().unwrap_or_default())
    }

    async fn write(&self, key: &ShardKey, write: &Write) -> Result<Written, StoreError> {
        let mut shards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let version = shards.get(key).map_or(0, |stored| stored.version);
        if version != write.if_version {
            return Ok(Written::Conflict(shards.get(key).cloned().unwrap_or_default()));
        }
        if shards.len() >= MOST_SHARDS && !shards.contains_key(key) {
            let oldest = shards.iter().min_by_key(|(_, stored)| stored.version);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                shards.remove(&oldest);
            }
        }
        let stored = Stored { progress: write.progress.clone(), version: write.version };
        shards.insert(key.clone(), stored);
        Ok(Written::Yes)
    }
}

impl<S: ProgressStore<Kind = Durable>> ProgressStore for std::sync::Arc<S> {
    type Kind = Durable;

    fn read(&self, key: &ShardKey) -> impl Future<Output = Result<Stored, StoreError>> + Send {
        (**self).read(key)
    }

    fn write(
        &self,
        key: &ShardKey,
        write: &Write,
    ) -> impl Future<Output = Result<Written, StoreError>> + Send {
        (**self).write(key, write)
    }
}

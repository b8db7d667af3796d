//! Remembers what a slower store said, and asks it once.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::store::Looked;
use super::{AvroSchema, Lookup, SchemaId, SchemaStore};

/// A store in front of another one, which is asked once for each id, however many ask at the same
/// time. Failures are handed to all who waited, and not remembered.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use std::sync::Arc;
///
/// use kinpack_payload::avro::{AvroSchema, CachedStore, Lookup, SchemaId, SchemaStore};
///
/// #[derive(Default)]
/// struct Registry(AtomicUsize);
///
/// impl SchemaStore for Registry {
///     fn look_up(&self, _: SchemaId) -> Lookup<'_> {
///         self.0.fetch_add(1, Ordering::Relaxed);
///         Lookup::ready(AvroSchema::parse(r#""long""#).map(Arc::new))
///     }
/// }
///
/// let store = CachedStore::new(Registry::default());
/// store.look_up(SchemaId::Confluent(1)).wait()?;
/// store.look_up(SchemaId::Confluent(1)).wait()?;
/// assert_eq!(store.get_ref().0.load(Ordering::Relaxed), 1);
/// # Ok::<(), kinpack_payload::avro::AvroError>(())
/// ```
#[derive(Debug)]
pub struct CachedStore<S> {
    store: S,
    slots: Mutex<HashMap<SchemaId, Slot>>,
}

#[derive(Clone, Debug)]
enum Slot {
    Known(Arc<AvroSchema>),
    Asked(Arc<Mutex<Flight>>),
}

/// A question that is under way.
#[derive(Debug, Default)]
struct Flight {
    answer: Option<Answer>,
    waiting: Vec<Waker>,
}

#[derive(Clone, Debug)]
enum Answer {
    Looked(Looked),
    /// Who asked gave up: another one must ask.
    Abandoned,
}

/// Nothing panics while a lock is held, so what it guards is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: SchemaStore> CachedStore<S> {
    /// In front of `store`.
    pub fn new(store: S) -> Self {
        CachedStore { store, slots: Mutex::default() }
    }

    /// The store behind it.
    pub fn get_ref(&self) -> &S {
        &self.store
    }
}

impl<S: SchemaStore> SchemaStore for CachedStore<S> {
    fn look_up(&self, id: SchemaId) -> Lookup<'_> {
        if let Some(Slot::Known(schema)) = lock(&self.slots).get(&id) {
            return Lookup::ready(Ok(schema.clone()));
        }
        Lookup::pending(Asking { cache: self, id, role: Role::None })
    }
}

/// One who asks: the first of them asks the store, the others wait for its answer.
struct Asking<'a, S> {
    cache: &'a CachedStore<S>,
    id: SchemaId,
    role: Role<'a>,
}

enum Role<'a> {
    None,
    First(Lookup<'a>, Arc<Mutex<Flight>>),
    Waiting(Arc<Mutex<Flight>>),
}

impl<S: SchemaStore> Future for Asking<'_, S> {
    type Output = Looked;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Looked> {
        let this = &mut *self;
        loop {
            match &mut this.role {
                Role::None => {
                    let mut slots = lock(&this.cache.slots);
                    match slots.get(&this.id) {
                        Some(Slot::Known(schema)) => return Poll::Ready(Ok(schema.clone())),
                        Some(Slot::Asked(flight)) => this.role = Role::Waiting(flight.clone()),
                        None => {
                            let flight = Arc::<Mutex<Flight>>::default();
                            slots.insert(this.id, Slot::Asked(flight.clone()));
                            drop(slots);
                            // Set before the store is asked, so that a panic there frees the slot.
                            let unasked =
                                Lookup::ready(Err(super::AvroError::UnknownSchema(this.id)));
                            this.role = Role::First(unasked, flight.clone());
                            let lookup = this.cache.store.look_up(this.id);
                            this.role = Role::First(lookup, flight);
                        }
                    }
                }
                Role::First(lookup, _) => {
                    let Poll::Ready(answer) = Pin::new(lookup).poll(context) else {
                        return Poll::Pending;
                    };
                    this.answer(Answer::Looked(answer.clone()));
                    return Poll::Ready(answer);
                }
                Role::Waiting(flight) => {
                    let mut flight = lock(flight);
                    match &flight.answer {
                        Some(Answer::Looked(answer)) => return Poll::Ready(answer.clone()),
                        Some(Answer::Abandoned) => {}
                        None => {
                            if !flight.waiting.iter().any(|w| w.will_wake(context.waker())) {
                                flight.waiting.push(context.waker().clone());
                            }
                            return Poll::Pending;
                        }
                    }
                    drop(flight);
                    this.role = Role::None;
                }
            }
        }
    }
}

impl<S> Asking<'_, S> {
    /// Tells the others, if this one was the first.
    fn answer(&mut self, answer: Answer) {
        let Role::First(_, flight) = std::mem::replace(&mut self.role, Role::None) else { return };
        let mut slots = lock(&self.cache.slots);
        match &answer {
            Answer::Looked(Ok(schema)) => slots.insert(self.id, Slot::Known(schema.clone())),
            _ => slots.remove(&self.id),
        };
        drop(slots);
        let mut flight = lock(&flight);
        flight.answer = Some(answer);
        let waiting = std::mem::take(&mut flight.waiting);
        drop(flight);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl<S> Drop for Asking<'_, S> {
    fn drop(&mut self) {
        self.answer(Answer::Abandoned);
    }
}

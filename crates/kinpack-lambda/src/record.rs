//! The user record that a handler gets.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kinpack::{SharedUserRecord, UserRecord};
use kinpack_consumer::{Batch, Record as Place, RecordId};

use crate::batch::{Event, arrival};

/// A user record, lent to a handler that works one by one.
#[derive(Clone)]
pub struct Record<'a> {
    pub(crate) event: &'a Event,
    pub(crate) batch: &'a Batch,
    pub(crate) place: Place,
    pub(crate) user: UserRecord<'a>,
}

impl<'a> Record<'a> {
    /// The payload.
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        self.user.data
    }

    /// The partition key. Records of streams with service-managed distribution have none.
    #[must_use]
    pub fn partition_key(&self) -> Option<&'a str> {
        self.user.partition_key
    }

    /// The explicit hash key, if it came out of an aggregate and has one.
    #[must_use]
    pub fn explicit_hash_key(&self) -> Option<&'a str> {
        self.user.explicit_hash_key
    }

    /// Stream, shard, sequence number and position in the aggregate: the same at every retry, not
    /// if the producer sent it again. With enhanced fan-out it is ambiguous, and says so.
    #[must_use]
    pub fn id(&self) -> RecordId {
        self.batch.id(self.place)
    }

    /// Whether it comes out of an aggregate that was unpacked here.
    #[must_use]
    pub fn is_aggregated(&self) -> bool {
        self.user.aggregated
    }

    /// The tags and all else of the user record.
    #[must_use]
    pub fn user_record(&self) -> &UserRecord<'a> {
        &self.user
    }

    /// When the Kinesis record came to the stream, since 1970.
    #[must_use]
    pub fn arrival(&self) -> Option<Duration> {
        self.kinesis_record().as_ref().and_then(arrival)
    }

    /// The Kinesis record that it came in.
    #[must_use]
    pub fn kinesis_record(&self) -> Option<kinpack_events::Record<'a>> {
        self.event.record(self.place.kinesis_record)
    }
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("id", &self.id().to_string())
            .field("partition_key", &self.partition_key())
            .field("data", &self.data())
            .finish_non_exhaustive()
    }
}

/// What the records of an invocation share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) event: Arc<Event>,
    pub(crate) batch: Batch,
}

/// A user record that owns a share of the event: `'static`, and cheap to clone.
#[derive(Clone)]
pub struct SharedRecord {
    pub(crate) shared: Arc<Shared>,
    pub(crate) place: Place,
    /// `None`: a plain record.
    pub(crate) user: Option<SharedUserRecord>,
}

impl SharedRecord {
    /// The record as one that borrows.
    #[must_use]
    pub fn as_record(&self) -> Record<'_> {
        let event = &*self.shared.event;
        let user = match &self.user {
            Some(user) => user.as_user_record(),
            None => {
                let record = event.record(self.place.kinesis_record);
                let key = record.and_then(|record| record.partition_key);
                UserRecord::plain(key, event.data(self.place.kinesis_record))
            }
        };
        Record { event, batch: &self.shared.batch, place: self.place, user }
    }

    /// The payload.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        match &self.user {
            Some(user) => user.data(),
            None => self.shared.event.data(self.place.kinesis_record),
        }
    }

    /// The payload as bytes that keep the event alive.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        match &self.user {
            Some(user) => user.data().clone(),
            None => shared_data(&self.shared.event, self.place.kinesis_record),
        }
    }

    /// See [`Record::partition_key`].
    #[must_use]
    pub fn partition_key(&self) -> Option<&str> {
        self.as_record().partition_key()
    }

    /// See [`Record::id`].
    #[must_use]
    pub fn id(&self) -> RecordId {
        self.shared.batch.id(self.place)
    }

    /// See [`Record::arrival`].
    #[must_use]
    pub fn arrival(&self) -> Option<Duration> {
        self.as_record().arrival()
    }
}

impl fmt::Debug for SharedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_record().fmt(f)
    }
}

/// The data of a Kinesis record, as a share of the event.
pub(crate) fn shared_data(event: &Arc<Event>, kinesis_record: u32) -> Bytes {
    struct Data(Arc<Event>, u32);

    impl AsRef<[u8]> for Data {
        fn as_ref(&self) -> &[u8] {
            self.0.data(self.1)
        }
    }

    Bytes::from_owner(Data(Arc::clone(event), kinesis_record))
}

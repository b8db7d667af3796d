//! User records that share the outer [`Bytes`] and are `'static` without a copy.

use std::sync::Arc;

use bytes::Bytes;

use crate::digest::Digest;
use crate::error::DecodeError;
use crate::layout::{Layout, RawRecords};
use crate::message::{RawRecord, Tags};
use crate::policy::{Contents, deaggregate, deaggregate_strict};
use crate::record::UserRecord;

/// [`Contents`] that own a share of their bytes: for handlers that spawn tasks.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use kinpack::{Aggregator, Digest, SharedContents};
///
/// let mut aggregator = Aggregator::default();
/// aggregator.try_push("key", None, b"one")?;
/// aggregator.try_push("key", None, b"two")?;
/// let data = Bytes::from(aggregator.finish().unwrap().data);
///
/// let contents = SharedContents::deaggregate(data, Some("a"), Digest::Verify)?;
/// let tasks: Vec<_> = contents
///     .records()
///     .map(|record| std::thread::spawn(move || record.data().len()))
///     .collect();
/// assert_eq!(tasks.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SharedContents {
    data: Bytes,
    keys: Keys,
}

#[derive(Clone, Debug)]
enum Keys {
    Plain(Option<Arc<str>>),
    Tables(Arc<Layout>),
}

impl SharedContents {
    /// [`deaggregate`](crate::deaggregate) on shared bytes. The outer partition key, which may be
    /// absent, is that of a plain record.
    ///
    /// # Errors
    ///
    /// As [`deaggregate`](crate::deaggregate).
    pub fn deaggregate(
        data: Bytes,
        outer_partition_key: Option<&str>,
        digest: Digest,
    ) -> Result<Self, DecodeError> {
        let keys = Keys::of(deaggregate(&data, digest)?, outer_partition_key);
        Ok(Self { data, keys })
    }

    /// [`deaggregate_strict`](crate::deaggregate_strict) on shared bytes.
    ///
    /// # Errors
    ///
    /// As [`deaggregate_strict`](crate::deaggregate_strict).
    ///
    /// ```
    /// use bytes::Bytes;
    /// use kinpack::{Digest, MAGIC, SharedContents};
    ///
    /// let broken = Bytes::from_static(&MAGIC);
    /// assert!(SharedContents::deaggregate_strict(broken, None, Digest::Verify).is_err());
    /// ```
    pub fn deaggregate_strict(
        data: Bytes,
        outer_partition_key: Option<&str>,
        digest: Digest,
    ) -> Result<Self, DecodeError> {
        let keys = Keys::of(deaggregate_strict(&data, digest)?, outer_partition_key);
        Ok(Self { data, keys })
    }

    /// Whether the data is an aggregate.
    #[must_use]
    pub fn is_aggregated(&self) -> bool {
        matches!(self.keys, Keys::Tables(_))
    }

    /// The user records, in order. Each shares the bytes and, if there are any, the key tables.
    pub fn records(&self) -> impl Iterator<Item = SharedUserRecord> + Clone {
        let (plain, raw) = match &self.keys {
            Keys::Plain(partition_key) => {
                let record = SharedUserRecord {
                    data: self.data.clone(),
                    tagged: Bytes::new(),
                    keys: RecordKeys::Plain(partition_key.clone()),
                    sub_sequence_number: 0,
                };
                (Some(record), None)
            }
            Keys::Tables(layout) => {
                let raw = RawRecords::new(&self.data, layout).zip(0..);
                (None, Some(raw.map(|(raw, number)| self.aggregated(layout, raw, number))))
            }
        };
        plain.into_iter().chain(raw.into_iter().flatten())
    }

    fn aggregated(&self, layout: &Arc<Layout>, raw: RawRecord, number: u64) -> SharedUserRecord {
        SharedUserRecord {
            data: self.data.slice(raw.data()),
            tagged: self.data.slice(raw.tagged()),
            keys: RecordKeys::Tables {
                layout: Arc::clone(layout),
                partition_key: raw.partition_key,
                explicit_hash_key: raw.explicit_hash_key(),
            },
            sub_sequence_number: number,
        }
    }
}

impl Keys {
    fn of(contents: Contents<'_>, outer_partition_key: Option<&str>) -> Self {
        match contents {
            Contents::Plain(_) => Self::Plain(outer_partition_key.map(Arc::from)),
            Contents::Aggregated(aggregate) => Self::Tables(Arc::new(aggregate.into_layout())),
        }
    }
}

/// A [`UserRecord`] that shares the outer bytes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SharedUserRecord {
    data: Bytes,
    tagged: Bytes,
    keys: RecordKeys,
    sub_sequence_number: u64,
}

#[derive(Clone, Debug)]
enum RecordKeys {
    Plain(Option<Arc<str>>),
    Tables { layout: Arc<Layout>, partition_key: u32, explicit_hash_key: Option<u32> },
}

impl SharedUserRecord {
    /// The payload, sharing the outer bytes.
    #[must_use]
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// See [`UserRecord::partition_key`].
    #[must_use]
    pub fn partition_key(&self) -> Option<&str> {
        self.as_user_record().partition_key
    }

    /// See [`UserRecord::explicit_hash_key`].
    #[must_use]
    pub fn explicit_hash_key(&self) -> Option<&str> {
        self.as_user_record().explicit_hash_key
    }

    /// See [`UserRecord::sub_sequence_number`].
    #[must_use]
    pub fn sub_sequence_number(&self) -> u64 {
        self.sub_sequence_number
    }

    /// See [`UserRecord::aggregated`].
    #[must_use]
    pub fn is_aggregated(&self) -> bool {
        matches!(self.keys, RecordKeys::Tables { .. })
    }

    /// The record as one that borrows.
    #[must_use]
    pub fn as_user_record(&self) -> UserRecord<'_> {
        let (partition_key, explicit_hash_key, aggregated) = match &self.keys {
            RecordKeys::Plain(partition_key) => (partition_key.as_deref(), None, false),
            RecordKeys::Tables { layout, partition_key, explicit_hash_key } => (
                Some(layout.keys.partition_key(*partition_key)),
                explicit_hash_key.map(|index| layout.keys.explicit_hash_key(index)),
                true,
            ),
        };
        UserRecord {
            partition_key,
            explicit_hash_key,
            data: &self.data,
            sub_sequence_number: self.sub_sequence_number,
            aggregated,
            tags: Tags::of(&self.tagged),
        }
    }
}

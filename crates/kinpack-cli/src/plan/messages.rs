//! The sample: messages in the order in which they come.

use std::collections::HashSet;

use kinpack::HashKey;

use crate::pack::rows::NewRecord;

/// Messages in memory, not more than some bytes of them.
pub(super) struct Messages {
    keys: String,
    data: Vec<u8>,
    each: Vec<Place>,
    most_bytes: usize,
}

/// Where a message ends.
struct Place {
    key: usize,
    data: usize,
    explicit_hash_key: Option<HashKey>,
}

impl Messages {
    pub(super) fn new(most_bytes: usize) -> Self {
        Self { keys: String::new(), data: Vec::new(), each: Vec::new(), most_bytes }
    }

    /// Whether there is room for another.
    pub(super) fn is_full(&self) -> bool {
        self.keys.len() + self.data.len() + self.each.len() * size_of::<Place>() >= self.most_bytes
    }

    pub(super) fn add(&mut self, record: &NewRecord<'_>) {
        self.keys.push_str(record.partition_key);
        self.data.extend_from_slice(record.data);
        let explicit_hash_key = record.explicit_hash_key;
        self.each.push(Place { key: self.keys.len(), data: self.data.len(), explicit_hash_key });
    }

    pub(super) fn len(&self) -> usize {
        self.each.len()
    }

    /// Bytes of data.
    pub(super) fn data_len(&self) -> usize {
        self.data.len()
    }

    pub(super) fn partition_keys(&self) -> usize {
        self.iter().map(|it| it.partition_key).collect::<HashSet<_>>().len()
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = NewRecord<'_>> {
        let (mut key, mut data) = (0, 0);
        self.each.iter().map(move |place| {
            let record = NewRecord {
                partition_key: &self.keys[key..place.key],
                explicit_hash_key: place.explicit_hash_key,
                data: &self.data[data..place.data],
            };
            (key, data) = (place.key, place.data);
            record
        })
    }
}

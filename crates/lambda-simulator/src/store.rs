//! A store of progress with conditional writes, as bytes.

use std::collections::BTreeMap;

use kinpack_consumer::{Progress, Stored, Write};

/// One item for each shard: bytes and a version.
#[derive(Clone, Debug, Default)]
pub struct Store {
    items: BTreeMap<usize, (Vec<u8>, u64)>,
}

impl Store {
    /// What the store holds for a shard.
    ///
    /// # Panics
    ///
    /// It is not what was written.
    #[must_use]
    pub fn read(&self, shard: usize) -> Stored {
        match self.items.get(&shard) {
            None => Stored::default(),
            Some((bytes, version)) => Stored {
                progress: Progress::decode(bytes).expect("what was encoded can be decoded"),
                version: *version,
            },
        }
    }

    /// Writes if the version is the expected one; whether it did.
    pub fn write(&mut self, shard: usize, write: &Write) -> bool {
        let version = self.items.get(&shard).map_or(0, |(_, version)| *version);
        let expected = version == write.if_version;
        if expected {
            self.overwrite(shard, write);
        }
        expected
    }

    /// Writes whatever the version: for drivers that do wrong.
    pub fn overwrite(&mut self, shard: usize, write: &Write) {
        self.items.insert(shard, (write.progress.encode(), write.version));
    }

    /// Deletes a shard's item, as TTL does.
    pub fn delete(&mut self, shard: usize) {
        self.items.remove(&shard);
    }

    /// Forgets everything: an environment that is no longer warm.
    pub fn clear(&mut self) {
        self.items.clear();
    }
}

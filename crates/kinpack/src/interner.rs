//! A hash table of entry numbers, for keys that are kept elsewhere.

use std::hash::{BuildHasher, RandomState};

/// Finds the number of a key; the keys themselves are the caller's, in order of first use.
///
/// Seeded per instance: partition keys often come from outside.
#[derive(Clone, Debug)]
pub(crate) struct Interner {
    /// Entry number + 1 by open addressing, 0 for none; a power of two long, at most half full.
    slots: Vec<u32>,
    /// Each entry's hash.
    hashes: Vec<u32>,
    seed: u64,
}

impl Interner {
    pub(crate) fn new() -> Self {
        Self { slots: Vec::new(), hashes: Vec::new(), seed: RandomState::new().hash_one(0) }
    }

    /// Entries so far, and so the number of the next one.
    #[inline]
    pub(crate) fn len(&self) -> u32 {
        self.hashes.len() as u32
    }

    /// Eight bytes at a time, each folded in by a 128-bit multiplication.
    #[inline]
    pub(crate) fn hash(&self, bytes: &[u8]) -> u32 {
        let mut state = self.seed ^ bytes.len() as u64;
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let word = chunk.try_into().map_or(0, u64::from_le_bytes);
            state = fold(state ^ word);
        }
        let tail = chunks.remainder().iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
        let state = fold(fold(state ^ tail) ^ self.seed);
        (state >> 32 ^ state) as u32
    }

    /// The entry of this hash for which `same` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u32, same: impl Fn(usize) -> bool) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = hash as usize & mask;
        loop {
            let entry = self.slots[at].checked_sub(1)?;
            if self.hashes[entry as usize] == hash && same(entry as usize) {
                return Some(entry);
            }
            at = (at + 1) & mask;
        }
    }

    /// Adds an entry that [`find`](Self::find) did not find.
    pub(crate) fn insert(&mut self, hash: u32) {
        self.hashes.push(hash);
        if self.hashes.len() * 2 > self.slots.len() {
            let slots = (self.hashes.len() * 4).next_power_of_two().max(16);
            self.slots.clear();
            self.slots.resize(slots, 0);
            for entry in 0..self.hashes.len() {
                self.place(entry);
            }
        } else {
            self.place(self.hashes.len() - 1);
        }
    }

    fn place(&mut self, entry: usize) {
        let mask = self.slots.len() - 1;
        let mut at = self.hashes[entry] as usize & mask;
        while self.slots[at] != 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = entry as u32 + 1;
    }

    /// Forgets all entries and keeps the memory. Costs as much as there were entries.
    pub(crate) fn clear(&mut self) {
        if self.hashes.len() * 8 > self.slots.len() {
            self.slots.fill(0);
        } else {
            let mask = self.slots.len().wrapping_sub(1);
            for (entry, &hash) in self.hashes.iter().enumerate() {
                let mut at = hash as usize & mask;
                while self.slots[at] != entry as u32 + 1 {
                    at = (at + 1) & mask;
                }
                self.slots[at] = 0;
            }
        }
        self.hashes.clear();
    }
}

#[inline]
fn fold(word: u64) -> u64 {
    let product = u128::from(word) * 0x9E37_79B9_7F4A_7C15;
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::Interner;

    #[test]
    fn every_key_is_found_again_and_none_after_a_clear() {
        let mut interner = Interner::new();
        for round in [1, 3, 1000, 5, 70_000, 2] {
            let keys: Vec<_> = (0..round).map(|i| format!("key-{i}")).collect();
            for (i, key) in keys.iter().enumerate() {
                let hash = interner.hash(key.as_bytes());
                assert_eq!(interner.find(hash, |entry| keys[entry] == *key), None);
                interner.insert(hash);
                assert_eq!(interner.len() as usize, i + 1);
            }
            for (i, key) in keys.iter().enumerate() {
                let hash = interner.hash(key.as_bytes());
                assert_eq!(interner.find(hash, |entry| keys[entry] == *key), Some(i as u32));
            }
            interner.clear();
            assert!(interner.slots.iter().all(|&slot| slot == 0));
        }
    }
}

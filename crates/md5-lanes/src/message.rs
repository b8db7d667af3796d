//! A message as the blocks it is hashed in.

use crate::single::Single;

/// Bytes of an MD5 block.
pub(crate) const BLOCK: usize = 64;

/// The state that MD5 begins with.
pub(crate) const START: [u32; 4] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476];

/// A message that is being hashed: its whole blocks, then one or two more of padding.
pub(crate) struct Message<'a> {
    pub(crate) state: [u32; 4],
    /// Whole blocks that are left.
    blocks: &'a [u8],
    /// What follows the whole blocks, padded.
    tail: [u8; 2 * BLOCK],
    tail_at: usize,
    tail_end: usize,
    /// Its number among the messages.
    pub(crate) number: u32,
}

impl<'a> Message<'a> {
    pub(crate) fn new(bytes: &'a [u8], number: u32) -> Self {
        let (blocks, rest) = bytes.split_at(bytes.len() / BLOCK * BLOCK);
        let mut tail = [0; 2 * BLOCK];
        tail[..rest.len()].copy_from_slice(rest);
        tail[rest.len()] = 0x80;
        let tail_end = if rest.len() < BLOCK - 8 { BLOCK } else { 2 * BLOCK };
        let bits = (bytes.len() as u64).wrapping_mul(8);
        tail[tail_end - 8..tail_end].copy_from_slice(&bits.to_le_bytes());
        Self { state: START, blocks, tail, tail_at: 0, tail_end, number }
    }

    /// What to hash next: whole blocks, at least one until the message is done.
    #[inline]
    pub(crate) fn run(&self) -> &[u8] {
        if self.blocks.is_empty() { &self.tail[self.tail_at..self.tail_end] } else { self.blocks }
    }

    /// Hashes all that is left. `between` is told how many blocks were hashed, and says after how
    /// many more, two at least, it wants to be called again.
    #[inline]
    pub(crate) fn finish(&mut self, single: Single, mut between: impl FnMut(usize) -> usize) {
        let whole = self.blocks.len() / BLOCK;
        if whole > 0 {
            single.hash(&mut self.state, self.blocks, 0, &mut between);
        }
        let tail = &self.tail[self.tail_at..self.tail_end];
        single.hash(&mut self.state, tail, whole, &mut between);
        between(whole + tail.len() / BLOCK);
        (self.blocks, self.tail_at) = (&[], self.tail_end);
    }

    /// Steps over `blocks` blocks of [`run`](Self::run).
    #[inline]
    pub(crate) fn advance(&mut self, blocks: usize) {
        if self.blocks.is_empty() {
            self.tail_at += blocks * BLOCK;
        } else {
            self.blocks = &self.blocks[blocks * BLOCK..];
        }
    }

    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.tail_at == self.tail_end
    }

    pub(crate) fn digest(&self) -> [u8; 16] {
        let mut digest = [0; 16];
        for (bytes, word) in digest.chunks_exact_mut(4).zip(self.state) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        digest
    }
}

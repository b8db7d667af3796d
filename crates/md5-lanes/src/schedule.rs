//! Which message is in which lane.

use alloc::vec::Vec;

use crate::backend::Backend;
use crate::kernel::{Lanes, MAX_LANES};
use crate::message::{BLOCK, Message};

pub(crate) fn one(backend: &Backend, message: &[u8]) -> [u8; 16] {
    finish(backend, Message::new(message, 0), never)
}

/// [`one`], with calls in between: each is told how much of the message was hashed and says how
/// much must be before the next.
pub(crate) fn one_with(
    backend: &Backend,
    message: &[u8],
    between: impl FnMut(usize) -> usize,
) -> [u8; 16] {
    finish(backend, Message::new(message, 0), between)
}

/// Hashes what is left of a message by the single stream.
fn finish(
    backend: &Backend,
    mut message: Message<'_>,
    mut between: impl FnMut(usize) -> usize,
) -> [u8; 16] {
    /// In blocks: a processor looks some hundred instructions ahead, and what it does not see it
    /// cannot do at the same time. Measured: two or five gain a quarter less, 16 half.
    const LEAST: usize = 3;

    message.finish(backend.single, |blocks| {
        let hashed = blocks * BLOCK;
        (between(hashed).saturating_sub(hashed) / BLOCK).max(LEAST)
    });
    message.digest()
}

/// One function, and not a closure here and there: the stream is compiled for each.
fn never(_: usize) -> usize {
    usize::MAX
}

/// Longest first, so that none is left over at the end; a lane that ends gets the next message;
/// all lanes run for as many blocks as the shortest of them still has.
pub(crate) fn many(backend: &Backend, messages: &[&[u8]], digests: &mut [[u8; 16]]) {
    assert_eq!(messages.len(), digests.len(), "a digest for each message");
    let count = u32::try_from(messages.len()).expect("no more messages than u32::MAX");
    let mut order: Vec<u32> = (0..count).collect();
    order.sort_unstable_by_key(|&number| messages[number as usize].len());
    let mut next = || {
        let number = order.pop()?;
        Some(Message::new(messages[number as usize], number))
    };

    let width = backend.kernels.first().map_or(0, |kernel| kernel.lanes);
    let mut active: Vec<Message<'_>> = core::iter::from_fn(&mut next).take(width).collect();
    let mut lanes = Lanes { state: [[0; MAX_LANES]; 4], blocks: [core::ptr::null(); MAX_LANES] };
    while let Some(kernel) = backend.kernels.iter().find(|kernel| kernel.from <= active.len()) {
        let used = active.len().min(kernel.lanes);
        let now = &mut active[..used];
        let blocks = now.iter().map(|message| message.run().len() / BLOCK).min().unwrap_or(0);
        for lane in 0..kernel.lanes {
            // A lane without a message does what another one does.
            let message = &now[lane % now.len()];
            lanes.blocks[lane] = message.run().as_ptr();
            for word in 0..4 {
                lanes.state[word][lane] = message.state[word];
            }
        }
        // SAFETY: the processor has the back end's instructions, and each message in a lane has
        // at least as many blocks.
        unsafe { (kernel.run)(&mut lanes, blocks) };
        for (lane, message) in now.iter_mut().enumerate() {
            message.state = core::array::from_fn(|word| lanes.state[word][lane]);
            message.advance(blocks);
        }
        let mut lane = 0;
        while lane < active.len() {
            if !active[lane].is_done() {
                lane += 1;
                continue;
            }
            let done = active[lane].number as usize;
            digests[done] = active[lane].digest();
            match next() {
                Some(message) => {
                    active[lane] = message;
                    lane += 1;
                }
                None => drop(active.swap_remove(lane)),
            }
        }
    }
    for message in active.into_iter().chain(core::iter::from_fn(next)) {
        let number = message.number as usize;
        digests[number] = finish(backend, message, never);
    }
}

//! One stream, as fast as a chain of 64 steps a block can be.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use core::arch::asm;

use crate::kernel::steps;
use crate::message::BLOCK;

/// The code that a single stream is hashed by.
#[derive(Clone, Copy)]
pub(crate) enum Single {
    /// Portable.
    Scalar,
    /// AVX-512VL: only the back ends that need it name it.
    #[cfg(target_arch = "x86_64")]
    Ternary,
}

impl Single {
    /// Hashes whole blocks, before which `hashed` others were. `between` is told how many were
    /// hashed, and says after how many more it wants to be called again; not after the last.
    ///
    /// Generic, so that the state stays in its registers meanwhile: a step waits for the one
    /// before, and would wait for the way through memory, too.
    #[inline]
    pub(crate) fn hash(
        self,
        state: &mut [u32; 4],
        blocks: &[u8],
        hashed: usize,
        between: &mut impl FnMut(usize) -> usize,
    ) {
        match self {
            Self::Scalar => *state = stretches(*state, blocks, hashed, between, scalar),
            #[cfg(target_arch = "x86_64")]
            Self::Ternary => crate::x86::hash_ternary(state, blocks, hashed, between),
        }
    }
}

/// Hashes stretches of blocks, as long as `between` wants them.
#[inline(always)]
pub(crate) fn stretches<S>(
    mut state: S,
    blocks: &[u8],
    hashed: usize,
    between: &mut impl FnMut(usize) -> usize,
    hash: impl Fn(S, &[u8]) -> S,
) -> S {
    let mut left = blocks;
    loop {
        let count = between(hashed + (blocks.len() - left.len()) / BLOCK);
        let (now, later) = left.split_at(left.len().min(count.saturating_mul(BLOCK)));
        state = hash(state, now);
        if later.is_empty() {
            return state;
        }
        left = later;
    }
}

/// Portable code, 4.5 cycles a step.
///
/// Whatever does not wait for `b` is added before what does; in the second round `b & d | c & !d`
/// is a sum of disjoint bits, so that `c & !d` does not wait either. Compilers would put the sums
/// in another order.
#[inline(always)]
fn scalar([mut a, mut b, mut c, mut d]: [u32; 4], blocks: &[u8]) -> [u32; 4] {
    for block in blocks.chunks_exact(BLOCK) {
        let w = words(block);
        let before = [a, b, c, d];
        macro_rules! step {
            (f1 $a:ident $b:ident $c:ident $d:ident $w:literal $s:literal $k:literal) => {
                let sum = $a.wrapping_add(w[$w]).wrapping_add($k);
                let f = $d ^ ($b & ($c ^ $d));
                $a = opaque(sum).wrapping_add(f).rotate_left($s).wrapping_add($b);
            };
            (f2 $a:ident $b:ident $c:ident $d:ident $w:literal $s:literal $k:literal) => {
                let sum = $a.wrapping_add(w[$w]).wrapping_add($k).wrapping_add($c & !$d);
                $a = opaque(sum).wrapping_add($b & $d).rotate_left($s).wrapping_add($b);
            };
            (f3 $a:ident $b:ident $c:ident $d:ident $w:literal $s:literal $k:literal) => {
                let sum = $a.wrapping_add(w[$w]).wrapping_add($k);
                let f = $b ^ opaque($c ^ $d);
                $a = opaque(sum).wrapping_add(f).rotate_left($s).wrapping_add($b);
            };
            (f4 $a:ident $b:ident $c:ident $d:ident $w:literal $s:literal $k:literal) => {
                let sum = $a.wrapping_add(w[$w]).wrapping_add($k);
                let f = $c ^ ($b | !$d);
                $a = opaque(sum).wrapping_add(f).rotate_left($s).wrapping_add($b);
            };
        }
        steps!(step, a b c d);
        a = a.wrapping_add(before[0]);
        b = b.wrapping_add(before[1]);
        c = c.wrapping_add(before[2]);
        d = d.wrapping_add(before[3]);
    }
    [a, b, c, d]
}

#[inline(always)]
pub(crate) fn words(block: &[u8]) -> [u32; 16] {
    let mut words = [0; 16];
    for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
        *word = bytes.try_into().map_or(0, u32::from_le_bytes);
    }
    words
}

/// The same value, of which the compiler knows nothing: keeps sums in the order they are written.
#[inline(always)]
fn opaque(value: u32) -> u32 {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    let value = {
        let mut value = value;
        // SAFETY: no instruction at all; the register is named in its 32 bits.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            asm!("/* {0:e} */", inout(reg) value, options(pure, nomem, nostack, preserves_flags));
        }
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        unsafe {
            asm!("/* {0:w} */", inout(reg) value, options(pure, nomem, nostack, preserves_flags));
        }
        value
    };
    value
}

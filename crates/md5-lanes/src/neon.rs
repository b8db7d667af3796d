//! aarch64: NEON, which every processor has.

use core::arch::aarch64::*;
use core::arch::asm;

use crate::kernel::{Kernel, Lanes, Vector, compress};

// Four groups, as the steps have a long latency on the larger cores.
pub(crate) static NEON: &[Kernel] = &[
    Kernel { lanes: 16, from: 9, run: neon_x4 },
    Kernel { lanes: 8, from: 5, run: neon_x2 },
    Kernel { lanes: 4, from: 3, run: neon_x1 },
];

macro_rules! kernel {
    ($name:ident, $groups:literal) => {
        /// # Safety
        ///
        /// As [`Kernel::run`].
        unsafe fn $name(lanes: &mut Lanes, blocks: usize) {
            // SAFETY: the caller's promise.
            unsafe { compress::<Four, $groups>(lanes, blocks) }
        }
    };
}

kernel!(neon_x4, 4);
kernel!(neon_x2, 2);
kernel!(neon_x1, 1);

/// Four lanes.
#[derive(Clone, Copy)]
struct Four(uint32x4_t);

impl Vector for Four {
    const LANES: usize = 4;

    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { vld1q_u32(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u32) {
        // SAFETY: the caller's promise.
        unsafe { vst1q_u32(to, self.0) }
    }

    #[inline(always)]
    unsafe fn splat(value: u32) -> Self {
        // SAFETY: the trait's promise.
        Self(unsafe { vdupq_n_u32(value) })
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the trait's promise.
        Self(unsafe { vaddq_u32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn rotate_left<const LEFT: i32, const RIGHT: i32>(self) -> Self {
        // SAFETY: the trait's promise. Shift right and insert what was shifted left. The intrinsic
        // would be merged with the sum that follows into USRA, which takes twice as long.
        unsafe {
            let mut left = vshlq_n_u32::<LEFT>(self.0);
            asm!(
                "sri {0:v}.4s, {1:v}.4s, #{right}",
                inout(vreg) left,
                in(vreg) self.0,
                right = const RIGHT,
                options(pure, nomem, nostack, preserves_flags),
            );
            Self(left)
        }
    }

    #[inline(always)]
    unsafe fn f1(b: Self, c: Self, d: Self) -> Self {
        // SAFETY: the trait's promise.
        Self(unsafe { vbslq_u32(b.0, c.0, d.0) })
    }

    #[inline(always)]
    unsafe fn f2(b: Self, c: Self, d: Self) -> Self {
        // SAFETY: the trait's promise.
        Self(unsafe { vbslq_u32(d.0, b.0, c.0) })
    }

    #[inline(always)]
    unsafe fn f3(b: Self, c: Self, d: Self) -> Self {
        // SAFETY: the trait's promise.
        Self(unsafe { veorq_u32(b.0, veorq_u32(c.0, d.0)) })
    }

    #[inline(always)]
    unsafe fn f4(b: Self, c: Self, d: Self) -> Self {
        // SAFETY: the trait's promise.
        Self(unsafe { veorq_u32(c.0, vornq_u32(b.0, d.0)) })
    }

    #[inline(always)]
    unsafe fn transpose(blocks: *const *const u8, offset: usize) -> [Self; 16] {
        // SAFETY: 64 bytes can be read in each lane.
        unsafe {
            let mut words = [Self::splat(0); 16];
            for quarter in 0..4 {
                let row = |lane: usize| {
                    let bytes = vld1q_u8((*blocks.add(lane)).add(offset + 16 * quarter));
                    vreinterpretq_u32_u8(bytes)
                };
                let (r0, r1, r2, r3) = (row(0), row(1), row(2), row(3));
                let wide = |it| vreinterpretq_u64_u32(it);
                let (even01, odd01) = (wide(vtrn1q_u32(r0, r1)), wide(vtrn2q_u32(r0, r1)));
                let (even23, odd23) = (wide(vtrn1q_u32(r2, r3)), wide(vtrn2q_u32(r2, r3)));
                let narrow = |it| Self(vreinterpretq_u32_u64(it));
                words[4 * quarter] = narrow(vtrn1q_u64(even01, even23));
                words[4 * quarter + 1] = narrow(vtrn1q_u64(odd01, odd23));
                words[4 * quarter + 2] = narrow(vtrn2q_u64(even01, even23));
                words[4 * quarter + 3] = narrow(vtrn2q_u64(odd01, odd23));
            }
            words
        }
    }
}

//! x86-64: AVX-512, AVX2, SSE2.

use core::arch::x86_64::*;

use crate::kernel::{Kernel, Lanes, Vector, compress, steps};
use crate::message::BLOCK;
use crate::single::{stretches, words};

cpufeatures::new!(avx512, "avx512f", "avx512bw", "avx512vl");
cpufeatures::new!(avx2, "avx2");

pub(crate) fn has_avx512() -> bool {
    avx512::get()
}

pub(crate) fn has_avx2() -> bool {
    avx2::get()
}

/// By the vendor's name.
pub(crate) fn is_intel() -> bool {
    let vendor = __cpuid(0);
    (vendor.ebx, vendor.edx, vendor.ecx) == (0x756E_6547, 0x4965_6E69, 0x6C65_746E)
}

pub(crate) static AVX512: &[Kernel] = &[
    Kernel { lanes: 32, from: 17, run: avx512_x2 },
    Kernel { lanes: 16, from: 9, run: avx512_x1 },
    Kernel { lanes: 8, from: 5, run: avx512_half },
    Kernel { lanes: 4, from: 2, run: avx512_quarter },
];

pub(crate) static AVX2: &[Kernel] = &[
    Kernel { lanes: 16, from: 9, run: avx2_x2 },
    Kernel { lanes: 8, from: 5, run: avx2_x1 },
    Kernel { lanes: 4, from: 3, run: sse2_x1 },
];

pub(crate) static SSE2: &[Kernel] =
    &[Kernel { lanes: 8, from: 5, run: sse2_x2 }, Kernel { lanes: 4, from: 3, run: sse2_x1 }];

macro_rules! kernel {
    ($name:ident, $features:literal, $vector:ty, $groups:literal) => {
        /// # Safety
        ///
        /// As [`Kernel::run`].
        #[target_feature(enable = $features)]
        unsafe fn $name(lanes: &mut Lanes, blocks: usize) {
            // SAFETY: the caller's promise.
            unsafe { compress::<$vector, $groups>(lanes, blocks) }
        }
    };
}

kernel!(avx512_x2, "avx512f,avx512bw,avx512vl", Wide, 2);
kernel!(avx512_x1, "avx512f,avx512bw,avx512vl", Wide, 1);
kernel!(avx512_half, "avx512f,avx512bw,avx512vl", Ternary256, 1);
kernel!(avx512_quarter, "avx512f,avx512bw,avx512vl", Ternary128, 1);
kernel!(avx2_x2, "avx2", Plain256, 2);
kernel!(avx2_x1, "avx2", Plain256, 1);
kernel!(sse2_x2, "sse2", Plain128, 2);
kernel!(sse2_x1, "sse2", Plain128, 1);

/// One stream by AVX-512VL: a step is ternary logic, add, rotate, add.
#[inline]
pub(crate) fn hash_ternary(
    state: &mut [u32; 4],
    blocks: &[u8],
    hashed: usize,
    between: &mut impl FnMut(usize) -> usize,
) {
    debug_assert!(has_avx512());
    // SAFETY: only the back ends that need it name it.
    unsafe { ternary_stretches(state, blocks, hashed, between) }
}

/// # Safety
///
/// The processor has AVX-512VL.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn ternary_stretches(
    state: &mut [u32; 4],
    blocks: &[u8],
    hashed: usize,
    between: &mut impl FnMut(usize) -> usize,
) {
    let lanes = state.map(|value| Ternary128(_mm_cvtsi32_si128(value as i32)));
    let lanes = stretches(lanes, blocks, hashed, between, |[mut a, mut b, mut c, mut d], now| {
        for block in now.chunks_exact(BLOCK) {
            let w = words(block);
            let before = [a, b, c, d];
            macro_rules! step {
                ($f:ident $a:ident $b:ident $c:ident $d:ident $w:literal $s:literal $k:literal) => {
                    // SAFETY: the caller's promise.
                    $a = unsafe {
                        let word = Ternary128(_mm_cvtsi32_si128(w[$w].wrapping_add($k) as i32));
                        let sum = $a.add(word).add(Ternary128::$f($b, $c, $d));
                        sum.rotate_left::<$s, { 32 - $s }>().add($b)
                    };
                };
            }
            steps!(step, a b c d);
            // SAFETY: the caller's promise.
            unsafe {
                a = a.add(before[0]);
                b = b.add(before[1]);
                c = c.add(before[2]);
                d = d.add(before[3]);
            }
        }
        [a, b, c, d]
    });
    *state = lanes.map(|it| _mm_cvtsi128_si32(it.0) as u32);
}

// A ternary function's table: the operands' bits as the positions 0xF0, 0xCC, 0xAA.
const B: i32 = 0xF0;
const C: i32 = 0xCC;
const D: i32 = 0xAA;
const F1: i32 = (B & C | !B & D) & 0xFF;
const F2: i32 = (B & D | C & !D) & 0xFF;
const F3: i32 = B ^ C ^ D;
const F4: i32 = (C ^ (B | !D)) & 0xFF;

/// Sixteen lanes, AVX-512.
#[derive(Clone, Copy)]
struct Wide(__m512i);

/// Eight lanes with AVX-512's ternary logic and rotates.
#[derive(Clone, Copy)]
struct Ternary256(__m256i);

/// Four lanes with AVX-512's ternary logic and rotates.
#[derive(Clone, Copy)]
struct Ternary128(__m128i);

/// Eight lanes, AVX2.
#[derive(Clone, Copy)]
struct Plain256(__m256i);

/// Four lanes, SSE2.
#[derive(Clone, Copy)]
struct Plain128(__m128i);

/// What the vectors with ternary logic share.
macro_rules! ternary {
    ($ternary:ident, $rotate:ident) => {
        #[inline(always)]
        unsafe fn rotate_left<const LEFT: i32, const RIGHT: i32>(self) -> Self {
            // SAFETY: the trait's promise.
            Self(unsafe { $rotate::<LEFT>(self.0) })
        }
        #[inline(always)]
        unsafe fn f1(b: Self, c: Self, d: Self) -> Self {
            // SAFETY: the trait's promise.
            Self(unsafe { $ternary::<F1>(b.0, c.0, d.0) })
        }
        #[inline(always)]
        unsafe fn f2(b: Self, c: Self, d: Self) -> Self {
            // SAFETY: the trait's promise.
            Self(unsafe { $ternary::<F2>(b.0, c.0, d.0) })
        }
        #[inline(always)]
        unsafe fn f3(b: Self, c: Self, d: Self) -> Self {
            // SAFETY: the trait's promise.
            Self(unsafe { $ternary::<F3>(b.0, c.0, d.0) })
        }
        #[inline(always)]
        unsafe fn f4(b: Self, c: Self, d: Self) -> Self {
            // SAFETY: the trait's promise.
            Self(unsafe { $ternary::<F4>(b.0, c.0, d.0) })
        }
    };
}

/// What the vectors without it share.
macro_rules! plain {
    ($and:ident, $or:ident, $xor:ident, $set:ident, $left:ident, $right:ident) => {
        #[inline(always)]
        unsafe fn rotate_left<const LEFT: i32, const RIGHT: i32>(self) -> Self {
            // SAFETY: the trait's promise.
            Self(unsafe { $or($left::<LEFT>(self.0), $right::<RIGHT>(self.0)) })
        }
        #[inline(always)]
        unsafe fn f1(b: Self, c: Self, d: Self) -> Self {
            // SAFETY: the trait's promise.
            Self(unsafe { $xor(d.0, $and(b.0, $xor(c.0, d.0))) })
        }
        #[inline(always)]
        unsafe fn f2(b: Self, c: Self, d: Self) -> Self {
            // SAFETY: the trait's promise.
            Self(unsafe { $xor(c.0, $and(d.0, $xor(b.0, c.0))) })
        }
        #[inline(always)]
        unsafe fn f3(b: Self, c: Self, d: Self) -> Self {
            // SAFETY: the trait's promise.
            Self(unsafe { $xor(b.0, $xor(c.0, d.0)) })
        }
        #[inline(always)]
        unsafe fn f4(b: Self, c: Self, d: Self) -> Self {
            // SAFETY: the trait's promise.
            Self(unsafe { $xor(c.0, $or(b.0, $xor(d.0, $set(-1)))) })
        }
    };
}

/// Loading, storing, adding.
macro_rules! arithmetic {
    ($register:ty, $lanes:literal, $load:ident, $store:ident, $set:ident, $add:ident) => {
        const LANES: usize = $lanes;

        #[inline(always)]
        unsafe fn load(from: *const u32) -> Self {
            // SAFETY: the caller's promise; unaligned.
            Self(unsafe { $load(from.cast()) })
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut u32) {
            // SAFETY: the caller's promise; unaligned.
            unsafe { $store(to.cast(), self.0) }
        }
        #[inline(always)]
        unsafe fn splat(value: u32) -> Self {
            // SAFETY: the trait's promise.
            Self(unsafe { $set(value as i32) })
        }
        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: the trait's promise.
            Self(unsafe { $add(self.0, other.0) })
        }
    };
}

impl Vector for Wide {
    arithmetic!(
        __m512i,
        16,
        _mm512_loadu_si512,
        _mm512_storeu_si512,
        _mm512_set1_epi32,
        _mm512_add_epi32
    );
    ternary!(_mm512_ternarylogic_epi32, _mm512_rol_epi32);

    #[inline(always)]
    unsafe fn transpose(blocks: *const *const u8, offset: usize) -> [Self; 16] {
        // SAFETY: 64 bytes can be read in each lane.
        unsafe {
            let mut quads = [[_mm512_setzero_si512(); 4]; 4];
            for (q, quad) in quads.iter_mut().enumerate() {
                *quad = four_rows512(blocks.add(4 * q), offset);
            }
            let mut words = [Self(_mm512_setzero_si512()); 16];
            for i in 0..4 {
                let [q0, q1, q2, q3] = [quads[0][i], quads[1][i], quads[2][i], quads[3][i]];
                // Quarters 0 and 1, then 2 and 3, of two quads each.
                let (low01, high01) =
                    (_mm512_shuffle_i32x4::<0x44>(q0, q1), _mm512_shuffle_i32x4::<0xEE>(q0, q1));
                let (low23, high23) =
                    (_mm512_shuffle_i32x4::<0x44>(q2, q3), _mm512_shuffle_i32x4::<0xEE>(q2, q3));
                words[i] = Self(_mm512_shuffle_i32x4::<0x88>(low01, low23));
                words[4 + i] = Self(_mm512_shuffle_i32x4::<0xDD>(low01, low23));
                words[8 + i] = Self(_mm512_shuffle_i32x4::<0x88>(high01, high23));
                words[12 + i] = Self(_mm512_shuffle_i32x4::<0xDD>(high01, high23));
            }
            words
        }
    }
}

/// Four lanes' rows as four columns, within each 128 bits: word i of the four lanes.
macro_rules! four_rows {
    ($name:ident, $register:ty, $load:ident, $lo32:ident, $hi32:ident, $lo64:ident, $hi64:ident) => {
        /// # Safety
        ///
        /// As [`Vector::transpose`], with the register's instructions.
        #[inline(always)]
        unsafe fn $name(blocks: *const *const u8, offset: usize) -> [$register; 4] {
            // SAFETY: the register's bytes can be read in each of four lanes.
            unsafe {
                let r0 = $load((*blocks).add(offset).cast());
                let r1 = $load((*blocks.add(1)).add(offset).cast());
                let r2 = $load((*blocks.add(2)).add(offset).cast());
                let r3 = $load((*blocks.add(3)).add(offset).cast());
                let (lo01, hi01) = ($lo32(r0, r1), $hi32(r0, r1));
                let (lo23, hi23) = ($lo32(r2, r3), $hi32(r2, r3));
                [$lo64(lo01, lo23), $hi64(lo01, lo23), $lo64(hi01, hi23), $hi64(hi01, hi23)]
            }
        }
    };
}

four_rows!(
    four_rows512,
    __m512i,
    _mm512_loadu_si512,
    _mm512_unpacklo_epi32,
    _mm512_unpackhi_epi32,
    _mm512_unpacklo_epi64,
    _mm512_unpackhi_epi64
);
four_rows!(
    four_rows256,
    __m256i,
    _mm256_loadu_si256,
    _mm256_unpacklo_epi32,
    _mm256_unpackhi_epi32,
    _mm256_unpacklo_epi64,
    _mm256_unpackhi_epi64
);
four_rows!(
    four_rows128,
    __m128i,
    _mm_loadu_si128,
    _mm_unpacklo_epi32,
    _mm_unpackhi_epi32,
    _mm_unpacklo_epi64,
    _mm_unpackhi_epi64
);

/// The words of eight lanes' blocks.
///
/// # Safety
///
/// As [`Vector::transpose`], with AVX2.
#[inline(always)]
unsafe fn transpose256(blocks: *const *const u8, offset: usize) -> [__m256i; 16] {
    // SAFETY: 64 bytes can be read in each lane.
    unsafe {
        let mut words = [_mm256_setzero_si256(); 16];
        for half in 0..2 {
            let low = four_rows256(blocks, offset + 32 * half);
            let high = four_rows256(blocks.add(4), offset + 32 * half);
            for i in 0..4 {
                words[8 * half + i] = _mm256_permute2x128_si256::<0x20>(low[i], high[i]);
                words[8 * half + 4 + i] = _mm256_permute2x128_si256::<0x31>(low[i], high[i]);
            }
        }
        words
    }
}

/// The words of four lanes' blocks.
///
/// # Safety
///
/// As [`Vector::transpose`], with SSE2.
#[inline(always)]
unsafe fn transpose128(blocks: *const *const u8, offset: usize) -> [__m128i; 16] {
    // SAFETY: 64 bytes can be read in each lane.
    unsafe {
        let mut words = [_mm_setzero_si128(); 16];
        for quarter in 0..4 {
            let columns = four_rows128(blocks, offset + 16 * quarter);
            words[4 * quarter..][..4].copy_from_slice(&columns);
        }
        words
    }
}

/// A transposition by one of the functions above.
macro_rules! transposed_by {
    ($function:ident) => {
        #[inline(always)]
        unsafe fn transpose(blocks: *const *const u8, offset: usize) -> [Self; 16] {
            // SAFETY: the caller's promise.
            let words = unsafe { $function(blocks, offset) };
            let mut vectors = [Self(words[0]); 16];
            for (vector, word) in vectors.iter_mut().zip(words) {
                *vector = Self(word);
            }
            vectors
        }
    };
}

impl Vector for Ternary256 {
    arithmetic!(
        __m256i,
        8,
        _mm256_loadu_si256,
        _mm256_storeu_si256,
        _mm256_set1_epi32,
        _mm256_add_epi32
    );
    ternary!(_mm256_ternarylogic_epi32, _mm256_rol_epi32);
    transposed_by!(transpose256);
}

impl Vector for Ternary128 {
    arithmetic!(__m128i, 4, _mm_loadu_si128, _mm_storeu_si128, _mm_set1_epi32, _mm_add_epi32);
    ternary!(_mm_ternarylogic_epi32, _mm_rol_epi32);
    transposed_by!(transpose128);
}

impl Vector for Plain256 {
    arithmetic!(
        __m256i,
        8,
        _mm256_loadu_si256,
        _mm256_storeu_si256,
        _mm256_set1_epi32,
        _mm256_add_epi32
    );
    plain!(
        _mm256_and_si256,
        _mm256_or_si256,
        _mm256_xor_si256,
        _mm256_set1_epi32,
        _mm256_slli_epi32,
        _mm256_srli_epi32
    );
    transposed_by!(transpose256);
}

impl Vector for Plain128 {
    arithmetic!(__m128i, 4, _mm_loadu_si128, _mm_storeu_si128, _mm_set1_epi32, _mm_add_epi32);
    plain!(
        _mm_and_si128,
        _mm_or_si128,
        _mm_xor_si128,
        _mm_set1_epi32,
        _mm_slli_epi32,
        _mm_srli_epi32
    );
    transposed_by!(transpose128);
}

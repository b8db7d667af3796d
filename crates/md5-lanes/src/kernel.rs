//! The 64 steps, over vectors of lanes.

use crate::message::BLOCK;

/// Lanes of the widest kernel.
pub(crate) const MAX_LANES: usize = 32;

/// The lanes' states, word by word, and where each lane's next block stands.
#[repr(align(64))]
pub(crate) struct Lanes {
    pub(crate) state: [[u32; MAX_LANES]; 4],
    pub(crate) blocks: [*const u8; MAX_LANES],
}

/// Hashes blocks in the first lanes.
#[derive(Clone, Copy)]
pub(crate) struct Kernel {
    /// How many lanes it has.
    pub(crate) lanes: usize,
    /// From how many messages on it beats the next narrower one.
    pub(crate) from: usize,
    /// # Safety
    ///
    /// The processor has the kernel's instructions, and in each of its lanes as many blocks can
    /// be read as the second argument says.
    pub(crate) run: unsafe fn(&mut Lanes, usize),
}

/// One step after another: `step!(round a b c d word shift constant)`.
macro_rules! steps {
    ($step:ident, $a:ident $b:ident $c:ident $d:ident) => {
        $step!(f1 $a $b $c $d  0  7 0xD76AA478);
        $step!(f1 $d $a $b $c  1 12 0xE8C7B756);
        $step!(f1 $c $d $a $b  2 17 0x242070DB);
        $step!(f1 $b $c $d $a  3 22 0xC1BDCEEE);
        $step!(f1 $a $b $c $d  4  7 0xF57C0FAF);
        $step!(f1 $d $a $b $c  5 12 0x4787C62A);
        $step!(f1 $c $d $a $b  6 17 0xA8304613);
        $step!(f1 $b $c $d $a  7 22 0xFD469501);
        $step!(f1 $a $b $c $d  8  7 0x698098D8);
        $step!(f1 $d $a $b $c  9 12 0x8B44F7AF);
        $step!(f1 $c $d $a $b 10 17 0xFFFF5BB1);
        $step!(f1 $b $c $d $a 11 22 0x895CD7BE);
        $step!(f1 $a $b $c $d 12  7 0x6B901122);
        $step!(f1 $d $a $b $c 13 12 0xFD987193);
        $step!(f1 $c $d $a $b 14 17 0xA679438E);
        $step!(f1 $b $c $d $a 15 22 0x49B40821);
        $step!(f2 $a $b $c $d  1  5 0xF61E2562);
        $step!(f2 $d $a $b $c  6  9 0xC040B340);
        $step!(f2 $c $d $a $b 11 14 0x265E5A51);
        $step!(f2 $b $c $d $a  0 20 0xE9B6C7AA);
        $step!(f2 $a $b $c $d  5  5 0xD62F105D);
        $step!(f2 $d $a $b $c 10  9 0x02441453);
        $step!(f2 $c $d $a $b 15 14 0xD8A1E681);
        $step!(f2 $b $c $d $a  4 20 0xE7D3FBC8);
        $step!(f2 $a $b $c $d  9  5 0x21E1CDE6);
        $step!(f2 $d $a $b $c 14  9 0xC33707D6);
        $step!(f2 $c $d $a $b  3 14 0xF4D50D87);
        $step!(f2 $b $c $d $a  8 20 0x455A14ED);
        $step!(f2 $a $b $c $d 13  5 0xA9E3E905);
        $step!(f2 $d $a $b $c  2  9 0xFCEFA3F8);
        $step!(f2 $c $d $a $b  7 14 0x676F02D9);
        $step!(f2 $b $c $d $a 12 20 0x8D2A4C8A);
        $step!(f3 $a $b $c $d  5  4 0xFFFA3942);
        $step!(f3 $d $a $b $c  8 11 0x8771F681);
        $step!(f3 $c $d $a $b 11 16 0x6D9D6122);
        $step!(f3 $b $c $d $a 14 23 0xFDE5380C);
        $step!(f3 $a $b $c $d  1  4 0xA4BEEA44);
        $step!(f3 $d $a $b $c  4 11 0x4BDECFA9);
        $step!(f3 $c $d $a $b  7 16 0xF6BB4B60);
        $step!(f3 $b $c $d $a 10 23 0xBEBFBC70);
        $step!(f3 $a $b $c $d 13  4 0x289B7EC6);
        $step!(f3 $d $a $b $c  0 11 0xEAA127FA);
        $step!(f3 $c $d $a $b  3 16 0xD4EF3085);
        $step!(f3 $b $c $d $a  6 23 0x04881D05);
        $step!(f3 $a $b $c $d  9  4 0xD9D4D039);
        $step!(f3 $d $a $b $c 12 11 0xE6DB99E5);
        $step!(f3 $c $d $a $b 15 16 0x1FA27CF8);
        $step!(f3 $b $c $d $a  2 23 0xC4AC5665);
        $step!(f4 $a $b $c $d  0  6 0xF4292244);
        $step!(f4 $d $a $b $c  7 10 0x432AFF97);
        $step!(f4 $c $d $a $b 14 15 0xAB9423A7);
        $step!(f4 $b $c $d $a  5 21 0xFC93A039);
        $step!(f4 $a $b $c $d 12  6 0x655B59C3);
        $step!(f4 $d $a $b $c  3 10 0x8F0CCC92);
        $step!(f4 $c $d $a $b 10 15 0xFFEFF47D);
        $step!(f4 $b $c $d $a  1 21 0x85845DD1);
        $step!(f4 $a $b $c $d  8  6 0x6FA87E4F);
        $step!(f4 $d $a $b $c 15 10 0xFE2CE6E0);
        $step!(f4 $c $d $a $b  6 15 0xA3014314);
        $step!(f4 $b $c $d $a 13 21 0x4E0811A1);
        $step!(f4 $a $b $c $d  4  6 0xF7537E82);
        $step!(f4 $d $a $b $c 11 10 0xBD3AF235);
        $step!(f4 $c $d $a $b  2 15 0x2AD7D2BB);
        $step!(f4 $b $c $d $a  9 21 0xEB86D391);
    };
}
pub(crate) use steps;

/// A vector of 32-bit lanes.
///
/// # Safety
///
/// All methods need a processor with the vector's instructions, and must be inlined into a
/// function that enables them.
pub(crate) trait Vector: Copy {
    const LANES: usize;

    unsafe fn load(from: *const u32) -> Self;
    unsafe fn store(self, to: *mut u32);
    unsafe fn splat(value: u32) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn rotate_left<const LEFT: i32, const RIGHT: i32>(self) -> Self;
    /// `b & c | !b & d`
    unsafe fn f1(b: Self, c: Self, d: Self) -> Self;
    /// `b & d | c & !d`
    unsafe fn f2(b: Self, c: Self, d: Self) -> Self;
    /// `b ^ c ^ d`
    unsafe fn f3(b: Self, c: Self, d: Self) -> Self;
    /// `c ^ (b | !d)`
    unsafe fn f4(b: Self, c: Self, d: Self) -> Self;
    /// Word i of each lane's block, for each i. Lane l's block stands `offset` bytes behind
    /// `blocks[l]`.
    unsafe fn transpose(blocks: *const *const u8, offset: usize) -> [Self; 16];
}

/// Hashes `blocks` blocks in `GROUPS` groups of `V::LANES` lanes. Two groups fill the ports that
/// one, which waits for its own results, leaves idle.
///
/// # Safety
///
/// As [`Kernel::run`] and [`Vector`].
#[inline(always)]
pub(crate) unsafe fn compress<V: Vector, const GROUPS: usize>(lanes: &mut Lanes, blocks: usize) {
    const { assert!(V::LANES * GROUPS <= MAX_LANES) };
    // SAFETY: the caller's promise; the states of all groups lie within the arrays.
    unsafe {
        // Loops, not closures: those would not be compiled for the kernel's instructions.
        let zero = [V::splat(0); GROUPS];
        let mut abcd = [zero; 4];
        for (vectors, word) in abcd.iter_mut().zip(&lanes.state) {
            for (g, vector) in vectors.iter_mut().enumerate() {
                *vector = V::load(word.as_ptr().add(g * V::LANES));
            }
        }
        let [mut a, mut b, mut c, mut d] = abcd;
        for block in 0..blocks {
            let mut w = [[V::splat(0); 16]; GROUPS];
            for (g, words) in w.iter_mut().enumerate() {
                let blocks = lanes.blocks.as_ptr().add(g * V::LANES);
                *words = V::transpose(blocks, block * BLOCK);
            }
            let before = (a, b, c, d);
            macro_rules! step {
                ($f:ident $a:ident $b:ident $c:ident $d:ident $w:literal $s:literal $k:literal) => {
                    for g in 0..GROUPS {
                        let sum = $a[g].add(w[g][$w].add(V::splat($k)));
                        let sum = sum.add(V::$f($b[g], $c[g], $d[g]));
                        $a[g] = sum.rotate_left::<$s, { 32 - $s }>().add($b[g]);
                    }
                };
            }
            steps!(step, a b c d);
            for g in 0..GROUPS {
                a[g] = a[g].add(before.0[g]);
                b[g] = b[g].add(before.1[g]);
                c[g] = c[g].add(before.2[g]);
                d[g] = d[g].add(before.3[g]);
            }
        }
        for (vectors, word) in [a, b, c, d].into_iter().zip(&mut lanes.state) {
            for (g, vector) in vectors.into_iter().enumerate() {
                vector.store(word.as_mut_ptr().add(g * V::LANES));
            }
        }
    }
}

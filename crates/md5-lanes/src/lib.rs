//! MD5 of many independent messages at once.
//!
//! MD5 cannot be made much faster than 0.9 GB/s: each of its 64 steps needs the result of the one
//! before. But a processor has room for many such chains side by side. This crate hashes one
//! message to a SIMD lane, 4 to 32 at a time, and gives a lane the next message as soon as its
//! last one ends, so that messages may be of any lengths.
//!
//! ```
//! let messages: [&[u8]; 3] = [b"one", b"two, which is longer", b""];
//! let mut digests = [[0; 16]; 3];
//! md5_lanes::md5_many(&messages, &mut digests);
//! assert_eq!(digests[1], md5_lanes::md5(messages[1]));
//! assert_eq!(digests[2][..4], [0xd4, 0x1d, 0x8c, 0xd9]);
//! ```
//!
//! The instructions are chosen when the program runs: AVX-512, AVX2 or SSE2 on x86-64, NEON on
//! aarch64, and portable code everywhere else. Nothing needs to be set when it is built.
//!
//! MD5 is broken as a cryptographic hash. Use this where a format asks for it.
#![no_std]
#![cfg_attr(test, allow(clippy::unwrap_used))]

extern crate alloc;

mod backend;
mod kernel;
mod message;
#[cfg(target_arch = "aarch64")]
mod neon;
mod schedule;
mod single;
#[cfg(target_arch = "x86_64")]
mod x86;

use backend::Backend;

/// Bytes of an MD5 digest.
pub const DIGEST_LEN: usize = 16;

/// The MD5 of a message, by the fastest single stream that this processor has.
///
/// ```
/// assert_eq!(md5_lanes::md5(b"a")[..4], [0x0c, 0xc1, 0x75, 0xb9]);
/// ```
#[must_use]
pub fn md5(message: &[u8]) -> [u8; DIGEST_LEN] {
    schedule::one(Backend::best(), message)
}

/// [`md5`] of a message that something else reads at the same time.
///
/// As each step of MD5 waits for the one before, most of a processor is idle meanwhile. `between`
/// is called time and again with the count of bytes that were hashed, the padding included, and
/// what it does then goes on in the gaps. It answers from how many bytes on it wants the next call,
/// which comes after another 192 bytes at the earliest.
///
/// ```
/// let message = [b'-'; 5000];
/// let mut seen = 0;
/// let digest = md5_lanes::md5_with(&message, |hashed| {
///     let hashed = hashed.min(message.len());
///     seen += message[seen..hashed].iter().filter(|&&byte| byte == b'-').count();
///     hashed + 1000
/// });
/// assert_eq!((seen, digest), (5000, md5_lanes::md5(&message)));
/// ```
#[must_use]
pub fn md5_with(message: &[u8], between: impl FnMut(usize) -> usize) -> [u8; DIGEST_LEN] {
    schedule::one_with(Backend::best(), message, between)
}

/// The MD5 of each message, in the order of the messages.
///
/// ```
/// let messages: [&[u8]; 2] = [b"", b"a"];
/// let mut digests = [[0; 16]; 2];
/// md5_lanes::md5_many(&messages, &mut digests);
/// assert_eq!(digests.map(|digest| digest[0]), [0xd4, 0x0c]);
/// ```
///
/// Gains from about three messages on, and most from 32 of similar length. Allocates 4 bytes a
/// message, and less than 6 KiB for the lanes.
///
/// # Panics
///
/// If there are not as many digests as messages, or more than `u32::MAX` of them.
pub fn md5_many(messages: &[&[u8]], digests: &mut [[u8; DIGEST_LEN]]) {
    schedule::many(Backend::best(), messages, digests);
}

/// Back ends forced by name, so that tests can try each.
#[doc(hidden)]
pub mod forced {
    use alloc::vec::Vec;

    use super::{Backend, DIGEST_LEN, schedule};

    /// The names of the back ends that this processor can run, the widest first.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        Backend::available().map(|backend| backend.name).collect()
    }

    /// The back end in use.
    #[must_use]
    pub fn chosen() -> &'static str {
        Backend::best().name
    }

    /// Lets everything in this process use this back end: for benches that compare them.
    pub fn choose(name: &str) {
        Backend::choose(|backend| backend.name == name);
    }

    fn by_name(name: &str) -> &'static Backend {
        Backend::available().find(|it| it.name == name).expect("the processor has this back end")
    }

    /// [`md5`](super::md5) by this back end.
    #[must_use]
    pub fn md5(name: &str, message: &[u8]) -> [u8; DIGEST_LEN] {
        schedule::one(by_name(name), message)
    }

    /// [`md5_with`](super::md5_with) by this back end.
    #[must_use]
    pub fn md5_with(
        name: &str,
        message: &[u8],
        between: impl FnMut(usize) -> usize,
    ) -> [u8; DIGEST_LEN] {
        schedule::one_with(by_name(name), message, between)
    }

    /// [`md5_many`](super::md5_many) by this back end.
    pub fn md5_many(name: &str, messages: &[&[u8]], digests: &mut [[u8; DIGEST_LEN]]) {
        schedule::many(by_name(name), messages, digests);
    }
}

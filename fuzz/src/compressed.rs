//! Decompressing under a limit that a fuzzer reaches soon.

use kinpack_payload::Decompressor;

/// In bytes.
pub const LIMIT: usize = 1 << 20;

/// Of that limit.
#[must_use]
pub fn decompressor() -> Decompressor {
    Decompressor::new().with_limit(LIMIT)
}

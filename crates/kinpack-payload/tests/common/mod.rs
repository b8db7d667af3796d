//! Messages, and what is made of them.
#![allow(dead_code)]

use kinpack_payload::{Codec, Compressor, Dictionary};

/// A JSON message of some 100 bytes, as they come by the thousand.
pub(crate) fn message(n: u32) -> String {
    let random = n.wrapping_mul(2_654_435_761);
    format!(
        r#"{{"device":"sensor-{:04}","time":{},"temperature":{}.{},"humidity":{},"status":"ok"}}"#,
        random % 2_000,
        1_700_000_000 + n,
        random % 40,
        random % 10,
        random % 100,
    )
}

/// Trained on such messages.
pub(crate) fn dictionary() -> Dictionary {
    Dictionary::train((0..5_000).map(message), 8 << 10).expect("samples enough")
}

/// So many zeros, compressed as small as it goes.
pub(crate) fn bomb(codec: Codec, size: usize) -> Vec<u8> {
    let mut compressor = Compressor::new(codec).expect("compiled in");
    compressor.compress(&vec![0; size]).expect("memory enough")
}

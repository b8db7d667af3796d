//! Kinesis records whose whole aggregate is compressed.

use std::borrow::Cow;

use kinpack_payload::whole_aggregate::{Unwrapped, unwrap};
use kinpack_payload::{Codec, CompressionError, Decompressor};

/// Opens envelopes.
#[derive(Default)]
pub(crate) struct Opener {
    decompressor: Decompressor,
    buffer: Vec<u8>,
}

/// A Kinesis record's data, out of its envelope if it had one.
pub(crate) struct Opened<'a> {
    pub(crate) data: Cow<'a, [u8]>,
    /// What the envelope was compressed by.
    pub(crate) codec: Option<Codec>,
}

impl Opener {
    /// `limit`: bytes that a record may inflate to.
    pub(crate) fn new(limit: usize) -> Self {
        Self { decompressor: Decompressor::new().with_limit(limit), buffer: Vec::new() }
    }

    pub(crate) fn open<'a>(&mut self, data: &'a [u8]) -> Result<Opened<'a>, CompressionError> {
        let Unwrapped { codec, .. } = unwrap(data, &mut self.decompressor, &mut self.buffer)?;
        let data = match codec {
            None => Cow::Borrowed(data),
            Some(_) => Cow::Owned(std::mem::take(&mut self.buffer)),
        };
        Ok(Opened { data, codec })
    }
}

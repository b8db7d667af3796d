//! Stands in for a codec that was not compiled in.

use std::convert::Infallible;

use crate::codec::Codec;
use crate::compression::Compression;
use crate::dictionary::{Dictionaries, Dictionary};
use crate::error::CompressionError;

#[derive(Debug)]
pub(crate) struct Writer(Infallible);

impl Writer {
    pub(crate) fn new(
        compression: Compression,
        _dictionary: Option<&Dictionary>,
    ) -> Result<Self, CompressionError> {
        Err(CompressionError::CodecDisabled { codec: compression.codec() })
    }

    pub(crate) fn compress(
        &mut self,
        _data: &[u8],
        _out: &mut Vec<u8>,
    ) -> Result<(), CompressionError> {
        match self.0 {}
    }
}

#[derive(Debug, Default)]
pub(crate) struct Reader {}

impl Reader {
    pub(crate) fn decompress(
        &mut self,
        codec: Codec,
        _data: &[u8],
        _limit: usize,
        _dictionaries: &Dictionaries,
        _out: &mut Vec<u8>,
    ) -> Result<(), CompressionError> {
        Err(CompressionError::CodecDisabled { codec })
    }

    #[cfg(not(feature = "zstd"))]
    pub(crate) fn is_one_block(&self, _data: &[u8]) -> bool {
        false
    }

    pub(crate) fn begins_with(
        &mut self,
        codec: Codec,
        _data: &[u8],
        _prefix: &[u8; 4],
    ) -> Result<bool, CompressionError> {
        Err(CompressionError::CodecDisabled { codec })
    }
}

//! Codecs, with levels and dictionaries.

use kinpack_payload::{Codec, Compression, Compressor, Decompressor, Dictionaries, Dictionary};
use serde_json::Value;

use crate::{Result, bytes, data, payloads, text};

/// A dictionary of `size` bytes, trained from the payloads.
pub(crate) fn train(request: &Value) -> Result<Vec<Value>> {
    let size = request["size"].as_u64().ok_or("no size")?;
    let dictionary = Dictionary::train(payloads(request)?, usize::try_from(size)?)?;
    Ok(vec![data(dictionary.as_bytes())])
}

pub(crate) fn compress(request: &Value) -> Result<Vec<Value>> {
    let compression: Compression = text(request, "codec")?.parse()?;
    let mut compressor = match dictionary(request)? {
        Some(dictionary) => Compressor::with_dictionary(compression, &dictionary)?,
        None => Compressor::new(compression)?,
    };
    let compressed = |payload: Vec<u8>| Ok(data(compressor.compress(&payload)?));
    payloads(request)?.into_iter().map(compressed).collect()
}

pub(crate) fn decompress(request: &Value) -> Result<Vec<Value>> {
    let codec: Codec = text(request, "codec")?.parse()?;
    let dictionaries: Dictionaries = dictionary(request)?.into_iter().collect();
    let mut decompressor = Decompressor::new().with_dictionaries(dictionaries);
    let decompressed = |payload: Vec<u8>| Ok(data(decompressor.decompress(codec, &payload)?));
    payloads(request)?.into_iter().map(decompressed).collect()
}

fn dictionary(request: &Value) -> Result<Option<Dictionary>> {
    if request["dictionary"].is_null() {
        return Ok(None);
    }
    Ok(Some(Dictionary::from_bytes(bytes(request, "dictionary")?)?))
}

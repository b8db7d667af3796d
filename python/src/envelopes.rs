//! Aggregates that were compressed whole, for kinpack readers only.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use kinpack_payload::{Decompressor, detect, whole_aggregate};

use crate::error::Fault;
use crate::input::Source;

/// What was in the envelopes, by Kinesis record.
#[derive(Default)]
pub(crate) struct Envelopes(BTreeMap<usize, Result<Vec<u8>, Fault>>);

/// The envelopes of one event may hold so many times the limit of one message.
const TOGETHER: usize = 4;

impl Envelopes {
    /// Opens them with this decompressor, or with one that is made when the first is found.
    pub(crate) fn open(source: &Source, decompressor: Option<&Mutex<Decompressor>>) -> Self {
        let mut opener = Opener { total: 0, buffer: Vec::new() };
        let mut opened = BTreeMap::new();
        let mut own = None;
        for index in 0..source.len() {
            let Some(data) = source.data(index).ok().filter(|data| detect(data).is_some()) else {
                continue;
            };
            let inside = match decompressor {
                Some(it) => {
                    opener.open(data, &mut it.lock().unwrap_or_else(PoisonError::into_inner))
                }
                None => opener.open(data, own.get_or_insert_with(Decompressor::new)),
            };
            if let Some(inside) = inside.transpose() {
                opened.insert(index, inside);
            }
        }
        Self(opened)
    }

    /// The data of a Kinesis record, out of its envelope if it was in one.
    #[inline]
    pub(crate) fn data<'a>(&'a self, source: &'a Source, index: usize) -> Result<&'a [u8], Fault> {
        if !self.0.is_empty()
            && let Some(inside) = self.0.get(&index)
        {
            return inside.as_deref().map_err(Fault::clone);
        }
        source.data(index)
    }

    pub(crate) fn has(&self, index: usize) -> bool {
        self.0.contains_key(&index)
    }
}

struct Opener {
    total: usize,
    buffer: Vec<u8>,
}

impl Opener {
    /// What is in the envelope; `None` if it is none.
    fn open(
        &mut self,
        data: &[u8],
        decompressor: &mut Decompressor,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let most = decompressor.limit().saturating_mul(TOGETHER);
        let unwrapped = whole_aggregate::unwrap(data, decompressor, &mut self.buffer)?;
        if unwrapped.codec.is_none() {
            return Ok(None);
        }
        self.total += self.buffer.len();
        if self.total > most {
            return Err(Fault::new(format!(
                "the compressed aggregates of the event hold more than {most} bytes together, \
                 which is the limit"
            )));
        }
        Ok(Some(std::mem::take(&mut self.buffer)))
    }
}

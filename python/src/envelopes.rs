//! Aggregates that were compressed whole, for kinpack readers only.

use std::collections::BTreeMap;

use kinpack_payload::{Decompressor, whole_aggregate};

use crate::error::Fault;
use crate::input::Source;

/// What was in the envelopes, by Kinesis record.
#[derive(Default)]
pub(crate) struct Envelopes(BTreeMap<usize, Result<Vec<u8>, Fault>>);

/// The envelopes of one event may hold so many times the limit of one message.
const TOGETHER: usize = 4;

impl Envelopes {
    pub(crate) fn open(source: &Source, decompressor: &mut Decompressor) -> Self {
        let most = decompressor.limit().saturating_mul(TOGETHER);
        let (mut opened, mut total, mut buffer) = (BTreeMap::new(), 0, Vec::new());
        for index in 0..source.len() {
            let Ok(data) = source.data(index) else { continue };
            let unwrapped = whole_aggregate::unwrap(data, decompressor, &mut buffer);
            let inside = match unwrapped.map(|it| it.codec.is_some()) {
                Ok(false) => continue,
                Ok(true) if total + buffer.len() > most => Err(Fault::new(format!(
                    "the compressed aggregates of the event hold more than {most} bytes together, \
                     which is the limit"
                ))),
                Ok(true) => {
                    total += buffer.len();
                    Ok(std::mem::take(&mut buffer))
                }
                Err(error) => Err(error.into()),
            };
            opened.insert(index, inside);
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
}

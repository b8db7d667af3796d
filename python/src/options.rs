//! How records are read.

use kinpack::{Digest, HashKey, HashKeyRange};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    Kcl,
    Strict,
}

/// What a hash key range drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RangeRule {
    /// The whole aggregate, as the KCL.
    Aggregate,
    /// Only the user records outside.
    Record,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) policy: Policy,
    pub(crate) digest: Digest,
    pub(crate) range: Option<(HashKeyRange, RangeRule)>,
    /// Aggregates that were compressed whole are found.
    pub(crate) open_envelopes: bool,
    /// Faulty records are kept, not raised.
    pub(crate) keep_faulty: bool,
}

impl Options {
    pub(crate) fn new(
        policy: &str,
        verify_digest: bool,
        hash_key_range: Option<(Bound<'_, PyAny>, Bound<'_, PyAny>)>,
        range_rule: &str,
        errors: &str,
    ) -> PyResult<Self> {
        let policy = one_of("policy", policy, &[("kcl", Policy::Kcl), ("strict", Policy::Strict)])?;
        let digest = if verify_digest { Digest::Verify } else { Digest::Skip };
        if policy == Policy::Strict && !verify_digest {
            return Err(PyValueError::new_err("policy=\"strict\" verifies digests"));
        }
        let rules = [("aggregate", RangeRule::Aggregate), ("record", RangeRule::Record)];
        let rule = one_of("range_rule", range_rule, &rules)?;
        let range = hash_key_range.map(|(start, end)| {
            let (start, end) = (hash_key(&start)?, hash_key(&end)?);
            let range = HashKeyRange::new(start, end).ok_or_else(|| {
                PyValueError::new_err("hash_key_range: the range ends before it starts")
            })?;
            Ok::<_, PyErr>((range, rule))
        });
        let keep_faulty = one_of("errors", errors, &[("raise", false), ("keep", true)])?;
        Ok(Self { policy, digest, range: range.transpose()?, open_envelopes: true, keep_faulty })
    }
}

/// A hash key as an `int`, or as decimal text, which is what AWS hands out.
pub(crate) fn hash_key(value: &Bound<'_, PyAny>) -> PyResult<HashKey> {
    let text = value.str()?;
    let text = text.to_cow()?;
    text.parse().map_err(|error: kinpack::ParseHashKeyError| {
        PyValueError::new_err(format!("{error}, not {}", shown(&text)))
    })
}

/// A value that has to be one of several names.
pub(crate) fn one_of<T: Copy>(parameter: &str, value: &str, all: &[(&str, T)]) -> PyResult<T> {
    if let Some((_, found)) = all.iter().find(|(name, _)| *name == value) {
        return Ok(*found);
    }
    let names: Vec<_> = all.iter().map(|(name, _)| format!("{name:?}")).collect();
    let message = format!("{parameter} is {}, not {}", names.join(" or "), shown(value));
    Err(PyValueError::new_err(message))
}

/// Text from outside in a message, not all of it if it is long.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

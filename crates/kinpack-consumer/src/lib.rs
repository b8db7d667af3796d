//! The consumer engine: which record next, what to report, remember and dead-letter.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

//! What is inside a user record: compression and Avro framings. Bytes in, bytes out.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

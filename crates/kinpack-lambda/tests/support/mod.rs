//! What the tests share: a Runtime API, functions that run in processes of their own, events.
#![allow(dead_code, reason = "each test takes what it needs")]

#[cfg(all(feature = "dynamodb", feature = "sqs"))]
pub(crate) mod aws;
pub(crate) mod events;
pub(crate) mod function;
pub(crate) mod obey;
pub(crate) mod runtime_api;

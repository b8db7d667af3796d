//! Finds the Kinesis records in the documents AWS hands out.
//!
//! A [`Document`] is one JSON value: a Lambda event, the output of `get-records`, an event of
//! `subscribe-to-shard`, a Firehose transformation event, or records by themselves. [`Kind`] tells
//! which. It owns everything it found, data decoded from base64, and hands out borrowed [`Record`]s.
//!
//! ```
//! use kinpack_events::{Document, Kind};
//!
//! let document = Document::parse(br#"{"Records": [{
//!     "kinesis": {"partitionKey": "k", "sequenceNumber": "49", "data": "aGVsbG8="},
//!     "eventID": "shardId-000000000006:49"
//! }]}"#.to_vec())?;
//!
//! assert_eq!(document.kind(), Kind::Lambda);
//! for record in &document {
//!     assert_eq!(record.partition_key, Some("k"));
//!     assert_eq!(record.shard_id, Some("shardId-000000000006"));
//!     assert_eq!(record.data, Ok(&b"hello"[..]));
//! }
//! # Ok::<(), kinpack_events::EventError>(())
//! ```
//!
//! What is read, and how:
//!
//! - The order of members is free, unknown ones are skipped, a repeated one counts as its last, and
//!   `null` is the same as absent.
//! - Base64 is the standard alphabet with padding, strictly. A record whose data cannot be had is
//!   faulty by itself ([`BadData`] keeps its text); the rest of the document stays readable.
//! - The partition key may be absent or null: streams with service-managed distribution have none.
//!   An aggregate comes as it is; unpacking it is the business of the `kinpack` crate.
//! - An event of Lambda that is given away is kept, and its data decoded where it stands: no
//!   payload takes memory of its own (the first 12 KiB of it go through a small buffer on
//!   the stack). Records that look alike, as those of AWS do, are read several times as fast as
//!   JSON in general; one that is faulty sends the whole document the general way.
//! - Memory beside the document's own text is about its size: the decoded data where the text is
//!   not kept, the other text once, and 8 bytes a record and a member (those that name the source
//!   count as one, and their text is kept once). A faulty record takes 24 bytes more, so that a
//!   list of nothing but zeros, which nobody sends, comes to 16 times its text.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod bad_data;
mod base64;
mod document;
mod error;
mod kind;
mod metadata;
mod read;
mod record;
mod store;
mod timestamp;

pub use bad_data::{BadData, BadDataKind};
pub use document::{Document, Records};
pub use error::{EventError, EventErrorKind};
pub use kind::Kind;
pub use metadata::Metadata;
pub use record::Record;

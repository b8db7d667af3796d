//! The Kinesis aggregation codec.
//!
//! Packs many small user records into one Kinesis record in the format of Amazon's Kinesis
//! Producer Library (KPL), and unpacks them again as its Client Library (KCL) does. No I/O, no
//! clock, no logging, no `unsafe`.
//!
//! ```
//! use kinpack::{Aggregator, Digest, deaggregate};
//!
//! let mut aggregator = Aggregator::default();
//! aggregator.try_push("device-1", None, br#"{"t":21.5}"#)?;
//! aggregator.try_push("device-2", None, br#"{"t":19.0}"#)?;
//! let packed = aggregator.finish().expect("two user records were pushed");
//! assert_eq!(packed.partition_key, "a");
//!
//! let contents = deaggregate(&packed.data, Digest::Verify)?;
//! for record in contents.records(Some(&packed.partition_key)) {
//!     println!("{:?} {:?}", record.partition_key, record.data);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod decode;
mod digest;
mod encode;
mod error;
mod finished;
mod frame;
mod hash_key;
mod interner;
mod java_text;
mod kinesis_record;
mod layout;
mod limits;
mod message;
mod outer_key;
mod per_key;
mod placement;
mod policy;
mod put_records;
mod record;
mod shard_map;
mod sharded;
#[cfg(feature = "bytes")]
mod shared;
mod tables;
mod wire;

pub use decode::{AggregatedRecord, UserRecords};
pub use digest::Digest;
pub use encode::Aggregator;
pub use error::{DecodeError, DecodeErrorKind, EncodeError, RequiredField, TextField};
pub use finished::PlacedRecord;
pub use frame::{MAGIC, MAX_DATA_LEN};
pub use hash_key::{HashKey, HashKeyRange, ParseHashKeyError};
pub use kinesis_record::{KinesisRecord, OuterKey, Push};
pub use limits::{Limits, LimitsError};
pub use message::{Tag, Tags};
pub use outer_key::{Lanes, OuterKeyPolicy};
pub use placement::check_placement;
pub use policy::{
    Contents, ContentsOfMany, ContentsRecords, deaggregate, deaggregate_many, deaggregate_strict,
    deaggregate_strict_many,
};
pub use put_records::{PutRecordsBatch, PutRecordsLimits};
pub use record::{ExtendedSequenceNumber, OwnedUserRecord, UserRecord};
pub use shard_map::{Shard, ShardMap, ShardMapError};
pub use sharded::ShardedAggregator;
#[cfg(feature = "bytes")]
pub use shared::{SharedContents, SharedUserRecord};

//! What a document is.

use std::fmt;

/// What a document is.
///
/// ```
/// use kinpack_events::Kind;
/// assert_eq!(Kind::SubscribeToShard.name(), "subscribe-to-shard");
/// assert_eq!(Kind::ALL.iter().find(|kind| kind.name() == "records"), Some(&Kind::Record));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The event a Lambda function gets from a Kinesis stream, tumbling windows included:
    /// `{"Records": [{"kinesis": {"data": …}, "eventID": …}]}`.
    Lambda,
    /// What `aws kinesis get-records` prints: `{"Records": [{"Data": …}], "NextShardIterator": …}`.
    /// The input of `put-records` has the same shape.
    GetRecords,
    /// One event of SubscribeToShard, bare or as `{"SubscribeToShardEvent": {…}}`.
    SubscribeToShard,
    /// The event of a Firehose transformation function:
    /// `{"invocationId": …, "records": [{"recordId": …, "data": …}]}`.
    Firehose,
    /// One record by itself, `{"Data": …, "PartitionKey": …}` or as it stands in one of the other
    /// documents, or a JSON array of such records.
    Record,
}

impl Kind {
    /// All kinds, in the order in which messages list them.
    pub const ALL: &'static [Kind] =
        &[Kind::Lambda, Kind::GetRecords, Kind::SubscribeToShard, Kind::Firehose, Kind::Record];

    /// The name users know it by: `lambda`, `get-records`, `subscribe-to-shard`, `firehose` or
    /// `records`.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Lambda => "lambda",
            Kind::GetRecords => "get-records",
            Kind::SubscribeToShard => "subscribe-to-shard",
            Kind::Firehose => "firehose",
            Kind::Record => "records",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

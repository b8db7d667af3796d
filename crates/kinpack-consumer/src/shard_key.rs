//! What progress is kept under.

use std::fmt;

/// Names the progress of a shard: who consumes, and what.
///
/// ```
/// use kinpack_consumer::ShardKey;
///
/// let key = ShardKey::new("my-function", "arn:aws:kinesis:eu-west-1:1:stream/s", "shardId-0");
/// assert_eq!(key.to_string(), "my-function/arn:aws:kinesis:eu-west-1:1:stream/s/shardId-0");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ShardKey {
    consumer: String,
    source: String,
    shard: String,
}

impl ShardKey {
    /// Of this consumer, event source (the ARN of a stream or of a fan-out consumer) and shard.
    #[must_use]
    pub fn new(consumer: &str, source: &str, shard: &str) -> Self {
        Self { consumer: consumer.into(), source: source.into(), shard: shard.into() }
    }

    /// Who consumes.
    #[must_use]
    pub fn consumer(&self) -> &str {
        &self.consumer
    }
}

impl fmt::Display for ShardKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.consumer, self.source, self.shard)
    }
}

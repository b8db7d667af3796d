//! One Kinesis record of a document.

use crate::BadData;

/// One Kinesis record, borrowed from its [`Document`](crate::Document). What the document does not
/// say is `None`; null says as little as absence. Which members there are depends on the document,
/// see [`Kind`](crate::Kind). The texts are as the document has them, unchecked.
///
/// ```
/// use kinpack_events::Document;
///
/// let text = br#"{"Data": "aGk=", "PartitionKey": "k", "ApproximateArrivalTimestamp": 1714566896.789}"#;
/// let document = Document::parse(text.to_vec())?;
/// let record = document.record(0).unwrap();
/// assert_eq!(record.data.unwrap(), b"hi");
/// assert_eq!(record.approximate_arrival_timestamp, Some(1_714_566_896.789));
/// assert_eq!(record.sequence_number, None);
/// # Ok::<(), kinpack_events::EventError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Record<'a> {
    /// The data, decoded from base64, or why it cannot be had.
    pub data: Result<&'a [u8], BadData<'a>>,
    /// The sequence number, a decimal of up to 129 digits.
    pub sequence_number: Option<&'a str>,
    /// The partition key. Streams with service-managed distribution have none.
    pub partition_key: Option<&'a str>,
    /// The explicit hash key, a decimal; only what goes *into* a stream has one (PutRecords).
    pub explicit_hash_key: Option<&'a str>,
    /// When the record came to the stream, in seconds since 1970-01-01T00:00:00Z; read from a
    /// number (milliseconds in Firehose events, seconds elsewhere) or from ISO 8601 text with a
    /// zone, as the AWS CLI v2 prints it.
    pub approximate_arrival_timestamp: Option<f64>,
    /// The same as the document has it, if it has it as text.
    pub approximate_arrival_text: Option<&'a str>,
    /// `NONE` or `KMS`.
    pub encryption_type: Option<&'a str>,
    /// Lambda: `shardId-000000000006:<sequence number>`.
    pub event_id: Option<&'a str>,
    /// Lambda: `aws:kinesis:record`.
    pub event_name: Option<&'a str>,
    /// Lambda: `aws:kinesis`.
    pub event_source: Option<&'a str>,
    /// Lambda: the ARN of the stream or of the enhanced fan-out consumer.
    pub event_source_arn: Option<&'a str>,
    /// Lambda: the region of the stream.
    pub aws_region: Option<&'a str>,
    /// Lambda: the ARN of the function's role.
    pub invoke_identity_arn: Option<&'a str>,
    /// Firehose: what the function's answer refers to the record by.
    pub record_id: Option<&'a str>,
    /// The shard: in Lambda events the part of the event id before the colon, in Firehose events
    /// from the record's metadata.
    pub shard_id: Option<&'a str>,
    /// Firehose: which user record of an aggregate this is, counted from 0 (it unpacks aggregates
    /// before it calls the function).
    pub sub_sequence_number: Option<u64>,
}

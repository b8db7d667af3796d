//! What a document says besides its records.

/// What a document says besides its records, borrowed from it. What it does not say is `None`, and
/// so is what it says as another type than AWS does.
///
/// ```
/// use kinpack_events::Document;
///
/// let text = br#"{"Records": [], "NextShardIterator": "AAAA", "MillisBehindLatest": 42000}"#;
/// let document = Document::parse(text.to_vec())?;
/// assert_eq!(document.metadata().millis_behind_latest, Some(42_000));
/// assert_eq!(document.metadata().next_shard_iterator, Some("AAAA"));
/// # Ok::<(), kinpack_events::EventError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata<'a> {
    /// get-records: where to go on; none at the end of a closed shard.
    pub next_shard_iterator: Option<&'a str>,
    /// get-records and subscribe-to-shard: how far behind the tip of the stream, in milliseconds.
    pub millis_behind_latest: Option<u64>,
    /// subscribe-to-shard: where to subscribe again; none at the end of a closed shard.
    pub continuation_sequence_number: Option<&'a str>,
    /// put-records: the stream.
    pub stream_name: Option<&'a str>,
    /// put-records: the stream.
    pub stream_arn: Option<&'a str>,
    /// Firehose: the invocation.
    pub invocation_id: Option<&'a str>,
    /// Firehose: the delivery stream.
    pub delivery_stream_arn: Option<&'a str>,
    /// Firehose: the stream the delivery stream reads from.
    pub source_kinesis_stream_arn: Option<&'a str>,
    /// Firehose: the region.
    pub region: Option<&'a str>,
    /// Lambda, tumbling windows: the shard.
    pub shard_id: Option<&'a str>,
    /// Lambda, tumbling windows: the ARN of the stream or consumer.
    pub event_source_arn: Option<&'a str>,
    /// Lambda, tumbling windows: when the window begins, ISO 8601.
    pub window_start: Option<&'a str>,
    /// Lambda, tumbling windows: when the window ends, ISO 8601.
    pub window_end: Option<&'a str>,
    /// Lambda, tumbling windows: what the invocation before returned as `state`, the JSON text as
    /// it stands.
    pub state: Option<&'a str>,
    /// Lambda, tumbling windows: whether this is the window's last invocation.
    pub is_final_invoke_for_window: Option<bool>,
    /// Lambda, tumbling windows: whether the window ends early, because the state has grown too
    /// large.
    pub is_window_terminated_early: Option<bool>,
}

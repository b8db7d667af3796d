//! The name of a user record.

use std::fmt;
use std::str::FromStr;

use kinpack::ExtendedSequenceNumber;

use crate::sequence_number;

/// Names a user record: stream, shard, sequence number, position in the aggregate.
///
/// The same over retries by the consumer, so that it can serve to recognise what was handled
/// before. Not the same over re-sends by the producer, which make a new Kinesis record.
///
/// With enhanced fan-out Lambda unpacks aggregates itself and says of no user record where in its
/// aggregate it stood; a retry may bring only some of them. An id is then
/// [`ambiguous`](Self::is_ambiguous): another user record may have it at the next delivery. Its
/// text ends in `?`.
///
/// ```
/// use kinpack_consumer::RecordId;
///
/// let id: RecordId = "orders/shardId-000000000006/49590338271490256608:12".parse()?;
/// assert_eq!(id.shard(), "shardId-000000000006");
/// assert_eq!(id.place().sub_sequence_number(), 12);
/// assert!(!id.is_ambiguous());
/// assert_eq!(id.to_string(), "orders/shardId-000000000006/49590338271490256608:12");
/// # Ok::<(), kinpack_consumer::ParseRecordIdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordId {
    stream: String,
    shard: String,
    place: ExtendedSequenceNumber,
    ambiguous: bool,
}

impl RecordId {
    pub(crate) fn new(
        stream: &str,
        shard: &str,
        place: ExtendedSequenceNumber,
        ambiguous: bool,
    ) -> Self {
        Self { stream: stream.to_owned(), shard: shard.to_owned(), place, ambiguous }
    }

    /// The stream, as the batch was told: its name or its ARN.
    #[must_use]
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// The shard, `shardId-000000000006`.
    #[must_use]
    pub fn shard(&self) -> &str {
        &self.shard
    }

    /// The sequence number, and the position in the aggregate.
    #[must_use]
    pub fn place(&self) -> &ExtendedSequenceNumber {
        &self.place
    }

    /// Whether another delivery may give this id to another user record (enhanced fan-out).
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        self.ambiguous
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.ambiguous { "?" } else { "" };
        write!(f, "{}/{}/{}{mark}", self.stream, self.shard, self.place)
    }
}

/// A text that is no [`RecordId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseRecordIdError;

impl fmt::Display for ParseRecordIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not of the form stream/shard/sequence number:sub-sequence number")
    }
}

impl std::error::Error for ParseRecordIdError {}

impl FromStr for RecordId {
    type Err = ParseRecordIdError;

    fn from_str(text: &str) -> Result<Self, ParseRecordIdError> {
        let (text, ambiguous) = match text.strip_suffix('?') {
            Some(text) => (text, true),
            None => (text, false),
        };
        // From the right: an ARN has a slash of its own.
        let mut parts = text.rsplitn(3, '/');
        let (place, shard, stream) = (parts.next(), parts.next(), parts.next());
        let (Some(place), Some(shard), Some(stream)) = (place, shard, stream) else {
            return Err(ParseRecordIdError);
        };
        let (number, sub) = place.split_once(':').ok_or(ParseRecordIdError)?;
        let number = sequence_number::normal(number).ok_or(ParseRecordIdError)?;
        let sub = sequence_number::normal(sub)
            .and_then(|digits| digits.parse().ok())
            .ok_or(ParseRecordIdError)?;
        Ok(Self::new(stream, shard, ExtendedSequenceNumber::new(number, sub), ambiguous))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_back() {
        for text in
            ["s/shardId-1/0:0", "arn:aws:kinesis:eu-west-1:123456789012:stream/s/shardId-1/49:7?"]
        {
            let id: RecordId = text.parse().unwrap();
            assert_eq!(id.to_string(), text);
            assert_eq!(id.is_ambiguous(), text.ends_with('?'));
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "s/1:2", "s/shard/1", "s/shard/x:1", "s/shard/1:", "s/shard/1:-1"] {
            assert_eq!(text.parse::<RecordId>(), Err(ParseRecordIdError), "{text}");
        }
    }
}

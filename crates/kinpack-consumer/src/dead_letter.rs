//! What a dead letter says: a JSON document.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use base64_turbo::STANDARD;
use serde::{Deserialize, Serialize};

use crate::engine::DeadLetterReason;
use crate::id::RecordId;

const VERSION: u32 = 1;

/// A user record in the dead letter, with its error and its context. Version 1:
///
/// ```
/// use kinpack_consumer::{DeadLetter, DeadLetterReason};
///
/// let mut letter = DeadLetter::new(&"orders/shardId-0/49:3".parse()?, DeadLetterReason::Poison, b"?");
/// letter.partition_key = Some("key".into());
/// letter.error = Some("no such currency: XYZ".into());
/// letter.attempts = 3;
/// assert_eq!(letter.to_json(), concat!(
///     r#"{"kinpackDeadLetter":1,"id":"orders/shardId-0/49:3","stream":"orders","shard":"shardId-0","#,
///     r#""sequenceNumber":"49","subSequenceNumber":3,"ambiguous":false,"partitionKey":"key","#,
///     r#""reason":"poison","attempts":3,"error":"no such currency: XYZ","data":"Pw=="}"#,
/// ));
/// assert_eq!(DeadLetter::from_json(&letter.to_json())?.data()?, b"?");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Members that are absent here (`None`) are absent there; readers skip members that they do not
/// know. A later version that such a reader would misread gets another number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeadLetter<'a> {
    #[serde(rename = "kinpackDeadLetter")]
    version: u32,
    /// The record's [`RecordId`], as text.
    pub id: Cow<'a, str>,
    /// The stream: its name or its ARN.
    pub stream: Cow<'a, str>,
    /// The shard.
    pub shard: Cow<'a, str>,
    /// The sequence number of the Kinesis record.
    pub sequence_number: Cow<'a, str>,
    /// The position in the aggregate.
    pub sub_sequence_number: u64,
    /// Whether the id may name another record at another delivery (enhanced fan-out).
    pub ambiguous: bool,
    /// The partition key of the user record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_key: Option<Cow<'a, str>>,
    /// The explicit hash key of the user record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explicit_hash_key: Option<Cow<'a, str>>,
    /// When the Kinesis record came to the stream, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrival_millis: Option<u64>,
    /// `poison`, `attempts`, `timedOut`, `brokenAggregate` (the data is the whole Kinesis record) or
    /// `heldKey` (an earlier record of the key is poison).
    pub reason: Cow<'a, str>,
    /// Failed attempts; 0 where they are not counted.
    pub attempts: u32,
    /// What the handler said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'a, str>>,
    /// The [`RecordId`] of the poison record that holds the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_by: Option<Cow<'a, str>>,
    /// The function's ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function_arn: Option<Cow<'a, str>>,
    /// The id of the invocation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Cow<'a, str>>,
    data: Cow<'a, str>,
}

/// A text that is no [`DeadLetter`].
#[derive(Debug)]
#[non_exhaustive]
pub enum DeadLetterError {
    /// The text is not JSON, or members are missing or of another type.
    Json(serde_json::Error),
    /// A version that is not known here.
    Version(u32),
    /// The data is not base64.
    Data,
}

impl fmt::Display for DeadLetterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => write!(f, "no dead letter: {error}"),
            Self::Version(version) => {
                write!(f, "a dead letter of version {version}, where {VERSION} is known")
            }
            Self::Data => f.write_str("the data of the dead letter is not base64"),
        }
    }
}

impl std::error::Error for DeadLetterError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Json(error) => Some(error),
            Self::Version(_) | Self::Data => None,
        }
    }
}

impl DeadLetter<'static> {
    /// A letter that says what the engine knows, and the data of the user record.
    #[must_use]
    pub fn new(id: &RecordId, reason: DeadLetterReason, data: &[u8]) -> Self {
        Self {
            version: VERSION,
            id: id.to_string().into(),
            stream: id.stream().to_owned().into(),
            shard: id.shard().to_owned().into(),
            sequence_number: id.place().sequence_number().to_owned().into(),
            sub_sequence_number: id.place().sub_sequence_number(),
            ambiguous: id.is_ambiguous(),
            partition_key: None,
            explicit_hash_key: None,
            arrival_millis: None,
            reason: reason.name().into(),
            attempts: 0,
            error: None,
            held_by: None,
            function_arn: None,
            request_id: None,
            data: STANDARD.encode(data).into(),
        }
    }
}

impl<'a> DeadLetter<'a> {
    /// Sets when the Kinesis record came to the stream, since 1970.
    pub fn set_arrival(&mut self, arrival: Duration) {
        self.arrival_millis = u64::try_from(arrival.as_millis()).ok();
    }

    /// The letter as one line of JSON, members in the order of the fields.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "texts and numbers are always JSON")]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers are always JSON")
    }

    /// Reads a letter.
    ///
    /// # Errors
    ///
    /// The text is no letter, or one of a later version. The data is looked at by
    /// [`data`](Self::data).
    pub fn from_json(text: &'a str) -> Result<Self, DeadLetterError> {
        let letter: Self = serde_json::from_str(text).map_err(DeadLetterError::Json)?;
        match letter.version {
            VERSION => Ok(letter),
            other => Err(DeadLetterError::Version(other)),
        }
    }

    /// A text that is the same whenever this record's letter is sent, for queues that drop duplicates
    /// (its hash, as it is longer than the data). The id will not do: under enhanced fan-out it may
    /// be another record's at another delivery.
    ///
    /// ```
    /// use kinpack_consumer::{DeadLetter, DeadLetterReason};
    ///
    /// let mut letter = DeadLetter::new(&"orders/shardId-0/49:0?".parse()?, DeadLetterReason::Poison, b"?");
    /// letter.partition_key = Some("key".into());
    /// assert_eq!(letter.identity(), "orders/shardId-0/49:0? key Pw==");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn identity(&self) -> String {
        let key = self.partition_key.as_deref().unwrap_or_default();
        format!("{} {key} {}", self.id, self.data)
    }

    /// The data of the user record.
    ///
    /// # Errors
    ///
    /// The member is not base64.
    pub fn data(&self) -> Result<Vec<u8>, DeadLetterError> {
        STANDARD.decode(self.data.as_bytes()).map_err(|_| DeadLetterError::Data)
    }
}

impl DeadLetterReason {
    /// The reason's name in a [`DeadLetter`].
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Poison => "poison",
            Self::Attempts => "attempts",
            Self::TimedOut => "timedOut",
            Self::BrokenAggregate => "brokenAggregate",
            Self::HeldBy(_) => "heldKey",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_documents_are_refused() {
        let id: RecordId = "s/shardId-0/1:0".parse().unwrap();
        let letter = DeadLetter::new(&id, DeadLetterReason::Attempts, &[0xFF; 5]);
        let text = letter.to_json();
        assert_eq!(DeadLetter::from_json(&text).unwrap(), letter);
        let later = text.replace("Letter\":1", "Letter\":2");
        let error = DeadLetter::from_json(&later).unwrap_err();
        assert!(matches!(error, DeadLetterError::Version(2)), "{error}");
        assert!(matches!(DeadLetter::from_json("{}").unwrap_err(), DeadLetterError::Json(_)));
        let broken = text.replace("/////", "?");
        let letter = DeadLetter::from_json(&broken).unwrap();
        assert!(matches!(letter.data().unwrap_err(), DeadLetterError::Data));
    }
}

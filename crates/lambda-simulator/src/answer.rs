//! What a function answers, and how Lambda reads it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::stream::Delivery;
use crate::trigger::Mapping;

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// The function returned this JSON.
    Returned(String),
    /// The function failed, with this error.
    Failed(String),
    /// The environment went down.
    Crashed,
    /// The function's time was up.
    TimedOut,
}

/// What an answer means to Lambda.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The whole batch is done.
    Success,
    /// All from this record of the batch on comes again.
    From(usize),
    /// The whole batch comes again.
    Failure,
}

impl Verdict {
    /// Reads an answer as Lambda does.
    #[must_use]
    pub fn of(answer: &Answer, mapping: &Mapping, delivery: &Delivery) -> Self {
        let Answer::Returned(json) = answer else { return Self::Failure };
        if !mapping.reporting {
            return Self::Success;
        }
        let Ok(value) = serde_json::from_str::<Value>(json) else { return Self::Failure };
        let failures = match &value {
            Value::Null => return Self::Success,
            Value::Object(members) => match members.get("batchItemFailures") {
                None | Some(Value::Null) => return Self::Success,
                Some(Value::Array(failures)) => failures,
                Some(_) => return Self::Failure,
            },
            _ => return Self::Failure,
        };
        let mut lowest = None;
        for failure in failures {
            let number = failure.get("itemIdentifier").and_then(Value::as_str);
            let place = number.and_then(|number| {
                delivery.items.iter().position(|item| item.sequence_number == number)
            });
            // Empty, null, misnamed, or of no record: all of it fails.
            let Some(place) = place else { return Self::Failure };
            lowest = Some(lowest.map_or(place, |lowest: usize| lowest.min(place)));
        }
        lowest.map_or(Self::Success, Self::From)
    }
}

//! What a document says besides its records, while it is read and after.

use super::any::Json;
use crate::Metadata;
use crate::store::{Span, Store};

/// A text of a document.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Note {
    NextShardIterator,
    ContinuationSequenceNumber,
    StreamName,
    StreamArn,
    InvocationId,
    DeliveryStreamArn,
    SourceKinesisStreamArn,
    Region,
    ShardId,
    EventSourceArn,
    WindowStart,
    WindowEnd,
    State,
}

#[derive(Clone, Default)]
pub(crate) struct Notes {
    texts: [Option<Span>; 13],
    pub(super) millis_behind_latest: Option<u64>,
    pub(super) is_final: Option<bool>,
    pub(super) is_terminated_early: Option<bool>,
}

impl Notes {
    pub(super) fn set(&mut self, note: Note, text: Option<&str>, store: &mut Store) {
        self.texts[note as usize] = text.map(|text| store.keep(text));
    }

    /// The same where the texts stand so many bytes further on.
    pub(super) fn moved(mut self, by: usize) -> Self {
        for span in self.texts.iter_mut().flatten() {
            *span = span.moved(by);
        }
        self
    }

    pub(crate) fn metadata<'a>(&self, store: &'a Store) -> Metadata<'a> {
        let text = |note: Note| self.texts[note as usize].map(|span| store.text(span));
        Metadata {
            next_shard_iterator: text(Note::NextShardIterator),
            millis_behind_latest: self.millis_behind_latest,
            continuation_sequence_number: text(Note::ContinuationSequenceNumber),
            stream_name: text(Note::StreamName),
            stream_arn: text(Note::StreamArn),
            invocation_id: text(Note::InvocationId),
            delivery_stream_arn: text(Note::DeliveryStreamArn),
            source_kinesis_stream_arn: text(Note::SourceKinesisStreamArn),
            region: text(Note::Region),
            shard_id: text(Note::ShardId),
            event_source_arn: text(Note::EventSourceArn),
            window_start: text(Note::WindowStart),
            window_end: text(Note::WindowEnd),
            state: text(Note::State),
            is_final_invoke_for_window: self.is_final,
            is_window_terminated_early: self.is_terminated_early,
        }
    }
}

impl Json<'_> {
    pub(super) fn bool(&self) -> Option<bool> {
        match self {
            Json::Bool(value) => Some(*value),
            _ => None,
        }
    }

    pub(super) fn integer(&self) -> Option<u64> {
        match self {
            Json::Integer(value) => Some(*value),
            _ => None,
        }
    }
}

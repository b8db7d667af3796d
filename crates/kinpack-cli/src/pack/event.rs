//! `--output event`: Kinesis records for the events of their shards.

use std::io::{self, Write};

use kinpack::PlacedRecord;

use super::output::Output;
use crate::lambda_event::{EventRecord, Events};

/// A Kinesis record as an event has it.
pub(super) fn record(placed: &PlacedRecord) -> EventRecord<'_> {
    EventRecord {
        shard: &placed.shard.id,
        sequence_number: None,
        partition_key: Some(&placed.record.partition_key),
        arrival: None,
        data: &placed.record.data,
    }
}

impl<W: Write> Output for Events<W> {
    fn put(&mut self, placed: &PlacedRecord) -> io::Result<()> {
        Events::put(self, &record(placed))
    }

    fn finish(&mut self) -> io::Result<()> {
        Events::finish(self)
    }
}

//! `--output put-records`: requests for `aws kinesis put-records --cli-input-json`.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use kinpack::{PlacedRecord, Push, PutRecordsBatch, PutRecordsLimits};

use super::output::{Output, push_entry};
use crate::data_text::push_json_string;

/// One request a line.
pub(super) struct Requests<W> {
    out: W,
    batch: PutRecordsBatch,
    /// The request so far.
    json: Vec<u8>,
    /// Its beginning, up to the first entry.
    head: Vec<u8>,
    /// The outer keys in the request by shard id, where their order counts: PutRecords may take the
    /// second of two entries and refuse the first. Across shards there is no order to keep.
    in_flight: Option<HashMap<String, HashSet<String>>>,
}

impl<W: Write> Requests<W> {
    /// `keep_order`: no two entries of a request have one shard and one outer partition key.
    pub(super) fn new(out: W, stream: &str, keep_order: bool) -> Self {
        let name = if stream.starts_with("arn:") { "StreamARN" } else { "StreamName" };
        let mut head = format!("{{\"{name}\":").into_bytes();
        push_json_string(stream, &mut head);
        head.extend_from_slice(b",\"Records\":[");
        let batch = PutRecordsBatch::new(PutRecordsLimits::default());
        let in_flight = keep_order.then(HashMap::new);
        Self { out, batch, json: Vec::new(), head, in_flight }
    }

    fn write(&mut self) -> io::Result<()> {
        if self.batch.entries() == 0 {
            return Ok(());
        }
        self.json.extend_from_slice(b"]}\n");
        self.out.write_all(&self.json)?;
        self.json.clear();
        self.batch.clear();
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.clear();
        }
        Ok(())
    }
}

impl<W: Write> Output for Requests<W> {
    fn put(&mut self, placed: &PlacedRecord) -> io::Result<()> {
        let (shard, record) = (&placed.shard.id, &placed.record);
        let keys = self.in_flight.as_ref().and_then(|in_flight| in_flight.get(shard));
        if keys.is_some_and(|keys| keys.contains(&record.partition_key))
            || self.batch.try_add(shard, record.size()) == Push::Full
        {
            self.write()?;
            // An empty request takes any entry; the one above was not added where its key was in.
            let _ = self.batch.try_add(shard, record.size());
        }
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.entry(shard.clone()).or_default().insert(record.partition_key.clone());
        }
        self.json.extend_from_slice(if self.json.is_empty() { &self.head } else { b"," });
        push_entry(record, &mut self.json);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.write()?;
        self.out.flush()
    }
}

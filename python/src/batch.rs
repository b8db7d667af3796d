//! Kinesis records and the user records in them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use kinpack::{AggregatedRecord, Contents, UserRecord};
use kinpack_payload::Decompressor;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::envelopes::Envelopes;
use crate::error::Fault;
use crate::input::Source;
use crate::keys::{Keys, Places};
use crate::options::{Options, Policy, RangeRule};

/// Instead of the number of a key: there is none in a table.
pub(crate) const NO_KEY: u32 = u32::MAX;

/// One user record: where it stands, 24 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Which Kinesis record holds it.
    pub(crate) kinesis: u32,
    pub(crate) sub_sequence_number: u32,
    start: u32,
    len: u32,
    /// [`NO_KEY`] for a plain record, which has the Kinesis record's key.
    pub(crate) partition_key: u32,
    pub(crate) explicit_hash_key: u32,
}

impl Entry {
    /// Where it stands in the data of its Kinesis record.
    #[inline]
    pub(crate) fn range(&self) -> std::ops::Range<usize> {
        self.start as usize..self.start as usize + self.len as usize
    }

    pub(crate) fn aggregated(&self) -> bool {
        self.partition_key != NO_KEY
    }
}

pub(crate) struct Batch {
    pub(crate) source: Source,
    pub(crate) entries: Vec<Entry>,
    pub(crate) keys: Keys,
    /// By Kinesis record.
    pub(crate) faults: BTreeMap<u32, Fault>,
    envelopes: Envelopes,
    /// Decompresses payloads as they are looked at.
    decompressor: Option<Arc<Mutex<Decompressor>>>,
    /// Under enhanced fan-out, where Lambda takes aggregates apart: the place of each entry among
    /// those that share its sequence number.
    places_in_groups: PyOnceLock<Option<Vec<u32>>>,
}

impl Batch {
    /// Takes everything apart. Needs no interpreter.
    pub(crate) fn read(
        source: Source,
        options: &Options,
        decompressor: Option<Arc<Mutex<Decompressor>>>,
    ) -> Self {
        let envelopes = if options.open_envelopes {
            Envelopes::open(&source, decompressor.as_deref())
        } else {
            Envelopes::default()
        };
        let mut builder =
            Builder { entries: Vec::new(), keys: Keys::default(), faults: BTreeMap::new() };
        builder.read(&source, &envelopes, options);
        let Builder { entries, keys, faults } = builder;
        let places_in_groups = PyOnceLock::new();
        Self { source, entries, keys, faults, envelopes, decompressor, places_in_groups }
    }

    /// The place of an entry among those that share its sequence number, if Lambda has taken the
    /// aggregates apart: the event source is a consumer, or numbers are shared.
    pub(crate) fn place_in_group(&self, py: Python<'_>, entry: usize) -> Option<u32> {
        let places = self.places_in_groups.get_or_init(py, || self.find_groups(py));
        places.as_ref().and_then(|places| places.get(entry).copied())
    }

    /// What is wrong with a record is no matter of the others.
    fn find_groups(&self, py: Python<'_>) -> Option<Vec<u32>> {
        let mut fan_out = false;
        let mut groups: HashMap<String, u32> = HashMap::new();
        let mut places = Vec::with_capacity(self.entries.len());
        for index in 0..self.source.len() {
            let arn = self.source.event_source_arn(py, index).ok().flatten();
            fan_out |= arn.is_some_and(|arn| arn.to_string_lossy().contains("/consumer/"));
            let number = self.source.sequence_number(py, index).ok().flatten();
            let number = number.map(|number| number.to_string_lossy().into_owned());
            let begin = number.as_ref().and_then(|number| groups.get(number)).copied();
            fan_out |= begin.is_some();
            let mut place = begin.unwrap_or(0);
            let rest = &self.entries[places.len()..];
            for _ in rest.iter().take_while(|entry| entry.kinesis as usize == index) {
                places.push(place);
                place += 1;
            }
            if let Some(number) = number {
                groups.insert(number, place);
            }
        }
        fan_out.then_some(places)
    }

    /// The data of a Kinesis record: out of its envelope, or as it came if it is faulty.
    #[inline]
    pub(crate) fn kinesis_data(&self, index: usize) -> Result<&[u8], Fault> {
        if !self.faults.is_empty() && self.faults.contains_key(&(index as u32)) {
            return self.source.data(index);
        }
        self.envelopes.data(&self.source, index)
    }

    /// Whether the source does not hold a Kinesis record's data as it is.
    pub(crate) fn is_enveloped(&self, index: usize) -> bool {
        self.envelopes.has(index) && !self.faults.contains_key(&(index as u32))
    }

    /// The payload of a user record, as it was written.
    #[inline]
    pub(crate) fn written(&self, entry: &Entry) -> Result<&[u8], Fault> {
        Ok(&self.kinesis_data(entry.kinesis as usize)?[entry.range()])
    }

    pub(crate) fn decompresses(&self) -> bool {
        self.decompressor.is_some()
    }

    /// The payload of a user record into `out` if it is compressed; else as it was written. What
    /// is faulty stays as it is: whoever keeps it wants to see it.
    pub(crate) fn payload<'a>(
        &'a self,
        entry: &Entry,
        out: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], Fault> {
        let written = self.written(entry)?;
        let Some(decompressor) = &self.decompressor else { return Ok(written) };
        if self.faults.contains_key(&entry.kinesis) {
            return Ok(written);
        }
        let mut decompressor = decompressor.lock().unwrap_or_else(PoisonError::into_inner);
        match decompressor.decompress_detected(written, out) {
            Ok(Some(_)) => Ok(out),
            Ok(None) => Ok(written),
            Err(error) if entry.aggregated() => {
                let number = entry.sub_sequence_number;
                Err(Fault::new(format!("user record {number}: {error}")))
            }
            Err(error) => Err(error.into()),
        }
    }
}

struct Builder {
    entries: Vec<Entry>,
    keys: Keys,
    faults: BTreeMap<u32, Fault>,
}

impl Builder {
    fn read(&mut self, source: &Source, envelopes: &Envelopes, options: &Options) {
        let readable: Vec<&[u8]> =
            (0..source.len()).filter_map(|index| envelopes.data(source, index).ok()).collect();
        let mut contents = match options.policy {
            Policy::Kcl => kinpack::deaggregate_many(&readable, options.digest),
            Policy::Strict => kinpack::deaggregate_strict_many(&readable, options.digest),
        };
        self.entries.reserve(source.len());
        let mut places = Places::default();
        for index in 0..source.len() {
            let kinesis = index as u32;
            let data = match envelopes.data(source, index) {
                Ok(data) => data,
                Err(fault) => {
                    self.faulty(kinesis, source, fault);
                    continue;
                }
            };
            let read = match contents.next() {
                Some(Ok(Contents::Aggregated(aggregate))) => {
                    self.aggregate(kinesis, data, &aggregate, options, &mut places)
                }
                Some(Err(error)) => Err(error),
                // One for each that is readable.
                Some(Ok(Contents::Plain(_))) | None => {
                    self.whole(kinesis, source.sub_sequence_number(index), data.len());
                    Ok(())
                }
            };
            if let Err(error) = read {
                self.faulty(kinesis, source, error.into());
            }
        }
    }

    /// A Kinesis record as one user record.
    fn whole(&mut self, kinesis: u32, sub_sequence_number: u32, len: usize) {
        self.entries.push(Entry {
            kinesis,
            sub_sequence_number,
            start: 0,
            len: len as u32,
            partition_key: NO_KEY,
            explicit_hash_key: NO_KEY,
        });
    }

    /// A Kinesis record as it came, if it came.
    fn faulty(&mut self, kinesis: u32, source: &Source, fault: Fault) {
        self.whole(kinesis, 0, source.data(kinesis as usize).map_or(0, <[u8]>::len));
        self.faults.insert(kinesis, fault);
    }

    fn aggregate(
        &mut self,
        kinesis: u32,
        data: &[u8],
        aggregate: &AggregatedRecord<'_>,
        options: &Options,
        places: &mut Places,
    ) -> Result<(), kinpack::DecodeError> {
        let mut add = Add { builder: self, kinesis, begin: data.as_ptr() as usize, places };
        match options.range {
            None => add.all(aggregate, aggregate.records()),
            Some((range, RangeRule::Record)) => {
                add.all(aggregate, aggregate.records_within(range)?);
            }
            Some((range, RangeRule::Aggregate)) => {
                if aggregate.all_within(range)? {
                    add.all(aggregate, aggregate.records());
                }
            }
        }
        Ok(())
    }
}

/// Adds the user records of one aggregate.
struct Add<'a> {
    builder: &'a mut Builder,
    kinesis: u32,
    /// The address of its data: what a user record borrows tells its place.
    begin: usize,
    places: &'a mut Places,
}

impl Add<'_> {
    fn all<'r>(
        &mut self,
        aggregate: &'r AggregatedRecord<'_>,
        records: impl Iterator<Item = UserRecord<'r>>,
    ) {
        let Builder { entries, keys, .. } = &mut *self.builder;
        let base = keys.len();
        self.places.clear();
        for key in aggregate.partition_keys().chain(aggregate.explicit_hash_keys()) {
            keys.push(key);
            self.places.push(key);
        }
        entries.reserve(aggregate.len());
        for record in records {
            let key = record.partition_key.map(|key| base + self.places.number(key));
            let explicit = record.explicit_hash_key.map(|key| base + self.places.number(key));
            entries.push(Entry {
                kinesis: self.kinesis,
                // An aggregate is at most 1 GiB.
                sub_sequence_number: record.sub_sequence_number as u32,
                start: (record.data.as_ptr() as usize - self.begin) as u32,
                len: record.data.len() as u32,
                partition_key: key.unwrap_or(NO_KEY),
                explicit_hash_key: explicit.unwrap_or(NO_KEY),
            });
        }
    }
}

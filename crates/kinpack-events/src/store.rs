//! Where a document keeps what it found: a few arenas, nothing of its own per record.

mod fault;
mod field;

pub(crate) use fault::{Fault, What};
pub(crate) use field::{Field, MOST_SHARED, Span};

use crate::Record;

/// A record: which fields it has, and where the slots of those begin.
#[derive(Clone, Copy, Debug)]
struct Entry {
    first: u32,
    fields: u16,
}

#[derive(Clone, Default)]
pub(crate) struct Store {
    entries: Vec<Entry>,
    slots: Vec<u64>,
    /// The slots of shared fields.
    shared: Vec<u64>,
    strings: String,
    /// What data spans point into: decoded data, with or without the text it stood in.
    data: Vec<u8>,
    faults: Vec<Fault>,
    /// The last value of each shared field.
    last: [Span; MOST_SHARED],
    /// The shared fields of the record that is being kept.
    group: Group,
}

/// The shared fields of a record, in their order.
#[derive(Clone, Copy, Default)]
struct Group {
    fields: u16,
    spans: [u64; MOST_SHARED],
    /// Where the last one that was kept stands.
    kept: usize,
    kept_fields: u16,
}

impl Store {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn clear(&mut self) {
        self.clear_records();
        self.strings.clear();
    }

    /// Forgets the records but no text, which the document's own members may need.
    pub(crate) fn clear_records(&mut self) {
        self.entries.clear();
        self.slots.clear();
        self.shared.clear();
        self.data.clear();
        self.faults.clear();
        self.last = Default::default();
        self.group = Group::default();
    }

    /// Keeps a text that belongs to no record.
    pub(crate) fn keep(&mut self, text: &str) -> Span {
        let span = Span::new(self.strings.len(), text.len());
        self.strings.push_str(text);
        span
    }

    /// A span is never out of bounds; but what cannot panic need not be computed where nobody
    /// looks at it.
    #[inline]
    pub(crate) fn text(&self, span: Span) -> &str {
        self.strings.get(span.range()).unwrap_or_default()
    }

    /// Begins a record, which ends with [`Store::end`].
    pub(crate) fn begin(&mut self) {
        self.entries.push(Entry { first: self.slots.len() as u32, fields: 0 });
        self.group.fields = 0;
    }

    /// Ends a record.
    pub(crate) fn end(&mut self) {
        let Group { fields, spans, kept, kept_fields } = self.group;
        let Some(entry) = self.entries.last_mut().filter(|_| fields != 0) else { return };
        entry.fields |= fields;
        let spans = &spans[..fields.count_ones() as usize];
        if fields != kept_fields || self.shared[kept..] != *spans {
            (self.group.kept, self.group.kept_fields) = (self.shared.len(), fields);
            self.shared.extend_from_slice(spans);
        }
        self.slots.push(self.group.kept as u64);
    }

    /// A number of the record, or its bits. Fields come in their order.
    pub(crate) fn push(&mut self, field: Field, bits: u64) {
        if let Some(entry) = self.entries.last_mut() {
            debug_assert!(entry.fields >> field as u8 == 0, "fields come in order");
            entry.fields |= 1 << field as u8;
            self.slots.push(bits);
        }
    }

    pub(crate) fn push_text(&mut self, field: Field, text: &str) -> Span {
        let span = self.keep(text);
        self.push(field, span.0);
        span
    }

    /// The text of a shared field, which is likely to be that of the record before. Fields come
    /// in their order.
    pub(crate) fn share(&mut self, field: Field, text: &str) {
        let last = self.last(field);
        let span = if self.text(last) == text { last } else { self.keep(text) };
        self.share_span(field, span);
    }

    /// The same where the text is the beginning of one that was kept.
    pub(crate) fn share_prefix(&mut self, field: Field, of: Span, len: usize) {
        let (last, span) = (self.last(field), of.prefix(len));
        let repeats = self.text(last) == self.text(span);
        self.share_span(field, if repeats { last } else { span });
    }

    fn last(&self, field: Field) -> Span {
        self.last[field.shared_index()]
    }

    fn share_span(&mut self, field: Field, span: Span) {
        self.last[field.shared_index()] = span;
        let Group { fields, spans, .. } = &mut self.group;
        debug_assert!(*fields >> field as u8 == 0, "fields come in order");
        spans[fields.count_ones() as usize] = span.0;
        *fields |= field.bit();
    }

    /// The data of the record, from base64; else the first byte at fault.
    pub(crate) fn push_base64(&mut self, text: &str) -> Result<(), usize> {
        let start = self.data.len();
        crate::base64::decode_append(text.as_bytes(), &mut self.data)?;
        let span = Span::new(start, self.data.len() - start);
        self.push(Field::Data, span.0);
        Ok(())
    }

    /// Room for so many records more, of so many slots each.
    pub(crate) fn reserve(&mut self, records: usize, slots: usize) {
        self.entries.reserve(records);
        self.slots.reserve(records.saturating_mul(slots) + 8);
    }

    /// A whole record: the slots of its fields, the last of those being what
    /// [`Store::keep_shared`] said. How many it has is left to the array, as a copy of a known
    /// length is cheap.
    #[inline]
    pub(crate) fn push_record(&mut self, fields: u16, len: usize, slots: &[u64; 8]) {
        let first = self.slots.len();
        self.entries.push(Entry { first: first as u32, fields });
        self.slots.extend_from_slice(slots);
        self.slots.truncate(first + len);
    }

    /// Keeps what records share.
    pub(crate) fn keep_shared(&mut self, spans: &[Span]) -> u64 {
        let kept = self.shared.len();
        self.shared.extend(spans.iter().map(|span| span.0));
        kept as u64
    }

    /// The data of the records, all of which have data.
    pub(crate) fn data_spans(&self) -> impl Iterator<Item = Span> {
        self.entries.iter().map(|entry| Span(self.slots[entry.first as usize]))
    }

    pub(crate) fn take_data(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.data)
    }

    pub(crate) fn put_data(&mut self, data: Vec<u8>) {
        self.data = data;
    }

    pub(crate) fn take_strings(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.strings).into_bytes()
    }

    pub(crate) fn put_strings(&mut self, strings: String) {
        self.strings = strings;
    }

    pub(crate) fn strings(&self) -> &str {
        &self.strings
    }

    #[inline(always)]
    pub(crate) fn record(&self, index: usize) -> Option<Record<'_>> {
        let Entry { first, fields } = *self.entries.get(index)?;
        let mut slots = self.slots.get(first as usize..).unwrap_or_default().iter();
        let mut slot = |field: Field| {
            if fields & field.bit() != 0 { slots.next().copied() } else { None }
        };
        let text = |slot: Option<u64>| slot.map(|span| self.text(Span(span)));
        let data =
            slot(Field::Data).map(|span| self.data.get(Span(span).range()).unwrap_or_default());
        // The initialisers run in the order in which they are written: that of the slots.
        let record = Record {
            data: data.ok_or_else(|| self.bad_data(index)),
            sequence_number: text(slot(Field::SequenceNumber)),
            partition_key: text(slot(Field::PartitionKey)),
            explicit_hash_key: text(slot(Field::ExplicitHashKey)),
            approximate_arrival_timestamp: slot(Field::ArrivalSeconds).map(f64::from_bits),
            approximate_arrival_text: text(slot(Field::ArrivalText)),
            event_id: text(slot(Field::EventId)),
            record_id: text(slot(Field::RecordId)),
            sub_sequence_number: slot(Field::SubSequenceNumber),
            encryption_type: None,
            event_name: None,
            event_source: None,
            event_source_arn: None,
            aws_region: None,
            invoke_identity_arn: None,
            shard_id: None,
        };
        if fields & Field::SHARED == 0 {
            return Some(record);
        }
        let kept = slots.next().map_or(0, |&kept| kept as usize);
        let mut slots = self.shared.get(kept..).unwrap_or_default().iter();
        let mut text = |field: Field| {
            let slot = if fields & field.bit() != 0 { slots.next() } else { None };
            slot.map(|&span| self.text(Span(span)))
        };
        Some(Record {
            encryption_type: text(Field::EncryptionType),
            event_name: text(Field::EventName),
            event_source: text(Field::EventSource),
            event_source_arn: text(Field::EventSourceArn),
            aws_region: text(Field::AwsRegion),
            invoke_identity_arn: text(Field::InvokeIdentityArn),
            shard_id: text(Field::ShardId),
            ..record
        })
    }
}

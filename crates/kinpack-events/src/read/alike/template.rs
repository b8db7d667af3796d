//! What records have in common, and how one is read that has it, too.

use std::ops::Range;

use memchr::memchr;

use super::scan::{number, string};
use super::source::Source;
use crate::store::{Field, MOST_SHARED, Span, Store};
use crate::timestamp;

/// A record's values: data, sequence number, partition key, explicit hash key, time, event id.
const MOST_VALUES: usize = 6;

/// Where a record has its members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Layout {
    /// In an object `kinesis`, and around it.
    #[default]
    Lambda,
    /// Side by side, as AWS's API names them.
    Plain,
}

/// A value that differs between records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum What {
    #[default]
    Data,
    Text(Field),
    /// The event id from behind the shard's name.
    EventId,
    /// A number of seconds.
    Seconds,
    /// A time as text.
    Time,
}

impl What {
    fn field(self) -> Field {
        match self {
            What::Data => Field::Data,
            What::Text(field) => field,
            What::EventId => Field::EventId,
            What::Seconds => Field::ArrivalSeconds,
            What::Time => Field::ArrivalText,
        }
    }
}

/// A piece of text that records share, and the value that follows it.
#[derive(Clone, Default)]
struct Step {
    piece: Range<usize>,
    what: What,
    /// Where the value goes among the record's slots.
    slot: usize,
}

/// What one record was like.
#[derive(Default)]
pub(super) struct Template {
    pub(super) layout: Layout,
    steps: [Step; MOST_VALUES],
    len: usize,
    /// The piece after the last value.
    end: Range<usize>,
    fields: u16,
    /// The length of the event id's part that records share, the colon included.
    event_id_prefix: usize,
    /// The texts of fields that are part of the pieces.
    constants: [Range<usize>; MOST_SHARED],
    /// Where the store has those.
    shared: u64,
}

/// The values of one record, by the template's steps.
#[derive(Default)]
pub(super) struct Found {
    /// Where they stand.
    spans: [Span; MOST_VALUES],
    seconds: f64,
    /// Those of them that are written with escapes.
    escaped: u8,
    /// Where the sequence number stands, if it has no escapes.
    sequence_number: Option<Span>,
    /// The event id ends with the sequence number.
    repeats: bool,
}

impl Found {
    pub(super) fn clear(&mut self) {
        self.escaped = 0;
        self.sequence_number = None;
        self.repeats = false;
    }

    /// Reads a value and says where it ends, at its closing quote if it is a string.
    #[inline]
    fn take(&mut self, step: usize, what: What, text: &[u8], start: usize) -> Option<usize> {
        let end = match what {
            // What ends here without being base64 is found out when it is decoded.
            What::Data => start + memchr(b'"', &text[start..])?,
            What::Seconds => {
                let (seconds, end) = number(text, start)?;
                self.seconds = seconds;
                return Some(end);
            }
            What::Text(field) => {
                let quoted = string(text, start)?;
                self.escaped |= u8::from(quoted.escaped) << step;
                if field == Field::SequenceNumber && !quoted.escaped {
                    self.sequence_number = Some(Span::new(start, quoted.end - start));
                }
                quoted.end
            }
            What::EventId => {
                let number = self.sequence_number.map(|number| &text[number.range()]);
                let repeats = |number: &&[u8]| {
                    let rest = &text[start..];
                    rest.starts_with(number) && rest.get(number.len()) == Some(&b'"')
                };
                if let Some(number) = number.filter(repeats) {
                    self.repeats = true;
                    start + number.len()
                } else {
                    string(text, start).filter(|quoted| !quoted.escaped)?.end
                }
            }
            What::Time => {
                let quoted = string(text, start).filter(|quoted| !quoted.escaped)?;
                let time = std::str::from_utf8(&text[start..quoted.end]).ok()?;
                self.seconds = timestamp::seconds(time)?;
                quoted.end
            }
        };
        self.spans[step] = Span::new(start, end - start);
        Some(end)
    }
}

/// Making one, member by member.
impl Template {
    pub(super) fn clear(&mut self) {
        *self = Template::default();
    }

    /// Adds a value that begins at `start`, after a piece of text that began where the last value
    /// ended; says where it ends.
    pub(super) fn add(
        &mut self,
        what: What,
        text: &[u8],
        start: usize,
        found: &mut Found,
    ) -> Option<usize> {
        // None is left where a record has members in several places.
        let step = self.steps.get_mut(self.len)?;
        *step = Step { piece: self.end.start..start, what, slot: 0 };
        let end = found.take(self.len, what, text, start)?;
        self.len += 1;
        self.end.start = end;
        self.fields |= what.field().bit();
        if what == What::Time {
            self.fields |= Field::ArrivalSeconds.bit();
        }
        Some(end)
    }

    /// A text that stays in the piece it is part of.
    pub(super) fn add_constant(&mut self, field: Field, text: Range<usize>) {
        self.constants[field.shared_index()] = text;
        self.fields |= field.bit();
    }

    /// An event id of which so many bytes stay in the piece.
    pub(super) fn add_event_id(
        &mut self,
        prefix: Range<usize>,
        text: &[u8],
        found: &mut Found,
    ) -> Option<()> {
        self.event_id_prefix = prefix.len();
        self.add_constant(Field::ShardId, prefix.start..prefix.end - 1);
        self.add(What::EventId, text, prefix.end, found).map(|_| ())
    }

    pub(super) fn begin(&mut self, at: usize) {
        self.end = at..at;
    }

    pub(super) fn finish(&mut self, end: usize) {
        self.end.end = end;
        for step in &mut self.steps[..self.len] {
            let before = step.what.field().bit() - 1;
            step.slot = (self.fields & before).count_ones() as usize;
        }
    }

    pub(super) fn has(&self, field: Field) -> bool {
        self.fields & field.bit() != 0
    }

    /// Keeps the texts that records share.
    pub(super) fn share(&mut self, text: &[u8], strings: &mut Vec<u8>, store: &mut Store) {
        let mut spans = [Span::default(); MOST_SHARED];
        let mut len = 0;
        for field in Field::shared().filter(|&field| self.has(field)) {
            spans[len] = keep(&text[self.constants[field.shared_index()].clone()], strings);
            len += 1;
        }
        self.shared = store.keep_shared(&spans[..len]);
    }
}

/// Reading records by it.
impl Template {
    /// Reads a record and says where it ends, if it is one like this.
    #[inline]
    pub(super) fn matches(&self, text: &[u8], mut at: usize, found: &mut Found) -> Option<usize> {
        found.clear();
        for (i, step) in self.steps[..self.len].iter().enumerate() {
            at = same(text, &step.piece, at)?;
            at = found.take(i, step.what, text, at)?;
        }
        same(text, &self.end, at)
    }

    /// How many slots a record takes.
    pub(super) fn slots(&self) -> usize {
        let shared = usize::from(self.fields & Field::SHARED != 0);
        (self.fields & !Field::SHARED).count_ones() as usize + shared
    }

    /// Keeps a record, unless its data or a text turns out to be faulty.
    #[inline]
    pub(super) fn keep(
        &self,
        found: &Found,
        source: &mut impl Source,
        strings: &mut Vec<u8>,
        store: &mut Store,
    ) -> Option<()> {
        let mut slots = [self.shared; MOST_VALUES + 2];
        let (mut number, mut data) = (None, Span::default());
        for (i, step) in self.steps[..self.len].iter().enumerate() {
            let span = found.spans[i];
            let range = span.range();
            slots[step.slot] = match step.what {
                What::Data => {
                    data = span;
                    continue;
                }
                What::Text(Field::SequenceNumber) if found.repeats => {
                    number = Some(step.slot);
                    continue;
                }
                What::Text(_) if found.escaped & 1 << i != 0 => {
                    let quoted = &source.text()[range.start - 1..range.end + 1];
                    let text: String = serde_json::from_slice(quoted).ok()?;
                    keep(text.as_bytes(), strings)
                }
                What::Text(_) => keep(&source.text()[range], strings),
                What::EventId => {
                    let whole = range.start - self.event_id_prefix..range.end;
                    let id = keep(&source.text()[whole], strings);
                    if let Some(slot) = number {
                        slots[slot] = id.suffix(range.len()).bits();
                    }
                    id
                }
                What::Seconds => {
                    slots[step.slot] = found.seconds.to_bits();
                    continue;
                }
                What::Time => {
                    slots[step.slot - 1] = found.seconds.to_bits();
                    keep(&source.text()[range], strings)
                }
            }
            .bits();
        }
        // Last, as from here on it is the store that knows what was decoded. Its slot is the first.
        slots[0] = source.decode(data)?.bits();
        store.push_record(self.fields, self.slots(), &slots);
        Some(())
    }
}

#[inline]
fn same(text: &[u8], piece: &Range<usize>, at: usize) -> Option<usize> {
    let end = at + piece.len();
    (text.get(at..end)? == &text[piece.clone()]).then_some(end)
}

#[inline]
fn keep(text: &[u8], strings: &mut Vec<u8>) -> Span {
    let span = Span::new(strings.len(), text.len());
    strings.extend_from_slice(text);
    span
}

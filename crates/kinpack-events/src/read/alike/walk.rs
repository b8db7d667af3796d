//! Reads one record without knowing what it is like, and notes what it is like.

use std::ops::Range;

use super::scan::{number, string, white};
use super::template::{Found, Layout, Template, What};
use crate::read::fields::{self as slot, CoreKey, RecordKey};
use crate::store::Field;

/// Reads the record at `start` and says where it ends; none if there is anything about it that
/// AWS's records do not have.
#[cold]
pub(super) fn record(
    text: &[u8],
    start: usize,
    template: &mut Template,
    found: &mut Found,
) -> Option<usize> {
    template.clear();
    template.begin(start);
    found.clear();
    let mut walk = Walk { text, at: start, seen: 0, template, found };
    walk.object(Object::Record)?;
    let (at, seen) = (walk.at, walk.seen);

    let (kinesis, pascal) = (0xff << slot::KINESIS, 0xff << slot::PASCAL);
    template.layout = match (seen & 1 << IS_KINESIS != 0, seen & pascal != 0) {
        (true, false) => Layout::Lambda,
        // All there is.
        (false, true) if seen & !(pascal | kinesis) == 0 => Layout::Plain,
        _ => return None,
    };
    template.finish(at);
    template.has(Field::Data).then_some(at)
}

/// Stands for the object itself among the slots that were seen.
const IS_KINESIS: u8 = 63;

#[derive(Clone, Copy)]
enum Object {
    Record,
    Kinesis,
}

struct Walk<'w> {
    text: &'w [u8],
    at: usize,
    /// The slots of the members so far.
    seen: u64,
    template: &'w mut Template,
    found: &'w mut Found,
}

impl Walk<'_> {
    fn white(&mut self) {
        self.at = white(self.text, self.at);
    }

    fn next(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn expect(&mut self, token: &[u8]) -> Option<()> {
        self.text.get(self.at..)?.starts_with(token).then(|| self.at += token.len())
    }

    /// A string without escapes, from behind its opening quote, and on to behind the closing one.
    fn plain_string(&mut self) -> Option<Range<usize>> {
        let end = string(self.text, self.at).filter(|quoted| !quoted.escaped)?.end;
        let range = self.at..end;
        self.at = end + 1;
        Some(range)
    }

    fn object(&mut self, object: Object) -> Option<()> {
        self.expect(b"{")?;
        loop {
            self.white();
            self.expect(b"\"")?;
            let name = self.plain_string()?;
            self.white();
            self.expect(b":")?;
            self.white();
            let name = std::str::from_utf8(&self.text[name]).ok()?;
            match object {
                Object::Record => self.member(name)?,
                Object::Kinesis => match CoreKey::from(name) {
                    CoreKey(Some(member)) => self.slot(slot::KINESIS + member)?,
                    CoreKey(None) => self.unknown()?,
                },
            }
            self.white();
            if self.next()? == b'}' {
                self.at += 1;
                return Some(());
            }
            self.expect(b",")?;
        }
    }

    fn member(&mut self, name: &str) -> Option<()> {
        match RecordKey::from(name) {
            RecordKey::Slot(slot) => self.slot(slot),
            RecordKey::Kinesis => {
                self.see(IS_KINESIS)?;
                self.object(Object::Kinesis)
            }
            RecordKey::Metadata => None,
            RecordKey::Unknown => self.unknown(),
        }
    }

    /// Notes a member, unless it is there already.
    fn see(&mut self, slot: u8) -> Option<()> {
        let is_new = self.seen & 1 << slot == 0;
        self.seen |= 1 << slot;
        is_new.then_some(())
    }

    fn slot(&mut self, slot: u8) -> Option<()> {
        self.see(slot)?;
        if self.next()? == b'n' && slot != slot::DATA {
            return self.expect(b"null");
        }
        match slot {
            slot::EVENT_ID => {
                self.expect(b"\"")?;
                let start = self.at;
                let id = self.plain_string()?;
                let colon = self.text[id].iter().position(|&byte| byte == b':')?;
                if colon == 0 {
                    return None;
                }
                self.template.add_event_id(start..start + colon + 1, self.text, self.found)
            }
            slot::EVENT_NAME => self.constant(Field::EventName),
            slot::EVENT_SOURCE => self.constant(Field::EventSource),
            slot::EVENT_SOURCE_ARN => self.constant(Field::EventSourceArn),
            slot::AWS_REGION => self.constant(Field::AwsRegion),
            slot::INVOKE_IDENTITY_ARN => self.constant(Field::InvokeIdentityArn),
            slot => {
                let place = slot::place(slot);
                if place != slot::KINESIS && place != slot::PASCAL {
                    return None;
                }
                match slot - place {
                    slot::DATA => self.quoted(What::Data),
                    slot::SEQUENCE_NUMBER => self.quoted(What::Text(Field::SequenceNumber)),
                    slot::PARTITION_KEY => self.quoted(What::Text(Field::PartitionKey)),
                    slot::EXPLICIT_HASH_KEY => self.quoted(What::Text(Field::ExplicitHashKey)),
                    slot::ARRIVAL if self.next()? == b'"' => self.quoted(What::Time),
                    slot::ARRIVAL => {
                        self.at =
                            self.template.add(What::Seconds, self.text, self.at, self.found)?;
                        Some(())
                    }
                    slot::ENCRYPTION_TYPE => self.constant(Field::EncryptionType),
                    _ => None,
                }
            }
        }
    }

    /// A string that differs between records.
    fn quoted(&mut self, what: What) -> Option<()> {
        self.expect(b"\"")?;
        self.at = self.template.add(what, self.text, self.at, self.found)? + 1;
        Some(())
    }

    /// A string that is likely to be the same in the next record.
    fn constant(&mut self, field: Field) -> Option<()> {
        self.expect(b"\"")?;
        let text = self.plain_string()?;
        self.template.add_constant(field, text);
        Some(())
    }

    /// A value nobody asks for.
    fn unknown(&mut self) -> Option<()> {
        match self.next()? {
            b'"' => {
                self.at += 1;
                self.plain_string().map(|_| ())
            }
            b't' => self.expect(b"true"),
            b'f' => self.expect(b"false"),
            b'n' => self.expect(b"null"),
            _ => {
                self.at = number(self.text, self.at)?.1;
                Some(())
            }
        }
    }
}

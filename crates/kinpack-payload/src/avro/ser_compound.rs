//! What is written piece by piece: arrays, maps, records, and bytes that come as a sequence.

use serde::Serialize;
use serde::ser;

use super::AvroError;
use super::number::{write_bytes, write_long};
use super::plan::{Id, Plan, Record};
use super::ser::{Result, Serializer, misfit, write_key};

pub(super) enum Compound<'p, 'o> {
    Blocks(Blocks<'p, 'o>),
    Record(Fields<'p, 'o>),
    Bytes(Serializer<'p, 'o>, Vec<u8>),
}

/// An array or a map.
pub(super) struct Blocks<'p, 'o> {
    plan: &'p Plan,
    items: Id,
    out: &'o mut Vec<u8>,
    /// How many are still to come, if that is known: else each is a block of its own.
    left: Option<usize>,
}

impl Blocks<'_, '_> {
    fn begin(&mut self) -> Result<()> {
        match &mut self.left {
            None => write_long(1, self.out),
            Some(left) => match left.checked_sub(1) {
                Some(rest) => *left = rest,
                None => return misfit("more items than were announced"),
            },
        }
        Ok(())
    }

    fn value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<()> {
        value.serialize(Serializer::new(self.plan, self.items, self.out))
    }

    fn end(self) -> Result<()> {
        if self.left.is_some_and(|left| left > 0) {
            return misfit("fewer items than were announced");
        }
        self.out.push(0);
        Ok(())
    }
}

/// A record, whose fields may come in any order.
pub(super) struct Fields<'p, 'o> {
    plan: &'p Plan,
    record: &'p Record,
    out: &'o mut Vec<u8>,
    /// The fields before it are written.
    next: usize,
    /// Those that came too early.
    early: Vec<(usize, Vec<u8>)>,
    /// The name of a field that comes as the key of a map.
    key: Vec<u8>,
}

impl Fields<'_, '_> {
    #[inline]
    fn field<T: ?Sized + Serialize>(&mut self, name: &str, value: &T) -> Result<()> {
        let fields = &self.record.fields;
        if fields.get(self.next).is_some_and(|field| *field.name == *name) {
            return self.next(value);
        }
        let Some(at) = fields.iter().position(|field| *field.name == *name) else {
            return misfit(format!("{} has no field {name:?}", self.record.full_name));
        };
        if at < self.next || self.early.iter().any(|(early, _)| *early == at) {
            return misfit(format!("the field {name:?} twice"));
        }
        let mut datum = Vec::new();
        value.serialize(Serializer::new(self.plan, fields[at].node, &mut datum))?;
        self.early.push((at, datum));
        Ok(())
    }

    /// Writes the next field, and those after it that came before.
    #[inline]
    fn next<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<()> {
        let Some(field) = self.record.fields.get(self.next) else {
            return misfit(format!("more fields than {} has", self.record.full_name));
        };
        value.serialize(Serializer::new(self.plan, field.node, self.out))?;
        self.next += 1;
        while !self.early.is_empty() && self.take_early() {}
        Ok(())
    }

    fn take_early(&mut self) -> bool {
        let found = self.early.iter().position(|(at, _)| *at == self.next);
        if let Some(found) = found {
            let (_, datum) = self.early.swap_remove(found);
            self.out.extend_from_slice(&datum);
            self.next += 1;
        }
        found.is_some()
    }

    fn end(mut self) -> Result<()> {
        while let Some(field) = self.record.fields.get(self.next) {
            if self.take_early() {
                continue;
            }
            match &field.default {
                Some(default) => self.out.extend_from_slice(default),
                None => {
                    let record = &self.record.full_name;
                    let name = &field.name;
                    return misfit(format!("no field {name:?} for {record}, and no default"));
                }
            }
            self.next += 1;
        }
        Ok(())
    }
}

impl<'p, 'o> Compound<'p, 'o> {
    pub(super) fn blocks(
        plan: &'p Plan,
        items: Id,
        out: &'o mut Vec<u8>,
        len: Option<usize>,
    ) -> Self {
        if let Some(len) = len
            && len > 0
        {
            write_long(len as i64, out);
        }
        Compound::Blocks(Blocks { plan, items, out, left: len })
    }

    pub(super) fn record(plan: &'p Plan, record: &'p Record, out: &'o mut Vec<u8>) -> Self {
        let (early, key) = (Vec::new(), Vec::new());
        Compound::Record(Fields { plan, record, out, next: 0, early, key })
    }

    pub(super) fn bytes(to: Serializer<'p, 'o>) -> Self {
        Compound::Bytes(to, Vec::new())
    }

    fn item<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<()> {
        match self {
            Compound::Blocks(blocks) => {
                blocks.begin()?;
                blocks.value(value)
            }
            Compound::Record(fields) => fields.next(value),
            Compound::Bytes(_, bytes) => {
                let byte = serde_json::to_value(value).ok().and_then(|value| value.as_u64());
                match byte.map(u8::try_from) {
                    Some(Ok(byte)) => bytes.push(byte),
                    _ => return misfit("a sequence of other things than bytes"),
                }
                Ok(())
            }
        }
    }

    fn named<T: ?Sized + Serialize>(&mut self, name: &'static str, value: &T) -> Result<()> {
        match self {
            Compound::Blocks(blocks) => {
                blocks.begin()?;
                write_bytes(name.as_bytes(), blocks.out);
                blocks.value(value)
            }
            Compound::Record(fields) => fields.field(name, value),
            Compound::Bytes(..) => misfit("a struct as bytes"),
        }
    }

    fn finish(self) -> Result<()> {
        match self {
            Compound::Blocks(blocks) => blocks.end(),
            Compound::Record(fields) => fields.end(),
            Compound::Bytes(to, bytes) => serde::Serializer::serialize_bytes(to, &bytes),
        }
    }
}

impl ser::SerializeMap for Compound<'_, '_> {
    type Ok = ();
    type Error = AvroError;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<()> {
        match self {
            Compound::Blocks(blocks) => {
                blocks.begin()?;
                write_key(blocks.plan, key, blocks.out)
            }
            Compound::Record(fields) => {
                fields.key.clear();
                write_key(fields.plan, key, &mut fields.key)
            }
            Compound::Bytes(..) => misfit("a map as bytes"),
        }
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<()> {
        match self {
            Compound::Blocks(blocks) => blocks.value(value),
            Compound::Record(fields) => {
                let key = std::mem::take(&mut fields.key);
                let mut cursor = super::cursor::Cursor::new(&key, usize::MAX);
                fields.field(cursor.text()?, value)
            }
            Compound::Bytes(..) => misfit("a map as bytes"),
        }
    }

    fn end(self) -> Result<()> {
        self.finish()
    }
}

macro_rules! sequences {
    ($($trait:ident $method:ident)*) => {
        $(impl ser::$trait for Compound<'_, '_> {
            type Ok = ();
            type Error = AvroError;

            fn $method<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<()> {
                self.item(value)
            }

            fn end(self) -> Result<()> {
                self.finish()
            }
        })*
    };
}

sequences! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

macro_rules! structs {
    ($($trait:ident)*) => {
        $(impl ser::$trait for Compound<'_, '_> {
            type Ok = ();
            type Error = AvroError;

            fn serialize_field<T: ?Sized + Serialize>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<()> {
                self.named(name, value)
            }

            fn end(self) -> Result<()> {
                self.finish()
            }
        })*
    };
}

structs! { SerializeStruct SerializeStructVariant }

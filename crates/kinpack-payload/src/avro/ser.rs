//! From a `serde` type to a datum, with nothing between.

use serde::Serialize;

use super::de::branch_names;
use super::number::{write_bytes, write_long};
use super::plan::{Fixed, Id, KEY, Node, Plan, Text};
use super::ser_compound::Compound;
use super::{AvroError, json_in};

impl serde::ser::Error for AvroError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        AvroError::Serde(message.to_string())
    }
}

pub(super) type Result<T> = std::result::Result<T, AvroError>;

pub(super) fn misfit<T>(message: impl Into<String>) -> Result<T> {
    Err(AvroError::Serde(message.into()))
}

/// Writes a value by a node of a plan of one schema.
pub(super) struct Serializer<'p, 'o> {
    pub(super) plan: &'p Plan,
    pub(super) id: Id,
    pub(super) out: &'o mut Vec<u8>,
}

impl<'p, 'o> Serializer<'p, 'o> {
    pub(super) fn new(plan: &'p Plan, id: Id, out: &'o mut Vec<u8>) -> Self {
        Serializer { plan, id, out }
    }

    /// The node to write by. In a union that is the branch of the lowest rank, whose index is
    /// written.
    fn settle(&mut self, rank: impl Fn(&Node) -> Option<u8>) -> Result<&'p Node> {
        if let Node::Union(branches) = self.plan.node(self.id) {
            let ranked = branches
                .iter()
                .enumerate()
                .filter_map(|(at, &branch)| Some((rank(self.plan.node(self.inner(branch)))?, at)));
            match ranked.min() {
                Some((_, at)) => self.branch(branches, at),
                None => return misfit("a value that no branch of the union takes"),
            }
        }
        Ok(self.plan.node(self.id))
    }

    /// What a branch of a union holds.
    fn inner(&self, branch: Id) -> Id {
        match self.plan.node(branch) {
            Node::Branch(_, inner) => *inner,
            _ => branch,
        }
    }

    fn branch(&mut self, branches: &[Id], at: usize) {
        write_long(at as i64, self.out);
        self.id = self.inner(branches[at]);
    }

    fn wrong<T>(&self, what: &str) -> Result<T> {
        misfit(format!("{what}, not {}", self.plan.name(self.id)))
    }

    fn integer(mut self, value: i128, small: bool) -> Result<()> {
        let int = i32::try_from(value).ok();
        let node = self.settle(|node| match node {
            Node::Int(_) => int.map(|_| u8::from(!small)),
            Node::Long(_) => Some(u8::from(small)),
            Node::Double => Some(2),
            Node::Float { .. } => Some(3),
            _ => None,
        })?;
        match (node, int, i64::try_from(value)) {
            (Node::Int(_), Some(int), _) => write_long(int.into(), self.out),
            (Node::Long(_), _, Ok(long)) => write_long(long, self.out),
            (Node::Double, ..) => self.out.extend_from_slice(&(value as f64).to_le_bytes()),
            (Node::Float { .. }, ..) => self.out.extend_from_slice(&(value as f32).to_le_bytes()),
            _ => return self.wrong(&value.to_string()),
        }
        Ok(())
    }

    /// The branch of a union that stands for a variant: by its name, else by its position.
    fn variant(&mut self, index: u32, variant: &str) -> Result<()> {
        let Node::Union(branches) = self.plan.node(self.id) else {
            return self.wrong(&format!("the variant {variant}"));
        };
        let named = branches.iter().position(|&branch| {
            let names = branch_names(self.plan, self.inner(branch));
            names.iter().any(|name| variant.eq_ignore_ascii_case(name))
        });
        match named.or(Some(index as usize).filter(|&at| at < branches.len())) {
            Some(at) => {
                self.branch(branches, at);
                Ok(())
            }
            None => misfit(format!("the variant {variant}, which the union has no branch for")),
        }
    }

    /// The node of a record or map of this name.
    fn settle_record(&mut self, name: &str) -> Result<&'p Node> {
        self.settle(|node| match node {
            Node::Record(record) => Some(u8::from(*record.name != *name)),
            Node::Map(_) => Some(2),
            _ => None,
        })
    }

    fn settle_sequence(&mut self, tuple: bool) -> Result<&'p Node> {
        self.settle(|node| match node {
            Node::Record(_) if tuple => Some(0),
            Node::Array(_) => Some(1),
            Node::Text(text) if *text != Text::String => Some(2),
            Node::Fixed(..) => Some(2),
            _ => None,
        })
    }
}

macro_rules! integers {
    ($($method:ident $type:ty, $small:expr;)*) => {
        $(fn $method(self, value: $type) -> Result<()> {
            self.integer(value.into(), $small)
        })*
    };
}

impl<'p, 'o> serde::Serializer for Serializer<'p, 'o> {
    type Ok = ();
    type Error = AvroError;
    type SerializeSeq = Compound<'p, 'o>;
    type SerializeTuple = Compound<'p, 'o>;
    type SerializeTupleStruct = Compound<'p, 'o>;
    type SerializeTupleVariant = Compound<'p, 'o>;
    type SerializeMap = Compound<'p, 'o>;
    type SerializeStruct = Compound<'p, 'o>;
    type SerializeStructVariant = Compound<'p, 'o>;

    fn serialize_bool(mut self, value: bool) -> Result<()> {
        match self.settle(|node| matches!(node, Node::Boolean).then_some(0))? {
            Node::Boolean => self.out.push(u8::from(value)),
            _ => return self.wrong("a bool"),
        }
        Ok(())
    }

    integers! {
        serialize_i8 i8, true;
        serialize_i16 i16, true;
        serialize_i32 i32, true;
        serialize_i64 i64, false;
        serialize_i128 i128, false;
        serialize_u8 u8, true;
        serialize_u16 u16, true;
        serialize_u32 u32, false;
        serialize_u64 u64, false;
    }

    fn serialize_f32(mut self, value: f32) -> Result<()> {
        match self.settle(|node| match node {
            Node::Float { .. } => Some(0),
            Node::Double => Some(1),
            _ => None,
        })? {
            Node::Float { .. } => self.out.extend_from_slice(&value.to_le_bytes()),
            Node::Double => self.out.extend_from_slice(&f64::from(value).to_le_bytes()),
            _ => return self.wrong("an f32"),
        }
        Ok(())
    }

    fn serialize_f64(mut self, value: f64) -> Result<()> {
        match self.settle(|node| match node {
            Node::Double => Some(0),
            Node::Float { .. } => Some(1),
            _ => None,
        })? {
            Node::Double => self.out.extend_from_slice(&value.to_le_bytes()),
            Node::Float { .. } => self.out.extend_from_slice(&(value as f32).to_le_bytes()),
            _ => return self.wrong("an f64"),
        }
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<()> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(mut self, value: &str) -> Result<()> {
        let node = self.settle(|node| match node {
            Node::Text(Text::String) => Some(0),
            Node::Enum(symbols) => {
                symbols.symbols.iter().any(|symbol| **symbol == *value).then_some(1)
            }
            Node::Text(Text::Bytes) => None,
            Node::Text(_) | Node::Fixed(_, Fixed::Uuid | Fixed::Decimal { .. }) => Some(2),
            _ => None,
        })?;
        match node {
            Node::Text(Text::String) => write_bytes(value.as_bytes(), self.out),
            Node::Text(Text::Bytes) => return self.wrong("a str"),
            Node::Enum(_) | Node::Text(_) | Node::Fixed(..) => {
                let value = serde_json::Value::String(value.to_owned());
                return json_in::encode(self.plan, self.id, &value, self.out);
            }
            _ => return self.wrong("a str"),
        }
        Ok(())
    }

    fn serialize_bytes(mut self, value: &[u8]) -> Result<()> {
        let node = self.settle(|node| match node {
            Node::Text(Text::Bytes) => Some(0),
            Node::Text(Text::Decimal { .. } | Text::BigDecimal) => Some(1),
            Node::Fixed(size, _) if *size == value.len() => Some(2),
            Node::Text(Text::Uuid | Text::UuidBytes) if value.len() == 16 => Some(3),
            _ => None,
        })?;
        match (node, value.first_chunk()) {
            (Node::Text(Text::Uuid), Some(uuid)) if value.len() == 16 => {
                write_bytes(super::Uuid(*uuid).to_string().as_bytes(), self.out);
            }
            (Node::Text(Text::String | Text::Uuid), _) => return self.wrong("bytes"),
            (Node::Text(_), _) => write_bytes(value, self.out),
            (Node::Fixed(size, _), _) if *size == value.len() => {
                self.out.extend_from_slice(value);
            }
            (Node::Fixed(size, Fixed::Decimal { .. }), _) if value.len() < *size => {
                let sign = if value.first().is_some_and(|&byte| byte >= 0x80) { 0xff } else { 0 };
                self.out.extend(std::iter::repeat_n(sign, size - value.len()));
                self.out.extend_from_slice(value);
            }
            (Node::Fixed(size, _), _) => {
                return misfit(format!("{} bytes, not {size}", value.len()));
            }
            _ => return self.wrong("bytes"),
        }
        Ok(())
    }

    fn serialize_none(self) -> Result<()> {
        self.serialize_unit()
    }

    fn serialize_some<T: ?Sized + Serialize>(mut self, value: &T) -> Result<()> {
        if let Node::Union(branches) = self.plan.node(self.id)
            && let [one, two] = **branches
        {
            let is_null = |id| matches!(self.plan.node(self.inner(id)), Node::Null);
            match (is_null(one), is_null(two)) {
                (true, false) => self.branch(branches, 1),
                (false, true) => self.branch(branches, 0),
                _ => {}
            }
        }
        value.serialize(self)
    }

    fn serialize_unit(mut self) -> Result<()> {
        match self.settle(|node| matches!(node, Node::Null).then_some(0))? {
            Node::Null => Ok(()),
            _ => self.wrong("nothing"),
        }
    }

    fn serialize_unit_struct(mut self, name: &'static str) -> Result<()> {
        let node = self.settle(|node| match node {
            Node::Record(record) if record.fields.is_empty() => {
                Some(u8::from(*record.name != *name))
            }
            Node::Null => Some(2),
            _ => None,
        })?;
        match node {
            Node::Null => Ok(()),
            Node::Record(record) if record.fields.is_empty() => Ok(()),
            _ => self.wrong(&format!("the struct {name} without fields")),
        }
    }

    fn serialize_unit_variant(
        mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<()> {
        if let Node::Union(branches) = self.plan.node(self.id) {
            let symbol = branches.iter().position(|&id| match self.plan.node(self.inner(id)) {
                Node::Enum(symbols) => symbols.symbols.iter().any(|symbol| **symbol == *variant),
                _ => false,
            });
            match symbol {
                Some(at) => self.branch(branches, at),
                None => {
                    self.variant(index, variant)?;
                    return self.serialize_unit_struct(name);
                }
            }
        }
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        mut self,
        _: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        self.variant(index, variant)?;
        value.serialize(self)
    }

    fn serialize_seq(mut self, len: Option<usize>) -> Result<Compound<'p, 'o>> {
        match self.settle_sequence(false)? {
            Node::Array(items) => Ok(Compound::blocks(self.plan, *items, self.out, len)),
            Node::Text(text) if *text != Text::String => Ok(Compound::bytes(self)),
            Node::Fixed(..) => Ok(Compound::bytes(self)),
            _ => self.wrong("a sequence"),
        }
    }

    fn serialize_tuple(mut self, len: usize) -> Result<Compound<'p, 'o>> {
        match self.settle_sequence(true)? {
            Node::Record(record) => Ok(Compound::record(self.plan, record, self.out)),
            Node::Array(items) => Ok(Compound::blocks(self.plan, *items, self.out, Some(len))),
            Node::Text(text) if *text != Text::String => Ok(Compound::bytes(self)),
            Node::Fixed(..) => Ok(Compound::bytes(self)),
            _ => self.wrong("a tuple"),
        }
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Compound<'p, 'o>> {
        self.serialize_tuple(len)
    }

    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<'p, 'o>> {
        self.variant(index, variant)?;
        self.serialize_tuple(len)
    }

    fn serialize_map(mut self, len: Option<usize>) -> Result<Compound<'p, 'o>> {
        match self.settle(|node| match node {
            Node::Map(_) => Some(0),
            Node::Record(_) => Some(1),
            _ => None,
        })? {
            Node::Map(values) => Ok(Compound::blocks(self.plan, *values, self.out, len)),
            Node::Record(record) => Ok(Compound::record(self.plan, record, self.out)),
            _ => self.wrong("a map"),
        }
    }

    fn serialize_struct(mut self, name: &'static str, len: usize) -> Result<Compound<'p, 'o>> {
        match self.settle_record(name)? {
            Node::Record(record) => Ok(Compound::record(self.plan, record, self.out)),
            Node::Map(values) => Ok(Compound::blocks(self.plan, *values, self.out, Some(len))),
            _ => self.wrong(&format!("the struct {name}")),
        }
    }

    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<'p, 'o>> {
        self.variant(index, variant)?;
        self.serialize_struct(variant, len)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// Writes the key of a map.
pub(super) fn write_key<T: ?Sized + Serialize>(
    plan: &Plan,
    key: &T,
    out: &mut Vec<u8>,
) -> Result<()> {
    key.serialize(Serializer::new(plan, KEY, out))
}

//! From a datum to a `serde` type, with nothing between.

use serde::Deserializer as _;
use serde::de::value::{BorrowedStrDeserializer, SeqDeserializer};
use serde::de::{DeserializeSeed, EnumAccess, IntoDeserializer, VariantAccess, Visitor};

use super::cursor::{Cursor, VALUE_SIZE};
use super::de_compound::{Blocks, Fields, Tuple};
use super::number::parse_uuid;
use super::plan::{Fixed, Id, Node, Plan, Record, Scalar, Text};
use super::{AvroError, DatumErrorKind};

impl serde::de::Error for AvroError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        AvroError::Serde(message.to_string())
    }
}

pub(super) type Result<T> = std::result::Result<T, AvroError>;

/// Reads the value of a node. The plan lives as long as the data, so that defaults are borrowed
/// alike.
pub(super) struct Deserializer<'c, 'de> {
    cursor: &'c mut Cursor<'de>,
    plan: &'de Plan,
    id: Id,
}

impl<'c, 'de> Deserializer<'c, 'de> {
    pub(super) fn new(cursor: &'c mut Cursor<'de>, plan: &'de Plan, id: Id) -> Self {
        Deserializer { cursor, plan, id }
    }

    /// Down to what is no union.
    #[inline]
    fn settle(&mut self) -> Result<&'de Node> {
        self.cursor.charge(VALUE_SIZE)?;
        let (id, node) = self.cursor.settle(self.plan, self.id)?;
        self.id = id;
        Ok(node)
    }

    fn text<V: Visitor<'de>>(self, text: Text, visitor: V) -> Result<V::Value> {
        match text {
            Text::String | Text::Uuid => visitor.visit_borrowed_str(self.cursor.text()?),
            _ => visitor.visit_borrowed_bytes(self.cursor.bytes()?),
        }
    }

    fn fixed<V: Visitor<'de>>(self, size: usize, visitor: V) -> Result<V::Value> {
        self.cursor.charge(size)?;
        visitor.visit_borrowed_bytes(self.cursor.take(size)?)
    }

    fn sequence<V: Visitor<'de>>(self, items: Id, visitor: V) -> Result<V::Value> {
        self.cursor.enter()?;
        let mut blocks = Blocks::new(self.cursor, self.plan, items)?;
        let value = visitor.visit_seq(&mut blocks)?;
        blocks.drain()?;
        self.cursor.leave();
        Ok(value)
    }

    fn record<V: Visitor<'de>>(self, record: &'de Record, visitor: V) -> Result<V::Value> {
        self.cursor.enter()?;
        self.cursor.charge(record.cost)?;
        let mut fields = Fields::new(self.cursor, self.plan, record);
        let value = visitor.visit_map(&mut fields)?;
        fields.drain()?;
        self.cursor.leave();
        Ok(value)
    }

    /// A record as a tuple.
    fn tuple<V: Visitor<'de>>(self, record: &'de Record, visitor: V) -> Result<V::Value> {
        if !record.in_order {
            let message = format!(
                "a tuple from the record {}, whose fields the writer has in another order",
                record.full_name
            );
            return Err(AvroError::Serde(message));
        }
        self.cursor.enter()?;
        self.cursor.charge(record.cost)?;
        let mut fields = Fields::new(self.cursor, self.plan, record);
        let value = visitor.visit_seq(Tuple(&mut fields))?;
        fields.drain()?;
        self.cursor.leave();
        Ok(value)
    }
}

macro_rules! as_any {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            self.deserialize_any(visitor)
        })*
    };
}

impl<'de> serde::Deserializer<'de> for Deserializer<'_, 'de> {
    type Error = AvroError;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        match self.settle()? {
            Node::Null => visitor.visit_unit(),
            Node::Boolean => visitor.visit_bool(self.cursor.boolean()?),
            Node::Int(scalar) => {
                let int = self.cursor.int()?;
                match scalar {
                    Scalar::Float => visitor.visit_f32(int as f32),
                    Scalar::Double => visitor.visit_f64(int.into()),
                    Scalar::Int | Scalar::Date | Scalar::TimeMillis => visitor.visit_i32(int),
                    _ => visitor.visit_i64(int.into()),
                }
            }
            Node::Long(scalar) => {
                let long = self.cursor.long()?;
                match scalar {
                    Scalar::Float => visitor.visit_f32(long as f32),
                    Scalar::Double => visitor.visit_f64(long as f64),
                    _ => visitor.visit_i64(long),
                }
            }
            Node::Float { double } => {
                let float = f32::from_le_bytes(self.cursor.array()?);
                if *double { visitor.visit_f64(float.into()) } else { visitor.visit_f32(float) }
            }
            Node::Double => visitor.visit_f64(f64::from_le_bytes(self.cursor.array()?)),
            Node::Text(text) => self.text(*text, visitor),
            Node::Fixed(size, _) => self.fixed(*size, visitor),
            Node::Array(items) => self.sequence(*items, visitor),
            Node::Map(values) => {
                self.cursor.enter()?;
                let mut blocks = Blocks::new(self.cursor, self.plan, *values)?;
                blocks.keys = true;
                let value = visitor.visit_map(&mut blocks)?;
                blocks.drain()?;
                self.cursor.leave();
                Ok(value)
            }
            Node::Record(record) => self.record(record, visitor),
            Node::Enum(symbols) => {
                let symbol = self.cursor.symbol(symbols)?;
                visitor.visit_borrowed_str(&symbols.symbols[symbol as usize])
            }
            // Settled before.
            Node::Union(_) | Node::Branch(..) | Node::Mismatch(_) => visitor.visit_unit(),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        if let Node::Union(branches) = self.plan.node(self.id) {
            self.id = branches[self.cursor.index(branches.len())?];
        }
        let inner = match self.plan.node(self.id) {
            Node::Branch(_, inner) => *inner,
            _ => self.id,
        };
        if let Node::Null = self.plan.node(inner) {
            self.cursor.charge(VALUE_SIZE)?;
            return visitor.visit_none();
        }
        // The branch is kept, for an enum to see its index.
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        if let Node::Union(branches) = self.plan.node(self.id) {
            self.id = branches[self.cursor.index(branches.len())?];
        }
        if let &Node::Branch(index, inner) = self.plan.node(self.id) {
            let name = branch_names(self.plan, inner)
                .into_iter()
                .find_map(|name| variants.iter().find(|v| v.eq_ignore_ascii_case(name)));
            if let (Node::Enum(_), None) = (self.plan.node(inner), name) {
                // An enum in a union, with no variant of its own name: its symbols are the variants.
                self.id = inner;
                return self.deserialize_enum("", variants, visitor);
            }
            return visitor.visit_enum(Variant {
                index,
                name,
                value: Deserializer { id: inner, ..self },
            });
        }
        match self.settle()? {
            Node::Enum(symbols) => {
                let symbol = self.cursor.symbol(symbols)?;
                let symbol = BorrowedStrDeserializer::new(&symbols.symbols[symbol as usize]);
                visitor.visit_enum(symbol)
            }
            Node::Text(Text::String) => {
                visitor.visit_enum(BorrowedStrDeserializer::new(self.cursor.text()?))
            }
            _ => Err(AvroError::Serde(format!(
                "{} as a Rust enum, not an Avro enum or union",
                self.plan.name(self.id)
            ))),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let bytes = match self.settle()? {
            Node::Array(items) => return self.sequence(*items, visitor),
            Node::Record(record) => return self.tuple(record, visitor),
            Node::Fixed(size, _) => {
                self.cursor.charge(*size)?;
                self.cursor.take(*size)?
            }
            Node::Text(_) => self.cursor.bytes()?,
            _ => {
                let name = self.plan.name(self.id);
                return Err(AvroError::Serde(format!("{name} as a sequence")));
            }
        };
        visitor.visit_seq(SeqDeserializer::new(bytes.iter().copied()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_any(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        match self.settle()? {
            Node::Text(Text::Uuid) => match parse_uuid(self.cursor.bytes()?) {
                Some(uuid) => visitor.visit_bytes(&uuid.0),
                None => self.cursor.fail(DatumErrorKind::Uuid),
            },
            Node::Text(_) => visitor.visit_borrowed_bytes(self.cursor.bytes()?),
            Node::Fixed(
                size,
                Fixed::Plain | Fixed::Uuid | Fixed::Decimal { .. } | Fixed::Duration,
            ) => self.fixed(*size, visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        self.cursor.skip(self.plan, self.id)?;
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.cursor.skip(self.plan, self.id)?;
        visitor.visit_unit()
    }

    as_any! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_string deserialize_unit deserialize_map deserialize_identifier
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// What a variant that stands for this branch may be called, in any case.
pub(super) fn branch_names(plan: &Plan, id: Id) -> [&str; 2] {
    match plan.node(id) {
        Node::Record(record) => [&record.name, &record.full_name],
        Node::Enum(symbols) => [&symbols.name, &symbols.full_name],
        _ => [plan.name(id); 2],
    }
}

/// A union's branch as a variant of a Rust enum.
struct Variant<'c, 'de> {
    index: u32,
    name: Option<&'static &'static str>,
    value: Deserializer<'c, 'de>,
}

impl<'c, 'de> EnumAccess<'de> for Variant<'c, 'de> {
    type Error = AvroError;
    type Variant = Deserializer<'c, 'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Deserializer<'c, 'de>)> {
        let variant = match self.name {
            Some(name) => seed.deserialize(BorrowedStrDeserializer::<AvroError>::new(name)),
            None => seed.deserialize(self.index.into_deserializer()),
        };
        Ok((variant?, self.value))
    }
}

impl<'de> VariantAccess<'de> for Deserializer<'_, 'de> {
    type Error = AvroError;

    fn unit_variant(self) -> Result<()> {
        self.cursor.skip(self.plan, self.id)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_any(visitor)
    }
}

//! A schema, or a writer's and a reader's, made ready to read by: an arena of nodes in the order of
//! the bytes, with the reader's names on them.

use std::collections::HashMap;

use apache_avro::Schema;
use apache_avro::schema::{InnerDecimalSchema, RecordSchema, UuidSchema};

/// The position of a node.
pub(super) type Id = u32;

/// Stands in no plan: the key of a map, which is always text.
pub(super) const KEY: Id = Id::MAX;

/// How to read a value: what the bytes are, and what the reader takes them for.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Null,
    Boolean,
    /// A varint of 32 bits.
    Int(Scalar),
    /// A varint of 64 bits.
    Long(Scalar),
    /// Four bytes; read as a double if so.
    Float {
        double: bool,
    },
    Double,
    /// A length and as many bytes.
    Text(Text),
    Fixed(usize, Fixed),
    Array(Id),
    Map(Id),
    /// The writer's union: an index, then that branch.
    Union(Box<[Id]>),
    /// The reader's union: no bytes of its own, and this branch.
    Branch(u32, Id),
    Record(Record),
    Enum(Enum),
    /// What the reader cannot take; an error only if it is met.
    Mismatch(Box<str>),
}

/// What a number is to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Int,
    Date,
    TimeMillis,
    Long,
    TimeMicros,
    TimestampMillis,
    TimestampMicros,
    TimestampNanos,
    LocalTimestampMillis,
    LocalTimestampMicros,
    LocalTimestampNanos,
    Float,
    Double,
}

/// What a length and as many bytes are to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text {
    Bytes,
    String,
    /// As text.
    Uuid,
    /// As 16 bytes.
    UuidBytes,
    Decimal {
        precision: usize,
        scale: usize,
    },
    BigDecimal,
}

/// What a fixed number of bytes is to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fixed {
    Plain,
    Uuid,
    Decimal { precision: usize, scale: usize },
    Duration,
}

#[derive(Clone, Debug)]
pub(super) struct Record {
    /// Without its namespace.
    pub(super) name: Box<str>,
    pub(super) full_name: Box<str>,
    /// The reader's, in its order.
    pub(super) fields: Box<[Field]>,
    /// What the bytes hold, in their order.
    pub(super) steps: Box<[Step]>,
    /// The reader's fields that the bytes do not hold.
    pub(super) absent: Box<[usize]>,
    /// Whether the steps read every field, in the reader's order.
    pub(super) in_order: bool,
    /// The memory its field names take in a `Value`.
    pub(super) cost: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: Box<str>,
    /// How to read its default, and, in the plan of one schema, the field.
    pub(super) node: Id,
    /// Its default, as a datum.
    pub(super) default: Option<Box<[u8]>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// The field of this position, read by this node.
    Read(usize, Id),
    /// A value the reader does not have.
    Skip(Id),
}

#[derive(Clone, Debug)]
pub(super) struct Enum {
    pub(super) name: Box<str>,
    pub(super) full_name: Box<str>,
    /// The reader's.
    pub(super) symbols: Box<[Box<str>]>,
    /// The reader's symbol for each of the writer's, if there is one.
    pub(super) from: Box<[Option<u32>]>,
}

/// A schema made ready.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    nodes: Vec<Node>,
    pub(super) root: Id,
}

impl Plan {
    pub(super) fn node(&self, id: Id) -> &Node {
        self.nodes.get(id as usize).unwrap_or(&Node::Text(Text::String))
    }

    /// The plan of one schema, read as it was written; its defaults are missing still.
    pub(super) fn new(schema: &Schema) -> Result<Plan, Mismatch> {
        Plan::resolved(schema, schema, |_, _| None)
    }

    /// Puts in the defaults. `default` knows them as JSON, by record and position.
    ///
    /// A record's default may lean on those of its own fields: what cannot be encoded yet is tried
    /// again as long as that helps.
    pub(super) fn add_defaults<'v>(
        &mut self,
        default: impl Fn(&str, usize) -> Option<&'v serde_json::Value>,
    ) -> Result<(), Mismatch> {
        let mut pending = Vec::new();
        for (at, node) in self.nodes.iter().enumerate() {
            let Node::Record(record) = node else { continue };
            for (position, field) in record.fields.iter().enumerate() {
                if let Some(json) = default(&record.full_name, position) {
                    pending.push((at, position, field.node, json));
                }
            }
        }
        while !pending.is_empty() {
            let before = pending.len();
            let mut error = None;
            let mut later = Vec::new();
            for (at, position, node, json) in pending {
                match super::json_in::encode_default(self, node, json) {
                    Ok(datum) => {
                        if let Node::Record(record) = &mut self.nodes[at] {
                            record.fields[position].default = Some(datum.into());
                        }
                    }
                    Err(why) => {
                        let (record, field) = (self.name(at as Id), self.field_name(at, position));
                        // The first: those after it may fail for want of this one.
                        error.get_or_insert_with(|| {
                            Mismatch::new(format!("the default of {record}.{field}: {why}"))
                        });
                        later.push((at, position, node, json));
                    }
                }
            }
            pending = later;
            if let Some(error) = error
                && pending.len() == before
            {
                return Err(error);
            }
        }
        Ok(())
    }

    fn field_name(&self, at: usize, position: usize) -> &str {
        match &self.nodes[at] {
            Node::Record(record) => &record.fields[position].name,
            _ => "",
        }
    }

    /// The default of a field, as a datum.
    pub(super) fn default(&self, record: &str, position: usize) -> Option<Box<[u8]>> {
        self.nodes.iter().find_map(|node| match node {
            Node::Record(found) if *found.full_name == *record => {
                found.fields.get(position)?.default.clone()
            }
            _ => None,
        })
    }

    /// What `writer` wrote, read as `reader`. `defaults` knows the reader's defaults.
    pub(super) fn resolved(
        writer: &Schema,
        reader: &Schema,
        defaults: impl Fn(&str, usize) -> Option<Box<[u8]>>,
    ) -> Result<Plan, Mismatch> {
        let mut compiler = super::resolve::Compiler::new(writer, reader, &defaults);
        let root = compiler.pair(writer, reader)?;
        Ok(Plan { nodes: compiler.finish(), root })
    }

    /// What a node is called in an error and in Avro's JSON encoding of a union.
    pub(super) fn name(&self, id: Id) -> &str {
        match self.node(id) {
            Node::Null => "null",
            Node::Boolean => "boolean",
            Node::Int(scalar) | Node::Long(scalar) => scalar.wire_name(),
            Node::Float { double: false } => "float",
            Node::Float { double: true } | Node::Double => "double",
            Node::Text(Text::String | Text::Uuid) => "string",
            Node::Text(_) => "bytes",
            Node::Fixed(..) => "fixed",
            Node::Array(_) => "array",
            Node::Map(_) => "map",
            Node::Union(_) => "union",
            Node::Branch(_, node) => self.name(*node),
            Node::Record(record) => &record.full_name,
            Node::Enum(symbols) => &symbols.full_name,
            Node::Mismatch(_) => "nothing the reader takes",
        }
    }
}

impl Scalar {
    fn wire_name(self) -> &'static str {
        match self {
            Scalar::Int | Scalar::Date | Scalar::TimeMillis => "int",
            Scalar::Float => "float",
            Scalar::Double => "double",
            _ => "long",
        }
    }
}

/// Why a reader's schema does not fit, and where.
#[derive(Clone, Debug)]
pub(super) struct Mismatch {
    /// Fields and the like, innermost first.
    pub(super) path: Vec<String>,
    pub(super) message: String,
}

impl Mismatch {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Mismatch { path: Vec::new(), message: message.into() }
    }

    pub(super) fn at(mut self, part: &str) -> Self {
        self.path.push(part.to_owned());
        self
    }

    pub(super) fn path(&self) -> String {
        self.path.iter().rev().map(String::as_str).collect::<Vec<_>>().join(".")
    }
}

/// What each name stands for, anywhere in a schema.
pub(super) type Names<'s> = HashMap<String, &'s Schema>;

/// Collects the named types of a schema.
pub(super) fn collect_names<'s>(schema: &'s Schema, names: &mut Names<'s>) {
    match schema {
        Schema::Array(array) => collect_names(&array.items, names),
        Schema::Map(map) => collect_names(&map.types, names),
        Schema::Union(union) => union.variants().iter().for_each(|v| collect_names(v, names)),
        Schema::Record(RecordSchema { name, fields, .. }) => {
            names.insert(name.fullname(None), schema);
            fields.iter().for_each(|field| collect_names(&field.schema, names));
        }
        Schema::Enum(symbols) => {
            names.insert(symbols.name.fullname(None), schema);
        }
        Schema::Fixed(fixed) | Schema::Duration(fixed) | Schema::Uuid(UuidSchema::Fixed(fixed)) => {
            names.insert(fixed.name.fullname(None), schema);
        }
        Schema::Decimal(decimal) => {
            if let InnerDecimalSchema::Fixed(fixed) = &decimal.inner {
                names.insert(fixed.name.fullname(None), schema);
            }
        }
        _ => {}
    }
}

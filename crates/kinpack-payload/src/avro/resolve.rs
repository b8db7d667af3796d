//! Schema resolution, done once: from a writer's and a reader's schema to the nodes of a plan.

use std::collections::HashMap;

use apache_avro::Schema;
use apache_avro::schema::{
    DecimalSchema, EnumSchema, FixedSchema, InnerDecimalSchema, RecordField, RecordSchema,
    UuidSchema,
};

use super::plan::{
    Enum, Field, Fixed, Id, Mismatch, Names, Node, Record, Scalar, Step, Text, collect_names,
};

/// As deep as one type may stand in another, so that no schema overflows the stack.
const MAX_NESTING: usize = 256;

/// Looks up a default of the reader's, as a datum, by record and position.
type Defaults<'s> = &'s dyn Fn(&str, usize) -> Option<Box<[u8]>>;

pub(super) struct Compiler<'s> {
    nodes: Vec<Node>,
    writer_names: Names<'s>,
    reader_names: Names<'s>,
    /// Records under way or done, by the pair of schemas: types may hold themselves.
    records: HashMap<(*const Schema, *const Schema), Id>,
    defaults: Defaults<'s>,
    depth: usize,
}

type Result<T> = std::result::Result<T, Mismatch>;

impl<'s> Compiler<'s> {
    pub(super) fn new(writer: &'s Schema, reader: &'s Schema, defaults: Defaults<'s>) -> Self {
        let (mut writer_names, mut reader_names) = (Names::new(), Names::new());
        collect_names(writer, &mut writer_names);
        collect_names(reader, &mut reader_names);
        let records = HashMap::new();
        Compiler { nodes: Vec::new(), writer_names, reader_names, records, defaults, depth: 0 }
    }

    pub(super) fn finish(self) -> Vec<Node> {
        self.nodes
    }

    fn push(&mut self, node: Node) -> Id {
        self.nodes.push(node);
        (self.nodes.len() - 1) as Id
    }

    /// The node that reads what `writer` wrote as `reader`.
    pub(super) fn pair(&mut self, writer: &'s Schema, reader: &'s Schema) -> Result<Id> {
        let writer = deref(writer, &self.writer_names, &self.reader_names)?;
        let reader = deref(reader, &self.reader_names, &self.writer_names)?;
        if self.depth >= MAX_NESTING {
            return Err(Mismatch::new(format!("more than {MAX_NESTING} types in each other")));
        }
        self.depth += 1;
        let id = self.pair_in(writer, reader);
        self.depth -= 1;
        id
    }

    fn pair_in(&mut self, writer: &'s Schema, reader: &'s Schema) -> Result<Id> {
        match (writer, reader) {
            (Schema::Union(union), _) => self.writer_union(union.variants(), reader),
            (_, Schema::Union(union)) => self.reader_union(writer, union.variants()),
            (Schema::Record(w), Schema::Record(r)) => {
                let key = (std::ptr::from_ref(writer), std::ptr::from_ref(reader));
                if let Some(&id) = self.records.get(&key) {
                    return Ok(id);
                }
                // Held, so that the record may hold itself.
                let id = self.push(Node::Null);
                self.records.insert(key, id);
                match self.record(w, r, std::ptr::eq(w, r)) {
                    Ok(record) => self.nodes[id as usize] = Node::Record(record),
                    Err(mismatch) => {
                        self.records.remove(&key);
                        return Err(mismatch);
                    }
                }
                Ok(id)
            }
            (Schema::Array(w), Schema::Array(r)) => {
                let items = self.pair(&w.items, &r.items).map_err(|e| e.at("[]"))?;
                Ok(self.push(Node::Array(items)))
            }
            (Schema::Map(w), Schema::Map(r)) => {
                let values = self.pair(&w.types, &r.types).map_err(|e| e.at("{}"))?;
                Ok(self.push(Node::Map(values)))
            }
            (Schema::Enum(w), Schema::Enum(r)) => Ok(self.push(Node::Enum(symbols(w, r)?))),
            _ => {
                let node = plain(writer, reader)?;
                Ok(self.push(node))
            }
        }
    }

    fn writer_union(&mut self, branches: &'s [Schema], reader: &'s Schema) -> Result<Id> {
        let (mut ids, mut last, mut fits) = (Vec::new(), None, false);
        for branch in branches {
            ids.push(match self.pair(branch, reader) {
                Ok(id) => {
                    fits = true;
                    id
                }
                Err(mismatch) => {
                    let why = format!("the writer's value is {}", mismatch.message);
                    last = Some(mismatch);
                    self.push(Node::Mismatch(why.into()))
                }
            });
        }
        match last {
            Some(mismatch) if !fits => Err(mismatch),
            _ => Ok(self.push(Node::Union(ids.into()))),
        }
    }

    /// The branch of the same name, else the first of the same kind, else the first that fits.
    fn reader_union(&mut self, writer: &'s Schema, branches: &'s [Schema]) -> Result<Id> {
        let mut order = Vec::new();
        for (index, branch) in branches.iter().enumerate() {
            let branch = deref(branch, &self.reader_names, &self.writer_names)?;
            let rank = match (writer.name(), branch.name()) {
                _ if std::ptr::eq(writer, branch) => 0,
                (Some(w), Some(r)) if w == r => 1,
                (Some(w), Some(r)) if w.name() == r.name() => 2,
                _ if kind(writer) == kind(branch) => 3,
                _ => 4,
            };
            order.push((rank, index, branch));
        }
        order.sort_by_key(|&(rank, index, _)| (rank, index));
        let mut first = None;
        for (_, index, branch) in order {
            match self.pair(writer, branch) {
                Ok(id) => return Ok(self.push(Node::Branch(index as u32, id))),
                Err(mismatch) => first = first.or(Some(mismatch)),
            }
        }
        Err(match first {
            Some(mismatch) if branches.len() == 1 => mismatch,
            _ => Mismatch::new(format!("{}, which no branch of the union takes", kind(writer))),
        })
    }

    fn record(
        &mut self,
        writer: &'s RecordSchema,
        reader: &'s RecordSchema,
        same: bool,
    ) -> Result<Record> {
        let mut steps = Vec::with_capacity(writer.fields.len());
        let mut read = vec![false; reader.fields.len()];
        for field in &writer.fields {
            let target = reader.fields.iter().position(|r| r.name == field.name).or_else(|| {
                let renamed = |r: &RecordField| r.aliases.contains(&field.name);
                reader.fields.iter().position(renamed)
            });
            match target {
                Some(at) if !read[at] => {
                    read[at] = true;
                    let node = self
                        .pair(&field.schema, &reader.fields[at].schema)
                        .map_err(|e| e.at(&field.name))?;
                    steps.push(Step::Read(at, node));
                }
                _ => steps.push(Step::Skip(self.own_writer(&field.schema)?)),
            }
        }
        let full_name = reader.name.fullname(None);
        let mut fields = Vec::with_capacity(reader.fields.len());
        for (at, field) in reader.fields.iter().enumerate() {
            let default = (self.defaults)(&full_name, at);
            let node = match steps.iter().find(|step| matches!(step, Step::Read(f, _) if *f == at))
            {
                Some(Step::Read(_, node)) if same => *node,
                None if default.is_none() => {
                    let message = "the writer does not have this field, and it has no default";
                    return Err(Mismatch::new(message).at(&field.name));
                }
                None => self.own_reader(&field.schema)?,
                // Read by its step; its default never is.
                Some(_) => 0,
            };
            fields.push(Field { name: field.name.as_str().into(), node, default });
        }
        let absent: Box<[usize]> = (0..read.len()).filter(|&at| !read[at]).collect();
        let in_order = absent.is_empty()
            && steps
                .iter()
                .filter_map(|step| match step {
                    Step::Read(at, _) => Some(*at),
                    Step::Skip(_) => None,
                })
                .is_sorted();
        Ok(Record {
            name: reader.name.name().into(),
            full_name: full_name.into(),
            cost: fields.iter().map(|field| field.name.len() + 24).sum(),
            fields: fields.into(),
            steps: steps.into(),
            absent,
            in_order,
        })
    }

    /// The node of a schema of the writer's alone, to skip its values by.
    fn own_writer(&mut self, schema: &'s Schema) -> Result<Id> {
        let names = self.writer_names.clone();
        self.own(schema, names)
    }

    /// The node of a schema of the reader's alone, to read its default by.
    fn own_reader(&mut self, schema: &'s Schema) -> Result<Id> {
        let names = self.reader_names.clone();
        self.own(schema, names)
    }

    fn own(&mut self, schema: &'s Schema, names: Names<'s>) -> Result<Id> {
        let writer = std::mem::replace(&mut self.writer_names, names.clone());
        let reader = std::mem::replace(&mut self.reader_names, names);
        let id = self.pair(schema, schema);
        (self.writer_names, self.reader_names) = (writer, reader);
        id
    }
}

/// What a reference stands for.
fn deref<'s>(schema: &'s Schema, names: &Names<'s>, others: &Names<'s>) -> Result<&'s Schema> {
    match schema {
        Schema::Ref { name } => {
            let full = name.fullname(None);
            let found = names.get(&full).or_else(|| others.get(&full));
            found.copied().ok_or_else(|| Mismatch::new(format!("the unknown type {full}")))
        }
        schema => Ok(schema),
    }
}

fn symbols(writer: &EnumSchema, reader: &EnumSchema) -> Result<Enum> {
    same_name(writer.name.name(), reader.name.name(), reader.aliases.as_ref())?;
    let find = |symbol: &String| reader.symbols.iter().position(|s| s == symbol);
    let default = reader.default.as_ref().and_then(find);
    Ok(Enum {
        name: reader.name.name().into(),
        full_name: reader.name.fullname(None).into(),
        symbols: reader.symbols.iter().map(|symbol| symbol.as_str().into()).collect(),
        from: writer.symbols.iter().map(|s| find(s).or(default).map(|at| at as u32)).collect(),
    })
}

fn same_name(
    writer: &str,
    reader: &str,
    aliases: Option<&Vec<apache_avro::schema::Alias>>,
) -> Result<()> {
    let renamed = aliases.is_some_and(|all| all.iter().any(|alias| alias.name() == writer));
    if writer == reader || renamed {
        Ok(())
    } else {
        Err(Mismatch::new(format!("the type {writer}, not {reader}")))
    }
}

/// The node of what is no record, array, map, union or enum.
fn plain(writer: &Schema, reader: &Schema) -> Result<Node> {
    use Schema as S;
    let wrong = || Err(Mismatch::new(format!("{}, not {}", kind(writer), kind(reader))));
    Ok(match (base(writer), base(reader)) {
        (Base::Null, Base::Null) => Node::Null,
        (Base::Boolean, Base::Boolean) => Node::Boolean,
        (Base::Int, Base::Int | Base::Long | Base::Float | Base::Double) => {
            Node::Int(scalar(reader))
        }
        (Base::Long, Base::Long | Base::Float | Base::Double) => Node::Long(scalar(reader)),
        (Base::Float, Base::Float) => Node::Float { double: false },
        (Base::Float, Base::Double) => Node::Float { double: true },
        (Base::Double, Base::Double) => Node::Double,
        (Base::Text, Base::Text) => Node::Text(match (writer, reader) {
            (S::Decimal(w), S::Decimal(r)) => decimal(w, r)?,
            (_, S::Decimal(r)) => Text::Decimal { precision: r.precision, scale: r.scale },
            (_, S::BigDecimal) => Text::BigDecimal,
            // Text reads as bytes and bytes as text, but not the two spellings of a UUID.
            (S::String | S::Uuid(UuidSchema::String), S::Uuid(UuidSchema::String)) => Text::Uuid,
            (S::Bytes | S::Uuid(UuidSchema::Bytes), S::Uuid(UuidSchema::Bytes)) => Text::UuidBytes,
            (_, S::String) => Text::String,
            (_, S::Bytes) => Text::Bytes,
            _ => return wrong(),
        }),
        (Base::Fixed(w), Base::Fixed(r)) => {
            same_name(w.name.name(), r.name.name(), r.aliases.as_ref())?;
            if w.size != r.size {
                let message = format!("a fixed of {} bytes, not {}", w.size, r.size);
                return Err(Mismatch::new(message));
            }
            Node::Fixed(
                r.size,
                match (writer, reader) {
                    (S::Decimal(w), S::Decimal(r)) => match decimal(w, r)? {
                        Text::Decimal { precision, scale } => Fixed::Decimal { precision, scale },
                        _ => return wrong(),
                    },
                    (_, S::Decimal(r)) => Fixed::Decimal { precision: r.precision, scale: r.scale },
                    (_, S::Uuid(_)) if r.size == 16 => Fixed::Uuid,
                    (_, S::Duration(_)) if r.size == 12 => Fixed::Duration,
                    _ => Fixed::Plain,
                },
            )
        }
        _ => return wrong(),
    })
}

/// Two decimals are the same only with the same precision and scale: the bytes don't say.
fn decimal(writer: &DecimalSchema, reader: &DecimalSchema) -> Result<Text> {
    if (writer.precision, writer.scale) == (reader.precision, reader.scale) {
        return Ok(Text::Decimal { precision: reader.precision, scale: reader.scale });
    }
    Err(Mismatch::new(format!(
        "decimal({}, {}), not decimal({}, {})",
        writer.precision, writer.scale, reader.precision, reader.scale
    )))
}

/// What the bytes are, whatever they are called.
enum Base<'s> {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Text,
    Fixed(&'s FixedSchema),
    Other,
}

fn base(schema: &Schema) -> Base<'_> {
    use Schema as S;
    match schema {
        S::Null => Base::Null,
        S::Boolean => Base::Boolean,
        S::Int | S::Date | S::TimeMillis => Base::Int,
        S::Long
        | S::TimeMicros
        | S::TimestampMillis
        | S::TimestampMicros
        | S::TimestampNanos
        | S::LocalTimestampMillis
        | S::LocalTimestampMicros
        | S::LocalTimestampNanos => Base::Long,
        S::Float => Base::Float,
        S::Double => Base::Double,
        S::Bytes
        | S::String
        | S::BigDecimal
        | S::Uuid(UuidSchema::String | UuidSchema::Bytes)
        | S::Decimal(DecimalSchema { inner: InnerDecimalSchema::Bytes, .. }) => Base::Text,
        S::Fixed(fixed)
        | S::Duration(fixed)
        | S::Uuid(UuidSchema::Fixed(fixed))
        | S::Decimal(DecimalSchema { inner: InnerDecimalSchema::Fixed(fixed), .. }) => {
            Base::Fixed(fixed)
        }
        S::Array(_) | S::Map(_) | S::Union(_) | S::Record(_) | S::Enum(_) | S::Ref { .. } => {
            Base::Other
        }
    }
}

/// What a schema is called, without its name.
fn kind(schema: &Schema) -> &'static str {
    match schema {
        Schema::Null => "null",
        Schema::Boolean => "boolean",
        Schema::Bytes => "bytes",
        Schema::String => "string",
        Schema::Array(_) => "an array",
        Schema::Map(_) => "a map",
        Schema::Union(_) => "a union",
        Schema::Record(_) => "a record",
        Schema::Enum(_) => "an enum",
        Schema::Ref { .. } => "a reference",
        other => match base(other) {
            Base::Int => "an int",
            Base::Long => "a long",
            Base::Float => "a float",
            Base::Double => "a double",
            Base::Fixed(_) => "a fixed",
            _ if matches!(other, Schema::Uuid(UuidSchema::String)) => "string",
            _ => "bytes",
        },
    }
}

fn scalar(reader: &Schema) -> Scalar {
    match reader {
        Schema::Int => Scalar::Int,
        Schema::Date => Scalar::Date,
        Schema::TimeMillis => Scalar::TimeMillis,
        Schema::TimeMicros => Scalar::TimeMicros,
        Schema::TimestampMillis => Scalar::TimestampMillis,
        Schema::TimestampMicros => Scalar::TimestampMicros,
        Schema::TimestampNanos => Scalar::TimestampNanos,
        Schema::LocalTimestampMillis => Scalar::LocalTimestampMillis,
        Schema::LocalTimestampMicros => Scalar::LocalTimestampMicros,
        Schema::LocalTimestampNanos => Scalar::LocalTimestampNanos,
        Schema::Float => Scalar::Float,
        Schema::Double => Scalar::Double,
        _ => Scalar::Long,
    }
}

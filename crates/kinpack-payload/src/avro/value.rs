//! A datum as a tree of [`Value`]s.

use apache_avro::types::Value;
use apache_avro::{Decimal, Duration};

use super::cursor::{Cursor, VALUE_SIZE};
use super::number::parse_uuid;
use super::plan::{Fixed, Id, Node, Plan, Record, Scalar, Step, Text};
use super::{AvroError, DatumErrorKind};

type Result<T> = std::result::Result<T, AvroError>;

/// Reads the value of a node. What is no leaf has a function of its own, so that values which hold
/// each other take little stack.
pub(super) fn read(cursor: &mut Cursor<'_>, plan: &Plan, mut id: Id) -> Result<Value> {
    cursor.charge(VALUE_SIZE)?;
    let mut branch = None;
    loop {
        match plan.node(id) {
            Node::Union(branches) => id = branches[cursor.index(branches.len())?],
            Node::Branch(index, inner) => {
                // A union is a value, too.
                cursor.charge(VALUE_SIZE)?;
                branch = Some(*index);
                id = *inner;
            }
            _ => break,
        }
    }
    let value = match plan.node(id) {
        Node::Array(items) => array(cursor, plan, *items),
        Node::Map(items) => map(cursor, plan, *items),
        Node::Record(node) => record(cursor, plan, node),
        leaf => self::leaf(cursor, leaf),
    }?;
    match branch {
        Some(index) => Ok(Value::Union(index, Box::new(value))),
        None => Ok(value),
    }
}

#[inline(never)]
fn leaf(cursor: &mut Cursor<'_>, node: &Node) -> Result<Value> {
    let start = cursor.position();
    Ok(match node {
        Node::Boolean => Value::Boolean(cursor.boolean()?),
        Node::Int(scalar) => number(*scalar, cursor.int()?.into()),
        Node::Long(scalar) => number(*scalar, cursor.long()?),
        Node::Float { double } => {
            let float = f32::from_le_bytes(cursor.array()?);
            if *double { Value::Double(float.into()) } else { Value::Float(float) }
        }
        Node::Double => Value::Double(f64::from_le_bytes(cursor.array()?)),
        Node::Text(text) => match text {
            Text::String => Value::String(cursor.text()?.to_owned()),
            Text::Bytes => Value::Bytes(cursor.bytes()?.to_owned()),
            Text::Decimal { .. } => Value::Decimal(match cursor.bytes()? {
                // The library cannot write a zero without bytes again.
                [] => Decimal::from([0]),
                bytes => Decimal::from(bytes),
            }),
            Text::BigDecimal => big_decimal(cursor.bytes()?, start)?,
            Text::Uuid | Text::UuidBytes => Value::Uuid(uuid(cursor, *text)?),
        },
        Node::Fixed(size, fixed) => {
            let bytes = cursor.take(*size)?;
            cursor.charge(*size)?;
            match (fixed, bytes.first_chunk()) {
                (Fixed::Decimal { .. }, _) => Value::Decimal(Decimal::from(bytes)),
                (Fixed::Duration, Some(bytes)) => Value::Duration(Duration::from(bytes)),
                (Fixed::Uuid, _) => match apache_avro::Uuid::from_slice(bytes) {
                    Ok(uuid) => Value::Uuid(uuid),
                    Err(_) => return cursor.fail(DatumErrorKind::Uuid),
                },
                _ => Value::Fixed(*size, bytes.to_owned()),
            }
        }
        Node::Enum(symbols) => {
            let symbol = cursor.symbol(symbols)?;
            Value::Enum(symbol, symbols.symbols[symbol as usize].to_string())
        }
        Node::Mismatch(why) => {
            return cursor.fail(DatumErrorKind::Unresolvable(why.to_string()));
        }
        _ => Value::Null,
    })
}

#[inline(never)]
fn array(cursor: &mut Cursor<'_>, plan: &Plan, items: Id) -> Result<Value> {
    cursor.enter()?;
    let mut values = Vec::new();
    loop {
        let count = cursor.block()?;
        if count == 0 {
            break;
        }
        for _ in 0..count {
            values.push(read(cursor, plan, items)?);
        }
    }
    cursor.leave();
    Ok(Value::Array(values))
}

#[inline(never)]
fn map(cursor: &mut Cursor<'_>, plan: &Plan, items: Id) -> Result<Value> {
    cursor.enter()?;
    let mut values = std::collections::HashMap::new();
    loop {
        let count = cursor.block()?;
        if count == 0 {
            break;
        }
        for _ in 0..count {
            let key = cursor.text()?.to_owned();
            values.insert(key, read(cursor, plan, items)?);
        }
    }
    cursor.leave();
    Ok(Value::Map(values))
}

#[inline(never)]
fn record(cursor: &mut Cursor<'_>, plan: &Plan, record: &Record) -> Result<Value> {
    cursor.enter()?;
    cursor.charge(record.cost)?;
    let mut fields: Vec<_> =
        record.fields.iter().map(|field| (field.name.to_string(), Value::Null)).collect();
    for step in &record.steps {
        match step {
            Step::Read(at, node) => fields[*at].1 = read(cursor, plan, *node)?,
            Step::Skip(node) => cursor.skip(plan, *node)?,
        }
    }
    for &at in &record.absent {
        let field = &record.fields[at];
        let mut default = cursor.on(field.default.as_deref().unwrap_or_default());
        fields[at].1 = read(&mut default, plan, field.node)?;
        cursor.budget = default.budget;
    }
    cursor.leave();
    Ok(Value::Record(fields))
}

fn number(scalar: Scalar, long: i64) -> Value {
    match scalar {
        // An int's bytes were held to 32 bits already.
        Scalar::Int => Value::Int(long as i32),
        Scalar::Date => Value::Date(long as i32),
        Scalar::TimeMillis => Value::TimeMillis(long as i32),
        Scalar::Long => Value::Long(long),
        Scalar::TimeMicros => Value::TimeMicros(long),
        Scalar::TimestampMillis => Value::TimestampMillis(long),
        Scalar::TimestampMicros => Value::TimestampMicros(long),
        Scalar::TimestampNanos => Value::TimestampNanos(long),
        Scalar::LocalTimestampMillis => Value::LocalTimestampMillis(long),
        Scalar::LocalTimestampMicros => Value::LocalTimestampMicros(long),
        Scalar::LocalTimestampNanos => Value::LocalTimestampNanos(long),
        Scalar::Float => Value::Float(long as f32),
        Scalar::Double => Value::Double(long as f64),
    }
}

fn uuid(cursor: &mut Cursor<'_>, text: Text) -> Result<apache_avro::Uuid> {
    let start = cursor.position();
    let bytes = cursor.bytes()?;
    let uuid = if text == Text::Uuid {
        parse_uuid(bytes).map(|uuid| apache_avro::Uuid::from_bytes(uuid.0))
    } else {
        apache_avro::Uuid::from_slice(bytes).ok()
    };
    uuid.ok_or(AvroError::Datum { kind: DatumErrorKind::Uuid, offset: start })
}

fn big_decimal(bytes: &[u8], offset: usize) -> Result<Value> {
    let wrong = || AvroError::Datum { kind: DatumErrorKind::BigDecimal, offset };
    // The library keeps its constructor to itself: through its own reading, checked before.
    super::number::BigDecimal::parse(bytes).ok_or_else(wrong)?;
    let mut datum = Vec::with_capacity(bytes.len() + 10);
    super::number::write_bytes(bytes, &mut datum);
    let reader =
        apache_avro::reader::datum::GenericDatumReader::builder(&apache_avro::Schema::BigDecimal);
    let value = reader.build().and_then(|reader| reader.read_value(&mut &datum[..]));
    value.map_err(|_| wrong())
}

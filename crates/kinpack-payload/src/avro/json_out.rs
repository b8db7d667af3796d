//! A datum as JSON text, in one go.

use super::cursor::{Cursor, VALUE_SIZE};
use super::number::BigDecimal;
use super::plan::{Fixed, Id, Node, Plan, Record, Scalar, Step, Text};
use super::{AvroError, DatumErrorKind};

type Result<T> = std::result::Result<T, AvroError>;

/// Writes the value of a node to the end of `out`.
pub(super) fn write(cursor: &mut Cursor<'_>, plan: &Plan, id: Id, out: &mut String) -> Result<()> {
    cursor.charge(VALUE_SIZE)?;
    match cursor.settle(plan, id)?.1 {
        Node::Null | Node::Union(_) | Node::Branch(..) | Node::Mismatch(_) => out.push_str("null"),
        Node::Boolean => out.push_str(if cursor.boolean()? { "true" } else { "false" }),
        Node::Int(scalar) => number(*scalar, cursor.int()?.into(), out),
        Node::Long(scalar) => number(*scalar, cursor.long()?, out),
        Node::Float { double: wide } => {
            let value = f32::from_le_bytes(cursor.array()?);
            if *wide { double(value.into(), out) } else { float(value, out) }
        }
        Node::Double => double(f64::from_le_bytes(cursor.array()?), out),
        Node::Text(Text::String | Text::Uuid) => string(cursor.text()?, out),
        Node::Text(text) => {
            let start = cursor.position();
            let bytes = cursor.bytes()?;
            bytes_as(*text, bytes, start, out)?;
        }
        Node::Fixed(size, fixed) => {
            let start = cursor.position();
            let bytes = cursor.take(*size)?;
            cursor.charge(*size)?;
            match *fixed {
                Fixed::Decimal { precision, scale } => {
                    bytes_as(Text::Decimal { precision, scale }, bytes, start, out)?;
                }
                Fixed::Uuid => bytes_as(Text::UuidBytes, bytes, start, out)?,
                Fixed::Duration => duration(bytes, out),
                Fixed::Plain => latin1(bytes, out),
            }
        }
        Node::Array(items) => {
            out.push('[');
            entries(cursor, out, |cursor, out| write(cursor, plan, *items, out))?;
            out.push(']');
        }
        Node::Map(values) => {
            out.push('{');
            entries(cursor, out, |cursor, out| {
                string(cursor.text()?, out);
                out.push(':');
                write(cursor, plan, *values, out)
            })?;
            out.push('}');
        }
        Node::Record(fields) => {
            cursor.enter()?;
            record(cursor, plan, fields, out)?;
            cursor.leave();
        }
        Node::Enum(symbols) => {
            let symbol = cursor.symbol(symbols)?;
            string(&symbols.symbols[symbol as usize], out);
        }
    }
    Ok(())
}

fn entries(
    cursor: &mut Cursor<'_>,
    out: &mut String,
    mut entry: impl FnMut(&mut Cursor<'_>, &mut String) -> Result<()>,
) -> Result<()> {
    cursor.enter()?;
    let mut first = true;
    loop {
        let count = cursor.block()?;
        if count == 0 {
            break;
        }
        for _ in 0..count {
            if !std::mem::take(&mut first) {
                out.push(',');
            }
            entry(cursor, out)?;
        }
    }
    cursor.leave();
    Ok(())
}

fn record(cursor: &mut Cursor<'_>, plan: &Plan, record: &Record, out: &mut String) -> Result<()> {
    cursor.charge(record.cost)?;
    let start = out.len();
    out.push('{');
    let name = |at: usize, out: &mut String| {
        if out.len() > start + 1 {
            out.push(',');
        }
        string(&record.fields[at].name, out);
        out.push(':');
    };
    for step in &record.steps {
        match step {
            Step::Read(at, node) => {
                name(*at, out);
                write(cursor, plan, *node, out)?;
            }
            Step::Skip(node) => cursor.skip(plan, *node)?,
        }
    }
    for &at in &record.absent {
        let field = &record.fields[at];
        let mut default = cursor.on(field.default.as_deref().unwrap_or_default());
        name(at, out);
        write(&mut default, plan, field.node, out)?;
        cursor.budget = default.budget;
    }
    out.push('}');
    Ok(())
}

fn number(scalar: Scalar, long: i64, out: &mut String) {
    match scalar {
        Scalar::Float => float(long as f32, out),
        Scalar::Double => double(long as f64, out),
        _ => out.push_str(&long.to_string()),
    }
}

fn float(value: f32, out: &mut String) {
    match serde_json::Number::from_f64(value.into()) {
        // The digits of an f32, not those of the f64 of the same value.
        Some(_) => out.push_str(&serde_json::to_string(&value).unwrap_or_default()),
        None => double(value.into(), out),
    }
}

fn double(value: f64, out: &mut String) {
    out.push_str(&match serde_json::Number::from_f64(value) {
        Some(number) => number.to_string(),
        // JSON has no such numbers; as Avro's Java library writes them.
        None if value.is_nan() => "\"NaN\"".to_owned(),
        None if value > 0.0 => "\"Infinity\"".to_owned(),
        None => "\"-Infinity\"".to_owned(),
    });
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[plain..at]);
        plain = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => out.push_str(&format!("\\u{byte:04x}")),
        }
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

/// Bytes as the characters of the same numbers, as Avro's JSON encoding has them.
fn latin1(bytes: &[u8], out: &mut String) {
    string(&bytes.iter().map(|&byte| byte as char).collect::<String>(), out);
}

fn bytes_as(text: Text, bytes: &[u8], offset: usize, out: &mut String) -> Result<()> {
    let fail = |kind| Err(AvroError::Datum { kind, offset });
    let decimal = match text {
        Text::Decimal { scale, .. } => BigDecimal { unscaled: bytes.to_vec(), scale: scale as i64 },
        Text::BigDecimal => match BigDecimal::parse(bytes) {
            Some(decimal) => decimal,
            None => return fail(DatumErrorKind::BigDecimal),
        },
        Text::UuidBytes => {
            let Some(uuid) = bytes.first_chunk().filter(|_| bytes.len() == 16) else {
                return fail(DatumErrorKind::Uuid);
            };
            string(&super::Uuid(*uuid).to_string(), out);
            return Ok(());
        }
        Text::Bytes | Text::String | Text::Uuid => {
            latin1(bytes, out);
            return Ok(());
        }
    };
    match decimal.to_text() {
        Some(text) => string(&text, out),
        None => return fail(DatumErrorKind::DecimalTooLong),
    }
    Ok(())
}

fn duration(bytes: &[u8], out: &mut String) {
    let part =
        |at: usize| bytes[at..].first_chunk().map_or(0, |part: &[u8; 4]| u32::from_le_bytes(*part));
    out.push_str(&format!(r#"{{"months":{},"days":{},"millis":{}}}"#, part(0), part(4), part(8)));
}

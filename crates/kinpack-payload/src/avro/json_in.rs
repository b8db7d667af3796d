//! JSON values as datums.

use serde_json::{Map, Number, Value};

use super::AvroError;
use super::number::{BigDecimal, parse_uuid, write_bytes, write_long};
use super::plan::{Fixed, Id, Node, Plan, Record, Text};

/// A default may take as many bytes: those that hold each other could grow without end.
const MAX_DEFAULT: usize = 64 * 1024;
/// Steps that are made to tell which branches of unions a value fits, before it is given up.
const MAX_STEPS: usize = 16 << 20;

/// Why a value does not fit, and where: innermost first.
struct Misfit {
    path: Vec<String>,
    message: String,
}

type Result<T> = std::result::Result<T, Misfit>;

fn misfit<T>(message: impl Into<String>) -> Result<T> {
    Err(Misfit { path: Vec::new(), message: message.into() })
}

impl Misfit {
    fn at(mut self, part: String) -> Self {
        self.path.push(part);
        self
    }

    fn into_error(self) -> AvroError {
        let mut path = String::new();
        for part in self.path.iter().rev() {
            if !path.is_empty() && !part.starts_with('[') {
                path.push('.');
            }
            path.push_str(part);
        }
        AvroError::Value { path, message: self.message }
    }
}

/// Writes a value by this node to the end of `out`.
pub(super) fn encode(
    plan: &Plan,
    id: Id,
    value: &Value,
    out: &mut Vec<u8>,
) -> std::result::Result<(), AvroError> {
    let mut encoder = Encoder { plan, steps: MAX_STEPS, limit: usize::MAX, defaults: false };
    encoder.value(id, value, out).map_err(Misfit::into_error)
}

/// The default of a field of this node.
pub(super) fn encode_default(
    plan: &Plan,
    id: Id,
    value: &Value,
) -> std::result::Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut encoder = Encoder { plan, steps: MAX_STEPS, limit: MAX_DEFAULT, defaults: true };
    match encoder.value(id, value, &mut out) {
        Ok(()) if out.len() > MAX_DEFAULT => Err(format!("more than {MAX_DEFAULT} bytes")),
        Ok(()) => Ok(out),
        Err(misfit) => Err(misfit.message),
    }
}

struct Encoder<'p> {
    plan: &'p Plan,
    steps: usize,
    limit: usize,
    /// A default is of a union's first branch, if that fits.
    defaults: bool,
}

impl Encoder<'_> {
    fn value(&mut self, id: Id, value: &Value, out: &mut Vec<u8>) -> Result<()> {
        self.steps = match self.steps.checked_sub(1) {
            Some(steps) => steps,
            None => return misfit("too many ways to read it; name the branches of its unions"),
        };
        if out.len() > self.limit {
            return misfit(format!("more than {} bytes", self.limit));
        }
        let wrong = || misfit(format!("{}, not {}", kind(value), self.plan.name(id)));
        match (self.plan.node(id), value) {
            (Node::Null, Value::Null) => {}
            (Node::Boolean, Value::Bool(value)) => out.push(u8::from(*value)),
            (Node::Int(_), Value::Number(number)) => match whole(number).map(i32::try_from) {
                Some(Ok(int)) => write_long(int.into(), out),
                _ => return misfit(format!("{number}, not an int of 32 bits")),
            },
            (Node::Long(_), Value::Number(number)) => match whole(number) {
                Some(long) => write_long(long, out),
                None => return misfit(format!("{number}, not a long of 64 bits")),
            },
            (Node::Float { .. }, _) => match double(value) {
                Some(double) => out.extend_from_slice(&(double as f32).to_le_bytes()),
                None => return wrong(),
            },
            (Node::Double, _) => match double(value) {
                Some(double) => out.extend_from_slice(&double.to_le_bytes()),
                None => return wrong(),
            },
            (Node::Text(text), _) => match text_bytes(*text, value) {
                Ok(Some(bytes)) => write_bytes(&bytes, out),
                Ok(None) => return wrong(),
                Err(message) => return misfit(message),
            },
            (Node::Fixed(size, fixed), _) => match fixed_bytes(*size, *fixed, value) {
                Ok(Some(bytes)) => out.extend_from_slice(&bytes),
                Ok(None) => return wrong(),
                Err(message) => return misfit(message),
            },
            (Node::Array(items), Value::Array(values)) => {
                if !values.is_empty() {
                    write_long(values.len() as i64, out);
                    for (at, value) in values.iter().enumerate() {
                        self.value(*items, value, out).map_err(|e| e.at(format!("[{at}]")))?;
                    }
                }
                out.push(0);
            }
            (Node::Map(values), Value::Object(object)) => {
                if !object.is_empty() {
                    write_long(object.len() as i64, out);
                    for (key, value) in object {
                        write_bytes(key.as_bytes(), out);
                        self.value(*values, value, out).map_err(|e| e.at(key.clone()))?;
                    }
                }
                out.push(0);
            }
            (Node::Record(record), Value::Object(object)) => self.record(record, object, out)?,
            (Node::Enum(symbols), Value::String(text)) => {
                match symbols.symbols.iter().position(|symbol| **symbol == **text) {
                    Some(at) => write_long(at as i64, out),
                    None => {
                        let message = format!("{text:?}, no symbol of {}", symbols.full_name);
                        return misfit(message);
                    }
                }
            }
            (Node::Union(branches), _) => self.union(branches, value, out)?,
            (Node::Branch(_, branch), _) => self.value(*branch, value, out)?,
            _ => return wrong(),
        }
        Ok(())
    }

    fn record(
        &mut self,
        record: &Record,
        object: &Map<String, Value>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        // Told first: it is cheap, and tells most branches of a union apart.
        for key in object.keys() {
            if !record.fields.iter().any(|field| *field.name == **key) {
                return misfit(format!("{} has no field {key:?}", record.full_name));
            }
        }
        for field in &record.fields {
            match (object.get(&*field.name), &field.default) {
                (Some(value), _) => {
                    self.value(field.node, value, out).map_err(|e| e.at(field.name.to_string()))?;
                }
                (None, Some(default)) => out.extend_from_slice(default),
                (None, None) => {
                    let missing = misfit("missing, and it has no default");
                    return missing.map_err(|e| e.at(field.name.to_string()));
                }
            }
        }
        Ok(())
    }

    fn union(&mut self, branches: &[Id], value: &Value, out: &mut Vec<u8>) -> Result<()> {
        if self.defaults
            && let Some(&first) = branches.first()
            && self.branch(0, first, value, out).is_ok()
        {
            return Ok(());
        }
        // Avro's own spelling first: the branch's name and the value.
        if let Value::Object(object) = value
            && object.len() == 1
            && let Some((name, value)) = object.iter().next()
            && let Some(at) = self.named(branches, name)
            && self.branch(at, branches[at], value, out).is_ok()
        {
            return Ok(());
        }
        let mut order: Vec<_> = (0..branches.len())
            .filter_map(|at| Some((self.rank(branches[at], value)?, at)))
            .collect();
        order.sort_unstable();
        let mut found: Option<(u8, usize, Vec<u8>)> = None;
        let mut error = None;
        for (rank, at) in order {
            if found.as_ref().is_some_and(|(best, ..)| *best < rank) {
                break;
            }
            let mut datum = Vec::new();
            match self.branch(at, branches[at], value, &mut datum) {
                Ok(()) => match found {
                    Some((_, other, _)) => {
                        let (one, two) =
                            (self.plan.name(branches[other]), self.plan.name(branches[at]));
                        return misfit(format!(
                            "both {one} and {two} of the union; name one: {{{one:?}: …}}"
                        ));
                    }
                    None => found = Some((rank, at, datum)),
                },
                Err(misfit) => error = error.or(Some(misfit)),
            }
        }
        match (found, error) {
            (Some((.., datum)), _) => {
                out.extend_from_slice(&datum);
                Ok(())
            }
            (None, Some(misfit)) => Err(misfit),
            (None, None) => {
                let names: Vec<_> = branches.iter().map(|id| self.plan.name(*id)).collect();
                misfit(format!("{}, no branch of [{}]", kind(value), names.join(", ")))
            }
        }
    }

    /// Writes the index of a branch and the value; nothing if it does not fit.
    fn branch(&mut self, at: usize, id: Id, value: &Value, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        write_long(at as i64, out);
        let result = self.value(id, value, out);
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    /// The branch of this full name, or the only one of this name without its namespace.
    fn named(&self, branches: &[Id], name: &str) -> Option<usize> {
        let full = branches.iter().position(|id| self.plan.name(*id) == name);
        full.or_else(|| {
            let short = |id: &Id| self.plan.name(*id).rsplit('.').next() == Some(name);
            let mut found = branches.iter().enumerate().filter(|(_, id)| short(id));
            found.next().filter(|_| found.next().is_none()).map(|(at, _)| at)
        })
    }

    /// How well a kind of value suits a branch: 0 is best, `None` not at all.
    fn rank(&self, id: Id, value: &Value) -> Option<u8> {
        let node = match self.plan.node(id) {
            Node::Branch(_, inner) => self.plan.node(*inner),
            node => node,
        };
        Some(match (value, node) {
            (Value::Null, Node::Null) | (Value::Bool(_), Node::Boolean) => 0,
            (Value::Number(number), node) => match (node, number.is_f64()) {
                (Node::Int(_), false) | (Node::Double, true) => 0,
                (Node::Long(_), false) | (Node::Float { .. }, true) => 1,
                (Node::Double, false) | (Node::Int(_), true) => 2,
                (Node::Float { .. }, false) | (Node::Long(_), true) => 3,
                (Node::Text(Text::Decimal { .. } | Text::BigDecimal), _)
                | (Node::Fixed(_, Fixed::Decimal { .. }), _) => 4,
                _ => return None,
            },
            (Value::String(_), node) => match node {
                Node::Text(Text::String) => 0,
                Node::Enum(_) => 1,
                Node::Text(Text::Uuid | Text::UuidBytes) | Node::Fixed(_, Fixed::Uuid) => 2,
                Node::Text(Text::Decimal { .. } | Text::BigDecimal)
                | Node::Fixed(_, Fixed::Decimal { .. }) => 3,
                Node::Fixed(..) => 4,
                Node::Text(Text::Bytes) => 5,
                // "NaN" and its like.
                Node::Double => 6,
                Node::Float { .. } => 7,
                _ => return None,
            },
            (Value::Array(_), Node::Array(_)) => 0,
            (Value::Object(_), Node::Record(_)) => 0,
            (Value::Object(_), Node::Map(_)) => 1,
            (Value::Object(_), Node::Fixed(_, Fixed::Duration)) => 0,
            _ => return None,
        })
    }
}

/// A whole number of 64 bits; `5.0` is one.
fn whole(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        // Up to where each whole number has a double of its own.
        let exact = |double: &f64| double.fract() == 0.0 && double.abs() <= 9_007_199_254_740_992.0;
        number.as_f64().filter(|_| number.is_f64()).filter(exact).map(|double| double as i64)
    })
}

fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// The bytes of text whose characters are U+0000 to U+00FF.
fn latin1(text: &str) -> std::result::Result<Vec<u8>, String> {
    let wrong = |c: char| format!("the character {c:?} stands for no byte: U+0000 to U+00FF do");
    text.chars().map(|c| u8::try_from(c).map_err(|_| wrong(c))).collect()
}

/// What a value is in bytes; nothing if it is of the wrong kind altogether.
type Bytes = std::result::Result<Option<Vec<u8>>, String>;

fn text_bytes(text: Text, value: &Value) -> Bytes {
    match (text, value) {
        (Text::String, Value::String(string)) => Ok(Some(string.clone().into_bytes())),
        (Text::Bytes, Value::String(string)) => latin1(string).map(Some),
        (Text::Uuid, Value::String(string)) => match parse_uuid(string.as_bytes()) {
            Some(_) => Ok(Some(string.clone().into_bytes())),
            None => Err(format!("{string:?}, not a UUID")),
        },
        (Text::UuidBytes, Value::String(string)) => match parse_uuid(string.as_bytes()) {
            Some(uuid) => Ok(Some(uuid.0.to_vec())),
            None => Err(format!("{string:?}, not a UUID")),
        },
        (Text::Decimal { precision, scale }, _) => decimal(precision, scale, value),
        (Text::BigDecimal, Value::String(_) | Value::Number(_)) => {
            match BigDecimal::from_text(&decimal_text(value)) {
                Some(number) => Ok(Some(number.write())),
                None => Err(format!("{value}, not a decimal number")),
            }
        }
        _ => Ok(None),
    }
}

fn decimal_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A decimal as text or number; text that is none is taken for the bytes themselves, as Avro's
/// JSON encoding has them.
fn decimal(precision: usize, scale: usize, value: &Value) -> Bytes {
    let (Value::String(_) | Value::Number(_)) = value else { return Ok(None) };
    match (BigDecimal::from_text(&decimal_text(value)), value) {
        (Some(number), _) => match number.at_scale(precision, scale) {
            Some(bytes) => Ok(Some(bytes)),
            None => Err(format!("{value} does not fit decimal({precision}, {scale})")),
        },
        (None, Value::String(text)) => latin1(text).map(Some),
        _ => Err(format!("{value}, not a decimal number")),
    }
}

fn fixed_bytes(size: usize, fixed: Fixed, value: &Value) -> Bytes {
    let bytes = match (fixed, value) {
        (Fixed::Decimal { precision, scale }, _) => {
            let Some(bytes) = decimal(precision, scale, value)? else { return Ok(None) };
            let sign = if bytes.first().is_some_and(|&byte| byte >= 0x80) { 0xff } else { 0 };
            match size.checked_sub(bytes.len()) {
                Some(more) if more <= 1024 => [vec![sign; more], bytes].concat(),
                _ => return Err(format!("{value} does not fit {size} bytes")),
            }
        }
        (Fixed::Uuid, Value::String(text)) => match parse_uuid(text.as_bytes()) {
            Some(uuid) => uuid.0.to_vec(),
            None => latin1(text)?,
        },
        (Fixed::Duration, Value::Object(object)) => {
            let known = |key: &String| ["months", "days", "millis"].contains(&key.as_str());
            let part = |name| object.get(name).map_or(Some(0), Value::as_u64);
            let part = |name| part(name).and_then(|part| u32::try_from(part).ok());
            match (part("months"), part("days"), part("millis")) {
                (Some(months), Some(days), Some(millis)) if object.keys().all(known) => {
                    [months, days, millis].map(u32::to_le_bytes).concat()
                }
                _ => return Err(format!("{value}, not months, days and millis of 32 bits")),
            }
        }
        (Fixed::Plain | Fixed::Duration, Value::String(text)) => latin1(text)?,
        _ => return Ok(None),
    };
    if bytes.len() == size {
        Ok(Some(bytes))
    } else {
        Err(format!("{} bytes, not {size}", bytes.len()))
    }
}

/// A value in an error: what it is, or itself where that is short.
fn kind(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) if text.len() <= 32 => format!("{text:?}"),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

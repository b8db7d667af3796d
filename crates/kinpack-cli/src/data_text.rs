//! Payloads as JSON values: `--data`.

use std::fmt;

use base64_simd::STANDARD as BASE64;
use clap::ValueEnum;
use serde::de::IgnoredAny;

/// How a payload stands in a row's `data` member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DataFormat {
    /// Base64, which holds any payload
    #[default]
    Base64,
    /// The payload is UTF-8 and stands in a JSON string
    Utf8,
    /// The payload is JSON and stands as it is
    Json,
    /// Hexadecimal digits
    Hex,
}

/// Why a payload, or the text that should be one, is not in the format asked for.
#[derive(Debug)]
pub(crate) enum Misfit {
    /// Not UTF-8 from this byte on.
    Utf8(usize),
    Json(serde_json::Error),
    /// No base64; the first byte that is outside the alphabet, if there is one.
    Base64(Option<usize>),
    /// No hexadecimal digit at this byte, or a digit alone.
    Hex(usize),
    NotAString,
}

impl DataFormat {
    /// Appends a JSON value that holds `data`, in one line.
    ///
    /// What does not fit the format is appended as base64, and the error says why.
    pub(crate) fn encode(self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Misfit> {
        let fit = match self {
            Self::Base64 | Self::Hex => Ok(()),
            Self::Utf8 => push_utf8(data, out),
            Self::Json => push_json(data, out),
        };
        match self {
            Self::Hex => quoted(out, |out| push_hex(data, out)),
            Self::Utf8 | Self::Json if fit.is_ok() => {}
            _ => quoted(out, |out| BASE64.encode_append(data, out)),
        }
        fit
    }

    /// Appends the payload that `value`, the JSON text of a row's `data`, stands for.
    ///
    /// On an error `out` is as it was.
    pub(crate) fn decode(self, value: &str, out: &mut Vec<u8>) -> Result<(), Misfit> {
        let value = value.trim_ascii();
        if self == Self::Json {
            out.extend_from_slice(value.as_bytes());
            return Ok(());
        }
        let unescaped: String;
        let text = match value.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            None => return Err(Misfit::NotAString),
            Some(text) if !text.contains('\\') => text,
            Some(_) => {
                unescaped = serde_json::from_str(value).map_err(Misfit::Json)?;
                &unescaped
            }
        };
        match self {
            Self::Base64 => decode_base64(text.as_bytes(), out),
            Self::Hex => decode_hex(text.as_bytes(), out),
            Self::Utf8 | Self::Json => {
                out.extend_from_slice(text.as_bytes());
                Ok(())
            }
        }
    }
}

fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    write(out);
    out.push(b'"');
}

/// Appends `text` as a JSON string.
pub(crate) fn push_json_string(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("a string is JSON, and a vector takes it");
}

fn push_utf8(data: &[u8], out: &mut Vec<u8>) -> Result<(), Misfit> {
    let text = std::str::from_utf8(data).map_err(|error| Misfit::Utf8(error.valid_up_to()))?;
    push_json_string(text, out);
    Ok(())
}

/// Appends JSON without the white space between its tokens; numbers, escapes and members that
/// stand twice are as they were written.
fn push_json(data: &[u8], out: &mut Vec<u8>) -> Result<(), Misfit> {
    std::str::from_utf8(data).map_err(|error| Misfit::Utf8(error.valid_up_to()))?;
    serde_json::from_slice::<IgnoredAny>(data).map_err(Misfit::Json)?;
    let (mut in_string, mut escaped) = (false, false);
    out.extend(data.iter().copied().filter(|&byte| {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            return true;
        }
        in_string = byte == b'"';
        !byte.is_ascii_whitespace()
    }));
    Ok(())
}

/// Appends lower-case hexadecimal digits.
pub(crate) fn push_hex(data: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.reserve(2 * data.len());
    for &byte in data {
        out.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

/// Appends what padded base64 stands for; on an error `out` is as it was.
pub(crate) fn decode_base64(text: &[u8], out: &mut Vec<u8>) -> Result<(), Misfit> {
    let length = out.len();
    match BASE64.decode_append(text, out) {
        Ok(_) => Ok(()),
        Err(_) => {
            out.truncate(length);
            Err(Misfit::Base64(first_outside_base64(text)))
        }
    }
}

fn first_outside_base64(text: &[u8]) -> Option<usize> {
    let unpadded = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    unpadded
        .iter()
        .position(|byte| !matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/'))
}

fn decode_hex(text: &[u8], out: &mut Vec<u8>) -> Result<(), Misfit> {
    let length = out.len();
    let digit = |byte: u8| (byte as char).to_digit(16);
    for (i, pair) in text.chunks(2).enumerate() {
        match *pair {
            [high, low] if digit(high).is_some() && digit(low).is_some() => {
                let value = digit(high).zip(digit(low)).map_or(0, |(high, low)| high << 4 | low);
                out.push(value as u8);
            }
            _ => {
                out.truncate(length);
                let second = pair.first().is_some_and(|&byte| digit(byte).is_some());
                return Err(Misfit::Hex(2 * i + usize::from(second)));
            }
        }
    }
    Ok(())
}

impl Misfit {
    /// The first byte that no base64 has.
    pub(crate) fn base64_position(&self) -> Option<usize> {
        match self {
            Self::Base64(position) => *position,
            _ => None,
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utf8(at) => write!(f, "the data is not UTF-8 (byte {at})"),
            Self::Json(error) => write!(f, "the data is not JSON: {error}"),
            Self::Base64(Some(at)) => write!(f, "the data is not base64 (byte {at})"),
            Self::Base64(None) => f.write_str("the data is not base64 (length or padding)"),
            Self::Hex(at) => write!(f, "the data is not hexadecimal (byte {at})"),
            Self::NotAString => f.write_str("the data is not a JSON string"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DataFormat;

    const FORMATS: [DataFormat; 4] =
        [DataFormat::Base64, DataFormat::Utf8, DataFormat::Json, DataFormat::Hex];

    fn encoded(format: DataFormat, data: &[u8]) -> (String, bool) {
        let mut out = Vec::new();
        let fits = format.encode(data, &mut out).is_ok();
        (String::from_utf8(out).unwrap(), fits)
    }

    fn decoded(format: DataFormat, value: &str) -> Result<Vec<u8>, String> {
        let mut out = b"before".to_vec();
        let fit = format.decode(value, &mut out).map_err(|misfit| misfit.to_string());
        assert!(out.starts_with(b"before"));
        assert!(fit.is_ok() || out == b"before");
        fit.map(|()| out.split_off(6))
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        for data in [r#"{"a":"\" \\","b":[1.50,true,null]}"#, "0", "\"é\\u0000\""] {
            for format in FORMATS {
                let (value, fits) = encoded(format, data.as_bytes());
                assert!(fits, "{format:?} {data}");
                assert_eq!(decoded(format, &value).unwrap(), data.as_bytes(), "{format:?}");
            }
        }
        let every_byte: Vec<u8> = (0..=255).collect();
        for format in [DataFormat::Base64, DataFormat::Hex] {
            let (value, _) = encoded(format, &every_byte);
            assert_eq!(decoded(format, &value).unwrap(), every_byte);
        }
    }

    #[test]
    fn json_is_brought_to_one_line() {
        let (value, _) =
            encoded(DataFormat::Json, b" {\n\t\"a b\\\" c\" : [ 1e400 ,\r\n\"\" ] }\n");
        assert_eq!(value, r#"{"a b\" c":[1e400,""]}"#);
    }

    #[test]
    fn what_does_not_fit_is_base64() {
        for (format, data) in [
            (DataFormat::Utf8, b"\xFF".as_slice()),
            (DataFormat::Json, b"\"\xFF\""),
            (DataFormat::Json, b"{} {}"),
            (DataFormat::Json, b""),
        ] {
            let (value, fits) = encoded(format, data);
            assert!(!fits);
            assert_eq!(decoded(DataFormat::Base64, &value).unwrap(), data);
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (format, value, error) in [
            (DataFormat::Base64, r#""AA=A""#, "not base64 (byte 2)"),
            (DataFormat::Base64, r#""AAA""#, "not base64 (length or padding)"),
            (DataFormat::Hex, r#""00x0""#, "not hexadecimal (byte 2)"),
            (DataFormat::Hex, r#""000""#, "not hexadecimal (byte 3)"),
            (DataFormat::Hex, "12", "not a JSON string"),
            (DataFormat::Utf8, "null", "not a JSON string"),
        ] {
            let message = decoded(format, value).unwrap_err();
            assert!(message.contains(error), "{value}: {message}");
        }
        assert_eq!(decoded(DataFormat::Base64, r#""\u0041A==""#).unwrap(), [0]);
    }
}

//! Varints, and decimals as text.

use super::Uuid;

/// Longer decimals are no numbers anyone has: to turn them to text takes time with the square of
/// their length.
const MAX_DECIMAL_BYTES: usize = 1024;
const MAX_DECIMAL_DIGITS: usize = 2400;
/// A big-decimal with more zeros than these is written with an exponent.
const MAX_ZEROS: usize = 64;

pub(super) fn write_long(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

pub(super) fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    write_long(bytes.len() as i64, out);
    out.extend_from_slice(bytes);
}

/// A UUID's text, with or without its hyphens.
pub(super) fn parse_uuid(text: &[u8]) -> Option<Uuid> {
    let text = std::str::from_utf8(text).ok()?;
    if text.len() == 32 {
        let parts = [text.get(..8)?, text.get(8..12)?, text.get(12..16)?, text.get(16..20)?];
        return format!("{}-{}", parts.join("-"), text.get(20..)?).parse().ok();
    }
    text.parse().ok()
}

/// A decimal number: `unscaled` (big-endian two's complement) times 10 to the power of `-scale`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BigDecimal {
    pub(super) unscaled: Vec<u8>,
    pub(super) scale: i64,
}

impl BigDecimal {
    /// The bytes of a big-decimal: the unscaled number's length and bytes, the scale.
    pub(super) fn parse(bytes: &[u8]) -> Option<BigDecimal> {
        let mut cursor = super::cursor::Cursor::new(bytes, usize::MAX);
        let unscaled = cursor.bytes().ok()?.to_vec();
        let scale = cursor.long().ok()?;
        cursor.finish().ok()?;
        Some(BigDecimal { unscaled, scale })
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write_bytes(&self.unscaled, &mut out);
        write_long(self.scale, &mut out);
        out
    }

    /// As text such as `-12.50` or `1E+100`; `None` if it has more than 1,024 bytes.
    pub(super) fn to_text(&self) -> Option<String> {
        let (negative, digits) = digits(&self.unscaled)?;
        let sign = if negative { "-" } else { "" };
        let scale = match usize::try_from(self.scale) {
            Ok(scale) if scale <= digits.len() + MAX_ZEROS => scale,
            _ => return Some(format!("{sign}{digits}E{:+}", -i128::from(self.scale))),
        };
        if scale == 0 {
            return Some(format!("{sign}{digits}"));
        }
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        Some(format!("{sign}{whole}.{fraction}"))
    }

    /// Reads text such as `-12.50` or `1e-7`.
    pub(super) fn from_text(text: &str) -> Option<BigDecimal> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, unsigned) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let scale = fraction.len() as i64 - i64::from(exponent);
        Some(BigDecimal { unscaled: unscaled(negative, &digits)?, scale })
    }

    /// The same number at this scale, if no digit is lost and it has no more digits than
    /// `precision`.
    pub(super) fn at_scale(&self, precision: usize, scale: usize) -> Option<Vec<u8>> {
        let (negative, mut digits) = digits(&self.unscaled)?;
        if digits == "0" {
            return Some(vec![0]);
        }
        let more = i64::try_from(scale).ok()?.checked_sub(self.scale)?;
        for _ in 0..more.unsigned_abs().min(MAX_DECIMAL_DIGITS as u64 + 1) {
            if more > 0 {
                digits.push('0');
            } else if digits.pop() != Some('0') {
                return None;
            }
        }
        if digits.len() > precision {
            return None;
        }
        unscaled(negative, &digits)
    }
}

/// The decimal digits of a big-endian two's complement number, and whether it is negative.
fn digits(bytes: &[u8]) -> Option<(bool, String)> {
    if bytes.len() > MAX_DECIMAL_BYTES {
        return None;
    }
    let negative = bytes.first().is_some_and(|&byte| byte >= 0x80);
    // Limbs of nine digits, the lowest first.
    let mut limbs = vec![0u32];
    for &byte in bytes {
        let mut carry = u64::from(if negative { !byte } else { byte });
        for limb in &mut limbs {
            let value = u64::from(*limb) * 256 + carry;
            *limb = (value % 1_000_000_000) as u32;
            carry = value / 1_000_000_000;
        }
        if carry > 0 {
            limbs.push(carry as u32);
        }
    }
    if negative {
        // −n = !n + 1.
        let last = limbs.len() - 1;
        for (at, limb) in limbs.iter_mut().enumerate() {
            *limb += 1;
            if *limb < 1_000_000_000 || at == last {
                break;
            }
            *limb = 0;
        }
        if limbs[last] == 1_000_000_000 {
            limbs[last] = 0;
            limbs.push(1);
        }
    }
    let mut text = limbs.pop().unwrap_or(0).to_string();
    for limb in limbs.iter().rev() {
        text.push_str(&format!("{limb:09}"));
    }
    Some((negative, text))
}

/// The shortest two's complement of a number in decimal digits.
fn unscaled(negative: bool, digits: &str) -> Option<Vec<u8>> {
    if digits.len() > MAX_DECIMAL_DIGITS {
        return None;
    }
    // The lowest byte first.
    let mut bytes = vec![0u8];
    for digit in digits.bytes() {
        let mut carry = u32::from(digit - b'0');
        for byte in &mut bytes {
            let value = u32::from(*byte) * 10 + carry;
            *byte = value as u8;
            carry = value >> 8;
        }
        if carry > 0 {
            bytes.push(carry as u8);
        }
    }
    if negative {
        let mut carry = true;
        for byte in &mut bytes {
            (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
        }
    }
    let sign = if negative && bytes.iter().any(|&byte| byte != 0) { 0xff } else { 0 };
    if (bytes[bytes.len() - 1] ^ sign) & 0x80 != 0 {
        bytes.push(sign);
    }
    while let [.., below, top] = *bytes
        && top == sign
        && (below ^ sign) & 0x80 == 0
    {
        bytes.pop();
    }
    bytes.reverse();
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_to_text_and_back() {
        for value in [0i64, 1, -1, 127, 128, -128, -129, 255, 256, 999_999_999, 1_000_000_000]
            .into_iter()
            .chain([-1_000_000_000, -999_999_999, i64::MAX, i64::MIN, 0x007f_ffff_ffff, -65536])
        {
            let decimal = BigDecimal::from_text(&value.to_string()).unwrap();
            assert_eq!(decimal.to_text().unwrap(), value.to_string());
            // As short as it can be, and the same number as the machine's own.
            let full = value.to_be_bytes();
            assert!(full.ends_with(&decimal.unscaled), "{value}");
            let fill = if value < 0 { 0xff } else { 0 };
            assert!(full[..8 - decimal.unscaled.len()].iter().all(|&byte| byte == fill));
            let long = BigDecimal { unscaled: full.to_vec(), scale: 0 };
            assert_eq!(long.to_text().unwrap(), value.to_string());
        }
    }

    #[test]
    fn scales() {
        let text = |unscaled: &[u8], scale| {
            BigDecimal { unscaled: unscaled.to_vec(), scale }.to_text().unwrap()
        };
        assert_eq!(text(&[125], 2), "1.25");
        assert_eq!(text(&[0xff], 2), "-0.01");
        assert_eq!(text(&[], 2), "0.00");
        assert_eq!(text(&[1], -100), "1E+100");
        assert_eq!(text(&[1], i64::MIN), "1E+9223372036854775808");
        let number = BigDecimal::from_text("-12.50").unwrap();
        assert_eq!(number.at_scale(4, 2).unwrap(), (-1250i16).to_be_bytes());
        assert_eq!(number.at_scale(3, 1).unwrap(), [0x83]);
        assert_eq!(number.at_scale(4, 0), None);
        assert_eq!(number.at_scale(3, 2), None);
        let tiny = BigDecimal::from_text("1e-7").unwrap();
        assert_eq!((tiny.scale, &*tiny.unscaled), (7, &[1][..]));
        assert_eq!(BigDecimal::from_text("1e2000000000").unwrap().at_scale(10, 0), None);
        for wrong in ["", "-", ".", "1e", "0x1", "1 ", "NaN"] {
            assert_eq!(BigDecimal::from_text(wrong), None, "{wrong}");
        }
    }
}

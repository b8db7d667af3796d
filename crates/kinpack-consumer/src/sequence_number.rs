//! Sequence numbers as text: decimals of up to 129 digits, compared as numbers, packed two digits
//! to the byte.

use std::cmp::Ordering;

/// A decimal without leading zeros; `None` for what is no decimal.
pub(crate) fn normal(text: &str) -> Option<&str> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = text.trim_start_matches('0');
    Some(if digits.is_empty() { "0" } else { digits })
}

/// Compares two decimals without leading zeros.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Two digits to the byte, an odd first digit alone.
pub(crate) fn pack(digits: &str) -> Vec<u8> {
    let bytes = digits.as_bytes();
    let (head, pairs) = bytes.split_at(bytes.len() % 2);
    let mut packed = Vec::with_capacity(digits.len().div_ceil(2));
    packed.extend(head.iter().map(|digit| digit - b'0'));
    packed.extend(pairs.chunks_exact(2).map(|pair| (pair[0] - b'0') * 10 + (pair[1] - b'0')));
    packed
}

/// The decimal that was packed; `None` for bytes that are no packed decimal without leading zeros.
pub(crate) fn unpack(packed: &[u8]) -> Option<String> {
    let mut digits = String::with_capacity(packed.len() * 2);
    for (at, &pair) in packed.iter().enumerate() {
        if pair > 99 {
            return None;
        }
        if at > 0 || pair > 9 {
            digits.push(char::from(b'0' + pair / 10));
        }
        digits.push(char::from(b'0' + pair % 10));
    }
    let zero_first = digits.len() > 1 && digits.starts_with('0');
    (!digits.is_empty() && !zero_first).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_compared_as_numbers() {
        assert_eq!(compare("9", "10"), Ordering::Less);
        assert_eq!(compare("49", "49"), Ordering::Equal);
        assert_eq!(compare(&"9".repeat(129), &"8".repeat(129)), Ordering::Greater);
        assert_eq!(normal("007"), Some("7"));
        assert_eq!(normal("000"), Some("0"));
        assert_eq!(normal(""), None);
        assert_eq!(normal("4x"), None);
        assert_eq!(normal("-4"), None);
    }

    #[test]
    fn packing_is_undone_by_unpacking() {
        for digits in ["0", "7", "10", "100", "4959", "99999", &"123456789".repeat(14)] {
            let packed = pack(digits);
            assert_eq!(packed.len(), digits.len().div_ceil(2));
            assert_eq!(unpack(&packed).as_deref(), Some(digits));
        }
        assert_eq!(unpack(&[]), None);
        assert_eq!(unpack(&[100]), None);
        assert_eq!(unpack(&[0, 5]), None);
    }
}

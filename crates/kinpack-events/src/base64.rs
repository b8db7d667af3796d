//! Base64 as AWS writes it: standard alphabet, padded, strict.

use base64_turbo::STANDARD;

/// Appends what `text` stands for to `out`, or says which byte of it is the first at fault (its
/// length where it breaks off) and leaves `out` as it was.
pub(crate) fn decode_append(text: &[u8], out: &mut Vec<u8>) -> Result<(), usize> {
    STANDARD.decode_vec(text, out).map_err(|_| first_fault(text))
}

fn first_fault(text: &[u8]) -> usize {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let Some(at) = text.iter().position(|byte| !is_digit(byte)) else {
        return text.len();
    };
    let padding = &text[at..];
    if at % 4 < 2 || padding.len() > 2 || padding.iter().any(|&byte| byte != b'=') {
        return at;
    }
    if text.len().is_multiple_of(4) {
        // Well padded, so the last digit has bits that lead nowhere.
        at - 1
    } else if at % 4 == 3 {
        // A second `=` where one was enough.
        at + 1
    } else {
        text.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> usize {
        let mut out = b"before".to_vec();
        let fault = decode_append(text.as_bytes(), &mut out).unwrap_err();
        assert_eq!(out, b"before");
        fault
    }

    #[test]
    fn decodes_and_appends() {
        let mut out = Vec::new();
        for text in ["", "aGU=", "bGxv", "IQ=="] {
            decode_append(text.as_bytes(), &mut out).unwrap();
        }
        assert_eq!(out, b"hello!");
    }

    #[test]
    fn names_the_first_byte_at_fault() {
        for (text, at) in [
            ("a", 1),
            ("aGk", 3),
            ("aGVsbG8", 7),
            ("aQ=", 3),
            ("aGk==", 4),
            ("aQ===", 2),
            ("=", 0),
            ("====", 0),
            ("a===", 1),
            ("aGk=aGk=", 3),
            ("aG k", 2),
            ("aGk\n", 3),
            ("aGVsbG8tZm9vYmFyLWJheg_-", 22),
            ("aG\u{e9}=", 2),
            ("QR==", 1),
            ("QUF=", 2),
        ] {
            assert_eq!(fault(text), at, "{text:?}");
        }
    }
}

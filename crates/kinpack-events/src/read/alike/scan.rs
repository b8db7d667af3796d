//! The smallest parts of JSON.

use crate::read::any::Json;

/// Where white space ends.
#[inline]
pub(super) fn white(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
    }
    at
}

/// A string, whose text is UTF-8 but for what its escapes stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quoted {
    /// Where its closing quote stands.
    pub(super) end: usize,
    /// Whether there are escapes in it, right or wrong ones.
    pub(super) escaped: bool,
}

/// Goes through a string from behind its opening quote.
#[inline]
pub(super) fn string(text: &[u8], start: usize) -> Option<Quoted> {
    let (mut at, mut ascii, mut escaped) = (start, true, false);
    loop {
        at += plain(text.get(at..)?);
        match *text.get(at)? {
            b'"' => break,
            b'\\' => {
                escaped = true;
                at += 2;
            }
            0x80.. => {
                ascii = false;
                at += 1;
            }
            _ => return None,
        }
    }
    if !ascii {
        std::str::from_utf8(&text[start..at]).ok()?;
    }
    Some(Quoted { end: at, escaped })
}

/// A bit in each byte of a word, the lowest and the highest.
const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES << 7;

/// How many bytes are ASCII and neither quote nor backslash nor control character, eight at a
/// time.
#[inline]
fn plain(text: &[u8]) -> usize {
    let (words, _) = text.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // A byte's high bit is set where it is below the subtrahend, and maybe in bytes after it.
        let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word;
        let quote = below(word ^ (ONES * u64::from(b'"')), 1);
        let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
        let special = (word | below(word, 0x20) | quote | backslash) & HIGHS;
        if special != 0 {
            return i * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let start = words.len() * 8;
    let is_plain = |byte: &&u8| matches!(byte, b' '..0x80) && !matches!(byte, b'"' | b'\\');
    start + text[start..].iter().take_while(is_plain).count()
}

/// Reads a number: the value serde_json has for it, and where it ends.
#[inline]
pub(super) fn number(text: &[u8], start: usize) -> Option<(f64, usize)> {
    match millis(text, start) {
        // Such integers are exact, so is the divisor, and the division rounds once.
        Some(millis) => Some((millis as f64 / 1e3, start + MILLIS)),
        None => any_number(text, start),
    }
}

/// The length of `1545084650.987`, as Lambda mostly writes a time.
const MILLIS: usize = 14;

/// The thousandths of a number of that form.
#[inline]
fn millis(text: &[u8], start: usize) -> Option<i64> {
    let text: &[u8; MILLIS + 2] = text.get(start..)?.first_chunk()?;
    let word = |at: usize| text[at..].first_chunk().map(|word| u64::from_le_bytes(*word));
    let zeros = ONES * u64::from(b'0');
    // `15450846` and `50.987`, which becomes `00050987`.
    let (first, second) = (word(0)?, word(8)? ^ zeros);
    let second = (second & 0xffff) << 24 | (second >> 24 & 0xff_ffff) << 40;
    let digits = [first ^ zeros, second];
    let is_form = text[0] != b'0' && text[10] == b'.' && !is_of_number(&text[MILLIS]);
    // A byte's high bit is set unless it is from 0 to 9.
    let others = digits.map(|word| word.wrapping_add(ONES * 0x76) | word);
    if !is_form || (others[0] | others[1]) & HIGHS != 0 {
        return None;
    }
    let [first, second] = digits.map(|word| {
        let pairs = word.wrapping_mul(10).wrapping_add(word >> 8) & 0x00ff_00ff_00ff_00ff;
        let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
        (fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff) as i64
    });
    Some(first * 100_000 + second)
}

fn is_of_number(byte: &u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E')
}

#[cold]
fn any_number(text: &[u8], start: usize) -> Option<(f64, usize)> {
    let len = text[start..].iter().take_while(|byte| is_of_number(byte)).count();
    let value = match serde_json::from_slice(&text[start..start + len]).ok()? {
        Json::Integer(number) => number as f64,
        Json::Float(number) => number,
        _ => return None,
    };
    Some((value, start + len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_end_at_their_quote() {
        let long = "x".repeat(50);
        for (inside, escaped) in [
            ("", false),
            ("abcdefg", false),
            ("abcdefgh", false),
            (&*long, false),
            ("\u{7f}é\u{1f600}", false),
            (r#"\""#, true),
            (r"abcdef\\", true),
            (r"\u00e9é", true),
        ] {
            let text = format!("\"{inside}\" and more");
            let expected = Quoted { end: inside.len() + 1, escaped };
            assert_eq!(string(text.as_bytes(), 1), Some(expected), "{text}");
        }
        for at in 0..20 {
            for (byte, end) in
                [(b'"', true), (b'\n', false), (0x1f, false), (0, false), (0xff, false)]
            {
                let mut text = [b'x'; 40];
                text[at] = byte;
                text[30] = b'"';
                let found = string(&text, 0).map(|quoted| quoted.end);
                assert_eq!(found, end.then_some(at), "{byte} at {at}");
            }
        }
        for unended in ["", "abc", "abcdefgh", "\\", "abc\\\"", "é"] {
            assert_eq!(string(unended.as_bytes(), 0), None);
        }
        assert_eq!(string(b"\xc3\"", 0), None);
    }

    #[test]
    fn numbers_are_those_of_the_json_library() {
        for text in [
            "0",
            "-0",
            "1545084650",
            "1545084650.987",
            "1545084650.9871",
            "1545084650.98",
            "1545084650.98e1",
            "0545084650.987",
            "-545084650.987",
            "0.1",
            "0.0",
            "1.50",
            "1.545084650987E9",
            "1E9",
            "-1.5",
            "123456789012345",
            "1234567890123456",
            "12345678901234.5",
            "1545084650.98700001",
            "18446744073709551615",
            "18446744073709551616",
            "1e400",
            "01",
            "1.",
            ".5",
            "1.2.3",
            "+1",
            "-",
            "",
            "1e",
        ] {
            let expected = serde_json::from_str::<serde_json::Value>(text).ok();
            let expected = expected.and_then(|value| value.as_f64()).map(f64::to_bits);
            for more in ["", ",", "}", " ", "},\"eventSource\""] {
                let found = number(format!("{text}{more}").as_bytes(), 0);
                assert!(found.is_none_or(|(_, end)| end == text.len()), "{text}");
                assert_eq!(found.map(|(value, _)| value.to_bits()), expected, "{text}");
            }
        }
        // Ends where another token begins.
        for (text, expected) in [
            ("15450846:0.987 ", (15_450_846.0, 8)),
            ("1545084650:987 ", (1_545_084_650.0, 10)),
            ("1545084650.9/7 ", (1_545_084_650.9, 12)),
        ] {
            assert_eq!(number(text.as_bytes(), 0), Some(expected));
        }
    }
}

//! The bytes around a fault.

use std::fmt::Write as _;
use std::ops::Range;

const ROW: usize = 16;

/// The rows of sixteen bytes before, at and after an offset.
pub(super) fn around(length: usize, offset: usize) -> Range<usize> {
    let row = offset.min(length.saturating_sub(1)) / ROW;
    row.saturating_sub(1) * ROW..length.min((row + 2) * ROW)
}

/// Appends the bytes around `offset`, that one marked, each row after `indent`.
pub(super) fn push(data: &[u8], offset: usize, indent: &str, out: &mut String) {
    let range = around(data.len(), offset);
    for start in range.clone().step_by(ROW) {
        let row = &data[start..range.end.min(start + ROW)];
        let _ = write!(out, "{indent}{start:08x} ");
        for (byte, at) in row.iter().zip(start..) {
            let _ = write!(out, "{}{byte:02x}", if at == offset { '>' } else { ' ' });
        }
        let text = row.iter().map(|&byte| match byte {
            0x20..=0x7E => byte as char,
            _ => '.',
        });
        let gap = 3 * (ROW - row.len()) + 2;
        let _ = writeln!(out, "{:gap$}|{}|", "", text.collect::<String>());
    }
}

#[cfg(test)]
mod tests {
    use super::{around, push};

    #[test]
    fn rows_are_those_around_the_offset() {
        assert_eq!(around(100, 0), 0..32);
        assert_eq!(around(100, 40), 16..64);
        assert_eq!(around(100, 100), 80..100);
        assert_eq!(around(0, 0), 0..0);
        assert_eq!(around(16, 16), 0..16);
    }

    #[test]
    fn the_byte_at_fault_is_marked() {
        let mut out = String::new();
        push(b"0123456789abcdef\x00\xFF~", 17, "  ", &mut out);
        let expected = "  \
  00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  |0123456789abcdef|
  00000010  00>ff 7e                                         |..~|
";
        assert_eq!(out, expected);
    }
}

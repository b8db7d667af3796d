//! Text that is not UTF-8, as Java reads it.

/// Appends `bytes` to `out` with U+FFFD where Java's decoder places one.
///
/// Java agrees with `String::from_utf8_lossy` but for surrogates: `ED A0–BF [80–BF]?` is one
/// U+FFFD there, and two or three in Rust. (Measured on KCL 3.5.1, Java 17.)
pub(crate) fn push_replacing(out: &mut String, mut bytes: &[u8]) {
    while let Err(error) = std::str::from_utf8(bytes) {
        let (valid, rest) = bytes.split_at(error.valid_up_to());
        out.push_str(std::str::from_utf8(valid).unwrap_or_default());
        out.push(char::REPLACEMENT_CHARACTER);
        let unreadable = match rest {
            [0xED, 0xA0..=0xBF, 0x80..=0xBF, ..] => 3,
            [0xED, 0xA0..=0xBF, ..] => 2,
            _ => error.error_len().unwrap_or(rest.len()),
        };
        bytes = &rest[unreadable..];
    }
    out.push_str(std::str::from_utf8(bytes).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    #[test]
    fn surrogates_are_one_replacement_and_all_else_is_as_in_rust() {
        let read = |bytes: &[u8]| {
            let mut out = String::new();
            super::push_replacing(&mut out, bytes);
            out
        };
        assert_eq!(read(b"a\xED\xA0\x80b"), "a\u{FFFD}b");
        assert_eq!(read(b"a\xED\xBFb"), "a\u{FFFD}b");
        assert_eq!(read(b"\xED\xA0"), "\u{FFFD}");
        assert_eq!(read(b"\xED"), "\u{FFFD}");
        for bytes in
            [b"\xC0\xAFx".as_slice(), b"\xE2\x82", b"\xF0\x90\x80", b"\xF5\x80", b"\xE0\x80\x80"]
        {
            assert_eq!(read(bytes), String::from_utf8_lossy(bytes), "{bytes:x?}");
        }
    }
}

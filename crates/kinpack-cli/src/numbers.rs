//! Numbers for people.

/// A number, rounded, with commas.
pub(crate) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A whole number, with commas; large ones in millions.
pub(crate) fn count(number: f64) -> String {
    if number < 999_999.5 { thousands(number) } else { three_digits(number) }
}

/// A number with three digits that say something, or more before the point; large ones in millions.
pub(crate) fn three_digits(number: f64) -> String {
    match number {
        0.0 => "0".to_owned(),
        _ if number < 0.000_5 => "<0.001".to_owned(),
        _ if number < 0.999_5 => format!("{number:.3}"),
        _ if number < 9.995 => format!("{number:.2}"),
        _ if number < 99.95 => format!("{number:.1}"),
        _ if number < 999_999.5 => thousands(number),
        _ => format!("{} M", three_digits(number / 1e6)),
    }
}

/// Money, with commas, and with cents if it is not much.
pub(crate) fn money(amount: f64) -> String {
    if amount >= 99_999.995 {
        return thousands(amount);
    }
    let cents = (amount * 100.0).round();
    let (whole, part) = ((cents / 100.0).trunc(), cents % 100.0);
    format!("{}.{part:02.0}", thousands(whole))
}

/// A time in the unit that suits it.
pub(crate) fn time(seconds: f64) -> String {
    const UNITS: [(f64, &str); 5] =
        [(86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"), (0.001, "ms")];
    if seconds > 0.0 && seconds < 0.000_05 {
        return "<0.1 ms".to_owned();
    }
    let unit = UNITS.iter().find(|(size, _)| seconds >= *size).unwrap_or(&UNITS[4]);
    let number = seconds / unit.0;
    let digits = usize::from(number < 9.95);
    let text = format!("{number:.digits$}");
    format!("{} {}", text.strip_suffix(".0").unwrap_or(&text), unit.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas() {
        for (number, text) in
            [(0.0, "0"), (999.4, "999"), (1e3, "1,000"), (123_456.0, "123,456"), (1e6, "1,000,000")]
        {
            assert_eq!(thousands(number), text);
        }
    }

    #[test]
    fn counts_have_no_fraction() {
        for (number, text) in [(1.0, "1"), (20_000.0, "20,000"), (2e6, "2.00 M")] {
            assert_eq!(count(number), text);
        }
    }

    #[test]
    fn small_numbers_keep_their_digits() {
        for (number, text) in [
            (0.0, "0"),
            (0.000_1, "<0.001"),
            (0.0625, "0.062"),
            (0.999_9, "1.00"),
            (9.994, "9.99"),
            (9.999, "10.0"),
            (99.97, "100"),
            (1234.5, "1,234"),
            (999_999.0, "999,999"),
            (1e9, "1,000 M"),
        ] {
            assert_eq!(three_digits(number), text);
        }
    }

    #[test]
    fn money_has_cents() {
        for (amount, text) in [
            (0.0, "0.00"),
            (1.999, "2.00"),
            (10.05, "10.05"),
            (1234.5, "1,234.50"),
            (1e5, "100,000"),
        ] {
            assert_eq!(money(amount), text);
        }
    }

    #[test]
    fn times_have_a_unit() {
        for (seconds, text) in [
            (0.0, "0 ms"),
            (0.000_001, "<0.1 ms"),
            (0.0004, "0.4 ms"),
            (0.4881, "488 ms"),
            (1.0, "1 s"),
            (2.54, "2.5 s"),
            (90.0, "1.5 min"),
            (7200.0, "2 h"),
            (1_000_000.0, "12 d"),
        ] {
            assert_eq!(time(seconds), text);
        }
    }
}

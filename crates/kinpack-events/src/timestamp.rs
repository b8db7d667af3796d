//! ISO 8601 times as the AWS CLI v2 prints them.

/// Seconds since 1970-01-01T00:00:00Z of `2024-05-01T12:34:56.789000+02:00`: `T` or a space between
/// date and time, any number of digits of a fraction (microseconds count), and a zone, `Z` or
/// `±HH[:]MM`. Without a zone nobody knows what time is meant: `None`.
pub(crate) fn seconds(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let number = |from: usize, digits: usize| number(bytes.get(from..from + digits)?);
    let is = |at: usize, one_of: &[u8]| bytes.get(at).is_some_and(|byte| one_of.contains(byte));
    if !(is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":")) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // A leap second is 60.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }

    let mut at = 19;
    let mut micros = 0;
    if is(at, b".,") {
        let digits = bytes[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        for i in 0..6 {
            let digit = if i < digits { number(at + 1 + i, 1)? } else { 0 };
            micros = micros * 10 + digit;
        }
        at += 1 + digits;
    }
    let zone = match &bytes[at..] {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), hours @ .., b':', m, n] => zone(*sign, hours, &[*m, *n])?,
        [sign @ (b'+' | b'-'), hours @ .., m, n] => zone(*sign, hours, &[*m, *n])?,
        _ => return None,
    };

    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - zone;
    // Microseconds since 1970 are exact in 53 bits, so that the division rounds once, as it does
    // for a number in JSON.
    Some((seconds * 1_000_000 + micros) as f64 / 1e6)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, digit| {
        digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
    })
}

fn zone(sign: u8, hours: &[u8], minutes: &[u8]) -> Option<i64> {
    // Longer ones may be longer than an integer is.
    if hours.len() != 2 {
        return None;
    }
    let seconds = number(hours)? * 3_600 + number(minutes)? * 60;
    Some(if sign == b'-' { -seconds } else { seconds })
}

/// Days from 1970-01-01 to a day of the Gregorian calendar: a year that begins in March has its
/// leap day at the end, and months of 153 days in five.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let month = (month + 9) % 12;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_cli_prints() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0.0),
            ("2000-02-29T00:00:00+00:00", 951_782_400.0),
            ("2000-03-01 00:00:00Z", 951_868_800.0),
            ("2024-05-01T12:34:56.789000+00:00", 1_714_566_896.789),
            ("2024-05-01T14:34:56.789000+02:00", 1_714_566_896.789),
            ("2024-05-01T07:04:56.789-0530", 1_714_566_896.789),
            ("2024-05-01T12:34:56.7890001234Z", 1_714_566_896.789),
            ("1969-12-31T23:59:59.5Z", -0.5),
            ("2100-03-01T00:00:00Z", 4_107_542_400.0),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn leaves_the_rest_alone() {
        for text in [
            "",
            "1714566896.789",
            "2024-05-01",
            "2024-05-01T12:34:56",
            "2024-05-01T12:34Z",
            "2024-13-01T12:34:56Z",
            "2024-05-00T12:34:56Z",
            "2024-05-01T24:34:56Z",
            "2024-05-01T12:34:56+1:00",
            "2024-05-01T12:34:56+1",
            "2024-05-01T12:34:56-571095921575989136588898",
            "2024-05-01T12:34:5éZ",
            "2024-05-01T12:34:56.789Zulu",
            "+024-05-01T12:34:56Z",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}

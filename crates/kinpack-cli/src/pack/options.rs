//! Values of options that are more than a word or a number.

use kinpack::{Lanes, OuterKeyPolicy};

/// A number of bytes: `51200`, `50KiB`, `1MiB`.
pub(crate) fn size(text: &str) -> Result<usize, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        _ => return Err("bytes are wanted, or KiB or MiB, as in 51200, 50KiB, 1MiB".to_owned()),
    };
    let number: usize = number.parse().map_err(|error| format!("{error}"))?;
    number.checked_mul(unit).ok_or_else(|| "too large".to_owned())
}

/// What [`is_name`] takes.
pub(crate) const NAME: &str = "1 to 128 of a-z A-Z 0-9 _ . -";

/// Whether a stream or a shard may be called this, by the rules of the service.
pub(crate) fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    (1..=128).contains(&text.len()) && text.bytes().all(fits)
}

/// A stream's name or ARN.
pub(crate) fn stream(text: &str) -> Result<String, String> {
    (is_name(text) || is_stream_arn(text)).then(|| text.to_owned()).ok_or_else(|| {
        format!(
            "{NAME} are wanted, or the ARN of a stream, \
             arn:aws:kinesis:<region>:<account>:stream/<name>"
        )
    })
}

fn is_stream_arn(text: &str) -> bool {
    let is_word = |text: &str| {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=64).contains(&text.len()) && text.bytes().all(fits)
    };
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|it| it.is_ascii_digit());
    let parts: Vec<&str> = text.split(':').collect();
    let ["arn", partition, "kinesis", region, account, resource] = parts[..] else { return false };
    is_word(partition)
        && is_word(region)
        && is_account(account)
        && resource.strip_prefix("stream/").is_some_and(is_name)
}

/// `kpl`, `first`, `per-key` or `lanes:N`.
pub(super) fn outer_key(text: &str) -> Result<OuterKeyPolicy, String> {
    match text {
        "kpl" => Ok(OuterKeyPolicy::Kpl),
        "first" => Ok(OuterKeyPolicy::First),
        "per-key" => Ok(OuterKeyPolicy::PER_KEY),
        _ => {
            let lanes = text
                .strip_prefix("lanes:")
                .ok_or("kpl, first, per-key or lanes:N is wanted")?
                .parse()
                .ok()
                .and_then(Lanes::new)
                .ok_or("the number of lanes is from 1 to 65535")?;
            Ok(OuterKeyPolicy::Lanes(lanes))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("51200", 51_200),
            ("50KiB", 51_200),
            ("1mib", 1 << 20),
            ("1 MiB", 1 << 20),
            ("64b", 64),
            ("0", 0),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        // 1 MB may be 1,000,000 or 1,048,576 bytes: whoever means either can say so.
        for text in
            ["", "MiB", "1MB", "1.5MiB", "-1", "99999999999999999999", "9999999999999999MiB"]
        {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn streams_have_a_name_or_an_arn() {
        let arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/s";
        for text in ["s", "a_b.c-D9", arn] {
            assert_eq!(stream(text), Ok(text.to_owned()));
        }
        for partition in ["aws-cn", "aws-us-gov", "aws-iso-b"] {
            assert!(stream(&arn.replace("aws", partition)).is_ok());
        }
        assert!(stream(&format!("{arn}{}", "s".repeat(127))).is_ok());
        for text in [
            "",
            "a b",
            "a/b",
            "ä",
            &"s".repeat(129),
            "arn:aws:s3:::bucket",
            "arn:x:stream/",
            "arn:aws:kinesis:eu-west-1:123456789012:stream/",
            "arn:aws:kinesis:eu-west-1:12345678901:stream/s",
            "arn:aws:kinesis::123456789012:stream/s",
            "arn:aws:dynamodb:eu-west-1:123456789012:stream/s",
            "arn:aws:kinesis:eu-west-1:123456789012:table/s",
            &arn.replace("west", "we\u{1}st"),
            &arn.replace("eu-", &"e".repeat(64)),
            &format!("{arn}:consumer/c:1"),
            &format!("{arn}{}", "s".repeat(128)),
        ] {
            assert!(stream(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lanes_have_a_number() {
        assert_eq!(outer_key("lanes:10"), Ok(OuterKeyPolicy::Lanes(Lanes::new(10).unwrap())));
        for text in ["lanes", "lanes:", "lanes:0", "lanes:65536", "lanes:-1", "KPL", ""] {
            assert!(outer_key(text).is_err(), "{text}");
        }
    }
}

//! Small messages of several shapes, the same each time.

/// A message and what it belongs to.
pub(super) struct Message {
    pub(super) shape: Shape,
    pub(super) partition_key: String,
    pub(super) data: Vec<u8>,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Sensor,
    Click,
    LogLine,
    Meter,
}

impl Shape {
    pub(super) const ALL: [Self; 4] = [Self::Sensor, Self::Click, Self::LogLine, Self::Meter];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sensor => "sensor readings (JSON)",
            Self::Click => "clicks (JSON)",
            Self::LogLine => "log lines (text)",
            Self::Meter => "meter readings (binary)",
        }
    }
}

const SEED: u64 = 0x6B69_6E70_6163_6B21;

/// `count` messages, mixed as they would come in.
pub(super) fn messages(count: usize) -> Vec<Message> {
    let mut random = Random(SEED);
    (0..count).map(|i| message(i as u64, &mut random)).collect()
}

fn message(number: u64, random: &mut Random) -> Message {
    // 20,000 a second, from some day on.
    let millis = 1_764_000_000_000 + number / 20;
    let (shape, partition_key, data) = match random.below(100) {
        0..45 => {
            let device = format!("device-{:04}", random.below(2_000));
            let (degrees, humidity) = (random.below(400), 30 + random.below(50));
            let json = format!(
                r#"{{"device":"{device}","time":{millis},"celsius":{}.{},"humidity":{humidity}}}"#,
                degrees / 10,
                degrees % 10,
            );
            (Shape::Sensor, device, json.into_bytes())
        }
        45..75 => {
            // The lower of two draws: some users click more than others.
            let user = format!("user-{:05x}", random.below(40_000).min(random.below(40_000)));
            let json = format!(
                r#"{{"user":"{user}","time":{millis},"event":"click","page":"/products/{}","referrer":"{}","ms":{}}}"#,
                random.below(9_000),
                random.one_of(&["/", "/search?q=shoes", "/cart", "https://example.com/ad/17"]),
                20 + random.below(2_000),
            );
            (Shape::Click, user, json.into_bytes())
        }
        75..95 => {
            let host = format!("web-{:02}", random.below(40));
            let line = format!(
                "{millis} {} {host} {} /api/v1/orders/{} {} {}ms",
                random.one_of(&["INFO ", "INFO ", "INFO ", "WARN ", "ERROR"]),
                random.one_of(&["GET", "GET", "POST", "DELETE"]),
                random.below(1_000_000),
                random.one_of(&["200", "200", "201", "404", "503"]),
                random.below(900),
            );
            (Shape::LogLine, host, line.into_bytes())
        }
        _ => {
            let meter = random.below(500);
            let mut reading = (meter as u32).to_be_bytes().to_vec();
            reading.extend_from_slice(&millis.to_be_bytes());
            reading.extend_from_slice(&random.next().to_be_bytes());
            (Shape::Meter, format!("meter-{meter}"), reading)
        }
    };
    Message { shape, partition_key, data }
}

/// splitmix64: small, and the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_the_same_each_time_and_of_every_shape() {
        let (one, other) = (messages(1_000), messages(1_000));
        assert!(one.iter().zip(&other).all(|(a, b)| a.data == b.data));
        for shape in Shape::ALL {
            assert!(one.iter().any(|message| message.shape == shape), "{shape:?}");
        }
    }

    #[test]
    fn the_generator_is_splitmix64() {
        // The first two numbers of the reference implementation from the seed 1234567.
        let mut random = Random(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }
}

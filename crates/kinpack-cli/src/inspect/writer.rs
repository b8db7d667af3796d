//! What wrote an aggregate, by the looks of it. Libraries leave no signature: only what their
//! habits show is said, and several may have the same.

use std::collections::HashMap;

use kinpack::{AggregatedRecord, Aggregator, HashKey, Limits, OuterKey, Push};

/// A writer, and what speaks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Guess {
    pub(super) writer: &'static str,
    pub(super) because: &'static str,
}

const fn is(writer: &'static str, because: &'static str) -> Option<Guess> {
    Some(Guess { writer, because })
}

/// What can be seen of a writer's habits.
struct Habits<'a> {
    /// For its partition keys. There may be millions of them, so they are not collected.
    aggregate: &'a AggregatedRecord<'a>,
    user_records: usize,
    first_key: &'a str,
    /// The user records that have an explicit hash key.
    explicit: usize,
    /// Of these, those whose explicit hash key is that of their partition key; counted only where
    /// the bytes are the KPL's.
    computed: usize,
    /// The bytes are those that the KPL writes for these user records.
    as_the_kpl: bool,
}

/// What is known to write such an aggregate under such an outer partition key, if anything is.
pub(super) fn guess<'a>(
    aggregate: &'a AggregatedRecord<'a>,
    outer_key: Option<&str>,
) -> Option<Guess> {
    if aggregate.is_empty() {
        return None;
    }
    if is_zio(aggregate) {
        return is(
            "zio-kinesis",
            "a partition key for each record, and hash keys 0 that none uses",
        );
    }
    let habits = Habits::of(aggregate);
    if !habits.as_the_kpl {
        return habits.out_of_order();
    }
    let alone = habits.user_records == 1;
    match outer_key {
        None => is("KPL or compatible", "the KPL's bytes; the outer partition key is not known"),
        Some(key) if is_lane(key) => {
            is("kinpack, lanes", "the KPL's bytes, and a lane as outer key")
        }
        Some("a") if habits.first_key != "a" && !alone => {
            is("KPL or compatible", "the KPL's bytes and outer key")
        }
        Some("a") if habits.first_key == "a" && !alone && habits.computed == 0 => is(
            "KPL, kinesis-aggregation or compatible",
            "the KPL's bytes; the outer key may be the KPL's or the first record's",
        ),
        Some(key) if key == habits.first_key => Some(habits.outer_key_is_first()),
        Some(key) => habits.outer_key_is_another(key),
    }
}

impl<'a> Habits<'a> {
    fn of(aggregate: &'a AggregatedRecord<'a>) -> Self {
        let mut habits = Self {
            aggregate,
            user_records: aggregate.len(),
            first_key: "",
            explicit: 0,
            computed: 0,
            as_the_kpl: encoded(aggregate).as_deref() == Some(aggregate.data()),
        };
        // Many records may share a key.
        let mut hash_keys = HashMap::new();
        for (index, record) in aggregate.records().enumerate() {
            let key = record.partition_key.unwrap_or_default();
            if index == 0 {
                habits.first_key = key;
            }
            if let Some(explicit) = record.explicit_hash_key {
                habits.explicit += 1;
                // Else nothing is known of how long either of them is, and nothing hangs on it.
                if habits.as_the_kpl {
                    let computed = hash_keys
                        .entry((key.as_ptr(), key.len()))
                        .or_insert_with(|| HashKey::of_partition_key(key));
                    habits.computed += usize::from(explicit.parse() == Ok(*computed));
                }
            }
        }
        habits
    }

    fn partition_keys(&self) -> impl ExactSizeIterator<Item = &'a str> {
        self.aggregate.partition_keys()
    }

    fn outer_key_is_first(&self) -> Guess {
        let (writer, because) = if self.computed == self.user_records {
            (
                "kinesis-aggregation (Java) or kinesis4cats",
                "an explicit hash key for each record, made from its partition key",
            )
        } else if self.explicit == self.user_records {
            (
                "kinesis-aggregation, kinesis4cats or kinpack",
                "the outer key is the first record's; an explicit hash key for each record",
            )
        } else if self.computed > 0 {
            ("kinesis-aggregation", "the outer key is the first record's")
        } else if self.explicit == 0 && self.partition_keys().len() == 1 {
            (
                "kinesis-aggregation (Python, Node.js), a8m/kinesis-producer or kinpack",
                "one partition key, which is the outer one",
            )
        } else {
            (
                "kinesis-aggregation (Python, Node.js) or kinpack",
                "the outer key is the first record's",
            )
        };
        Guess { writer, because }
    }

    fn outer_key_is_another(&self, outer_key: &str) -> Option<Guess> {
        if self.explicit == 0 && self.partition_keys().eq(["a"]) {
            return is(
                "async-kinesis or compatible",
                "every partition key is a, the outer one is not",
            );
        }
        let integers = self.partition_keys().take_while(|key| is_integer(key)).count();
        let sorted = self
            .partition_keys()
            .take(integers)
            .is_sorted_by_key(|key| key.parse::<u64>().unwrap_or(u64::MAX));
        let others = self.partition_keys().skip(integers).any(is_integer);
        let is_one_of_them = self.partition_keys().any(|key| key == outer_key);
        if integers > 0 && sorted && !others && is_one_of_them {
            return is(
                "kinesis-aggregation (Node.js), keys mixed up",
                "keys that are integers come first in the table, and the first record's key is not \
                 the outer one: keys stand at the wrong records",
            );
        }
        None
    }

    /// The tables are not in the order of first use, or hold what no record uses, or more.
    fn out_of_order(&self) -> Option<Guess> {
        if self.explicit == self.user_records && self.partition_keys().len() > 4 {
            return is(
                "kinesis4cats or compatible",
                "an explicit hash key for each record, and tables in another order than the records",
            );
        }
        None
    }
}

/// The aggregate as the KPL writes it, if it can be one of the KPL's.
fn encoded(aggregate: &AggregatedRecord<'_>) -> Option<Vec<u8>> {
    let most = Limits::MOST_RECORD_LIMIT;
    let limits = Limits::new(most, u32::MAX, most).ok()?;
    // The one policy that makes an aggregate of a lone record, too.
    let mut aggregator = Aggregator::new(limits, OuterKey::Lane(0));
    for record in aggregate.records() {
        let explicit = match record.explicit_hash_key {
            None => None,
            Some(text) => Some(text.parse().ok().filter(|key: &HashKey| key.to_string() == text)?),
        };
        match aggregator.try_push(record.partition_key?, explicit, record.data) {
            Ok(Push::Added) => {}
            Ok(Push::Full) | Err(_) => return None,
        }
    }
    aggregator.finish().map(|record| record.data)
}

/// A table entry for each record, and as many explicit hash keys `0` that no record points to.
fn is_zio(aggregate: &AggregatedRecord<'_>) -> bool {
    aggregate.partition_keys().len() == aggregate.len()
        && aggregate.explicit_hash_keys().len() == aggregate.len()
        && aggregate.explicit_hash_keys().all(|key| key == "0")
        && aggregate.records().zip(aggregate.partition_keys()).all(|(record, key)| {
            record.partition_key == Some(key) && record.explicit_hash_key.is_none()
        })
}

fn is_lane(key: &str) -> bool {
    key.strip_prefix("lane-").is_some_and(|number| number.parse::<u16>().is_ok())
}

/// Whether JavaScript takes a property of this name for an array index, and so puts it first.
fn is_integer(key: &str) -> bool {
    key.parse::<u32>().is_ok_and(|number| number < u32::MAX && number.to_string() == key)
}

//! What a stream takes and charges, before and after.

use crate::traffic::Traffic;

/// Messages a second that the numbers are for.
pub(super) const RATE: f64 = 20_000.0;

/// Lines of the table: what it is, before, after; each a second, for `messages` at [`RATE`].
pub(super) fn compare(
    before: &Traffic,
    after: &Traffic,
    messages: usize,
) -> [(&'static str, f64, f64); 4] {
    let seconds = messages as f64 / RATE;
    let rate = |count: usize| count as f64 / seconds;
    [
        ("Kinesis records a second", rate(before.records), rate(after.records)),
        ("bytes a second, with keys", rate(before.bytes), rate(after.bytes)),
        ("PUT payload units a second", rate(before.payload_units), rate(after.payload_units)),
        ("shards needed", before.shards(seconds), after.shards(seconds)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_of_a_second() {
        let before = Traffic::of((0..40_000).map(|_| (100, 10)));
        let after = Traffic::of((0..100).map(|_| (51_200, 1)));
        let table = compare(&before, &after, 40_000);
        assert_eq!(table.map(|(_, before, _)| before), [20_000.0, 2_200_000.0, 20_000.0, 20.0]);
        assert_eq!(table.map(|(_, _, after)| after), [50.0, 2_560_050.0, 100.0, 3.0]);
    }
}

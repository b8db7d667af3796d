//! A set of positions inside an aggregate.

use std::ops::Range;

/// Sorted ranges that neither touch nor overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Positions(Vec<Range<u32>>);

impl Positions {
    /// Adds a position above all those that are in.
    pub(crate) fn push(&mut self, position: u32) {
        self.push_range(position..position + 1);
    }

    /// Adds a range that does not begin below the last one.
    pub(crate) fn push_range(&mut self, range: Range<u32>) {
        match self.0.last_mut() {
            Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
            _ => self.0.push(range),
        }
    }

    pub(crate) fn ranges(&self) -> &[Range<u32>] {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn contains(&self, position: u32) -> bool {
        let at = self.0.partition_point(|range| range.end <= position);
        self.0.get(at).is_some_and(|range| range.start <= position)
    }

    /// Takes in all of the other.
    pub(crate) fn unite(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        let mut all: Vec<_> = self.0.drain(..).chain(other.0.iter().cloned()).collect();
        all.sort_unstable_by_key(|range| range.start);
        for range in all {
            self.push_range(range);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(positions: &[u32]) -> Positions {
        let mut set = Positions::default();
        positions.iter().for_each(|&position| set.push(position));
        set
    }

    #[test]
    fn union_holds_what_either_holds() {
        let (a, b) = (set(&[0, 1, 2, 7, 9]), set(&[2, 3, 8, 20]));
        let mut union = a.clone();
        union.unite(&b);
        for position in 0..30 {
            let either = a.contains(position) || b.contains(position);
            assert_eq!(union.contains(position), either, "{position}");
        }
        assert_eq!(union.ranges(), [0..4, 7..10, 20..21]);
        let mut other_way = b;
        other_way.unite(&a);
        assert_eq!(union, other_way);
    }
}

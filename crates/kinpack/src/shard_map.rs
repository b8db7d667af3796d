//! The shards of a stream and which of them takes a hash key: pure look-up.

use std::collections::HashSet;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::hash_key::{HashKey, HashKeyRange};

/// A shard, as ListShards describes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shard {
    /// `shardId-000000000000`
    pub id: String,
    /// The hash keys it takes.
    pub range: HashKeyRange,
    /// The shard it was split or merged from.
    pub parent: Option<String>,
    /// The other shard it was merged from.
    pub adjacent_parent: Option<String>,
    /// Closed by a split or a merge (ListShards gives an `EndingSequenceNumber`): it takes no
    /// records any more.
    pub closed: bool,
}

impl Shard {
    /// An open shard without parents.
    #[must_use]
    pub fn new(id: impl Into<String>, range: HashKeyRange) -> Self {
        Self { id: id.into(), range, parent: None, adjacent_parent: None, closed: false }
    }
}

/// The open shards of a stream, which together take every hash key exactly once.
///
/// # Examples
///
/// ```
/// use kinpack::{HashKey, ShardMap};
///
/// let map = ShardMap::even(4.try_into().unwrap());
/// assert_eq!(map.shard_for(HashKey::MAX).id, "shardId-000000000003");
/// assert_eq!(map.shard_for(HashKey(1 << 126)).id, "shardId-000000000001");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardMap {
    /// In order of their ranges.
    open: Vec<Arc<Shard>>,
    closed: Vec<Arc<Shard>>,
}

impl ShardMap {
    /// From the shards of a ListShards answer. Closed ones, and those that another one names as a
    /// parent, take no part in the look-up.
    ///
    /// # Errors
    ///
    /// The open shards leave a gap, overlap, or there are none; two shards have one id.
    pub fn new(shards: impl IntoIterator<Item = Shard>) -> Result<Self, ShardMapError> {
        let mut shards: Vec<Shard> = shards.into_iter().collect();
        let parents: HashSet<String> = shards
            .iter()
            .flat_map(|shard| [&shard.parent, &shard.adjacent_parent])
            .flatten()
            .cloned()
            .collect();
        let mut ids = HashSet::new();
        for shard in &mut shards {
            shard.closed |= parents.contains(&shard.id);
            if !ids.insert(shard.id.clone()) {
                return Err(ShardMapError::DuplicateId(shard.id.clone()));
            }
        }
        let (closed, open) =
            shards.into_iter().map(Arc::new).partition(|shard: &Arc<Shard>| shard.closed);
        Self::checked(open, closed)
    }

    fn checked(mut open: Vec<Arc<Shard>>, closed: Vec<Arc<Shard>>) -> Result<Self, ShardMapError> {
        open.sort_by_key(|shard| shard.range.start());
        // The lowest hash key that no shard has taken yet.
        let mut next = Some(HashKey::MIN);
        let mut before: Option<&Shard> = None;
        for shard in &open {
            match (next, before) {
                (Some(next), _) if shard.range.start() == next => {}
                (Some(next), _) if shard.range.start() > next => {
                    let end = HashKey(shard.range.start().0 - 1);
                    return Err(ShardMapError::gap(next, end));
                }
                (_, Some(before)) => {
                    return Err(ShardMapError::Overlap(before.id.clone(), shard.id.clone()));
                }
                // Nothing is below the lowest hash key.
                (_, None) => unreachable!("the first shard starts at 0 or leaves a gap"),
            }
            next = shard.range.end().0.checked_add(1).map(HashKey);
            before = Some(shard);
        }
        match next {
            _ if open.is_empty() => Err(ShardMapError::Empty),
            Some(next) => Err(ShardMapError::gap(next, HashKey::MAX)),
            None => Ok(Self { open, closed }),
        }
    }

    /// `shards` shards of equal width, ⌊2^128 / shards⌋; the last one takes the rest. Some 200
    /// bytes of memory a shard.
    #[must_use]
    pub fn even(shards: NonZeroU32) -> Self {
        let n = u128::from(shards.get());
        // ⌊2^128 / n⌋ without the 129th bit.
        let width = u128::MAX / n + u128::from(u128::MAX % n == n - 1 && n > 1);
        let open = (0..n).map(|i| {
            let start = HashKey(if i == 0 { 0 } else { i * width });
            let end = if i == n - 1 { HashKey::MAX } else { HashKey((i + 1) * width - 1) };
            let range = HashKeyRange::new(start, end).unwrap_or(HashKeyRange::FULL);
            Arc::new(Shard::new(format!("shardId-{i:012}"), range))
        });
        Self { open: open.collect(), closed: Vec::new() }
    }

    /// The open shards in order of their ranges.
    #[must_use]
    pub fn open(&self) -> &[Arc<Shard>] {
        &self.open
    }

    /// The closed shards.
    #[must_use]
    pub fn closed(&self) -> &[Arc<Shard>] {
        &self.closed
    }

    /// The shard of this id, open or closed.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<&Arc<Shard>> {
        self.open.iter().chain(&self.closed).find(|shard| shard.id == id)
    }

    /// The open shard that takes `key`.
    #[must_use]
    pub fn shard_for(&self, key: HashKey) -> &Arc<Shard> {
        &self.open[self.index_for(key)]
    }

    /// Position in [`open`](Self::open) of the shard that takes `key`.
    pub(crate) fn index_for(&self, key: HashKey) -> usize {
        self.open.partition_point(|shard| shard.range.start() <= key) - 1
    }

    fn open_index(&self, id: &str) -> Result<usize, ShardMapError> {
        self.open
            .iter()
            .position(|shard| shard.id == id)
            .ok_or_else(|| ShardMapError::NotOpen(id.to_owned()))
    }

    /// The map after SplitShard: `id` is closed, and its children share its range, the second one
    /// from `second_start` on.
    ///
    /// # Errors
    ///
    /// `id` is no open shard, `second_start` is not inside it above its start, or a child's id is
    /// taken.
    ///
    /// ```
    /// use kinpack::{HashKey, ShardMap};
    ///
    /// let map = ShardMap::even(1.try_into().unwrap());
    /// let map = map.split("shardId-000000000000", HashKey(100), ["low", "high"])?;
    /// assert_eq!(map.shard_for(HashKey(99)).id, "low");
    /// let map = map.merge("low", "high", "all")?;
    /// assert_eq!(map.shard_for(HashKey(99)).id, "all");
    /// # Ok::<(), kinpack::ShardMapError>(())
    /// ```
    pub fn split(
        &self,
        id: &str,
        second_start: HashKey,
        children: [&str; 2],
    ) -> Result<Self, ShardMapError> {
        let parent = &self.open[self.open_index(id)?];
        let outside = || ShardMapError::SplitOutside(id.to_owned(), second_start);
        let below = HashKey(second_start.0.checked_sub(1).ok_or_else(outside)?);
        let low = HashKeyRange::new(parent.range.start(), below).ok_or_else(outside)?;
        let high = HashKeyRange::new(second_start, parent.range.end()).ok_or_else(outside)?;
        let child =
            |id: &str, range| Shard { parent: Some(parent.id.clone()), ..Shard::new(id, range) };
        self.replaced(&[id], [child(children[0], low), child(children[1], high)])
    }

    /// The map after MergeShards: both are closed, `child` has their ranges.
    ///
    /// # Errors
    ///
    /// One of them is no open shard, they are not neighbours, or the child's id is taken.
    pub fn merge(&self, id: &str, adjacent: &str, child: &str) -> Result<Self, ShardMapError> {
        let (one, other) = (self.open_index(id)?, self.open_index(adjacent)?);
        let (low, high) = (one.min(other), one.max(other));
        if high != low + 1 {
            return Err(ShardMapError::NotAdjacent(id.to_owned(), adjacent.to_owned()));
        }
        let (start, end) = (self.open[low].range.start(), self.open[high].range.end());
        let merged = Shard {
            parent: Some(id.to_owned()),
            adjacent_parent: Some(adjacent.to_owned()),
            ..Shard::new(child, HashKeyRange::new(start, end).unwrap_or(HashKeyRange::FULL))
        };
        self.replaced(&[id, adjacent], [merged])
    }

    fn replaced(
        &self,
        parents: &[&str],
        children: impl IntoIterator<Item = Shard>,
    ) -> Result<Self, ShardMapError> {
        let mut shards: Vec<Shard> =
            self.open.iter().chain(&self.closed).map(|shard| Shard::clone(shard)).collect();
        for shard in &mut shards {
            shard.closed |= parents.contains(&shard.id.as_str());
        }
        shards.extend(children);
        Self::new(shards)
    }
}

/// Why shards make no map.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ShardMapError {
    /// No open shard.
    Empty,
    /// No open shard takes these hash keys.
    Gap(HashKeyRange),
    /// Two open shards take the same hash keys.
    Overlap(String, String),
    /// Two shards have this id.
    DuplicateId(String),
    /// No open shard has this id.
    NotOpen(String),
    /// The ranges of these shards do not touch.
    NotAdjacent(String, String),
    /// This shard cannot be split at this hash key.
    SplitOutside(String, HashKey),
}

impl ShardMapError {
    fn gap(start: HashKey, end: HashKey) -> Self {
        Self::Gap(HashKeyRange::new(start, end).unwrap_or(HashKeyRange::FULL))
    }
}

impl fmt::Display for ShardMapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no open shard"),
            Self::Gap(range) => write!(f, "no open shard takes the hash keys {range}"),
            Self::Overlap(one, other) => write!(f, "the ranges of {one} and {other} overlap"),
            Self::DuplicateId(id) => write!(f, "two shards have the id {id}"),
            Self::NotOpen(id) => write!(f, "no open shard has the id {id}"),
            Self::NotAdjacent(one, other) => write!(f, "{one} and {other} are not neighbours"),
            Self::SplitOutside(id, at) => write!(f, "{id} cannot be split at {at}"),
        }
    }
}

impl std::error::Error for ShardMapError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u128, end: u128) -> HashKeyRange {
        HashKeyRange::new(HashKey(start), HashKey(end)).unwrap()
    }

    #[test]
    fn even_shards_are_as_wide_as_the_service_makes_them() {
        let widths = |n: u32| {
            let map = ShardMap::even(n.try_into().unwrap());
            assert!(ShardMap::checked(map.open.clone(), Vec::new()).is_ok());
            map.open[0].range.end().0
        };
        assert_eq!(widths(1), u128::MAX);
        assert_eq!(widths(2), (1 << 127) - 1);
        assert_eq!(widths(4), (1 << 126) - 1);
        assert_eq!(widths(3), 113_427_455_640_312_821_154_458_202_477_256_070_484);
        assert_eq!(widths(65_536), (1 << 112) - 1);
        widths(9_973);
    }

    #[test]
    fn every_key_has_its_shard_at_the_edges_too() {
        let map = ShardMap::even(7.try_into().unwrap());
        for shard in map.open() {
            assert_eq!(map.shard_for(shard.range.start()), shard);
            assert_eq!(map.shard_for(shard.range.end()), shard);
        }
    }

    #[test]
    fn gaps_and_overlaps_are_refused() {
        let new = |ranges: &[HashKeyRange]| {
            ShardMap::new(ranges.iter().zip(0..).map(|(&r, i)| Shard::new(format!("s{i}"), r)))
        };
        assert_eq!(new(&[]), Err(ShardMapError::Empty));
        assert_eq!(new(&[range(1, u128::MAX)]), Err(ShardMapError::Gap(range(0, 0))));
        assert_eq!(new(&[range(0, 5)]), Err(ShardMapError::Gap(range(6, u128::MAX))));
        assert_eq!(new(&[range(0, 5), range(8, u128::MAX)]), Err(ShardMapError::Gap(range(6, 7))));
        let overlap = Err(ShardMapError::Overlap("s0".into(), "s1".into()));
        assert_eq!(new(&[range(0, 5), range(5, u128::MAX)]), overlap);
        assert_eq!(new(&[range(0, u128::MAX), range(9, u128::MAX)]), overlap);
        let same = [Shard::new("s", range(0, 5)), Shard::new("s", range(6, u128::MAX))];
        assert_eq!(ShardMap::new(same), Err(ShardMapError::DuplicateId("s".into())));
    }

    #[test]
    fn closed_parents_take_nothing() {
        let parent = Shard::new("parent", HashKeyRange::FULL);
        let child = |id, range| Shard { parent: Some("parent".into()), ..Shard::new(id, range) };
        let map = ShardMap::new([
            parent,
            child("low", range(0, 99)),
            child("high", range(100, u128::MAX)),
        ])
        .unwrap();
        assert_eq!(map.shard_for(HashKey(99)).id, "low");
        assert_eq!(map.closed()[0].id, "parent");
        assert!(map.by_id("parent").unwrap().closed);
    }

    #[test]
    fn splits_and_merges_say_what_cannot_be() {
        let map = ShardMap::even(3.try_into().unwrap());
        let ids: Vec<_> = map.open().iter().map(|shard| shard.id.clone()).collect();
        let second = map.open()[1].range;
        let outside = |at| Err(ShardMapError::SplitOutside(ids[1].clone(), at));
        for at in [HashKey(0), second.start(), HashKey(second.end().0 + 1)] {
            assert_eq!(map.split(&ids[1], at, ["x", "y"]), outside(at));
        }
        assert!(map.split(&ids[1], second.end(), ["x", "y"]).is_ok());
        assert!(matches!(map.merge(&ids[0], &ids[2], "x"), Err(ShardMapError::NotAdjacent(..))));
        assert!(matches!(map.merge(&ids[0], "no", "x"), Err(ShardMapError::NotOpen(_))));
        assert!(map.merge(&ids[2], &ids[1], "x").is_ok());
        assert!(matches!(map.merge(&ids[2], &ids[1], &ids[0]), Err(ShardMapError::DuplicateId(_))));
    }
}

//! The n-th of something that can only be walked through.

/// Every so many items a copy of the iterator is kept.
const STRIDE: usize = 64;

/// Finds items by their index, quickest one after another.
#[derive(Debug)]
pub(crate) struct Access<I> {
    marks: Vec<I>,
    next: usize,
    cursor: I,
}

impl<I: Iterator + Clone> Access<I> {
    /// Walks through the iterator, which has `len` items, and shows each.
    pub(crate) fn new(mut iterator: I, mut see: impl FnMut(I::Item)) -> Self {
        let cursor = iterator.clone();
        let mut marks = Vec::new();
        for at in 0.. {
            if at % STRIDE == 0 {
                marks.push(iterator.clone());
            }
            let Some(item) = iterator.next() else { break };
            see(item);
        }
        Self { marks, next: 0, cursor }
    }

    /// The item at the index, from 0.
    pub(crate) fn nth(&mut self, index: usize) -> Option<I::Item> {
        if index != self.next {
            self.cursor = self.marks.get(index / STRIDE)?.clone();
            self.next = index - index % STRIDE;
        }
        let skip = index - self.next;
        self.next = index + 1;
        self.cursor.nth(skip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_order_finds_the_same() {
        for len in [0, 1, 63, 64, 65, 200] {
            let mut seen = 0;
            let mut access = Access::new(0..len, |item| {
                assert_eq!(item, seen);
                seen += 1;
            });
            assert_eq!(seen, len);
            for index in (0..len).chain((0..len).rev()).chain((0..len).step_by(7)) {
                assert_eq!(access.nth(index), Some(index), "of {len}");
            }
            assert_eq!(access.nth(len + STRIDE), None);
        }
    }
}

//! Whose turn it is: the order of keys, the lowest unfinished group, and keys that are held.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::State;
use super::remember::Remembering;
use crate::batch::{Batch, NO_KEY};

const NONE: u32 = u32::MAX;

#[derive(Debug)]
pub(super) struct Order {
    /// Records whose turn it is.
    ready: BinaryHeap<Reverse<u32>>,
    /// For each record the next one of its key that is not finished.
    next_of_key: Vec<u32>,
    /// For each key the poison record that holds it.
    held_by: Vec<u32>,
    /// For each group how many of its records keep the checkpoint from passing it: those that are
    /// not finished, and those that hold a key.
    open: Vec<u32>,
    /// The first group that is open.
    low: usize,
    /// What groups from `low` on would take in the store, if something of them was begun.
    cost: usize,
    begun: Vec<bool>,
}

impl Order {
    /// `holding`: where records are remembered that hold their key.
    pub(super) fn new(batch: &Batch, states: &[State], holding: Option<&Remembering>) -> Self {
        let mut order = Self {
            ready: BinaryHeap::new(),
            next_of_key: vec![NONE; states.len()],
            held_by: vec![NONE; batch.key_count()],
            open: vec![0; batch.groups().len()],
            low: 0,
            cost: 0,
            begun: vec![false; batch.groups().len()],
        };
        let mut last_of_key = vec![NONE; batch.key_count()];
        for (group, of) in batch.groups().iter().enumerate() {
            for index in of.first..of.first + of.count {
                let key = batch.key(index) as usize;
                if states[index as usize] == State::Waiting {
                    order.open[group] += 1;
                    match last_of_key.get(key) {
                        Some(&last) if last != NONE => order.next_of_key[last as usize] = index,
                        _ => order.ready.push(Reverse(index)),
                    }
                    if let Some(last) = last_of_key.get_mut(key) {
                        *last = index;
                    }
                } else {
                    order.begun[group] = true;
                    let holds = holding.is_some_and(|remembering| remembering.is_dead(index));
                    if holds && order.held_by.get(key) == Some(&NONE) {
                        order.held_by[key] = index;
                    }
                }
            }
        }
        for (held_by, last) in order.held_by.iter_mut().zip(last_of_key) {
            if *held_by != NONE && last != NONE && *held_by < last {
                order.open[batch.group_of(*held_by)] += 1;
            } else {
                *held_by = NONE;
            }
        }
        for (group, &begun) in order.begun.iter().enumerate() {
            order.cost += if begun { cost(batch, group) } else { 0 };
        }
        order.advance(batch);
        order
    }

    pub(super) fn peek(&self) -> Option<u32> {
        self.ready.peek().map(|&Reverse(index)| index)
    }

    pub(super) fn pop(&mut self) {
        self.ready.pop();
    }

    /// Whether the record may be begun without more to remember than `limit` bytes, should all that
    /// is lower fail. The lowest unfinished group always may.
    pub(super) fn has_room(&mut self, batch: &Batch, index: u32, limit: Option<usize>) -> bool {
        let group = batch.group_of(index);
        if self.begun[group] {
            return true;
        }
        let cost = cost(batch, group);
        if group != self.low && limit.is_some_and(|limit| self.cost + cost > limit) {
            return false;
        }
        self.begun[group] = true;
        self.cost += cost;
        true
    }

    /// How many bytes more there are to remember once something of the group is begun.
    pub(super) fn cost_of_beginning(&self, batch: &Batch, group: usize) -> usize {
        if self.begun[group] { 0 } else { cost(batch, group) }
    }

    /// How many bytes there are to remember, should all that is unfinished fail.
    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    /// The poison record that holds the record's key.
    pub(super) fn held_by(&self, batch: &Batch, index: u32) -> Option<u32> {
        let key = batch.key(index);
        let poison = if key == NO_KEY { NONE } else { self.held_by[key as usize] };
        (poison < index).then_some(poison)
    }

    /// A record is finished: the next of its key has its turn.
    pub(super) fn finish(&mut self, batch: &Batch, index: u32) {
        self.close(batch, index);
        let next = self.next_of_key[index as usize];
        if next != NONE {
            self.ready.push(Reverse(next));
        } else if let Some(poison) = self.held_by(batch, index) {
            self.close(batch, poison);
        }
    }

    /// A poison record is in the dead letter: the later ones of its key shall follow it.
    pub(super) fn hold(&mut self, batch: &Batch, index: u32) {
        let next = self.next_of_key[index as usize];
        if next == NONE {
            return self.finish(batch, index);
        }
        let key = batch.key(index) as usize;
        self.held_by[key] = index;
        self.ready.push(Reverse(next));
    }

    /// The first group that is not finished.
    pub(super) fn checkpoint(&self) -> Option<usize> {
        (self.low < self.open.len()).then_some(self.low)
    }

    fn close(&mut self, batch: &Batch, index: u32) {
        self.open[batch.group_of(index)] -= 1;
        self.advance(batch);
    }

    fn advance(&mut self, batch: &Batch) {
        while self.open.get(self.low) == Some(&0) {
            if self.begun[self.low] {
                self.cost -= cost(batch, self.low);
            }
            self.low += 1;
        }
    }
}

/// At most so many bytes of progress for a group: what is its own of its number, a bitmap of those
/// handled and one of those in the dead letter, and a failed attempt or two.
fn cost(batch: &Batch, group: usize) -> usize {
    let digits = batch.sequence_number(group).len() - batch.shared_digits();
    digits.div_ceil(2) + 16 + batch.groups()[group].count as usize / 4
}

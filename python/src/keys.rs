//! The key tables of all aggregates of a batch, one after another.

use std::sync::OnceLock;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyString;

/// Keys by number, in one text. Each becomes a Python string once, when somebody looks at it.
#[derive(Default)]
pub(crate) struct Keys {
    text: String,
    ends: Vec<usize>,
    made: OnceLock<Box<[PyOnceLock<Py<PyString>>]>>,
}

impl Keys {
    pub(crate) fn len(&self) -> u32 {
        // Fewer than the bytes of the batch, which are counted in 32 bits.
        self.ends.len() as u32
    }

    pub(crate) fn push(&mut self, key: &str) {
        self.text.push_str(key);
        self.ends.push(self.text.len());
    }

    pub(crate) fn get(&self, number: u32) -> &str {
        let number = number as usize;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[number]]
    }

    pub(crate) fn object<'py>(&self, py: Python<'py>, number: u32) -> Bound<'py, PyString> {
        let made =
            self.made.get_or_init(|| (0..self.ends.len()).map(|_| PyOnceLock::new()).collect());
        made[number as usize]
            .get_or_init(py, || PyString::new(py, self.get(number)).unbind())
            .bind(py)
            .clone()
    }
}

/// Finds the number of a key in the tables of one aggregate by where its text stands: the keys
/// that records point at are the very ones of the table.
#[derive(Default)]
pub(crate) struct Places {
    /// Ascending.
    places: Vec<usize>,
    last: usize,
}

impl Places {
    pub(crate) fn clear(&mut self) {
        self.places.clear();
        self.last = 0;
    }

    pub(crate) fn push(&mut self, key: &str) {
        self.places.push(key.as_ptr() as usize);
    }

    #[inline]
    pub(crate) fn number(&mut self, key: &str) -> u32 {
        let place = key.as_ptr() as usize;
        // Records mostly have the key of the one before, or the next of the table.
        for guess in [self.last, self.last + 1] {
            if self.places.get(guess) == Some(&place) {
                self.last = guess;
                return guess as u32;
            }
        }
        self.last = self.places.partition_point(|&it| it < place);
        self.last as u32
    }
}

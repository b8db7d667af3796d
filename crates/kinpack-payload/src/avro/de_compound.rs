//! What is read piece by piece: arrays, maps and records.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess};

use super::AvroError;
use super::cursor::Cursor;
use super::de::{Deserializer, Result};
use super::plan::{Id, Plan, Record, Step};

/// The blocks of an array or a map.
pub(super) struct Blocks<'c, 'de> {
    cursor: &'c mut Cursor<'de>,
    plan: &'de Plan,
    items: Id,
    left: u64,
    /// Whether a key stands before each.
    pub(super) keys: bool,
}

impl<'c, 'de> Blocks<'c, 'de> {
    pub(super) fn new(cursor: &'c mut Cursor<'de>, plan: &'de Plan, items: Id) -> Result<Self> {
        let left = cursor.block()?;
        Ok(Blocks { cursor, plan, items, left, keys: false })
    }

    fn next(&mut self) -> Result<()> {
        self.left -= 1;
        if self.left == 0 {
            self.left = self.cursor.block()?;
        }
        Ok(())
    }

    /// Over what the visitor left.
    pub(super) fn drain(&mut self) -> Result<()> {
        while self.left > 0 {
            if self.keys {
                self.cursor.text()?;
            }
            self.cursor.skip(self.plan, self.items)?;
            self.next()?;
        }
        Ok(())
    }

    /// No more than the data could hold: a count alone reserves nothing.
    fn hint(&self) -> Option<usize> {
        Some(self.left.min(self.cursor.remaining() as u64) as usize)
    }
}

impl<'de> SeqAccess<'de> for &mut Blocks<'_, 'de> {
    type Error = AvroError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        let value = seed.deserialize(Deserializer::new(self.cursor, self.plan, self.items))?;
        self.next()?;
        Ok(Some(value))
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

impl<'de> MapAccess<'de> for &mut Blocks<'_, 'de> {
    type Error = AvroError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        seed.deserialize(BorrowedStrDeserializer::new(self.cursor.text()?)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value> {
        let value = seed.deserialize(Deserializer::new(self.cursor, self.plan, self.items))?;
        self.next()?;
        Ok(value)
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

/// The fields of a record: those in the bytes, then the defaults of the others.
pub(super) struct Fields<'c, 'de> {
    cursor: &'c mut Cursor<'de>,
    plan: &'de Plan,
    record: &'de Record,
    step: usize,
    next: Option<Step>,
}

impl<'c, 'de> Fields<'c, 'de> {
    pub(super) fn new(cursor: &'c mut Cursor<'de>, plan: &'de Plan, record: &'de Record) -> Self {
        Fields { cursor, plan, record, step: 0, next: None }
    }

    /// The next field to hand on, over those that only the writer has.
    #[inline]
    fn advance(&mut self) -> Result<Option<usize>> {
        while let Some(&step) = self.record.steps.get(self.step) {
            self.step += 1;
            match step {
                Step::Skip(node) => self.cursor.skip(self.plan, node)?,
                Step::Read(field, _) => {
                    self.next = Some(step);
                    return Ok(Some(field));
                }
            }
        }
        let field = self.record.absent.get(self.step - self.record.steps.len());
        self.step += usize::from(field.is_some());
        self.next = None;
        Ok(field.copied())
    }

    #[inline]
    fn value<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value> {
        if let Some(Step::Read(_, node)) = self.next.take() {
            return seed.deserialize(Deserializer::new(self.cursor, self.plan, node));
        }
        let field =
            &self.record.fields[self.record.absent[self.step - self.record.steps.len() - 1]];
        let mut cursor = self.cursor.on(field.default.as_deref().unwrap_or_default());
        let value = seed.deserialize(Deserializer::new(&mut cursor, self.plan, field.node));
        self.cursor.budget = cursor.budget;
        value
    }

    pub(super) fn drain(&mut self) -> Result<()> {
        while self.step < self.record.steps.len() {
            let (Step::Read(_, node) | Step::Skip(node)) = self.record.steps[self.step];
            self.cursor.skip(self.plan, node)?;
            self.step += 1;
        }
        Ok(())
    }
}

impl<'de> MapAccess<'de> for &mut Fields<'_, 'de> {
    type Error = AvroError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        match self.advance()? {
            Some(field) => {
                let name = &self.record.fields[field].name;
                seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
            }
            None => Ok(None),
        }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value> {
        self.value(seed)
    }
}

/// A record's fields without their names.
pub(super) struct Tuple<'f, 'c, 'de>(pub(super) &'f mut Fields<'c, 'de>);

impl<'de> SeqAccess<'de> for Tuple<'_, '_, 'de> {
    type Error = AvroError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        match self.0.advance()? {
            Some(_) => self.0.value(seed).map(Some),
            None => Ok(None),
        }
    }
}

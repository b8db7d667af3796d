//! The text of a document, and where its data goes.

use super::in_place;
use crate::store::Span;

pub(super) trait Source {
    fn text(&self) -> &[u8];

    /// Decodes base64 of the text: where the data is, unless it is none.
    fn decode(&mut self, base64: Span) -> Option<Span>;
}

/// A text of which the data takes the place.
pub(super) struct InPlace {
    text: Vec<u8>,
    /// What was decoded of data that turned out to be faulty.
    broken: Option<Span>,
    aside: in_place::Aside,
}

impl InPlace {
    pub(super) fn new(text: Vec<u8>) -> Self {
        InPlace { text, broken: None, aside: [0; _] }
    }

    pub(super) fn into_data(self) -> Vec<u8> {
        self.text
    }

    /// The text as it was before this data was decoded.
    pub(super) fn undo(mut self, data: impl Iterator<Item = Span>) -> Vec<u8> {
        for span in data.chain(self.broken) {
            let range = span.range();
            in_place::undo(&mut self.text[range.start..], range.len());
        }
        self.text
    }
}

impl Source for InPlace {
    #[inline]
    fn text(&self) -> &[u8] {
        &self.text
    }

    #[inline]
    fn decode(&mut self, base64: Span) -> Option<Span> {
        let range = base64.range();
        let start = range.start;
        match in_place::decode(&mut self.text[range], &mut self.aside) {
            Ok(len) => Some(Span::new(start, len)),
            Err(decoded) => {
                self.broken = Some(Span::new(start, decoded));
                None
            }
        }
    }
}

/// A text that stays as it is.
pub(super) struct Beside<'t> {
    text: &'t [u8],
    data: Vec<u8>,
}

impl<'t> Beside<'t> {
    pub(super) fn new(text: &'t [u8], data: Vec<u8>) -> Self {
        Beside { text, data }
    }

    pub(super) fn into_data(self) -> Vec<u8> {
        self.data
    }
}

impl Source for Beside<'_> {
    #[inline]
    fn text(&self) -> &[u8] {
        self.text
    }

    #[inline]
    fn decode(&mut self, base64: Span) -> Option<Span> {
        let start = self.data.len();
        crate::base64::decode_append(&self.text[base64.range()], &mut self.data).ok()?;
        Some(Span::new(start, self.data.len() - start))
    }
}

//! Any bytes as the command line's input, in pieces of any size: what is found must not depend on
//! how the input came.
#![no_main]

use std::io::{self, Read};

use arbitrary::Arbitrary;
use kinpack_events::EventErrorKind;
use libfuzzer_sys::fuzz_target;

// The command line is a program, which nothing can depend on: its splitter is compiled in.
#[path = "../../crates/kinpack-cli/src/input/documents.rs"]
mod documents;
#[allow(dead_code)]
#[path = "../../crates/kinpack-cli/src/input/place.rs"]
mod place;

use documents::{Documents, Step};
use place::Position;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    pieces: [u8; 4],
    text: &'a [u8],
}

/// A reader that gives as much as it is told to, over and over.
struct Pieces<'a> {
    sizes: Vec<usize>,
    next: usize,
    rest: &'a [u8],
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes[self.next % self.sizes.len()].min(buffer.len());
        self.next += 1;
        (&mut self.rest).take(size as u64).read(buffer)
    }
}

#[derive(Debug, PartialEq)]
enum Found {
    Document(Position, usize, Vec<u8>),
    /// Only the line: a number that is too large is so after some of its digits.
    Malformed(u64, EventErrorKind, Vec<u8>),
    Unread(Position, EventErrorKind),
    BrokenOff(Position, EventErrorKind, Vec<u8>),
}

fuzz_target!(|input: Input<'_>| {
    let whole = found(input.text, vec![input.text.len()]);
    let sizes = input.pieces.map(|size| usize::from(size) + 1).to_vec();
    assert_eq!(whole, found(input.text, sizes));
});

fn found(text: &[u8], sizes: Vec<usize>) -> Vec<Found> {
    let mut pieces = Pieces { sizes, next: 0, rest: text };
    let mut documents = Documents::new(None, Vec::new());
    let mut found = Vec::new();
    let mut read = 0;
    loop {
        found.push(match documents.next() {
            Step::Document(position, document, text) => {
                Found::Document(position, document.len(), text.to_vec())
            }
            Step::Malformed(position, error, text) => {
                Found::Malformed(position.line, error.kind(), text.to_vec())
            }
            Step::UnknownShape(position, error) => Found::Unread(position, error.kind()),
            Step::BrokenOff(position, error, text) => {
                Found::BrokenOff(position, error.kind(), text.to_vec())
            }
            Step::Starved => {
                read += documents.fill(&mut pieces).expect("it is memory");
                continue;
            }
            Step::End => break,
        });
        assert!(found.len() <= text.len(), "more found than there can be");
    }
    assert_eq!(read, text.len());
    found
}

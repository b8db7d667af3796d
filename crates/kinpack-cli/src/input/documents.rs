//! JSON documents, one after another, out of a stream.

use std::io::{self, ErrorKind, Read};

use kinpack_events::{Document, EventError, EventErrorKind, Kind};

use super::place::Position;

/// Reads documents without holding more than the largest of them.
///
/// Linear in time, whatever the input: a document is tried when a line of it is there, then each
/// time the text has doubled, and when its brackets are closed. Text that is not JSON is gone
/// through a constant number of times.
pub(crate) struct Documents {
    kind: Option<Kind>,
    document: Document,
    buffer: Vec<u8>,
    /// What of the buffer was read and not yet taken.
    start: usize,
    filled: usize,
    ended: bool,
    /// Where `start` stands in the input.
    position: Position,
    /// The same, counted in bytes.
    taken: u64,
    /// Bytes at `start` that are known to hold no whole document.
    too_short: usize,
    /// Bytes at `start` that are known to hold no line end.
    unbroken: usize,
    brackets: Brackets,
    /// Whether a document stands on the line where another has ended.
    crammed: bool,
    /// Where documents begin that are known not to end, and where each must stop; the first last.
    hopeless: Vec<(u64, u64)>,
    malformed: Option<Malformed>,
}

/// Text that is not JSON, while its end is looked for.
struct Malformed {
    error: EventError,
    /// The place of the fault, or of the beginning of what breaks off at the input's end.
    place: Position,
    broken_off: bool,
    /// Where it ends, if that is known already.
    end: Option<usize>,
    /// Bytes that were looked through.
    length: usize,
    /// How many of them are the white space that begins a line, if one has just begun.
    blank: Option<usize>,
    /// A line with more white space than this before it belongs to it.
    indent: usize,
}

/// What the text at the beginning of what is left turns out to be.
enum Attempt {
    Document(usize),
    UnknownShape(usize, EventError),
    Malformed(Malformed),
    TooLarge(EventError),
    Starved,
}

/// What comes next.
pub(crate) enum Step<'a> {
    /// A document, which may be exchanged for another, and its text.
    Document(Position, &'a mut Document, &'a [u8]),
    /// Text that is not JSON, the place of the fault, and the whole text that is left out for it,
    /// or a large piece of it.
    Malformed(Position, EventError, &'a [u8]),
    /// JSON that is no document.
    UnknownShape(Position, EventError),
    /// The document that begins here is not all there when the input ends, and its text or a large
    /// piece of it; or it is larger than can be read, which ends the reading.
    BrokenOff(Position, EventError, &'a [u8]),
    /// More must be [read](Documents::fill) first.
    Starved,
    End,
}

impl Documents {
    /// How much is read at once.
    const PIECE: usize = 256 << 10;
    /// So much is tried even where no line ends.
    const LONG_LINE: usize = 16 << 20;
    /// So much is kept of text that is not JSON.
    const MOST_MALFORMED: usize = 16 << 20;

    /// Documents of a kind, or of any. `begin` is what was read already.
    pub(crate) fn new(kind: Option<Kind>, begin: Vec<u8>) -> Self {
        Self {
            kind,
            document: Document::new(),
            start: 0,
            filled: begin.len(),
            buffer: begin,
            ended: false,
            position: Position::START,
            taken: 0,
            too_short: 0,
            unbroken: 0,
            brackets: Brackets::default(),
            crammed: false,
            hopeless: Vec::new(),
            malformed: None,
        }
    }

    /// Reads on, and says how many bytes came; none are the end.
    pub(crate) fn fill(&mut self, reader: &mut dyn Read) -> io::Result<usize> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.filled, 0);
            self.filled -= self.start;
            self.start = 0;
        }
        if self.buffer.len() < self.filled + Self::PIECE {
            self.buffer.resize(self.filled + Self::PIECE, 0);
        }
        let read = loop {
            match reader.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        self.filled += read;
        self.ended = read == 0;
        Ok(read)
    }

    pub(crate) fn next(&mut self) -> Step<'_> {
        loop {
            if self.malformed.is_none() {
                self.skip_white();
                if self.left().is_empty() {
                    return if self.ended { Step::End } else { Step::Starved };
                }
                match self.attempt() {
                    Attempt::Document(length) => {
                        let (position, text) = self.take(length);
                        self.crammed = true;
                        return Step::Document(position, &mut self.document, &self.buffer[text]);
                    }
                    Attempt::UnknownShape(length, error) => {
                        let position = self.take(length).0;
                        self.crammed = true;
                        return Step::UnknownShape(position, error);
                    }
                    Attempt::TooLarge(error) => {
                        self.ended = true;
                        let position = self.take(self.left().len()).0;
                        return Step::BrokenOff(position, error, &[]);
                    }
                    Attempt::Starved => return Step::Starved,
                    Attempt::Malformed(malformed) => self.malformed = Some(malformed),
                }
            }
            let Some((length, last)) = self.look_on() else { return Step::Starved };
            let mut text = self.take(length).1;
            let Some(malformed) = &mut self.malformed else { return Step::Starved };
            malformed.forget(length);
            let (place, error, cut) =
                (malformed.place, malformed.error.clone(), malformed.broken_off);
            if last {
                self.malformed = None;
                text.end = text.start + self.buffer[text.clone()].trim_ascii_end().len();
            }
            // What is left after large pieces may be no more than white space.
            if !text.is_empty() {
                let text = &self.buffer[text];
                return match cut {
                    true => Step::BrokenOff(place, error, text),
                    false => Step::Malformed(place, error, text),
                };
            }
        }
    }

    /// Reads the document that begins here, if there is one.
    fn attempt(&mut self) -> Attempt {
        // A document breaks off before the line where another begins that it cannot hold.
        let mut limit = self.known_end();
        let mut broken_off = false;
        loop {
            if limit.is_none() && !self.worth_a_try() {
                return Attempt::Starved;
            }
            let left = &self.buffer[self.start..self.filled];
            let text = &left[..limit.unwrap_or(left.len())];
            let error = match self.document.read_prefix(self.kind, text) {
                Ok(length) => return Attempt::Document(length),
                Err(error) => error,
            };
            let more = limit.is_none() && !self.ended;
            match (error.kind(), error.value_end()) {
                // A number may go on in what is still to come.
                (_, Some(length)) if length == text.len() && more && !ends_closed(text) => {
                    self.too_short = length;
                    return Attempt::Starved;
                }
                (_, Some(length)) => return Attempt::UnknownShape(length, error),
                (EventErrorKind::UnexpectedEnd, _) if more => {
                    self.too_short = text.len();
                    return Attempt::Starved;
                }
                (EventErrorKind::TooLarge, _) => return Attempt::TooLarge(error),
                (kind, _) => {
                    let cut = kind == EventErrorKind::UnexpectedEnd;
                    if limit.is_none() {
                        broken_off = cut;
                        limit = self.survey(error.offset());
                        if limit.is_some() {
                            continue;
                        }
                    }
                    return Attempt::Malformed(self.malformed(error, limit, cut, broken_off));
                }
            }
        }
    }

    fn malformed(
        &self,
        error: EventError,
        limit: Option<usize>,
        cut: bool,
        broken_off: bool,
    ) -> Malformed {
        let left = self.left();
        let text = &left[..limit.unwrap_or(left.len())];
        let place = match (broken_off, cut) {
            (true, _) => self.position,
            (false, true) => self.position.after(text.trim_ascii_end()),
            (false, false) => self.position.after(&text[..error.offset()]),
        };
        let end = if cut { Some(text.len()) } else { None };
        // The line of the fault may itself be a document's first, but for the line that was just
        // tried. Whoever writes a document in a line may indent the next one as he likes.
        let (length, blank, indent) =
            match left[..error.offset()].iter().rposition(|&byte| byte == b'\n') {
                Some(before) => (before + 1, Some(0), self.indent()),
                None => (0, None, usize::MAX),
            };
        Malformed { error, place, broken_off, end, length, blank, indent }
    }

    /// Looks for the next line that may begin a document: how much is to be left out before it, and
    /// whether that is the last of it. Nothing as long as it is neither at its end nor large.
    fn look_on(&mut self) -> Option<(usize, bool)> {
        let malformed = self.malformed.as_mut()?;
        let left = &self.buffer[self.start..self.filled];
        if malformed.end.is_none() {
            malformed.look_on(left);
            if self.ended {
                malformed.end.get_or_insert(left.len());
            }
        }
        if malformed.end.unwrap_or(malformed.length) > Self::MOST_MALFORMED {
            // A character should stay whole.
            let most = Self::MOST_MALFORMED;
            let first = |&at: &usize| left[at] & 0xC0 != 0x80;
            return Some(((most - 3..=most).rev().find(first).unwrap_or(most), false));
        }
        malformed.end.map(|end| (end, true))
    }

    /// Where the document must stop that begins here, if it is known not to end.
    fn known_end(&mut self) -> Option<usize> {
        while let Some(&(start, end)) = self.hopeless.last() {
            if start > self.taken {
                return None;
            }
            self.hopeless.pop();
            if start == self.taken {
                return Some((end - self.taken) as usize);
            }
        }
        None
    }

    /// Finds lines that may begin documents, after the first line of what is left and up to a
    /// fault in it: where the first of them begins, if there are any. Notes which of them hold
    /// the fault, too, for they need not be tried.
    ///
    /// A document that opens with a line of nothing but a bracket is meant to have lines of its
    /// own for what it holds: it is left alone.
    fn survey(&mut self, fault: usize) -> Option<usize> {
        let left = &self.buffer[self.start..self.filled];
        let first = left.iter().position(|&byte| byte == b'\n').filter(|&end| end < fault)?;
        if !matches!(left[0], b'{' | b'[') || left[..first].trim_ascii_end().len() == 1 {
            return None;
        }
        let indent = self.indent();
        // Where the bracket stands, and where its line begins.
        let begins = |line: usize| {
            let blank = left[line..].iter().take_while(|&&byte| is_blank(byte)).count();
            let bracket = line + blank;
            (blank <= indent && matches!(left.get(bracket), Some(b'{' | b'[')))
                .then_some((bracket, line))
        };
        let lines = (first..fault).filter(|&at| left[at] == b'\n').map(|at| at + 1);
        let candidates: Vec<_> =
            lines.filter_map(begins).filter(|&(bracket, _)| bracket <= fault).collect();
        let limit = candidates.first()?.1;

        // Those that are open at the fault, and the depth in which each stands.
        let mut open: Vec<(usize, usize)> = Vec::new();
        let mut brackets = Brackets::default();
        let places = candidates.iter().map(|&(bracket, _)| bracket).chain([fault]);
        for (index, place) in places.enumerate() {
            brackets.advance(&left[..place], |depth| {
                while open.pop_if(|&mut (_, around)| around >= depth).is_some() {}
            });
            open.push((index, brackets.depth));
        }
        let known = open.iter().rev().filter_map(|&(index, _)| {
            // The last one is tried again: it may be what the input ends with.
            let (bracket, _) = candidates.get(index)?;
            let (_, end) = candidates.get(index + 1)?;
            Some((self.taken + *bracket as u64, self.taken + *end as u64))
        });
        self.hopeless.extend(known);
        Some(limit)
    }

    fn left(&self) -> &[u8] {
        &self.buffer[self.start..self.filled]
    }

    fn skip_white(&mut self) {
        let white = |byte: &u8| is_blank(*byte) || *byte == b'\n';
        let length = self.left().iter().take_while(|&byte| white(byte)).count();
        if length > 0 {
            self.take(length);
        }
    }

    /// How much white space a line may begin with to hold a document of its own, and not a part of
    /// the one that begins here.
    fn indent(&self) -> usize {
        if self.crammed { 0 } else { self.position.byte as usize }
    }

    /// Whether what is left may hold a whole document, as far as is known without reading it.
    fn worth_a_try(&mut self) -> bool {
        let left = &self.buffer[self.start..self.filled];
        if self.ended {
            return true;
        }
        if self.too_short == 0 {
            let line = self.crammed || left[self.unbroken..].contains(&b'\n');
            if line || left.len() >= Self::LONG_LINE {
                return true;
            }
            self.unbroken = left.len();
        }
        if matches!(left[0], b'{' | b'[') {
            // Nothing may follow for long, and its reader should not wait.
            self.brackets.advance(left, |_| {});
        }
        self.brackets.closed || (self.too_short > 0 && left.len() >= 2 * self.too_short)
    }

    /// Takes so many bytes: where they stand in the input, and in the buffer.
    fn take(&mut self, length: usize) -> (Position, std::ops::Range<usize>) {
        let (position, text) = (self.position, self.start..self.start + length);
        self.position = position.after(&self.buffer[text.clone()]);
        self.taken += length as u64;
        self.start = text.end;
        self.crammed &= self.position.line == position.line;
        self.too_short = 0;
        self.unbroken = self.unbroken.saturating_sub(length);
        self.brackets = Brackets::default();
        (position, text)
    }
}

impl Malformed {
    /// Looks through what has come for the end.
    fn look_on(&mut self, left: &[u8]) {
        while let Some(&byte) = left.get(self.length) {
            match (self.blank, byte) {
                (Some(blank), b'{' | b'[') if blank <= self.indent => {
                    // Some of the white space may have gone with a large piece.
                    self.end = Some(self.length.saturating_sub(blank));
                    return;
                }
                (Some(blank), byte) if is_blank(byte) => {
                    self.blank = Some(blank + 1);
                    self.length += 1;
                }
                _ => {
                    let end = left[self.length..].iter().position(|&byte| byte == b'\n');
                    self.blank = end.map(|_| 0);
                    self.length = end.map_or(left.len(), |at| self.length + at + 1);
                }
            }
        }
    }

    /// So many bytes were taken.
    fn forget(&mut self, length: usize) {
        self.length = self.length.saturating_sub(length);
        self.end = self.end.map(|end| end - length);
    }
}

/// How deep in brackets a text ends, which must be the beginning of a JSON value.
#[derive(Default)]
struct Brackets {
    /// Bytes that were looked at.
    length: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// Whether the first bracket was closed.
    closed: bool,
}

impl Brackets {
    /// Looks at what of `text` it has not seen, and tells `close` the depth after each bracket that
    /// closes.
    fn advance(&mut self, text: &[u8], mut close: impl FnMut(usize)) {
        while let Some(&byte) = text.get(self.length) {
            self.length += 1;
            if self.escaped {
                self.escaped = false;
            } else if self.in_string {
                match byte {
                    b'"' => self.in_string = false,
                    b'\\' => self.escaped = true,
                    _ => {
                        let rest = &text[self.length..];
                        let special = |&byte: &u8| byte == b'"' || byte == b'\\';
                        self.length += rest.iter().position(special).unwrap_or(rest.len());
                    }
                }
            } else {
                match byte {
                    b'"' => self.in_string = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => {
                        self.depth = self.depth.saturating_sub(1);
                        self.closed |= self.depth == 0;
                        close(self.depth);
                    }
                    _ => {}
                }
            }
        }
    }
}

/// Whether nothing that follows can belong to the value that `text` ends with.
fn ends_closed(text: &[u8]) -> bool {
    matches!(text, [.., b'}' | b']' | b'"'])
}

/// Whether it is white space within a line.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

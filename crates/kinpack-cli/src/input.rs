//! Kinesis records out of files and standard input, whatever they stand in.

mod documents;
mod group;
mod place;
mod record;
pub(crate) mod source;

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::PathBuf;

use clap::ValueEnum;
use kinpack_events::Kind;

pub(crate) use record::{Found, Unreadable};

use crate::failure::{Failure, Outcome};
use crate::progress::Progress;
use documents::{Documents, Step};
use group::Group;
use place::Position;
use record::{Base64, Line, Unfit};
use source::Source;

/// How the base64 of an aggregate begins.
const AGGREGATE: &[u8] = b"84mawg";

/// What to read, and as what.
#[derive(clap::Args)]
pub(crate) struct Inputs {
    /// Files to read; `-` is standard input, and so is no file at all
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What the input is, where it does not show
    ///
    /// Without this each input is looked at on its own. Where the first bytes that are not white
    /// space are `{` or `[`, it is JSON: one document or many, in lines or pretty-printed, each a
    /// Lambda event, the output of `aws kinesis get-records`, an event of SubscribeToShard, the
    /// event of a Firehose transformation, or one or more records by themselves. `84mawg` begins
    /// the base64 of an aggregate, wrapped or not, and each line that begins so begins another.
    /// All else is one record as it stands.
    #[arg(long, value_name = "KIND", verbatim_doc_comment)]
    input: Option<Format>,
}

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Lambda events
    Lambda,
    /// Output of `aws kinesis get-records`, or input of `put-records`
    GetRecords,
    /// Events of SubscribeToShard
    SubscribeToShard,
    /// Events of a Firehose transformation
    Firehose,
    /// Records by themselves: {"Data": …, "PartitionKey": …}
    Records,
    /// The base64 of one record's data, or of aggregates
    Base64,
    /// One record's data as it is
    Raw,
    /// JSON of any of these kinds.
    #[value(skip)]
    Json,
}

impl Format {
    /// Tells the format by how an input begins. An input of nothing but white space is a stream of
    /// no documents.
    fn detect(begin: &[u8]) -> Self {
        match source::without_mark(begin).trim_ascii_start() {
            [] | [b'{' | b'[', ..] => Self::Json,
            text if text.starts_with(AGGREGATE) => Self::Base64,
            _ => Self::Raw,
        }
    }

    /// As `--input` has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Raw => "raw",
            Self::Json => "json",
            documents => documents.kind().map_or("json", Kind::name),
        }
    }

    /// What the documents of an input in JSON are, if that was said.
    fn kind(self) -> Option<Kind> {
        match self {
            Self::Lambda => Some(Kind::Lambda),
            Self::GetRecords => Some(Kind::GetRecords),
            Self::SubscribeToShard => Some(Kind::SubscribeToShard),
            Self::Firehose => Some(Kind::Firehose),
            Self::Records => Some(Kind::Record),
            Self::Base64 | Self::Raw | Self::Json => None,
        }
    }
}

/// Looks at what is found.
pub(crate) trait Visitor {
    /// Kinesis records, in order, or what should have been some.
    fn records(&mut self, found: &[Found<'_>]) -> crate::Result;

    /// More may be long in coming: what there is should be seen.
    fn pause(&mut self) -> crate::Result<()>;
}

/// Shows every Kinesis record of the input to `visitor`, in order. What of the input cannot be
/// read is said on stderr, and the rest is gone on with; an error comes from the visitor only.
pub(crate) fn visit(
    args: &Inputs,
    progress: &Progress,
    visitor: &mut dyn Visitor,
) -> crate::Result {
    let standard_input = [PathBuf::from("-")];
    let files = if args.files.is_empty() { &standard_input[..] } else { &args.files };
    progress.expect(source::total_length(files));
    let (mut outcome, mut broken) = (Outcome::Well, false);
    for file in files {
        let name = source::name(file);
        let source = Source::open(file);
        let walked = visit_source((&name, source), args.input, progress, visitor)?;
        outcome = outcome.max(walked.outcome);
        broken |= walked.broken;
    }
    progress.end();
    if broken { Err(Failure::Said) } else { Ok(outcome) }
}

/// How a walk through one input went.
pub(crate) struct Walked {
    pub(crate) outcome: Outcome,
    /// Whether not all of it could be read.
    pub(crate) broken: bool,
}

/// The same for one input, by its name.
pub(crate) fn visit_source(
    (name, source): (&str, io::Result<Source>),
    format: Option<Format>,
    progress: &Progress,
    visitor: &mut dyn Visitor,
) -> crate::Result<Walked> {
    let mut walk = Walk { name, progress, visitor: &mut *visitor, broken: false };
    let outcome = match source {
        Ok(mut source) => walk.input(&mut source, format)?,
        Err(error) => {
            walk.break_off(&error);
            Outcome::Well
        }
    };
    let broken = walk.broken;
    visitor.pause()?;
    Ok(Walked { outcome, broken })
}

/// A walk through one input.
struct Walk<'a> {
    name: &'a str,
    progress: &'a Progress,
    visitor: &'a mut dyn Visitor,
    /// Whether not all of it could be read.
    broken: bool,
}

impl Walk<'_> {
    fn input(&mut self, source: &mut Source, format: Option<Format>) -> crate::Result {
        let mut begin = match source.begin() {
            Ok(begin) => begin,
            Err(error) => {
                self.break_off(&error);
                return Ok(Outcome::Well);
            }
        };
        self.progress.advance(begin.len());
        let format = format.unwrap_or_else(|| Format::detect(&begin));
        if format != Format::Raw {
            begin = source::without_mark(&begin).to_vec();
        }
        match format {
            Format::Raw => self.raw(source, begin),
            Format::Base64 => self.base64(source, &begin),
            json => self.documents(source, Documents::new(json.kind(), begin)),
        }
    }

    /// An input that is one record.
    fn raw(&mut self, source: &mut Source, mut data: Vec<u8>) -> crate::Result {
        // Somewhat more than there may be is for others to judge.
        const MOST: usize = kinpack::MAX_DATA_LEN / 2 * 3;
        match source.by_ref().take((MOST + 1) as u64).read_to_end(&mut data) {
            Ok(read) if data.len() <= MOST => {
                self.progress.advance(read);
                return self.visitor.records(&[Found::raw(self.name, &data)]);
            }
            Ok(_) => self.break_off(&"too large for one Kinesis record"),
            Err(error) => self.break_off(&error),
        }
        Ok(Outcome::Well)
    }

    /// An input in base64: one record, or one from each line on that begins an aggregate.
    fn base64(&mut self, source: &mut Source, begin: &[u8]) -> crate::Result {
        // It is longer than the record.
        const MOST: usize = kinpack::MAX_DATA_LEN / 2 * 3;
        let mut outcome = Outcome::Well;
        let mut lines = BufReader::with_capacity(64 << 10, begin.chain(source));
        // The text of a record so far, and the line where it begins.
        let (mut text, mut position) = (Vec::new(), Position::START);
        let (mut alone, mut counted) = (true, begin.len());
        let (mut group, mut decoded) = (Group::new(), Line::default());
        loop {
            let source = lines.get_ref().get_ref().1;
            if !lines.buffer().contains(&b'\n') && !source.is_ready() {
                outcome = outcome.max(group.show(self.name, self.visitor)?);
                self.visitor.pause()?;
            }
            let line = text.len();
            let most = (MOST + 1 - line) as u64;
            let read = lines.by_ref().take(most).read_until(b'\n', &mut text);
            let read = match read {
                Ok(read) if text.len() <= MOST => read,
                broken => {
                    outcome = outcome.max(group.show(self.name, self.visitor)?);
                    match broken {
                        Err(error) => self.break_off(&error),
                        Ok(_) => self.break_off(&"too large for one Kinesis record"),
                    }
                    return Ok(outcome);
                }
            };
            self.progress.advance(read.saturating_sub(counted));
            counted = counted.saturating_sub(read);
            let begins = text[line..].trim_ascii_start().starts_with(AGGREGATE);
            // Only where another begins: to look back at each line would be without end.
            if read == 0 || (begins && !text[..line].trim_ascii().is_empty()) {
                alone &= read == 0;
                let record = Base64 { file: self.name, position, alone, text: &text[..line] };
                let misfit = record.decode(&mut decoded);
                if misfit.is_none() && group.takes(decoded.len()) {
                    let size = (1, decoded.len());
                    if group.add(position, &mut decoded, size) {
                        outcome = outcome.max(group.show(self.name, self.visitor)?);
                    }
                } else {
                    outcome = outcome.max(group.show(self.name, self.visitor)?);
                    let found = misfit.unwrap_or_else(|| decoded.found(self.name, position));
                    outcome = outcome.max(self.visitor.records(&[found])?);
                }
            }
            if begins {
                position = position.after(&text[..line]);
                text.drain(..line);
            }
            if read == 0 {
                return Ok(outcome.max(group.show(self.name, self.visitor)?));
            }
        }
    }

    /// An input in JSON.
    fn documents(&mut self, source: &mut Source, mut documents: Documents) -> crate::Result {
        let mut outcome = Outcome::Well;
        let mut unknown = 0_u64;
        let mut group = Group::new();
        loop {
            let step = documents.next();
            let gathers = match &step {
                Step::Document(_, document, text) => {
                    group.takes(text.len()) && group::is_whole(document)
                }
                Step::Starved => source.is_ready(),
                _ => false,
            };
            if !gathers {
                outcome = outcome.max(group.show(self.name, self.visitor)?);
            }
            match step {
                Step::Document(position, document, text) if gathers => {
                    if group.add(position, document, (document.len(), text.len())) {
                        outcome = outcome.max(group.show(self.name, self.visitor)?);
                    }
                }
                Step::Document(position, document, text) => {
                    let records = Found::in_document(self.name, position, document, text);
                    outcome = outcome.max(records.show(self.visitor)?);
                }
                Step::Malformed(position, error, text) => {
                    let found = Found::malformed(self.name, position, &error, text);
                    outcome = outcome.max(self.visitor.records(&[found])?);
                }
                Step::UnknownShape(position, error) => {
                    unknown += 1;
                    // An input of the wrong kind is seldom so in one document only.
                    if unknown == 1 {
                        self.break_off(&Unfit { position, error });
                    }
                }
                Step::BrokenOff(position, error, []) => {
                    self.break_off(&Unfit { position, error });
                    break;
                }
                Step::BrokenOff(position, error, text) => {
                    let found = Found::broken_off(self.name, Unfit { position, error }, text);
                    outcome = outcome.max(self.visitor.records(&[found])?);
                    self.broken = true;
                }
                Step::Starved => {
                    if !gathers {
                        self.visitor.pause()?;
                    }
                    match documents.fill(source) {
                        Ok(read) => self.progress.advance(read),
                        Err(error) => {
                            outcome = outcome.max(group.show(self.name, self.visitor)?);
                            self.break_off(&error);
                            break;
                        }
                    }
                }
                Step::End => break,
            }
        }
        if unknown > 1 {
            self.break_off(&format_args!("{unknown} documents of unknown shape in all"));
        }
        Ok(outcome)
    }

    fn break_off(&mut self, error: &dyn fmt::Display) {
        self.progress.complain(&format_args!("{}: {error}", self.name));
        self.broken = true;
    }
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn the_first_bytes_tell_the_format() {
        for (begin, format) in [
            (&b""[..], Format::Json),
            (b" \r\n\t", Format::Json),
            (b"\n {", Format::Json),
            (b"[", Format::Json),
            (b"  84mawgoBYQ", Format::Base64),
            (b"84maw", Format::Raw),
            (b"\xF3\x89\x9A\xC2", Format::Raw),
            (b"hello", Format::Raw),
            (b"\xEF\xBB\xBF{", Format::Json),
            (b"\xEF\xBB\xBFhello", Format::Raw),
        ] {
            assert_eq!(Format::detect(begin), format, "{begin:?}");
        }
    }
}

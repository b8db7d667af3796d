//! Files and standard input.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// What messages call an input.
pub(crate) fn name(path: &Path) -> String {
    if is_stdin(path) { "standard input".to_owned() } else { path.display().to_string() }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// One input, open.
pub(crate) struct Source {
    /// What was read of it already.
    begin: io::Cursor<Vec<u8>>,
    rest: Handle,
}

enum Handle {
    Stdin(io::StdinLock<'static>),
    File(File),
}

impl Source {
    /// Opens a file; `-` is standard input.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let rest = match is_stdin(path) {
            true => Handle::Stdin(io::stdin().lock()),
            false => Handle::File(File::open(path)?),
        };
        Ok(Self { begin: io::Cursor::default(), rest })
    }

    /// Whether more can be read at once, if only the end.
    #[cfg(unix)]
    pub(crate) fn is_ready(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        let more = PollFlags::IN;
        let mut handle = [match &self.rest {
            Handle::Stdin(stdin) => PollFd::new(stdin, more),
            Handle::File(file) => PollFd::new(file, more),
        }];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut handle, Some(&at_once)).is_ok_and(|ready| ready > 0)
    }

    /// Whether more can be read at once, if only the end: so with files.
    #[cfg(not(unix))]
    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.rest, Handle::File(_))
    }

    /// Reads as much as tells the format: six bytes after white space, or all there is.
    pub(crate) fn begin(&mut self) -> io::Result<Vec<u8>> {
        const PIECE: usize = 64 << 10;
        let mut begin = Vec::new();
        let mut bytes = [0; 4 << 10];
        loop {
            match self.read(&mut bytes) {
                Ok(0) => return Ok(begin),
                Ok(read) => begin.extend_from_slice(&bytes[..read]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if without_mark(&begin).trim_ascii_start().len() >= 6 || begin.len() >= PIECE {
                return Ok(begin);
            }
        }
    }
}

/// What an input was found to begin with.
pub(crate) struct Peeked {
    /// Its first line that is not blank, with all before it, or as much as could be had.
    pub(crate) line: Vec<u8>,
    /// The whole input.
    pub(crate) source: Source,
}

impl Source {
    /// Looks at the first line that is not blank; at a very long one in part.
    pub(crate) fn peek_line(mut self) -> io::Result<Peeked> {
        const MOST: usize = 64 << 20;
        const PIECE: usize = 64 << 10;
        let (mut begin, mut bytes) = (Vec::new(), vec![0; PIECE]);
        let end = loop {
            let text = without_mark(&begin);
            let blank = begin.len() - text.trim_ascii_start().len();
            if let Some(end) = begin[blank..].iter().position(|&byte| byte == b'\n') {
                break blank + end;
            }
            let read = match self.read(&mut bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read?,
            };
            if read == 0 || begin.len() > MOST {
                begin.extend_from_slice(&bytes[..read]);
                break begin.len();
            }
            begin.extend_from_slice(&bytes[..read]);
        };
        let line = begin[..end].to_vec();
        self.begin = io::Cursor::new(begin);
        Ok(Peeked { line, source: self })
    }
}

/// Text without the byte order mark that some programs put before it.
pub(crate) fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text)
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.begin.read(buffer)? {
            0 => match &mut self.rest {
                Handle::Stdin(stdin) => stdin.read(buffer),
                Handle::File(file) => file.read(buffer),
            },
            read => Ok(read),
        }
    }
}

/// Bytes of all files, if all are files that have a length.
pub(crate) fn total_length(files: &[PathBuf]) -> Option<u64> {
    files.iter().try_fold(0_u64, |total, file| {
        let metadata = fs::metadata(file).ok().filter(fs::Metadata::is_file)?;
        Some(total + metadata.len())
    })
}

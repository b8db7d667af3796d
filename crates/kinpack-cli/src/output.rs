//! Standard output.

use std::io::{self, Write as _};

/// Collects rows and writes them in large pieces.
pub(crate) struct Output {
    rows: Vec<u8>,
}

impl Output {
    const PIECE: usize = 64 << 10;

    pub(crate) fn new() -> Self {
        Self { rows: Vec::with_capacity(2 * Self::PIECE) }
    }

    /// Where to append what is to be written.
    pub(crate) fn rows(&mut self) -> &mut Vec<u8> {
        &mut self.rows
    }

    /// Ends a row.
    pub(crate) fn end_row(&mut self) -> io::Result<()> {
        self.rows.push(b'\n');
        self.flush_large()
    }

    /// Writes what there is if it is much.
    pub(crate) fn flush_large(&mut self) -> io::Result<()> {
        if self.rows.len() < Self::PIECE {
            return Ok(());
        }
        self.flush()
    }

    /// Writes all there is.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        // Past `Stdout`'s own buffer, which would look for line ends.
        let mut stdout = io::stdout().lock();
        stdout.write_all(&self.rows)?;
        self.rows.clear();
        stdout.flush()
    }
}

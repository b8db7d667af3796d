//! A progress bar on a terminal, for what takes longer than a moment.

use std::cell::Cell;
use std::fmt;
use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::failure::complain;

/// How far the input is read.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// When the bar is to appear, while it has not.
    appears: Cell<Option<Instant>>,
}

impl Progress {
    const PATIENCE: Duration = Duration::from_secs(1);

    pub(crate) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        // Rows that scroll by are progress enough.
        let shown = io::stderr().is_terminal() && !io::stdout().is_terminal();
        let appears = Cell::new(shown.then(|| Instant::now() + Self::PATIENCE));
        Self { bar, appears }
    }

    /// The input has so many bytes, if that is known.
    pub(crate) fn expect(&self, length: Option<u64>) {
        let template = match length {
            Some(_) => {
                "{bar:32} {percent:>3} %  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left"
            }
            None => "{spinner} {bytes}  {bytes_per_sec}  {elapsed}",
        };
        self.bar.set_style(ProgressStyle::with_template(template).expect("a well-formed template"));
        if let Some(length) = length {
            self.bar.set_length(length);
        }
    }

    /// So many bytes more were read.
    pub(crate) fn advance(&self, bytes: usize) {
        self.bar.inc(bytes as u64);
        if self.appears.get().is_some_and(|at| Instant::now() >= at) {
            self.appears.set(None);
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// Says something on stderr, above the bar.
    pub(crate) fn complain(&self, message: &dyn fmt::Display) {
        self.bar.suspend(|| complain(message));
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

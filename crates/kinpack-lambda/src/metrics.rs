//! Metrics, printed.

use std::io::Write as _;

/// To the log, in one piece. There is nobody to tell if that fails.
pub(crate) fn print(mut line: String) {
    line.push('\n');
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
}

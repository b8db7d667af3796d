//! `kinpack completions`

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use crate::failure::Outcome;

/// Write a completion script for a shell to standard output
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  kinpack completions bash > ~/.local/share/bash-completion/completions/kinpack")]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> crate::Result {
    // Through a buffer: the generator panics where a pipe is closed.
    let mut script = Vec::new();
    generate(args.shell, &mut crate::Cli::command(), "kinpack", &mut script);
    std::io::Write::write_all(&mut std::io::stdout().lock(), &script)?;
    Ok(Outcome::Well)
}

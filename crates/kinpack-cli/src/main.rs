//! kinpack on the command line.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod completions;
mod data_text;
mod demo;
mod dict;
mod doctor;
mod envelope;
mod event;
mod failure;
mod input;
mod inspect;
mod lambda_event;
mod numbers;
mod output;
mod pack;
mod plan;
mod progress;
mod sample;
mod traffic;
mod unpack;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Outcome;

/// Packs many small messages into few Kinesis records, in the format of Amazon's Kinesis Producer
/// Library, and unpacks them again.
#[derive(Parser)]
#[command(name = "kinpack", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Pack(pack::Args),
    Unpack(unpack::Args),
    Inspect(inspect::Args),
    Dict(dict::Args),
    Event(event::Args),
    Doctor(doctor::Args),
    Plan(plan::Args),
    Demo(demo::Args),
    Completions(completions::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Pack(args) => pack::run(&args),
        Command::Unpack(args) => unpack::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Dict(args) => dict::run(&args),
        Command::Event(args) => event::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Completions(args) => completions::run(&args),
    };
    failure::exit_code(outcome)
}

/// What a subcommand ends with.
type Result<T = Outcome> = std::result::Result<T, failure::Failure>;

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_commands_are_consistent() {
        super::Cli::command().debug_assert();
    }
}

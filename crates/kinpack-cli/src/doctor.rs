//! `kinpack doctor`

mod documents;
mod finding;
mod function;
mod mapping;
mod report;
mod stream;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use self::documents::{Function, Mapping, StreamSummary};
use self::finding::{Finding, Severity};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Say what will hurt a Lambda function that gets aggregates
///
/// Reads what the AWS CLI says of an event source mapping, the function and the stream, any of
/// them, and finds settings that lose data, hurt, or could be better where Kinesis records are
/// aggregates and the function uses kinpack; with each, what to do. It asks no service itself. What
/// it does not find may still be wrong.
#[derive(clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Output of `aws lambda get-event-source-mapping`, or of `list-event-source-mappings`; `-` is
    /// standard input
    #[arg(long, value_name = "FILE", required_unless_present_any = ["function", "stream"])]
    mapping: Option<PathBuf>,
    /// Output of `aws lambda get-function-configuration`, or of `get-function`
    #[arg(long, value_name = "FILE")]
    function: Option<PathBuf>,
    /// Output of `aws kinesis describe-stream-summary`
    #[arg(long, value_name = "FILE")]
    stream: Option<PathBuf>,
    /// The function gives a record up as poison after so many attempts: the N of `After(N)`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    poison_after: Option<u32>,
    /// Partition key of the aggregates
    #[arg(long, value_name = "POLICY", value_enum, default_value_t)]
    outer_key: OuterKey,
    /// Seconds before the deadline in which the function begins nothing new: its `deadline_margin`
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    deadline_margin: u32,
    /// Write a JSON object a line for each finding
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum OuterKey {
    /// `a`, as the KPL has it
    #[default]
    Kpl,
    /// The first user record's
    First,
    /// That of all user records inside
    PerKey,
    /// `lane-<i>`
    Lanes,
}

const AFTER_HELP: &str = "\
Severities:
  loses data  records are lost, or never reach the function
  may hurt    records come late, out of order, or never get done
  advice      could be better, or is good to know

Exit status:
  0  nothing was found, or only advice
  1  something that loses data or may hurt
  2  usage, or a file that cannot be read or is not what it should be

Examples:
  aws lambda get-event-source-mapping --uuid \"$UUID\" | kinpack doctor --mapping -

  With all there is to know; the function uses After(3):
    aws lambda list-event-source-mappings --function-name ingest > mapping.json
    aws lambda get-function-configuration --function-name ingest > function.json
    aws kinesis describe-stream-summary --stream-name clicks > stream.json
    kinpack doctor --mapping mapping.json --function function.json --stream stream.json \\
      --poison-after 3

  In a pipeline, what loses data:
    kinpack doctor --mapping mapping.json --json | jq 'select(.severity == \"loses-data\")'";

/// What findings are about.
#[derive(Clone, Copy)]
struct Case<'a> {
    mapping: &'a Mapping,
    /// Only where they are the mapping's.
    function: Option<&'a Function>,
    stream: Option<&'a StreamSummary>,
    args: &'a Args,
}

/// What was looked at, and what was found.
struct Examined {
    /// `stream clicks -> function ingest`
    what: String,
    uuid: Option<String>,
    findings: Vec<Finding>,
}

pub(crate) fn run(args: &Args) -> crate::Result {
    let files = [&args.mapping, &args.function, &args.stream];
    if files.iter().filter(|it| it.as_deref() == Some(Path::new("-"))).count() > 1 {
        return Err(Failure::new("only one of the files can be standard input"));
    }
    let mappings = args.mapping.as_deref().map(documents::mappings).transpose()?;
    let function = args.function.as_deref().map(documents::function).transpose()?;
    let stream = args.stream.as_deref().map(documents::stream).transpose()?;

    let examined = examine(args, mappings.as_deref(), function.as_ref(), stream.as_ref())?;
    let mut output = Output::new();
    match args.json {
        true => report::json(&examined, output.rows())?,
        false => report::text(&examined, output.rows()),
    }
    // The status is the answer to scripts, whoever has read of the text.
    match output.flush() {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => (),
        flushed => flushed?,
    }
    let hurts = |finding: &Finding| finding.severity > Severity::Advice;
    let well = !examined.iter().flat_map(|it| &it.findings).any(hurts);
    Ok(if well { Outcome::Well } else { Outcome::Faulty })
}

fn examine(
    args: &Args,
    mappings: Option<&[Mapping]>,
    function: Option<&Function>,
    stream: Option<&StreamSummary>,
) -> crate::Result<Vec<Examined>> {
    let mut examined = Vec::new();
    // What is of none of the mappings was meant to be: else its part would silently be missing.
    let (mut function_used, mut stream_used) = (mappings.is_none(), mappings.is_none());
    for mapping in mappings.unwrap_or_default() {
        let function = function.filter(|it| mapping.is_of_function(it));
        let stream = stream.filter(|it| mapping.is_of_stream(it));
        function_used |= function.is_some();
        stream_used |= stream.is_some();
        let case = Case { mapping, function, stream, args };
        let mut findings = mapping::check(&case);
        findings.extend(function::check(&case));
        findings.extend(stream.into_iter().flat_map(stream::check));
        examined.push(Examined {
            what: mapping.to_string(),
            uuid: mapping.uuid.clone(),
            findings: finding::sorted(findings),
        });
    }
    for (given, used, what) in
        [(function.is_some(), function_used, "function"), (stream.is_some(), stream_used, "stream")]
    {
        if given && !used {
            return Err(Failure::new(format!("--{what}: it is not the {what} of any --mapping")));
        }
    }
    if mappings.is_none() {
        if let Some(function) = function {
            let findings = function::alone(function, args);
            let what = format!("function {}", function.name());
            examined.push(Examined { what, uuid: None, findings: finding::sorted(findings) });
        }
        if let Some(stream) = stream {
            let what = format!("stream {}", stream.stream_name);
            let findings = finding::sorted(stream::check(stream));
            examined.push(Examined { what, uuid: None, findings });
        }
    }
    Ok(examined)
}

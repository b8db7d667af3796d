//! Findings for people and for programs.

use std::io;

use serde::Serialize;

use super::Examined;
use super::finding::{Finding, Remedy, Severity};

#[derive(Serialize)]
struct Row<'a> {
    subject: &'a str,
    uuid: Option<&'a str>,
    #[serde(flatten)]
    finding: &'a Finding,
}

/// A JSON object a line.
pub(super) fn json(examined: &[Examined], out: &mut Vec<u8>) -> io::Result<()> {
    for Examined { what, uuid, findings } in examined {
        for finding in findings {
            let row = Row { subject: what, uuid: uuid.as_deref(), finding };
            serde_json::to_writer(&mut *out, &row)?;
            out.push(b'\n');
        }
    }
    Ok(())
}

/// Text of at most 96 columns, but for commands, which are in one line to be copied.
pub(super) fn text(examined: &[Examined], out: &mut Vec<u8>) {
    let mut line = |text: &str| {
        // What a file says goes to a terminal: nothing but text.
        let text = text.replace(char::is_control, " ");
        out.extend_from_slice(text.as_bytes());
        out.push(b'\n');
    };
    for Examined { what, uuid, findings } in examined {
        line(&match uuid {
            Some(uuid) => format!("{what}, mapping {uuid}"),
            None => what.clone(),
        });
        line("");
        for finding in findings {
            line(&format!("  {:10}  {}", label(finding.severity), finding.setting));
            for text in wrapped(&finding.why) {
                line(&format!("              {text}"));
            }
            for (i, text) in remedy(&finding.remedy).iter().enumerate() {
                line(&format!("           {} {text}", if i == 0 { "->" } else { "  " }));
            }
            line("");
        }
        if findings.is_empty() {
            line("  nothing found");
            line("");
        }
    }
    line(&sum(examined.iter().flat_map(|it| &it.findings)));
}

fn label(severity: Severity) -> &'static str {
    match severity {
        Severity::LosesData => "LOSES DATA",
        Severity::MayHurt => "MAY HURT",
        Severity::Advice => "advice",
    }
}

/// `1 loses data, 2 may hurt, 1 advice`
fn sum<'a>(findings: impl Iterator<Item = &'a Finding>) -> String {
    let mut counts = [0_u32; 3];
    for finding in findings {
        counts[finding.severity as usize] += 1;
    }
    let parts = [Severity::LosesData, Severity::MayHurt, Severity::Advice].into_iter();
    let parts: Vec<String> = parts
        .filter(|&severity| counts[severity as usize] > 0)
        .map(|it| format!("{} {}", counts[it as usize], label(it).to_lowercase()))
        .collect();
    if parts.is_empty() { "nothing found".to_owned() } else { parts.join(", ") }
}

/// What to do; a command is on a line of its own.
fn remedy(remedy: &Remedy) -> Vec<String> {
    let words = remedy.words.iter().flat_map(|words| wrapped(words));
    words.chain(remedy.command.clone()).collect()
}

fn wrapped(text: &str) -> Vec<String> {
    const WIDTH: usize = 82;
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{remedy, wrapped};

    #[test]
    fn lines_are_short_and_commands_whole() {
        let words = "word ".repeat(40);
        let lines = wrapped(&words);
        assert!(lines.len() > 2 && lines.iter().all(|line| line.len() <= 82));
        assert_eq!(lines.join(" "), words.trim_end());
        let command = format!("aws x {}", "option ".repeat(20));
        assert_eq!(remedy(&("do:", command.clone()).into()), ["do:".to_owned(), command]);
    }
}

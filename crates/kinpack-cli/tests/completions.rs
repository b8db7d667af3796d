//! `kinpack completions`, as it is run.
#![allow(clippy::unwrap_used)]

use std::io::Write as _;
use std::process::{Command, Stdio};

fn script(shell: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_kinpack"))
        .args(["completions", shell])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{shell}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn scripts_know_every_command_and_many_options() {
    let commands = "pack unpack inspect dict train plan demo completions";
    let options = "compress avro-schema framing decompress inflate-limit schemas linger html";
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = script(shell);
        // The last two complete no values.
        let values = match shell {
            "elvish" | "powershell" => "",
            _ => "aggregate-kinpack-only confluent put-records",
        };
        for word in format!("{commands} {options} {values}").split_whitespace() {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn bash_takes_its_script() {
    let Ok(mut bash) = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn() else {
        return;
    };
    let mut stdin = bash.stdin.take().unwrap();
    stdin.write_all(script("bash").as_bytes()).unwrap();
    drop(stdin);
    assert!(bash.wait().unwrap().success());
}

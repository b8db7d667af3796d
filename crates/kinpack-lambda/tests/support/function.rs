//! A Lambda function in a process of its own, under a [`RuntimeApi`].

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::runtime_api::{Answer, RuntimeApi};

/// Which function a process of this test shall be.
pub(crate) const FUNCTION: &str = "KINPACK_TEST_FUNCTION";

/// A function and its environment. A time-out or a crash ends the process; the next invocation
/// begins in a new one.
pub(crate) struct Function {
    api: RuntimeApi,
    command: Box<dyn Fn() -> Command + Send>,
    child: Option<Child>,
    lines: (Sender<String>, Receiver<String>),
}

impl Function {
    /// The function of this name in the test program that asks: its test `function`.
    pub(crate) fn in_this_test(name: &str, settings: &[(&str, &str)]) -> Self {
        let name = name.to_owned();
        let settings: Vec<_> =
            settings.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self::new(move || {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", "function", "--nocapture"]).env(FUNCTION, &name);
            command.env("RUST_BACKTRACE", "0").envs(settings.iter().cloned());
            command
        })
    }

    pub(crate) fn new(command: impl Fn() -> Command + Send + 'static) -> Self {
        Self { api: RuntimeApi::start(), command: Box::new(command), child: None, lines: channel() }
    }

    /// One invocation with a minute's time.
    pub(crate) fn invoke(&mut self, event: &str) -> Answer {
        self.invoke_for(event, Duration::from_secs(60)).expect("no answer within a minute")
    }

    /// What it returned, as JSON.
    pub(crate) fn returned(&mut self, event: &str) -> String {
        match self.invoke(event) {
            Answer::Returned(json) => json,
            other => panic!("{other:?}"),
        }
    }

    /// One invocation; `None` if it was killed at the deadline.
    pub(crate) fn invoke_for(&mut self, event: &str, time: Duration) -> Option<Answer> {
        if self.child.is_none() {
            self.start();
        }
        let answer = self.api.invoke(event.as_bytes(), time);
        if answer.is_none() {
            self.kill();
        }
        answer
    }

    /// Several invocations at once, with a minute's time.
    pub(crate) fn invoke_all(&mut self, events: &[&str]) -> Vec<Answer> {
        if self.child.is_none() {
            self.start();
        }
        let events: Vec<_> = events.iter().map(|event| event.as_bytes()).collect();
        let answers = self.api.invoke_all(&events, Duration::from_secs(60));
        answers.expect("no answer within a minute")
    }

    /// What was printed since the last time.
    pub(crate) fn printed(&mut self) -> Vec<String> {
        // What a process prints comes before its answer, but by another way.
        let mut lines = Vec::new();
        while let Ok(line) = self.lines.1.recv_timeout(Duration::from_millis(50)) {
            lines.push(line);
        }
        lines
    }

    /// Key and data of the records that a handler began with since the last time.
    pub(crate) fn begun(&mut self) -> Vec<String> {
        let printed = self.printed();
        printed.iter().filter_map(|line| line.strip_prefix("begin ")).map(str::to_owned).collect()
    }

    /// Ends the environment.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn keep(&self, prefix: &'static str, from: impl Read + Send + 'static) {
        let lines = self.lines.0.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                let _ = lines.send(format!("{prefix}{line}"));
            }
        });
    }

    fn start(&mut self) {
        let mut child = (self.command)()
            .env("AWS_LAMBDA_RUNTIME_API", self.api.address())
            .env("AWS_LAMBDA_FUNCTION_NAME", "tested")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/tested")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "stream")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        self.keep("", child.stdout.take().unwrap());
        self.keep("stderr: ", child.stderr.take().unwrap());
        self.child = Some(child);
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A program of this name: what was built, or what `BOOTSTRAPS` has from a zip, by
/// `BOOTSTRAP_RUNNER` if there is one.
pub(crate) fn program(name: &str, built: &str) -> Command {
    let Ok(bootstraps) = std::env::var("BOOTSTRAPS") else { return Command::new(built) };
    let bootstrap = format!("{bootstraps}/{name}/bootstrap");
    let runner = std::env::var("BOOTSTRAP_RUNNER").unwrap_or_default();
    let mut words = runner.split_whitespace().chain([bootstrap.as_str()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words);
    command
}

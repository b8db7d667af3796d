//! A handler under test in another process: [`Subject`] as JSON, a line for each call and answer.
//!
//! ```text
//! call    {"handler": {…}}                     first of all: its settings
//!         {"begin": {…}, "event": "…"}         an invocation; the event is as Lambda sends it
//!         {"step": run, "now": milliseconds}   it goes on
//!         {"kill": run}                        its deadline is there
//!         {"coolDown": true}                   what is kept in memory is gone
//! answer  {"facts": […], "next": milliseconds or null}
//! ```
//!
//! `next` is when the invocation of a `begin` or a `step` goes on. The other process keeps its own
//! store and follows the clock that it is told: a record that is begun at one time ends so many
//! milliseconds later as the script says.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::handler::Handler;
use crate::invocation::{Fact, Invocation, RunId, Subject};

#[derive(Debug, Default, Serialize, Deserialize)]
struct Reply {
    facts: Vec<Fact>,
    next: Option<u64>,
}

/// Talks to a handler under test in another process.
#[derive(Debug)]
pub struct LineSubject<R, W> {
    from: R,
    to: W,
    next: BTreeMap<RunId, u64>,
}

impl<R: BufRead, W: Write> LineSubject<R, W> {
    /// Tells the handler its settings.
    ///
    /// # Errors
    ///
    /// The other process is gone, or does not speak as it should.
    pub fn new(handler: &Handler, from: R, to: W) -> io::Result<Self> {
        let mut subject = Self { from, to, next: BTreeMap::new() };
        subject.call(&json!({ "handler": handler.to_json() }))?;
        Ok(subject)
    }

    fn call(&mut self, call: &Value) -> io::Result<Reply> {
        writeln!(self.to, "{call}")?;
        self.to.flush()?;
        let mut line = String::new();
        if self.from.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_str(&line)?)
    }

    fn go_on(&mut self, run: RunId, call: &Value) -> Vec<Fact> {
        let reply = self.call(call).expect("the handler under test answers");
        match reply.next {
            Some(next) => self.next.insert(run, next),
            None => self.next.remove(&run),
        };
        reply.facts
    }
}

/// Each of these panics if the other process is gone or does not speak as it should.
impl<R: BufRead, W: Write> Subject for LineSubject<R, W> {
    fn begin(&mut self, invocation: Invocation) {
        let event = invocation.delivery.event();
        let run = invocation.run;
        self.go_on(run, &json!({ "begin": invocation, "event": event }));
    }

    fn next_time(&self, run: RunId) -> Option<u64> {
        self.next.get(&run).copied()
    }

    fn step(&mut self, run: RunId, now: u64) -> Vec<Fact> {
        self.go_on(run, &json!({ "step": run, "now": now }))
    }

    fn kill(&mut self, run: RunId) {
        self.go_on(run, &json!({ "kill": run }));
    }

    fn cool_down(&mut self) {
        self.call(&json!({ "coolDown": true })).expect("the handler under test answers");
    }
}

/// The other side, for a handler that is here: answers until there are no more lines. `make` is
/// given the settings.
///
/// # Errors
///
/// A line is not as it should be, or nobody listens.
pub fn serve<S: Subject>(
    from: impl BufRead,
    mut to: impl Write,
    make: impl Fn(&Value) -> S,
) -> io::Result<()> {
    let mut subject = None;
    for line in from.lines() {
        let mut call: Value = serde_json::from_str(&line?)?;
        let reply = match (&mut subject, call.get("handler")) {
            (None, Some(handler)) => {
                subject = Some(make(handler));
                Reply::default()
            }
            (Some(subject), None) => answer(subject, &mut call)?,
            _ => return Err(io::ErrorKind::InvalidData.into()),
        };
        writeln!(to, "{}", serde_json::to_string(&reply)?)?;
        to.flush()?;
    }
    Ok(())
}

fn answer(subject: &mut impl Subject, call: &mut Value) -> io::Result<Reply> {
    let number = |name| call.get(name).and_then(Value::as_u64);
    if let (Some(run), Some(now)) = (number("step"), number("now")) {
        let run = run as RunId;
        let facts = subject.step(run, now);
        return Ok(Reply { facts, next: subject.next_time(run) });
    }
    if let Some(run) = number("kill") {
        subject.kill(run as RunId);
        return Ok(Reply::default());
    }
    if call.get("coolDown").is_some() {
        subject.cool_down();
        return Ok(Reply::default());
    }
    let invocation: Invocation = serde_json::from_value(call["begin"].take())?;
    let run = invocation.run;
    subject.begin(invocation);
    Ok(Reply { facts: Vec::new(), next: subject.next_time(run) })
}

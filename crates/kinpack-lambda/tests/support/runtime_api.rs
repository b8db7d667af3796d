//! Lambda's Runtime API, as far as a function's client sees it. It gives out one invocation at a
//! time to whoever asks, and keeps what comes back.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What a function answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Returned(String),
    Failed {
        error_type: String,
        message: String,
    },
    /// It could not even begin.
    InitFailed(String),
}

#[derive(Debug)]
struct Invocation {
    id: String,
    deadline: SystemTime,
    event: Vec<u8>,
}

/// A server on a port of its own, for one function.
pub(crate) struct RuntimeApi {
    address: SocketAddr,
    inside: Arc<Inside>,
    answers: Receiver<(String, Answer)>,
    count: u64,
}

struct Inside {
    invocations: Mutex<VecDeque<Invocation>>,
    more: Condvar,
    answers: Sender<(String, Answer)>,
}

impl RuntimeApi {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (answers, answered) = channel();
        let inside =
            Arc::new(Inside { invocations: Mutex::default(), more: Condvar::new(), answers });
        let api = Self { address, inside: Arc::clone(&inside), answers: answered, count: 0 };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let inside = Arc::clone(&inside);
                std::thread::spawn(move || serve(stream, &inside));
            }
        });
        api
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// The answer; `None` if there is none at the deadline, as of a function that was killed then.
    pub(crate) fn invoke(&mut self, event: &[u8], time: Duration) -> Option<Answer> {
        self.invoke_all(&[event], time)?.pop()
    }

    /// The answers to several at once, in no order.
    pub(crate) fn invoke_all(&mut self, events: &[&[u8]], time: Duration) -> Option<Vec<Answer>> {
        let begin = Instant::now();
        let ids: Vec<_> = events.iter().map(|event| self.submit(event, time)).collect();
        let mut answers = Vec::new();
        while answers.len() < events.len() {
            let left = time.saturating_sub(begin.elapsed());
            match self.answers.recv_timeout(left) {
                Ok((of, answer)) if ids.contains(&of) || of.is_empty() => answers.push(answer),
                // Of an invocation that was over.
                Ok(_) => (),
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => panic!("the server is gone"),
            }
        }
        Some(answers)
    }

    fn submit(&mut self, event: &[u8], time: Duration) -> String {
        self.count += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", self.count);
        let deadline = SystemTime::now() + time;
        let invocation = Invocation { id: id.clone(), deadline, event: event.to_vec() };
        self.inside.invocations.lock().unwrap().push_back(invocation);
        self.inside.more.notify_all();
        id
    }
}

impl Inside {
    /// The next invocation; `None` if the one who asked is gone.
    fn wait(&self, stream: &TcpStream) -> Option<Invocation> {
        let mut invocations = self.invocations.lock().unwrap();
        loop {
            stream.set_nonblocking(true).unwrap();
            let gone = !matches!(stream.peek(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock);
            stream.set_nonblocking(false).unwrap();
            if gone {
                return None;
            }
            if let Some(invocation) = invocations.pop_front() {
                return Some(invocation);
            }
            let while_asking = Duration::from_millis(20);
            invocations = self.more.wait_timeout(invocations, while_asking).unwrap().0;
        }
    }
}

fn serve(stream: TcpStream, inside: &Inside) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Ok(Some((line, body))) = request(&mut reader) {
        let mut words = line.split_whitespace();
        let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let path = path.strip_prefix("/2018-06-01/runtime/").unwrap_or("");
        let result = match (method, path.split('/').collect::<Vec<_>>().as_slice()) {
            ("GET", ["invocation", "next"]) => {
                let Some(invocation) = inside.wait(&writer) else { return };
                next(&mut writer, &invocation)
            }
            ("POST", ["invocation", id, "response"]) => {
                let text = String::from_utf8(body).unwrap();
                let _ = inside.answers.send(((*id).to_owned(), Answer::Returned(text)));
                respond(&mut writer, "202 Accepted", "", b"{\"status\":\"OK\"}")
            }
            ("POST", ["invocation", id, "error"]) => {
                let error: serde_json::Value = serde_json::from_slice(&body).unwrap();
                let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
                let (error_type, message) = (text("errorType"), text("errorMessage"));
                let answer = Answer::Failed { error_type, message };
                let _ = inside.answers.send(((*id).to_owned(), answer));
                respond(&mut writer, "202 Accepted", "", b"{\"status\":\"OK\"}")
            }
            ("POST", ["init", "error"]) => {
                let text = String::from_utf8_lossy(&body).into_owned();
                let _ = inside.answers.send((String::new(), Answer::InitFailed(text)));
                respond(&mut writer, "202 Accepted", "", b"{\"status\":\"OK\"}")
            }
            _ => respond(&mut writer, "404 Not Found", "", b"{}"),
        };
        if result.is_err() {
            return;
        }
    }
}

fn next(writer: &mut TcpStream, invocation: &Invocation) -> io::Result<()> {
    let deadline = invocation.deadline.duration_since(UNIX_EPOCH).unwrap().as_millis();
    let headers = format!(
        "Lambda-Runtime-Aws-Request-Id: {}\r\nLambda-Runtime-Deadline-Ms: {deadline}\r\n\
         Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:123456789012:function:tested\r\n\
         Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1\r\n",
        invocation.id
    );
    respond(writer, "200 OK", &headers, &invocation.event)
}

/// In one piece: a body that comes after its headers costs 40 ms (Nagle).
fn respond(writer: &mut TcpStream, status: &str, headers: &str, body: &[u8]) -> io::Result<()> {
    let length = body.len();
    let mut all = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n"
    )
    .into_bytes();
    all.extend_from_slice(body);
    writer.write_all(&all)
}

/// The first line and the body; `None` at the end of the connection.
fn request(reader: &mut BufReader<TcpStream>) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut first = String::new();
    if reader.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let (mut length, mut chunked) = (0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        match line.split_once(':') {
            None => break,
            Some(("content-length", value)) => length = value.trim().parse().unwrap(),
            Some(("transfer-encoding", value)) => chunked = value.trim() == "chunked",
            Some(_) => (),
        }
    }
    let mut body = Vec::new();
    if !chunked {
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
    }
    while chunked {
        let mut size = String::new();
        reader.read_line(&mut size)?;
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        let from = body.len();
        body.resize(from + size, 0);
        reader.read_exact(&mut body[from..])?;
        reader.read_line(&mut String::new())?;
        chunked = size > 0;
    }
    Ok(Some((first, body)))
}

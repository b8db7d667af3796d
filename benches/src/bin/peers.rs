//! kinpack's part in `peers/run`: writes the files that it and its peers read, and reads them on
//! request.
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::io::{self, BufRead, Error, Lines, StdinLock};
use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs};

use benches::{Batch, Keys, Workload};
use kinpack::{Digest, deaggregate_many};
use kinpack_events::Document;
use md5::{Digest as _, Md5};
use oracle::Record;

fn main() -> io::Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", directory] => write_all(Path::new(directory)),
        ["serve"] => serve(),
        _ => Err(Error::other("usage: peers write DIRECTORY | peers serve")),
    }
}

/// Count and bytes of user records, and a digest that tells whether they are the right ones in the
/// right order.
#[derive(Default)]
struct Checksum {
    records: usize,
    bytes: usize,
    md5: Md5,
}

impl Checksum {
    fn add(&mut self, key: &str, data: &[u8]) {
        self.records += 1;
        self.bytes += data.len();
        for part in [key.as_bytes(), data] {
            self.md5.update((part.len() as u32).to_le_bytes());
            self.md5.update(part);
        }
    }

    fn text(self) -> String {
        let mut text = format!("{} {} ", self.records, self.bytes);
        self.md5.finalize().iter().for_each(|byte| text += &format!("{byte:02x}"));
        text
    }
}

// The files.

/// Writes the files and prints, for each, its path, the checksum of the user records that went
/// into it, and its name.
fn write_all(directory: &Path) -> io::Result<()> {
    // At 44 KB, a hundred aggregates are what the 6 MB of a Lambda event hold.
    for (size, keys, name) in [
        (32, Keys::Few, "100 x 44 KB of 32 B"),
        (100, Keys::Few, "100 x 44 KB of 100 B"),
        (1_000, Keys::Few, "100 x 44 KB of 1 KB"),
        (10_000, Keys::Few, "100 x 44 KB of 10 KB"),
        (100, Keys::UniqueExplicit, "100 x 44 KB of 100 B, uuid + explicit hash keys"),
    ] {
        Event::of_aggregates(100, size, 47_000, keys).write(directory, name)?;
    }
    Event::of_aggregates(4, 100, 1 << 20, Keys::Few).write(directory, "4 x 1 MiB of 100 B")?;
    Event::of_plain_records(10_000, 100).write(directory, "10,000 plain records of 100 B")
}

/// A Lambda event, and the checksum of its user records.
#[derive(Default)]
struct Event {
    json: String,
    kinesis_records: usize,
    checksum: Checksum,
}

impl Event {
    fn of_aggregates(count: usize, size: usize, max_size: usize, keys: Keys) -> Self {
        let mut event = Self::default();
        for data in Batch::new(count, size, max_size, keys).datas() {
            event.push("a", data);
            // What is in them is said by prost, so that kinpack is checked, too.
            for (key, data) in user_records(data) {
                event.checksum.add(&key, &data);
            }
        }
        event
    }

    fn of_plain_records(count: usize, size: usize) -> Self {
        let mut event = Self::default();
        let workload = Workload::new(size, count * (size + 32), Keys::Few);
        for (key, data) in user_records(&workload.data).take(count) {
            event.push(&key, &data);
            event.checksum.add(&key, &data);
        }
        event
    }

    fn push(&mut self, key: &str, data: &[u8]) {
        self.kinesis_records += 1;
        let number =
            format!("4959033827149025660855969253836157109592{:016}", self.kinesis_records);
        self.json += if self.kinesis_records == 1 { r#"{"Records":["# } else { "," };
        self.json += r#"{"kinesis":{"kinesisSchemaVersion":"1.0","#;
        self.json += &format!(r#""partitionKey":"{key}","sequenceNumber":"{number}","data":""#);
        base64_simd::STANDARD.encode_append(data, &mut self.json);
        self.json += r#"","approximateArrivalTimestamp":1545084650.987},"eventSource":"#;
        self.json += r#""aws:kinesis","eventVersion":"1.0","eventID":"shardId-000000000006:"#;
        self.json += &number;
        self.json += r#"","eventName":"aws:kinesis:record","invokeIdentityArn":"#;
        self.json += r#""arn:aws:iam::123456789012:role/lambda-role","awsRegion":"us-east-2","#;
        self.json += r#""eventSourceARN":"arn:aws:kinesis:us-east-2:123456789012:stream/s"}"#;
    }

    fn write(mut self, directory: &Path, name: &str) -> io::Result<()> {
        self.json += "]}";
        let path = directory.join(format!("{name}.json"));
        fs::write(&path, self.json)?;
        println!("{}\t{}\t{name}", path.display(), self.checksum.text());
        Ok(())
    }
}

fn user_records(aggregate: &[u8]) -> impl Iterator<Item = (String, Vec<u8>)> {
    let message = oracle::decode(aggregate).expect("kinpack writes what prost reads");
    let keys = message.partition_key_table;
    let record =
        move |record: Record| (keys[record.partition_key_index as usize].clone(), record.data);
    message.records.into_iter().map(record)
}

// The reader.

/// A line that says what it is, then a line of answer to each line of request.
fn serve() -> io::Result<()> {
    let lanes = md5_lanes::forced::chosen();
    println!("kinpack {}, MD5 by {lanes}", env!("CARGO_PKG_VERSION"));
    let mut requests = io::stdin().lock().lines();
    let mut next = requests.next().transpose()?;
    while let Some(request) = next {
        let path =
            request.strip_prefix("load ").ok_or_else(|| Error::other("nothing is loaded"))?;
        next = serve_file(&fs::read(path)?, &mut requests)?;
    }
    Ok(())
}

/// Returns the first request that is not about this file.
fn serve_file(json: &[u8], requests: &mut Lines<StdinLock<'static>>) -> io::Result<Option<String>> {
    let document = Document::parse(json.to_vec()).map_err(Error::other)?;
    let (keys, datas) = kinesis_records(&document);
    println!("loaded");
    for request in requests {
        let request = request?;
        match request.split(' ').collect::<Vec<_>>()[..] {
            ["check", stage] => {
                let mut checksum = Checksum::default();
                run(stage, json, &keys, &datas, |key, data| checksum.add(key, data))?;
                println!("{}", checksum.text());
            }
            ["time", stage, seconds] => {
                let least = Duration::from_secs_f64(seconds.parse().map_err(Error::other)?);
                let (mut spent, mut runs, mut touched) = (Duration::ZERO, 0, 0);
                while runs == 0 || spent < least {
                    spent += run(stage, json, &keys, &datas, |key, data| {
                        touched += key.len() + usize::from(key.as_bytes()[0]);
                        touched += data.len() + usize::from(data[0]);
                    })?;
                    runs += 1;
                }
                black_box(touched);
                println!("{}", spent.as_secs_f64() / f64::from(runs));
            }
            _ => return Ok(Some(request)),
        }
    }
    Ok(None)
}

/// Visits all user records and says how long that took.
fn run(
    stage: &str,
    json: &[u8],
    keys: &[Option<&str>],
    datas: &[&[u8]],
    visit: impl FnMut(&str, &[u8]),
) -> io::Result<Duration> {
    match stage {
        "decode" => {
            let start = Instant::now();
            deaggregate(keys, datas, visit);
            Ok(start.elapsed())
        }
        "event" => {
            // A handler owns its event: the copy is the bench's.
            let json = json.to_vec();
            let start = Instant::now();
            {
                let document = Document::parse(black_box(json)).map_err(Error::other)?;
                let (keys, datas) = kinesis_records(&document);
                deaggregate(&keys, &datas, visit);
            }
            Ok(start.elapsed())
        }
        _ => Err(Error::other("no such stage")),
    }
}

fn kinesis_records(document: &Document) -> (Vec<Option<&str>>, Vec<&[u8]>) {
    document
        .records()
        .map(|record| (record.partition_key, record.data.expect("right base64")))
        .unzip()
}

fn deaggregate(keys: &[Option<&str>], datas: &[&[u8]], mut visit: impl FnMut(&str, &[u8])) {
    for (contents, key) in deaggregate_many(black_box(datas), Digest::Verify).zip(keys) {
        let contents = contents.expect("a right aggregate");
        contents
            .records(*key)
            .for_each(|record| visit(record.partition_key.expect("a key"), record.data));
    }
}

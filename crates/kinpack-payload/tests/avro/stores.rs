//! Where schemas come from, and how often they are asked for.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use kinpack_payload::avro::{
    AvroError, AvroReader, AvroWriter, CachedStore, Framing, Framings, Lookup, MemoryStore,
    SchemaId, SchemaStore,
};

const ID: SchemaId = SchemaId::Confluent(301);

/// Answers when it is told to.
#[derive(Default)]
struct Slow {
    asked: AtomicUsize,
    open: Mutex<(bool, Vec<Waker>)>,
    fails: bool,
}

impl Slow {
    fn open(&self) {
        let mut open = self.open.lock().unwrap();
        open.0 = true;
        open.1.drain(..).for_each(Waker::wake);
    }
}

struct Answer<'a>(&'a Slow, SchemaId);

impl Future for Answer<'_> {
    type Output = Result<Arc<kinpack_payload::avro::AvroSchema>, AvroError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut open = self.0.open.lock().unwrap();
        if !open.0 {
            open.1.push(context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(if self.0.fails {
            Err(AvroError::Store { id: self.1, message: "503".to_owned() })
        } else {
            Ok(super::schema(r#""long""#))
        })
    }
}

impl SchemaStore for Slow {
    fn look_up(&self, id: SchemaId) -> Lookup<'_> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Lookup::pending(Answer(self, id))
    }
}

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn threads_ask_once() {
    let store = CachedStore::new(Slow::default());
    let barrier = Barrier::new(9);
    let done = (Mutex::new(0), Condvar::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                let schema = store.look_up(ID).wait().unwrap();
                assert_eq!(schema.canonical_form(), r#""long""#);
                *done.0.lock().unwrap() += 1;
                done.1.notify_one();
            });
        }
        barrier.wait();
        while store.get_ref().asked.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        store.get_ref().open();
        let mut count = done.0.lock().unwrap();
        while *count < 8 {
            count = done.1.wait(count).unwrap();
        }
    });
    store.look_up(ID).wait().unwrap();
    assert_eq!(store.get_ref().asked.load(Ordering::SeqCst), 1);
}

#[test]
fn tasks_ask_once() {
    let store = CachedStore::new(Slow::default());
    let wakes: [Arc<Count>; 3] = Default::default();
    let wakers = wakes.clone().map(Waker::from);
    let mut lookups: Vec<_> = wakers.iter().map(|_| store.look_up(ID)).collect();
    for (lookup, waker) in lookups.iter_mut().zip(&wakers) {
        assert!(Pin::new(lookup).poll(&mut Context::from_waker(waker)).is_pending());
    }
    store.get_ref().open();
    // Only the first waits for the store itself, and then tells the others.
    let woken = || wakes.iter().map(|w| w.0.load(Ordering::SeqCst)).collect::<Vec<_>>();
    assert_eq!(woken(), [1, 0, 0]);
    for (lookup, waker) in lookups.iter_mut().zip(&wakers) {
        assert!(Pin::new(lookup).poll(&mut Context::from_waker(waker)).is_ready());
    }
    assert_eq!(woken(), [1, 1, 1]);
    assert_eq!(store.get_ref().asked.load(Ordering::SeqCst), 1);
}

#[test]
fn one_who_gives_up_leaves_the_question_to_the_next() {
    let store = CachedStore::new(Slow::default());
    let wakes: [Arc<Count>; 2] = Default::default();
    let [one, two] = wakes.clone().map(Waker::from);
    let mut first = store.look_up(ID);
    let mut second = store.look_up(ID);
    assert!(Pin::new(&mut first).poll(&mut Context::from_waker(&one)).is_pending());
    assert!(Pin::new(&mut second).poll(&mut Context::from_waker(&two)).is_pending());
    drop(first);
    assert_eq!(wakes[1].0.load(Ordering::SeqCst), 1);
    assert!(Pin::new(&mut second).poll(&mut Context::from_waker(&two)).is_pending());
    store.get_ref().open();
    assert!(Pin::new(&mut second).poll(&mut Context::from_waker(&two)).is_ready());
    assert_eq!(store.get_ref().asked.load(Ordering::SeqCst), 2);
}

#[test]
fn failures_reach_all_who_wait_and_are_not_remembered() {
    let store = CachedStore::new(Slow { fails: true, ..Slow::default() });
    let mut lookups = [store.look_up(ID), store.look_up(ID)];
    let mut context = Context::from_waker(Waker::noop());
    for lookup in &mut lookups {
        assert!(Pin::new(lookup).poll(&mut context).is_pending());
    }
    store.get_ref().open();
    for lookup in &mut lookups {
        let Poll::Ready(answer) = Pin::new(lookup).poll(&mut context) else { panic!("pending") };
        let message = answer.unwrap_err().to_string();
        assert_eq!(message, "no answer for Confluent schema id 301: 503");
    }
    assert_eq!(store.get_ref().asked.load(Ordering::SeqCst), 1);
    store.look_up(ID).wait().unwrap_err();
    assert_eq!(store.get_ref().asked.load(Ordering::SeqCst), 2);
}

#[test]
fn a_reader_asks_once_for_each_id_and_works_under_an_executor() {
    let slow = Slow::default();
    slow.open();
    let reader = AvroReader::new(&slow).with_framings(Framings::NONE.with(Framing::Confluent));
    let mut payload = Vec::new();
    AvroWriter::confluent(&super::schema(r#""long""#), 301).write(&7, &mut payload).unwrap();
    for _ in 0..3 {
        let mut opening = pin!(reader.open_async(&payload));
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(opened) = opening.as_mut().poll(&mut context) else { panic!("pending") };
        let mut opened = opened.unwrap().unwrap();
        assert_eq!(opened.next().unwrap().unwrap().read::<i64>().unwrap(), 7);
        let mut opened = reader.open(&payload).unwrap().unwrap();
        assert_eq!(opened.next().unwrap().unwrap().read_json().unwrap(), "7");
    }
    assert_eq!(slow.asked.load(Ordering::SeqCst), 1);
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    drop(is_send(reader.open_async(&payload)));
}

#[test]
fn unknown_ids_are_named() {
    let reader = AvroReader::new(MemoryStore::new())
        .with_framings(Framings::default().with(Framing::Confluent).with(Framing::Glue));
    let message = |data: &[u8]| reader.open(data).unwrap_err().to_string();
    assert_eq!(message(b"\0\0\0\x01\x2d\x54"), "no schema for Confluent schema id 301");
    assert_eq!(
        message(b"\xc3\x01\x89\x81\x9c\xd5\xf2\xfd\x74\x60"),
        "no schema for schema fingerprint 89819cd5f2fd7460"
    );
    assert_eq!(
        message(b"\x03\0\xb7\xb4\xa7\xf0\x9c\x96\x4e\x4a\xa6\x87\xfb\x5d\xe9\xef\x0c\x63"),
        "no schema for Glue schema version b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63"
    );
    let wrong = reader.open_as(Framing::Glue, b"{}").unwrap_err();
    assert_eq!(wrong, AvroError::NotFramed { framing: Framing::Glue });
    assert_eq!(reader.open_as(Framing::Datum, b"\0").unwrap_err(), AvroError::NoSchema);
}

#[test]
fn directories() {
    let directory = std::env::temp_dir().join(format!("kinpack-stores-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.join(name), text).unwrap();
    write("301.avsc", r#""long""#);
    write("b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63.avsc", r#""int""#);
    write("click.avsc", super::CLICK);
    write("notes.txt", "not a schema");
    let store = MemoryStore::from_directory(&directory).unwrap();
    let uuid = "b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63".parse().unwrap();
    let form = |id| store.look_up(id).wait().unwrap().canonical_form();
    assert_eq!(form(ID), r#""long""#);
    assert_eq!(form(SchemaId::Glue(uuid)), r#""int""#);
    assert_eq!(form(SchemaId::ConfluentGuid(uuid)), r#""int""#);
    let click = super::schema(super::CLICK);
    assert_eq!(form(click.fingerprint()), click.canonical_form());

    write("0301.avsc", r#""string""#);
    let twice = MemoryStore::from_directory(&directory).unwrap_err().to_string();
    assert!(
        twice.ends_with("301.avsc: another file names Confluent schema id 301, too"),
        "{twice}"
    );
    write("0301.avsc", "{");
    let broken = MemoryStore::from_directory(&directory).unwrap_err().to_string();
    assert!(broken.contains("0301.avsc: not an Avro schema: "), "{broken}");
    std::fs::remove_dir_all(&directory).unwrap();
    let missing = MemoryStore::from_directory(&directory).unwrap_err().to_string();
    assert!(missing.contains(directory.to_str().unwrap()), "{missing}");
}

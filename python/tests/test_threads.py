"""Many threads at once, and Python code that runs in the midst of a call."""

import json
import random
import threading
import time

import pytest

import kinpack
from kinpack import testing
from vectors import load_payload

THREADS = 8


def all_at_once(work):
    """Runs work(number) in threads that start together; what they raise is raised here."""
    raised, ready = [], threading.Barrier(THREADS)

    def run(number):
        try:
            ready.wait(10)
            work(number)
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(it,), daemon=True) for it in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "they wait for each other"
    if raised:
        raise raised[0]


def test_all_ways_into_one_aggregator():
    aggregator = kinpack.Aggregator(max_size=500, shards=3)
    entries, lock = [], threading.Lock()
    each = 1000

    def take():
        with lock:
            entries.extend(aggregator.finished())

    def work(thread):
        if thread % 2:
            for number in range(each):
                aggregator.add(f"key-{number % 7}", f"{thread}/{number}")
                if number % 100 == 0:
                    aggregator.flush()
                    take()
                    assert "user records added" in repr(aggregator)
        else:
            # An iterator that lets the others run.
            pairs = ((f"key-{it % 7}", f"{thread}/{it}".encode()) for it in range(each))
            more = True
            while more:
                more = aggregator._extend(pairs, 2)
                take()

    all_at_once(work)
    aggregator.flush()
    take()
    assert aggregator.added == THREADS * each
    read = sorted(record.data.decode() for record in kinpack.records(entries))
    assert read == sorted(f"{one}/{two}" for one in range(THREADS) for two in range(each))


class Slow:
    """No user record, which lets other threads run while a message is made of it."""

    def __init__(self, aggregator):
        self.aggregator = aggregator

    def __repr__(self):
        time.sleep(0.001)
        self.aggregator.add("k", "from its repr")
        return "slow"


def test_python_code_in_the_midst_of_adding():
    aggregator = kinpack.Aggregator()

    def work(thread):
        for number in range(20):
            if thread % 2:
                aggregator.add("k", f"{thread}/{number}")
                continue
            with pytest.raises(TypeError, match='or a UserRecord is wanted, not "slow"'):
                aggregator._extend(iter([Slow(aggregator)]), 1)

    all_at_once(work)
    assert aggregator.added == THREADS * 20


def test_one_function_of_schemas_for_all():
    vector = dict(load_payload("avro"))["confluent-avro"]
    data, calls = bytes.fromhex(vector["bytes"]), []

    def registry(schema_id):
        calls.append(schema_id)
        time.sleep(0.05)
        return vector["schema"]

    reader = kinpack.AvroReader(registry, framing="confluent")

    def work(_):
        for _ in range(20):
            assert reader.read(data) == vector["value"]

    all_at_once(work)
    assert calls == [301], "asked once, for all"


def test_one_compressor_and_one_decompressor_for_all():
    compressor, decompressor = kinpack.Compressor("zstd"), kinpack.Decompressor()
    records = kinpack.records(
        [{"Data": compressor.compress(f"{it}" * 500)} for it in range(50)], decompress=decompressor
    )
    expected = [(f"{it}" * 500).encode() for it in range(50)]

    def work(thread):
        for number in range(50):
            data = f"{thread}/{number}" * 100
            assert decompressor.decompress(compressor.compress(data)) == data.encode()
            assert [it.data for it in records] == records.data() == expected

    all_at_once(work)


def ticks_during(work):
    """How often another thread gets its turn meanwhile."""
    ticks, stop = [0], threading.Event()

    def tick():
        while not stop.is_set():
            ticks[0] += 1
            time.sleep(0.0005)

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    time.sleep(0.01)
    before = ticks[0]
    work()
    during = ticks[0] - before
    stop.set()
    thread.join()
    return during


NOISE = random.Random(1).randbytes(1000)
MESSAGES = [(f"k{it % 50}", NOISE) for it in range(40_000)]


def records(of):
    entries = list(kinpack.aggregate(MESSAGES, max_size=900_000))
    event = of(entries)
    return lambda: kinpack.records(event)


def finished():
    aggregator = kinpack.Aggregator()
    for key, data in MESSAGES:
        aggregator.add(key, data)
    aggregator.flush()
    return aggregator.finished


def compress():
    data = NOISE * 40_000
    return lambda: kinpack.Compressor("zstd:3").compress(data)


def decompress():
    small = kinpack.Compressor("gzip:1").compress(NOISE * 60_000)
    return lambda: kinpack.Decompressor().decompress(small)


@pytest.mark.parametrize(
    "make",
    [
        lambda: records(testing.event),
        lambda: records(lambda entries: json.dumps(testing.event(entries)).encode()),
        lambda: records(list),
        finished,
        compress,
        decompress,
    ],
)
def test_others_run_meanwhile(make):
    """Decoding, encoding and compression leave the interpreter to other threads."""
    most = 0
    for _ in range(10):
        # The machine may be busy for a while.
        most = max(most, ticks_during(make()))
        if most > 3:
            break
    assert most > 3


def test_one_iterator_gives_each_record_once():
    records = iter(kinpack.records([{"Data": f"{it}"} for it in ["aGk="] * 5000]))
    taken = [[] for _ in range(THREADS)]

    def work(thread):
        for record in records:
            taken[thread].append(record.kinesis_index)

    all_at_once(work)
    assert sorted(number for some in taken for number in some) == list(range(5000))

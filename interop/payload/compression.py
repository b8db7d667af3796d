"""Compression, kinpack's against the peers', both ways."""

import json

from peers import CODECS
from values import message, text

MESSAGES = 12
# For a dictionary to be trained from; its messages are like these.
SAMPLES = 200


class Codecs:
    def __init__(self, command, library, peers, report):
        self._command, self._library, self._peers, self._report = command, library, peers, report

    def round(self, rng):
        messages = [message(rng) for _ in range(MESSAGES)]
        for codec in CODECS:
            level = rng.choice(["", ":%d" % rng.randrange(1, 10)])
            for peer in self._peers:
                if codec in peer.codecs:
                    self._plain(peer, codec, level, messages)
        self._dictionaries(rng)

    def _plain(self, peer, codec, level, messages):
        def ours(title):
            payloads = self._command.compressed(codec + level, messages)
            self._report.judge(title, messages, peer.decompress(codec, payloads))

        def theirs(title):
            payloads = peer.compress(codec, messages)
            self._read(title, codec, messages, payloads)
            if codec in ("gzip", "zstd"):
                # Of several members or frames; the first may be empty.
                twice = [one + other for one, other in zip(payloads, payloads[1:])]
                wanted = [one + other for one, other in zip(messages, messages[1:])]
                self._read(title + ", two in one", codec, wanted, twice)

        self._report.guarded("kinpack pack --compress %s%s → %s" % (codec, level, peer.name), ours)
        self._report.guarded("%s, %s → kinpack unpack" % (peer.name, codec), theirs)

    def _read(self, title, codec, wanted, payloads):
        self._report.judge(title, wanted, self._command.decompressed(codec, payloads))
        if codec != "deflate":
            self._report.judge(title + ", found out", wanted, self._command.decompressed("auto", payloads))

    def _dictionaries(self, rng):
        """Trained by kinpack and by a peer, each message compressed by itself."""
        users = [text(rng) + "%06x" % rng.getrandbits(24) for _ in range(20)]

        def like():
            it = {"event": rng.choice(["view", "click", "buy"]), "user": rng.choice(users), "at": rng.getrandbits(40)}
            return json.dumps(it).encode("utf-8")

        samples = [like() for _ in range(SAMPLES)]
        messages = [b""] + [like() for _ in range(MESSAGES)]
        peers = [peer for peer in self._peers if peer.dictionaries]
        trainers = [self._library] + [peer for peer in peers if hasattr(peer, "train")]
        codec = "zstd:%d" % rng.randrange(1, 20)
        for trainer in trainers:
            name = "a dictionary by %s" % trainer.name

            def check(title):
                dictionary = trainer.train(rng.choice([1024, 2048]), samples)
                plain = sum(map(len, self._library.compress(codec, messages)))
                ours = self._library.compress(codec, messages, dictionary)
                self._report.judge(title + ", smaller with it", [True], [sum(map(len, ours)) < plain])
                for peer in peers:
                    self._dictionary(peer, name, codec, messages, ours, dictionary)

            self._report.guarded(name, check)

    def _dictionary(self, peer, name, codec, messages, payloads, dictionary):
        def ours(title):
            self._report.judge(title, messages, peer.decompress("zstd", payloads, dictionary))

        def theirs(title):
            compressed = peer.compress("zstd", messages, dictionary)
            self._report.judge(title, messages, self._library.decompress("zstd", compressed, dictionary))

        self._report.guarded("kinpack, %s, %s → %s" % (codec, name, peer.name), ours)
        self._report.guarded("%s, zstd, %s → kinpack" % (peer.name, name), theirs)

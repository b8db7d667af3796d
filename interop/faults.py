"""Where kinpack and its peers are known to differ: every name, with its reason, stands here.

The predicates that say when one of them applies stand with the peers (peers.py) and with the
verdict on odd bytes (verdict.py); each predicts the exact result, it does not excuse any result.
"""

# On purpose: kinpack against the KCL.
DIFFERENCES = {
    "index-outside-table": "the KCL logs and loses the rest of the aggregate; kinpack hands the record on"
    " whole, with an error",
    "number-above-32-bits": "protobuf-java cuts tags and lengths to 32 bits and reads something that was"
    " not written; kinpack hands the record on whole, with an error",
    "hash-key-no-number": "the KCL logs and loses the rest of the aggregate; to kinpack an explicit hash"
    " key is text until a range is asked for",
    "hash-key-above-128-bits": "the KCL drops the whole aggregate although no range was given; kinpack"
    " filters only by a range that was given",
    "hash-key-not-plain-digits": "with a range, Java also takes a minus and other scripts' digits as"
    " numbers; kinpack takes ASCII digits with an optional + and reports anything else",
}

# Faults and limits of the peers.
FAULTS = {
    "python-reader-takes-entry-0": "aws-kinesis-agg (PyPI) reads an absent explicit hash key index as 0:"
    " the record gets the first entry of the table",
    "node-reader-takes-entry-0": "aws-kinesis-agg (npm) reads an absent explicit hash key index as 0:"
    " the record gets the first entry of the table",
    "node-reader-refuses-magic": "aws-kinesis-agg (npm) fails on a plain record that begins with the magic;"
    " the KCL hands it on",
    "node-reader-drops-empty-envelope": "aws-kinesis-agg (npm) gives nothing for a record that is only the"
    " magic and the digest of nothing; the KCL hands it on",
    "aiokpl-reader-refuses-magic": "aiokpl raises on a plain record of 20 bytes or more that begins with"
    " the magic; the KCL hands it on",
    "aiokpl-reader-drops-empty-envelope": "aiokpl gives nothing for a record that is only the magic and"
    " the digest of nothing; the KCL hands it on",
    "go-reader-refuses-broken-protobuf": "awslabs' Go module fails on an envelope around broken protobuf;"
    " the KCL hands it on",
    "go-reader-tells-no-hash-key": "awslabs' Go module gives partition key and data only",
    "java-writer-fills-hash-keys": "RecordAggregator writes the MD5 of the partition key as an explicit"
    " hash key where none was given",
    "python-writer-loses-records": "aws-kinesis-agg (PyPI) drops a record that fits max_size without the"
    " 20 bytes of magic and digest, but not with them, and may emit an aggregate of nothing instead",
    "node-writer-swaps-integer-keys": "aws-kinesis-agg (npm) counts indices in order of first use and"
    " writes the table in the order of Object.keys, where integers come first",
    "node-writer-forgets-proto": "aws-kinesis-agg (npm) never enters the key __proto__ into its table,"
    " but counts it each time, so that later indices are too high",
    "node-writer-dies-of-hasOwnProperty": "aws-kinesis-agg (npm) throws at the record after one whose key"
    " is hasOwnProperty",
    "go-writer-keeps-first-key": "a8m/kinesis-producer gives every record of an aggregate the first one's"
    " partition key",
    "go-writer-drops-hash-keys": "a8m/kinesis-producer takes no explicit hash keys",
}


class Met:
    """How often each was met."""

    def __init__(self):
        self.counts = {}

    def add(self, names):
        for name in names:
            assert name in DIFFERENCES or name in FAULTS, name
            self.counts[name] = self.counts.get(name, 0) + 1

    def print(self):
        for title, table in (
            ("differences from the KCL, on purpose", DIFFERENCES),
            ("faults and limits of the peers", FAULTS),
        ):
            print("\n%s (in how many checks)" % title)
            for name, reason in table.items():
                print("%8d  %s: %s" % (self.counts.get(name, 0), name, reason))

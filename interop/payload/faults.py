"""Where the peers are known to be wrong about payloads: every name, with its reason, stands here, and
for each what exactly comes out instead of the truth."""

from values import Default, Single

FAULTS = {
    "fastavro-does-not-round-to-float": "fastavro reads an int or a long as a float by making it a double;"
    " Avro's float has 24 bits",
    "fastavro-default-bytes-are-text": "fastavro gives the default of a field of bytes as the text that stands"
    " in the reader's schema",
    "fastavro-writes-bytes-as-array": "fastavro takes bytes for a sequence of numbers, so in a union where an"
    " array of int stands before bytes, it writes them as that array",
    "confluent-refuses-short-payloads": "confluent-kafka wants six bytes at least: it refuses a datum of no"
    " bytes behind its five of framing, and with the id in a header any datum of less than six",
}


class Refused:
    """The truth is known, but the peer refuses."""

    def __repr__(self):
        return "an error"


REFUSED = Refused()


class Met:
    """How often each was met."""

    def __init__(self):
        self._counts = dict.fromkeys(FAULTS, 0)

    def resolved_by_fastavro(self, truth):
        """What fastavro makes of it instead, by a reader's schema."""
        if isinstance(truth, Single) and truth.of is not None and float(truth.of) != truth:
            self._counts["fastavro-does-not-round-to-float"] += 1
            return float(truth.of)
        if isinstance(truth, Default):
            self._counts["fastavro-default-bytes-are-text"] += 1
            return truth.decode("latin-1")
        if isinstance(truth, dict):
            return {name: self.resolved_by_fastavro(part) for name, part in truth.items()}
        if isinstance(truth, list):
            return [self.resolved_by_fastavro(part) for part in truth]
        return truth

    def written_by_fastavro(self, truth):
        """What it writes for the bytes of BYTES_OR_ARRAY."""
        self._counts["fastavro-writes-bytes-as-array"] += 1
        return {"it": list(truth["it"])}

    def read_by_confluent(self, truth, payload):
        if len(payload) >= 6:
            return truth
        self._counts["confluent-refuses-short-payloads"] += 1
        return REFUSED

    def print(self):
        print("\nfaults of the peers with payloads (met how often)")
        for name, reason in FAULTS.items():
            print("%8d  %s: %s" % (self._counts[name], name, reason))

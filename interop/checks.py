"""The checks: each takes its case whole and returns None or what is wrong, so that a failing
case can be made smaller by asking again."""

from inputs import HASH_KEYS, MAGIC, RECORD_LIMIT, aggregate_size, hash_key, md5, unb64
from peers import is_aggregate
from programs import Broken
from verdict import FAULT, complaint, expect, expect_strict, first_difference, short


def normal(record):
    """A record as every reader must give it back."""
    ehk = record.get("explicit_hash_key")
    return dict(
        partition_key=record["partition_key"],
        explicit_hash_key=None if ehk is None else str(int(ehk)),
        data=record["data"],
    )


class Checks:
    def __init__(self, kinpack, peers, met):
        self.kinpack = kinpack
        self.peers = peers
        self.met = met
        self._packed = None

    # kinpack writes, the peers read.

    def entries(self, records, options):
        """Entries and the KCL's reading of them; kept, as each reader asks for the same."""
        if self._packed is None or self._packed[0] is not records or self._packed[1] != options:
            entries = self.kinpack.pack(records, options)
            self._packed = (records, options, entries, self.peers.kcl.read(entries))
        return self._packed[2:]

    def packed(self, records, options):
        """The KCL gives back what kinpack was given, and the entries keep their rules."""
        entries, read = self.entries(records, options)
        given = [normal(record) for record in records]
        found, groups = [], {}
        for number, (entry, result) in enumerate(zip(entries, read)):
            rows = result["records"]
            if result["logged"] or not rows:
                return "entry %d: the KCL reads %s, logs %s" % (number, short(rows), result["logged"])
            wrong = self._entry(entry, rows, options)
            if wrong:
                return "entry %d of %d: %s" % (number, len(entries), wrong)
            for row in rows:
                found.append((row, entry))
                if row["aggregated"]:
                    key = hash_key(row["partition_key"], row["explicit_hash_key"])
                else:
                    key = int(entry["explicit_hash_key"])
                groups.setdefault((row["partition_key"], key), []).append(row)

        # Order is kept for each key under every policy, and altogether where nothing splits.
        expected = {}
        for record in given:
            key = hash_key(record["partition_key"], record["explicit_hash_key"])
            expected.setdefault((record["partition_key"], key), []).append(record)
        if set(groups) != set(expected):
            return "keys differ: %s" % short(sorted(set(groups) ^ set(expected)))
        for key in expected:
            wrong = self._same(groups[key], expected[key])
            if wrong:
                return "key %s: %s" % (short(key), wrong)
        if options.outer_key in ("kpl", "first") and options.shards == 1:
            wrong = self._same([row for row, _ in found], given)
            if wrong:
                return wrong
            return self._full(given, [len(result["records"]) for result in read], options)
        return None

    @staticmethod
    def _same(rows, records):
        for number, (row, record) in enumerate(zip(rows, records)):
            for member in ("partition_key", "explicit_hash_key", "data"):
                # A plain record's explicit hash key is the entry's own; a reader never sees it.
                if row[member] != record[member] and (row["aggregated"] or member != "explicit_hash_key"):
                    return "user record %d: %s is %s, not %s" % (
                        number, member, short(row[member]), short(record[member]))
        if len(rows) != len(records):
            return "%d user records instead of %d" % (len(rows), len(records))
        return None

    @staticmethod
    def _entry(entry, rows, options):
        size = len(unb64(entry["data"]))
        aggregated = rows[0]["aggregated"]
        lanes = int(options.outer_key[6:]) if options.outer_key.startswith("lanes:") else None
        if size + len(entry["partition_key"].encode("utf-8")) > RECORD_LIMIT:
            return "%d bytes are above the record limit" % size
        if len(rows) > 1 and size > options.max_size:
            return "%d bytes are above max_size" % size
        if options.max_count is not None and len(rows) > options.max_count:
            return "%d records are above max_count" % len(rows)
        if aggregated != (len(rows) > 1 or lanes is not None):
            return "%d records, aggregated is %s" % (len(rows), aggregated)

        keys = {row["partition_key"] for row in rows}
        outer = entry["partition_key"]
        if lanes is not None:
            own = {"lane-%d" % (int.from_bytes(md5(key.encode("utf-8")), "big") % lanes) for key in keys}
        elif options.outer_key == "kpl" and aggregated:
            own = {"a"}
        elif options.outer_key == "per-key":
            own = keys
        else:
            own = {rows[0]["partition_key"]}
        if own != {outer}:
            return "outer partition key is %s, not %s" % (short(outer), short(sorted(own)))

        hash_keys = [hash_key(row["partition_key"], row["explicit_hash_key"]) for row in rows]
        if aggregated and entry["explicit_hash_key"] != str(hash_keys[0]):
            return "outer explicit hash key is %s, not %d" % (entry["explicit_hash_key"], hash_keys[0])
        width = HASH_KEYS // options.shards
        if aggregated and len({min(key // width, options.shards - 1) for key in hash_keys}) > 1:
            return "records of several shards"
        return None

    @staticmethod
    def _full(given, counts, options):
        """An aggregate ends only where one record more would not fit: sizes are exact."""
        start = 0
        # Room for any outer key below the record limit.
        limit = min(options.max_size, RECORD_LIMIT - 1024)
        for count in counts[:-1]:
            more = given[start : start + count + 1]
            if aggregate_size(more) <= limit and count != options.max_count:
                return "an aggregate of %d ends although one record more makes %d of %d bytes" % (
                    count, aggregate_size(more), options.max_size)
            start += count
        return None

    def read_by(self, reader, records, options):
        """A peer reads kinpack's entries as the KCL does."""
        entries, truth = self.entries(records, options)
        return self.agrees(reader, entries, [result["records"] for result in truth])

    def agrees(self, reader, entries, truth):
        names = set()
        cases = zip(entries, truth, self._parse(entries), reader.read(entries))
        for number, (entry, rows, parsed, result) in enumerate(cases):
            table = [key["text"] for key in (parsed or {}).get("explicit_hash_keys", [])]
            expected, met = reader.expect(entry, rows, table)
            names.update(met)
            if expected is None:
                if not result.get("error"):
                    return "entry %d: no error, expected by %s" % (number, met)
                continue
            if result.get("error"):
                return "entry %d: %s" % (number, short(result["error"]))
            found, expected = reader.view(result["records"]), reader.view(expected)
            if found != expected:
                return "entry %d: %s" % (number, first_difference(found, expected))
        self.met.add(names)
        return None

    def unpacked(self, records, options):
        """kinpack reads its own entries as the KCL does."""
        entries, truth = self.entries(records, options)
        found = self.kinpack.unpack(entries, ["--strict"])
        for number, (entry, result, rows) in enumerate(zip(entries, truth, found)):
            data = unb64(entry["data"])
            if not result["records"][0]["aggregated"] and data.startswith(MAGIC):
                # Plain to the KCL, suspect to --strict.
                wrong = complaint(entry, FAULT, rows)
            else:
                wrong = complaint(entry, result["records"], rows)
            if wrong:
                return "entry %d: %s" % (number, wrong)
        return None

    def same_bytes(self, records, options):
        """aiokpl, which writes the KPL's bytes, writes these."""
        entries, truth = self.entries(records, options)
        for number, (entry, result) in enumerate(zip(entries, truth)):
            rows = result["records"]
            if options.outer_key.startswith("lanes:") and len(rows) == 1:
                continue  # the KPL never aggregates one record
            # What kinpack wrote of a lone record's explicit hash key, only the entry tells.
            if not rows[0]["aggregated"]:
                rows = [dict(rows[0], explicit_hash_key=entry["explicit_hash_key"])]
            wanted, error = self.peers.aiokpl.write(rows, None)
            if error:
                return "entry %d: aiokpl: %s" % (number, error)
            for member in ("data", "explicit_hash_key"):
                if wanted[0][member] != entry[member]:
                    return "entry %d: %s is %s, aiokpl's is %s" % (
                        number, member, short(entry[member]), short(wanted[0][member]))
            if options.outer_key == "kpl" and wanted[0]["partition_key"] != entry["partition_key"]:
                return "entry %d: outer partition key is %s" % (number, short(entry["partition_key"]))
        return None

    # The peers write, kinpack reads.

    def written_by(self, writer, records, max_size):
        """kinpack and the KCL read the same from a peer's entries: what the peer was given."""
        entries, error = writer.write(records, max_size)
        if error is not None:
            fault = writer.explains(records, error)
            if fault is None:
                return "%s: %s" % (writer.name, error)
            self.met.add([fault])
            return None
        counts = [
            1 if parsed is None or "broken" in parsed else len(parsed["records"])
            for parsed in self._parse(entries)
        ]
        expected, names = writer.expect(records, entries, counts, max_size)
        read = self.peers.kcl.read(entries)
        found = self.kinpack.unpack(entries)
        for number, (entry, rows, kcl, own) in enumerate(zip(entries, expected, read, found)):
            if rows is None:
                names.add("index-outside-table")
                if not kcl["logged"]:
                    return "entry %d: the KCL logs no exception" % number
            elif kcl["records"] != rows:
                return "entry %d: the KCL: %s" % (number, first_difference(kcl["records"], rows))
            wrong = complaint(entry, FAULT if rows is None else rows, own)
            if wrong:
                return "entry %d: kinpack: %s" % (number, wrong)
        self.met.add(names)
        return None

    def repacked(self, writer, records, options):
        """What kinpack unpacked from a peer's entries, it packs again: `unpack | pack`."""
        entries, error = writer.write(records, 51200)
        if error is not None:
            return None  # written_by judges it
        rows = [row for found in self.kinpack.unpack(entries) for row in found]
        rows = [row for row in rows if "error" not in row and row["partition_key"]]
        return self.packed(rows, options) if rows else None

    # Bytes of any kind.

    def _parse(self, entries):
        """What protobuf-java finds in each; None for what is no aggregate."""
        wanted = [number for number, entry in enumerate(entries) if is_aggregate(unb64(entry["data"]))]
        parsed = [None] * len(entries)
        for number, found in zip(wanted, self.peers.parse([entries[number] for number in wanted])):
            parsed[number] = found
        return parsed

    def odd(self, entries, key_range):
        """For each entry None or what is wrong: kinpack against the KCL on any bytes."""
        parsed = self._parse(entries)
        ends = None if key_range is None else [str(end) for end in key_range]
        read = self.peers.kcl.read(entries, ends)
        found = self.kinpack.unpack(entries, ["--hash-range", ":".join(ends)] if ends else [])
        strict = self.kinpack.unpack(entries, ["--strict"]) if ends is None else found
        wrong, names = [], []
        for entry, kcl, inside, rows, strict_rows in zip(entries, read, parsed, found, strict):
            try:
                expected, name = expect(entry, kcl, inside, key_range)
            except AssertionError as error:
                wrong.append("%s: %s, logs %s" % (error, short(kcl["records"]), kcl["logged"]))
                continue
            says = complaint(entry, expected, rows)
            if says is None and ends is None:
                allowed = [kind or expected for kind in expect_strict(entry, inside)]
                complaints = [complaint(entry, kind, strict_rows) for kind in allowed]
                if None not in complaints:
                    expected, rows, says = allowed[0], strict_rows, "--strict: " + complaints[0]
            if says is not None:
                says = "%s: kinpack %s, the KCL %s, expected %s" % (
                    says, short(rows), short(kcl["records"]), short(expected))
            elif name is not None:
                names.append(name)
            wrong.append(says)
        self.met.add(names)
        return wrong


def guarded(check, *case):
    """A check's answer; a program that breaks down is one, too."""
    try:
        return check(*case)
    except Broken as error:
        return str(error)


def shrunk(items, fails, budget):
    """Fewer items that still fail, found by leaving out runs of them; asks at most `budget` times."""
    size = max(1, len(items) // 2)
    while budget > 0:
        start = 0
        while start < len(items) and budget > 0:
            fewer = items[:start] + items[start + size :]
            budget -= 1
            if fewer and fails(fewer):
                items = fewer
            else:
                start += size
        if size == 1:
            break
        size //= 2
    return items


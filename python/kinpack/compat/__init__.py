"""The names and shapes of aws-kinesis-agg 1.2.3, on kinpack.

`from kinpack.compat import aggregator, deaggregator` instead of
`from aws_kinesis_agg import aggregator, deaggregator`. What differs is listed in
`docs/migrating-from-aws-kinesis-agg.md`.
"""

MAGIC = b"\xf3\x89\x9a\xc2"
DIGEST_SIZE = 16
MAX_BYTES_PER_RECORD = 1024 * 1024

from kinpack.compat import aggregator, deaggregator  # noqa: E402  (they need the constants)

__all__ = ["DIGEST_SIZE", "MAGIC", "MAX_BYTES_PER_RECORD", "aggregator", "deaggregator"]

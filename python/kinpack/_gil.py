"""Refuses a free-threaded build of Python, which cannot load what is made for the others."""

import sys

# Also with its GIL switched on: the layout of objects is another.
if "free-threading" in sys.version:
    raise ImportError(
        "kinpack is not for free-threaded builds of Python, also not with PYTHON_GIL=1: take one "
        "that is not free-threaded"
    )

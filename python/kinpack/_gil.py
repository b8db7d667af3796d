"""Refuses a Python that runs without its lock."""

import sys

if not getattr(sys, "_is_gil_enabled", lambda: True)():
    raise ImportError(
        "kinpack is not for a Python that runs without its GIL: take one that is not "
        "free-threaded, or set PYTHON_GIL=1"
    )

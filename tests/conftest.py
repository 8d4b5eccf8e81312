"""Fixtures that every room may use."""

from __future__ import annotations

import functools
import signal
import ssl
from pathlib import Path

import pytest

# a shell that runs this in the background lets it and all that it starts ignore Ctrl-C
signal.signal(signal.SIGINT, signal.default_int_handler)

# every client without one reads the machine's certificates anew, 20 ms each; nothing here needs them
ssl.create_default_context = functools.cache(ssl.create_default_context)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the root of the repository."""
    return ROOT

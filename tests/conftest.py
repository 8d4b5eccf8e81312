"""Fixtures that every room may use."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from marketing_analytics.core.locks import file_lock

# a shell that runs this in the background lets it and all that it starts ignore Ctrl-C
signal.signal(signal.SIGINT, signal.default_int_handler)

# a client without one reads the machine's certificates anew, 20 ms each; nothing here needs them
ssl.create_default_context = functools.cache(ssl.create_default_context)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let what commands remember between them be that of the tests, not the user's."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return how a folder is made for all tests: the first worker makes it, others wait for it."""
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent

    def made(name: str, make: Callable[[Path], object]) -> Path:
        folder, note = shared / name, shared / f"{name}.made"
        with file_lock(shared / f"{name}.lock", taken="being made", timeout_seconds=600):
            if not note.exists():
                # what another worker could not finish
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                note.touch()
        return folder

    return made

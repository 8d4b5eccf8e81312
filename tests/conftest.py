"""Fixtures that every room may use."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import ssl
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from marketing_analytics.core.locks import file_lock

# a shell that runs this in the background lets it and all that it starts ignore Ctrl-C
signal.signal(signal.SIGINT, signal.default_int_handler)

# a client without one reads the machine's certificates anew, 20 ms each; nothing here needs them
ssl.create_default_context = functools.cache(ssl.create_default_context)

ROOT = Path(__file__).resolve().parent.parent

# rooms whose tests share what takes long to make, the longest first: one worker has a room, so that
# no other waits for what it makes
ROOMS_IN_ONE = ("ingest", "transform", "demo")


def room_of(path: str) -> str:
    """Return the folder below `tests` that a test file stands in."""
    return path.split("/")[1]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the rooms that take longest."""
    ranks = {room: rank for rank, room in enumerate(ROOMS_IN_ONE)}
    items.sort(key=lambda item: ranks.get(room_of(item.location[0]), len(ranks)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each worker whole files, and whole rooms of those that share much."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return room if (room := room_of(file)) in ROOMS_IN_ONE else file

    return Scheduling(config, log)


@pytest.fixture(scope="session", autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let what commands remember between them be that of the tests, not the user's."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture
def replaced(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return how functions of a library are replaced for one module.

    Replaced in the library itself, `time.sleep` is another one for every thread that still runs.
    """

    def replace(module: Any, library: str, **functions: Any) -> None:
        own = ModuleType(library)
        vars(own).update(vars(getattr(module, library)), **functions)
        monkeypatch.setattr(module, library, own)

    return replace


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

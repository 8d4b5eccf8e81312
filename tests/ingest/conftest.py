"""A small world, its emulators, and a database loaded once."""

import json
import shutil
import subprocess

import pytest

from .commands import COMMAND, Emulators, clean_environment, contents, ingest
from .soak import build_world, undisturbed_loads
from .source_kit import OF_THE_ENGINE

SMALL_WORLD = [
    "simulate",
    "build",
    "--seed",
    "11",
    "--customers",
    "150",
    "--days",
    "30",
    "--end-date",
    "2026-10-31",
]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Leave what the engine does alike for every source to the thorough suite, but for some."""
    for item in items:
        kit = getattr(item, "cls", None)
        is_alike = getattr(item, "originalname", "") in OF_THE_ENGINE
        if is_alike and not getattr(kit, "is_thorough", True):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def world(made_once):
    """Return the folder of a world of 150 customers and 30 days."""

    def build(folder):
        subprocess.run(
            [*COMMAND, *SMALL_WORLD, "--out", str(folder)],
            env=clean_environment(),
            check=True,
            capture_output=True,
            timeout=120,
        )

    return made_once("world", build)


@pytest.fixture(scope="session")
def ledger(world):
    return json.loads((world / "ledger.json").read_text())


@pytest.fixture(scope="session")
def shared_emulators(world, tmp_path_factory):
    """Emulators as they are without a fault."""
    running = Emulators(world, tmp_path_factory.mktemp("serve"))
    yield running
    running.stop()


@pytest.fixture
def emulators(shared_emulators):
    """The emulators, to be disturbed; they are as new before and after."""
    shared_emulators.reset()
    yield shared_emulators
    shared_emulators.reset()


@pytest.fixture(scope="session")
def loaded(shared_emulators, made_once):
    """Return a raw database with all sources, loaded once; nobody may change it."""

    def load(folder):
        place = folder / "raw.duckdb"
        done = ingest("--raw-database", place, "--json", **shared_emulators.settings)
        assert done.code == 0, done.out + done.err

    return made_once("loaded", load) / "raw.duckdb"


@pytest.fixture(scope="session")
def everything(loaded):
    """Return the contents of the loaded database."""
    return contents(loaded)


@pytest.fixture
def copy_of_loaded(loaded, tmp_path):
    """Return a copy of the loaded database that a test may change."""
    shutil.copy(loaded, tmp_path / "raw.duckdb")
    return tmp_path / "raw.duckdb"


@pytest.fixture(scope="session")
def tiny_world(made_once):
    """Return the folder of a world of 60 customers and 14 days."""
    return made_once("tiny_world", build_world)


@pytest.fixture(scope="session")
def tiny_emulators(tiny_world, tmp_path_factory):
    """Emulators of the tiny world; who disturbs them puts them back."""
    running = Emulators(tiny_world, tmp_path_factory.mktemp("serve"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def undisturbed(tiny_emulators, tmp_path_factory):
    """Return what gives the rows of an undisturbed load, its database, its requests."""
    return undisturbed_loads(tiny_emulators, tmp_path_factory.mktemp)

"""Clients that others wrote, unmodified, each in an environment of its own, and what they face."""

import pytest

from tests.environments import environment_of
from tests.ingest.conftest import emulators, ledger, shared_emulators, world

__all__ = ["emulators", "ledger", "shared_emulators", "world"]


@pytest.fixture(scope="session")
def client():
    """Return a function: name of a requirements file -> the `bin` folder of its environment."""
    return environment_of

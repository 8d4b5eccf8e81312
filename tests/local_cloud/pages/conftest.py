"""A seeded folder, an empty one, and clients that speak to the pages without a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from benchmarks.seeded_pages import seed, seed_account, settings_of
from marketing_analytics.local_cloud.pages.mount import build_ui
from marketing_analytics.local_cloud.store.schema import open_store

BROWSER = {"accept": "text/html", "sec-fetch-site": "same-origin"}


def client_of(folder: Path, **settings: Any) -> TestClient:
    """Return a client that behaves like a browser on this machine."""
    return TestClient(
        build_ui(settings_of(folder, **settings)),
        base_url="http://127.0.0.1:8580",
        headers=BROWSER,
        follow_redirects=False,
    )


@dataclass
class Seeded:
    """A seeded folder with the ids of runs worth looking at."""

    folder: Path
    ids: dict[str, int]

    def client(self, **settings: Any) -> TestClient:
        """Return a client of its pages."""
        return client_of(self.folder, **settings)

    def change(self, statement: str, values: tuple[Any, ...] = ()) -> None:
        """Change the store behind the pages."""
        connection = open_store(self.folder / "cloud.sqlite")
        connection.execute(statement, values)
        connection.close()


@pytest.fixture
def seeded(tmp_path: Path) -> Seeded:
    folder = tmp_path / "cloud"
    return Seeded(folder, seed(folder, runs=40, lines=120))


@pytest.fixture
def pages(seeded: Seeded) -> TestClient:
    return seeded.client()


@pytest.fixture
def empty_pages(tmp_path: Path) -> TestClient:
    folder = tmp_path / "empty"
    folder.mkdir()
    connection = open_store(folder / "cloud.sqlite")
    seed_account(connection, datetime.now(UTC))
    connection.close()
    return client_of(folder)


@pytest.fixture
def pages_on() -> Callable[..., TestClient]:
    return client_of

"""Served pages and a real Chromium, for tests that look at what a person sees."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmarks.seeded_pages import seed, settings_of
from marketing_analytics.local_cloud.pages.mount import build_ui
from marketing_analytics.local_cloud.pages.settings import UiSettings
from marketing_analytics.local_cloud.store.schema import open_store
from marketing_analytics.web.listening import open_socket

CHROMIUM = Path("/usr/bin/chromium")


@contextmanager
def served(settings: UiSettings) -> Iterator[str]:
    """Serve pages on a free port and yield their address."""
    import uvicorn

    listening = open_socket("127.0.0.1", 0)
    config = uvicorn.Config(build_ui(settings), log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listening.close()


@dataclass
class Site:
    """Served pages of a seeded folder."""

    url: str
    folder: Path
    ids: dict[str, int]

    def change(self, statement: str, *values: Any) -> None:
        connection = open_store(self.folder / "cloud.sqlite")
        connection.execute(statement, values)
        connection.close()

    def find(self, statement: str) -> tuple[Any, ...]:
        connection = open_store(self.folder / "cloud.sqlite")
        row = connection.execute(statement).fetchone()
        connection.close()
        return tuple(row)

    def log(self, name: str) -> Path:
        return self.folder / "runs" / str(self.ids[name]) / "steps" / "4.log"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    ids = seed(tmp_path, runs=60, lines=300)
    with served(settings_of(tmp_path)) as url:
        yield Site(url, tmp_path, ids)


@pytest.fixture
def serve_pages() -> Callable[[UiSettings], Any]:
    return served


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield opened
        opened.close()


@dataclass
class Tab:
    """A page that remembers what its console said."""

    page: Any
    complaints: list[str] = field(default_factory=list)


@pytest.fixture
def open_tab(browser) -> Iterator[Callable[..., Tab]]:
    contexts = []

    def make(width: int = 1440, **options: Any) -> Tab:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        tab = Tab(context.new_page())
        tab.page.on("console", lambda message: tab.complaints.append(message.text))
        tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
        tab.page.on("dialog", lambda dialog: tab.complaints.append(dialog.message))
        return tab

    yield make
    for context in contexts:
        context.close()

"""A small world and its emulators, built once per test process."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from marketing_analytics.simulate.platforms import emulator_names


@dataclass(frozen=True)
class BuiltWorld:
    folder: Path
    ledger: dict[str, Any]

    def truth(self, name: str) -> Any:
        import pyarrow.parquet as pq

        return pq.read_table(self.folder / "truth" / f"{name}.parquet")

    def rate(self, currency: str, day: str) -> Decimal:
        """Return the last rate that the shop published until a day."""
        with closing(sqlite3.connect(self.folder / "shop.sqlite")) as shop:
            (rate,) = shop.execute(
                "select usd_per_unit from exchange_rates where currency = ? and rate_date <= ? "
                "order by rate_date desc limit 1",
                (currency, day),
            ).fetchone()
        return Decimal(rate)


def make_world(folder: Path, **changes: Any) -> BuiltWorld:
    from marketing_analytics.simulate.world.build import build_world
    from marketing_analytics.simulate.world.parameters import WorldParameters

    values = {"seed": 3, "customers": 300, "days": 60, **changes}
    ledger = build_world(WorldParameters(**values), folder)
    return BuiltWorld(folder, ledger)


@dataclass(frozen=True)
class Served:
    world: BuiltWorld
    settings: dict[str, str]

    def root(self, platform: str) -> str:
        address = urlsplit(self.settings[f"{platform}_BASE_URL"])
        return f"{address.scheme}://{address.netloc}"

    def control(self, platform: str, name: str, body: Any = None) -> dict[str, Any]:
        url = f"{self.root(platform)}/_control/{name}"
        answer = httpx.get(url) if body is None else httpx.post(url, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def meta(self) -> httpx.Client:
        token = self.settings["META_ADS_ACCESS_TOKEN"]
        return httpx.Client(
            base_url=self.settings["META_ADS_BASE_URL"],
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )

    def linkedin(self, **headers: str) -> httpx.Client:
        token = self.settings["LINKEDIN_ADS_ACCESS_TOKEN"]
        return httpx.Client(
            base_url=self.settings["LINKEDIN_ADS_BASE_URL"],
            headers={
                "Authorization": f"Bearer {token}",
                "LinkedIn-Version": "202606",
                "X-Restli-Protocol-Version": "2.0.0",
                "X-RestLi-Method": "FINDER",
                **headers,
            },
            timeout=30,
        )

    def mailchimp(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.settings["MAILCHIMP_BASE_URL"],
            auth=("anystring", self.settings["MAILCHIMP_API_KEY"]),
            timeout=30,
        )

    def hubspot(self) -> httpx.Client:
        token = self.settings["HUBSPOT_ACCESS_TOKEN"]
        return httpx.Client(
            base_url=self.settings["HUBSPOT_BASE_URL"],
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )

    def refresh(self) -> httpx.Response:
        form = {
            "grant_type": "refresh_token",
            "client_id": self.settings["GOOGLE_ADS_CLIENT_ID"],
            "client_secret": self.settings["GOOGLE_ADS_CLIENT_SECRET"],
            "refresh_token": self.settings["GOOGLE_ADS_REFRESH_TOKEN"],
        }
        return httpx.post(self.settings["GOOGLE_ADS_TOKEN_URL"], data=form, timeout=30)

    def google(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.settings["GOOGLE_ADS_BASE_URL"],
            headers={
                "Authorization": f"Bearer {self.refresh().json()['access_token']}",
                "developer-token": self.settings["GOOGLE_ADS_DEVELOPER_TOKEN"],
                "login-customer-id": self.settings["GOOGLE_ADS_LOGIN_CUSTOMER_ID"],
            },
            timeout=30,
        )


def read_settings(endpoints: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in endpoints.read_text().splitlines())


def start_server(
    world: Path, *options: str, endpoints: Path | None = None
) -> tuple[subprocess.Popen[str], dict[str, str]]:
    endpoints = endpoints or world / f"connections-{time.monotonic_ns()}.env"
    command = [sys.executable, "-c", "from marketing_analytics.cli import main; main()"]
    command += ["simulate", "serve", "--world", str(world), "--endpoints", str(endpoints), *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ)
    )
    deadline = time.monotonic() + 60
    while not endpoints.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "the emulators did not start"
        time.sleep(0.05)
    return process, read_settings(endpoints)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> BuiltWorld:
    return make_world(tmp_path_factory.mktemp("worlds") / "world")


@pytest.fixture(scope="session")
def server(world: BuiltWorld):
    process, settings = start_server(world.folder)
    yield Served(world, settings)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0


@pytest.fixture
def served(server: Served) -> Served:
    for platform in emulator_names():
        server.control(platform.upper(), "reset", {})
    return server


def read_json(path: Path) -> Any:
    return json.loads(path.read_text())

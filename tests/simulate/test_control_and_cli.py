"""The control door, and what the commands say when something is wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from marketing_analytics.ingest.platforms import load_source, source_names
from marketing_analytics.simulate.platforms import emulator_names

from .conftest import Served, make_world, read_settings, start_server

pytestmark = pytest.mark.system


def marketing(*arguments, **changes):
    command = [sys.executable, "-c", "from marketing_analytics.cli import main; main()"]
    return subprocess.run(
        [*command, "simulate", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **changes},
    )


def check_refusal(done, code, *parts):
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert done.stderr.startswith("error: "), done.stderr
    assert "help: " in done.stderr
    for part in parts:
        assert part in done.stderr, done.stderr


def test_counters_tell_calls_statuses_and_faults(served):
    with served.meta() as client:
        client.get("/me/adaccounts")
        served.control("META_ADS", "fault", {"kind": "status_500", "times": 2})
        assert [client.get("/me/adaccounts").status_code for _ in range(3)] == [500, 500, 200]
    counters = served.control("META_ADS", "counters")
    assert counters["by_path"] == {"GET /v26.0/me/adaccounts": 4}
    assert counters["by_status"] == {"200": 2, "500": 2}
    assert counters["faults_injected"] == {"status_500": 2}
    assert counters["faults_waiting"] == 0


def test_a_client_that_goes_away_is_no_bug_of_an_emulator(world):
    process, settings = start_server(world.folder)
    with Served(world, settings).google() as client:
        url = client.base_url.join("customers/1/googleAds:searchStream")
        asked = client.build_request("POST", url, headers={"Content-Length": "100"}).headers
        head = "".join(f"{name}: {value}\r\n" for name, value in asked.items())
        with socket.create_connection((url.host, url.port)) as connection:
            connection.sendall(f"POST {url.path} HTTP/1.1\r\n{head}\r\nhalf".encode())
            time.sleep(0.2)
        # it serves those who stay
        assert client.get("/customers:listAccessibleCustomers").status_code == 200
    process.send_signal(signal.SIGTERM)
    assert "Traceback" not in process.communicate(timeout=20)[0]


def test_a_fault_waits_for_its_path(served):
    fault = {"kind": "html", "path_contains": "/reports", "status": 503}
    served.control("MAILCHIMP", "fault", fault)
    with served.mailchimp() as client:
        assert client.get("/campaigns").status_code == 200
        blocked = client.get("/reports")
        assert blocked.status_code == 503
        assert blocked.headers["content-type"].startswith("text/html")
        assert client.get("/reports").status_code == 200


def test_the_clock_is_shared_by_all_ports_and_reset_restores_it(served):
    served.control("META_ADS", "clock", {"now": "2026-10-01T00:00:00Z"})
    served.control("GOOGLE_ADS", "clock", {"advance_days": 1})
    assert served.control("MAILCHIMP", "clock") == {"now": "2026-10-02T00:00:00Z"}
    served.control("MAILCHIMP", "reset", {})
    assert served.control("META_ADS", "clock") == {"now": served.world.ledger["as_of"]}


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("fault", {"kind": "earthquake"}),
        ("fault", {"kind": "slow", "colour": "red"}),
        ("fault", {"kind": "slow", "times": "many"}),
        ("clock", {"now": "soon"}),
        ("clock", {}),
        ("clock", [1]),
    ],
)
def test_a_bad_control_request_is_refused_with_a_reason(served, name, body):
    answer = httpx.post(f"{served.root('META_ADS')}/_control/{name}", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_the_settings_hold_everything_ingestion_needs(served):
    sources = [load_source(name) for name in source_names()]
    needed = {name for source in sources for name in source.needed}
    optional = {name for source in sources for name in source.optional_settings}
    assert needed <= set(served.settings) <= needed | optional | {"MARKETING_NOW"}
    # no emulated platform is asked at its real address
    emulated = [load_source(name) for name in emulator_names()]
    optional = {name for source in emulated for name in source.optional_settings}
    addresses = {name for name in optional if name.endswith("_URL")}
    assert addresses <= set(served.settings)
    assert len(needed) >= 9
    assert served.settings["MARKETING_NOW"] == served.world.ledger["as_of"]


def test_build_prints_the_ledger_as_json(tmp_path):
    done = marketing("build", "--customers", 20, "--days", 8, "--out", tmp_path / "w", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((tmp_path / "w" / "ledger.json").read_text())


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (("--customers", "0"), ("--customers 0 is out of range", "whole number from 1")),
        (("--days", "3"), ("--days 3 is out of range",)),
        (("--seed", "-1"), ("--seed -1 is out of range",)),
        (("--end-date", "2026-02-30"), ("--end-date '2026-02-30' is not a date", "2026-10-31")),
        (("--end-date", "1990-01-01"), ("out of range",)),
    ],
)
def test_build_refuses_bad_numbers_and_writes_nothing(tmp_path, options, parts):
    out = tmp_path / "w"
    check_refusal(marketing("build", "--out", out, *options), 2, *parts)
    assert not out.exists()


def test_build_makes_the_folders_above_its_own(tmp_path):
    out = tmp_path / "var" / "new" / "w"
    done = marketing("build", "--customers", 5, "--days", 8, "--out", out)
    assert done.returncode == 0, done.stderr
    assert (out / "ledger.json").exists()


def test_build_refuses_a_folder_it_cannot_make_or_that_is_not_its_own(tmp_path):
    for path in ("/dev/null/x", "/dev/null/x/y"):
        refused = marketing("build", "--out", path)
        check_refusal(refused, 2, "/dev/null is no folder", "give a folder elsewhere")
    (tmp_path / "file").write_text("x")
    check_refusal(marketing("build", "--out", tmp_path / "file"), 2, "is a file")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    check_refusal(marketing("build", "--out", tmp_path / "mine"), 2, "is not empty")
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_build_says_when_the_shops_database_cannot_be_reached(tmp_path):
    url = "postgresql://nobody:secret@127.0.0.1:1/shop"
    done = marketing(
        "build", "--customers", 5, "--days", 8, "--out", tmp_path / "w", "--shop-database-url", url
    )
    check_refusal(done, 1, "cannot reach the shop's PostgreSQL")
    assert "secret" not in done.stderr


def test_build_refuses_an_address_that_is_not_postgresql(tmp_path):
    done = marketing("build", "--out", tmp_path / "w", "--shop-database-url", "mysql://h/shop")
    check_refusal(done, 2, "is not an address of PostgreSQL")
    assert not (tmp_path / "w").exists()


@pytest.mark.slow
def test_serve_refuses_what_is_no_whole_world(tmp_path, world):
    check_refusal(marketing("serve", "--world", tmp_path / "none"), 2, "does not exist", "build")
    check_refusal(marketing("serve", "--world", tmp_path), 2, "holds no world")
    # build would refuse the folder too: another one is advised
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text("text")
    refused = marketing("serve", "--world", tmp_path / "docs")
    check_refusal(refused, 2, "holds no world", f"build --out {tmp_path / 'docs' / 'world'}\n")
    assert [path.name for path in (tmp_path / "docs").iterdir()] == ["page.md"]
    copy = tmp_path / "copy"
    shutil.copytree(world.folder, copy)
    (copy / "truth" / "claims.parquet").write_bytes(b"PAR1 nonsense")
    check_refusal(marketing("serve", "--world", copy), 2, "is damaged: truth/claims.parquet")
    (copy / "truth" / "claims.parquet").unlink()
    check_refusal(marketing("serve", "--world", copy), 2, "is missing: truth/claims.parquet")
    (copy / "world.json").write_text("{")
    check_refusal(marketing("serve", "--world", copy), 2, "is damaged: world.json")
    (copy / "ledger.json").unlink()
    check_refusal(marketing("serve", "--world", copy), 2, "incomplete: no ledger.json")


@pytest.mark.slow
def test_serve_says_when_a_port_is_taken_or_the_settings_cannot_be_written(tmp_path, world):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = marketing("serve", "--world", world.folder, "--port", port)
    check_refusal(done, 1, f"port {port} on 127.0.0.1 is taken", "--port")
    for port in (70000, 22, 1023, -1):
        refused = marketing("serve", "--world", world.folder, "--port", port)
        check_refusal(
            refused, 2, f"--port {port} is out of range", "give 0 for free ports, or 1024"
        )
    done = marketing("serve", "--world", world.folder, "--endpoints", "/dev/null/connections.env")
    check_refusal(done, 1, "cannot write", "give another")


def test_one_server_for_a_settings_file_and_no_build_under_a_server(tmp_path):
    world = make_world(tmp_path / "w", customers=5, days=8)
    process, settings = start_server(world.folder, endpoints=world.folder / "connections.env")
    build = ("build", "--customers", 5, "--days", 8, "--out", world.folder)
    try:
        second = marketing("serve", "--world", world.folder)
        told = ("another server serves this world", f"process {process.pid} ", "--endpoints")
        check_refusal(second, 4, *told)
        refused = marketing(*build)
        check_refusal(refused, 4, "is being served", f"process {process.pid} ", "another --out")
        assert read_settings(world.folder / "connections.env") == settings
        assert (world.folder / "ledger.json").exists()
        # beside it, with settings of its own; then it is alone
        other, _ = start_server(world.folder)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    try:
        check_refusal(marketing(*build), 4, "another process serves or builds the world")
    finally:
        other.send_signal(signal.SIGTERM)
        assert other.wait(timeout=20) == 0
    done = marketing(*build)
    assert done.returncode == 0, done.stderr

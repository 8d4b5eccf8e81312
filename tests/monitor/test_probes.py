"""A probe sees what a reader sees; what it finds is kept, counted and served."""

from __future__ import annotations

import functools
import json
import threading
from contextlib import nullcontext
from datetime import datetime, timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from marketing_analytics.core.errors import LockedError, UserError
from marketing_analytics.monitor.cli import group
from marketing_analytics.monitor.levels import probes, probing, store
from marketing_analytics.monitor.levels.metrics import text_of
from marketing_analytics.monitor.levels.probes import Probe, probe_once, references, target_of
from marketing_analytics.monitor.levels.serving import application
from marketing_analytics.monitor.levels.settings import Level
from marketing_analytics.monitor.levels.store import keep_probes, noted, notes_of, probes_since
from marketing_analytics.monitor.place import Place, opened
from tests.monitor.report_folder import write_report

DAY = timedelta(hours=26)


@pytest.fixture(autouse=True)
def at_six(monkeypatch):
    monkeypatch.setenv("MARKETING_NOW", "2026-11-02T06:00:00Z")
    monkeypatch.setattr(probes, "WAIT_SECONDS", 0)


@pytest.fixture
def report(tmp_path):
    folder = tmp_path / "report"
    write_report(folder)
    return folder


@pytest.fixture
def place(tmp_path):
    import duckdb

    path = tmp_path / "marts.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
    return Place(str(path), "marts")


def test_a_report_that_is_whole_is_available_and_as_old_as_its_data(report):
    found = probe_once(str(report), DAY)
    assert (found.is_available, found.is_fresh, found.age_seconds) == (True, True, 7200)
    assert not probe_once(str(report), timedelta(hours=1)).is_fresh


def test_a_note_on_a_page_is_no_damage(report):
    page = report / "index.html"
    page.write_text(page.read_text().replace("<!--note-->", "<!--note-->Not the newest figures"))
    assert probe_once(str(report), DAY).is_available


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("index.html", None, "index.html: No such file"),
        ("index.html", lambda text: text[:100], "index.html is cut off"),
        ("health.html", lambda text: "", "health.html is cut off"),
        ("static/app.css", None, "static/app.css: No such file"),
        ("builds/b1/overview.js", lambda text: text[:-1], "is not the file that report.json lists"),
        ("builds/b1/more.js", lambda text: text.upper(), "is not the file that report.json lists"),
        ("report.json", None, "report.json: No such file"),
        ("report.json", lambda text: text[:50], "report.json is not whole"),
        ("report.json", lambda text: "[]", "report.json lists no files"),
        ("report.json", lambda text: '{"files": {"x.js": 1}}', "report.json lists no files"),
        ("report.json", lambda text: text.replace("snapshot_at", "x"), "when its data were taken"),
        ("index.html", lambda text: text.replace("health", "../secret"), "outside of the report"),
        ("index.html", lambda text: text.replace("health", "absent"), "absent.html: No such file"),
    ],
)
def test_every_damage_that_a_reader_would_see_is_seen(report, name, damage, said):
    path = report / name
    if damage is None:
        path.unlink()
    else:
        path.write_text(damage(path.read_text()))
    found = probe_once(str(report), DAY)
    assert (found.is_available, found.is_fresh) == (False, None)
    assert said in found.error


def test_a_report_that_is_replaced_meanwhile_is_read_again(report, monkeypatch):
    read = probes.read_file

    def replace_then_read(folder, path):
        if path == "builds/b1/overview.js":
            for old in (report / "builds" / "b1").iterdir():
                old.unlink()
            write_report(report, "b2")
        return read(folder, path)

    monkeypatch.setattr(probes, "read_file", replace_then_read)
    assert probe_once(str(report), DAY).is_available


def test_a_bad_probe_is_made_again_before_it_counts(report, replaced):
    (report / "index.html").rename(report / "gone.html")
    replaced(probes, "time", sleep=lambda _: (report / "gone.html").rename(report / "index.html"))
    assert probes.probe(str(report), DAY).is_available


@pytest.fixture
def site(report):
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(report))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    SimpleHTTPRequestHandler.log_message = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_pages_of_a_server_are_read_as_a_folder_is(site, report):
    assert probe_once(site, DAY).is_fresh
    (report / "static" / "app.css").unlink()
    assert "static/app.css: answered 404" in probe_once(site, DAY).error


def test_a_server_that_is_down_is_not_available():
    assert not probe_once("http://127.0.0.1:9/", DAY).is_available


@pytest.mark.parametrize(
    "text",
    [
        "ftp://host/",
        "https://me:word@host/",
        "https://host/?token=x",
        "https:///x",
        "https://[::1",
        "https://h:abc/",
        "",
        "\0",
    ],
)
def test_an_address_with_a_secret_or_of_another_kind_is_refused(text):
    with pytest.raises(UserError):
        target_of(text)


def test_references_are_files_beside_the_page():
    text = '<a href="a.html?x=1#y"><script src="b/c%20d.js"></script><img src="data:image/png,x">'
    assert references(f'{text}<a href="#top"><a href="//host/x"><a href="mailto:a@b.c">') == [
        "a.html",
        "b/c d.js",
    ]


def seen(minute, *, ok=True):
    at = datetime(2026, 11, 2, 6, minute)
    return Probe(at, "report", ok, ok or None, 60.0, 0.1, None if ok else "down")


def read_all(place):
    with opened(place) as connection:
        return probes_since(connection, place, datetime(2026, 1, 1))


def test_probes_wait_beside_a_warehouse_that_is_being_written(place, monkeypatch):
    def locked(*_, **__):
        raise LockedError("in use")

    with monkeypatch.context() as patch:
        patch.setattr(store, "opened", locked)
        assert not keep_probes(place, [seen(1), seen(2)])
    # whoever counts sees them all the same
    assert read_all(place) == [seen(1), seen(2)]
    assert keep_probes(place, [seen(3, ok=False)])
    assert noted(place) == []
    assert read_all(place) == [seen(1), seen(2), seen(3, ok=False)]


def test_probes_are_kept_once_after_a_crash_between_table_and_file(place):
    keep_probes(place, [seen(1)])
    store.note(place, [seen(1), seen(2)])
    with notes_of(place).open("a") as file:
        file.write('{"cut off by a cra')
    assert keep_probes(place, [])
    assert read_all(place) == [seen(1), seen(2)]


def test_a_probe_after_one_that_was_cut_is_kept_and_what_is_none_is_left_out(place):
    notes_of(place).write_text('{}\nnull\n{"probed_at": "now"}\n{"probed_at": "2026-11-0')
    store.note(place, [seen(2)])
    assert noted(place) == [seen(2)]


def test_probing_goes_on_while_the_disk_is_full(place, report, replaced, monkeypatch, capsys):
    from marketing_analytics.core.console import Console

    waits: list[float] = []

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == 2:
            raise KeyboardInterrupt

    replaced(probing, "time", sleep=wait)
    monkeypatch.setattr(store, "notes_of", lambda _: Path("/dev/full"))
    monkeypatch.setattr(store, "noting", lambda _: nullcontext())
    # what is read of it never ends
    monkeypatch.setattr(probing, "move_notes", lambda *_, **__: None)
    with pytest.raises(KeyboardInterrupt):
        probing.probe_on(Console(), place, [Level("board", str(report))], 60)
    assert len(waits) == 2
    assert capsys.readouterr().err.count("is not kept") == 2


@pytest.fixture
def typed(place, report, monkeypatch, tmp_path):
    (tmp_path / "monitors.yml").write_text(
        "version: 1\nservice_levels:\n  board:\n    target: report\n    fresh_within: 3h\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MARKETING_WAREHOUSE", place.address)
    monkeypatch.setenv("MARKETING_SCHEMA", place.schema)

    def run(*words, code=0):
        done = CliRunner().invoke(group, words)
        assert done.exit_code == code, done.output
        return done.output

    return run


def test_commands_probe_judge_and_show(typed, report, monkeypatch):
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    assert "whole in" in typed("probe")
    assert json.loads(typed("run", "dashboard_sla", "--json"))["failing"] == 0
    (report / "index.html").unlink()
    monkeypatch.setenv("MARKETING_NOW", "2026-11-02T06:01:00Z")
    assert json.loads(typed("probe", "board", "--json", code=1))["probes"][0]["target"] == "report"
    assert "could not be read whole in 1 of 2 minutes" in typed("run", "dashboard_sla", code=1)
    families = {each.name: each for each in text_string_to_metric_families(typed("metrics"))}
    statuses = {
        sample.labels["subject"]: sample.labels["status"]
        for sample in families["marketing_monitor_status"].samples
    }
    assert statuses == {"board availability": "failing", "board freshness": "ok"}
    left = families["marketing_error_budget_left_minutes"].samples
    assert {sample.labels["indicator"]: round(sample.value, 2) for sample in left} == {
        "availability": 39.32,
        "freshness": 40.32,
    }
    assert "board-freshness" in typed("openslo")


def test_nothing_to_probe_is_told(typed, tmp_path):
    (tmp_path / "monitors.yml").write_text("version: 1\n")
    assert "there is nothing to probe" in typed("probe", code=2)


def test_probing_goes_on_until_it_is_interrupted(place, report, replaced):
    from marketing_analytics.core.console import Console

    waits = []

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == 3:
            raise KeyboardInterrupt

    replaced(probing, "time", sleep=wait)
    with pytest.raises(KeyboardInterrupt):
        probing.probe_on(Console(), place, [Level("board", str(report))], 60)
    assert all(0 < seconds <= 60 for seconds in waits)
    assert len(read_all(place)) == 3


def test_metrics_are_served_under_known_host_names_alone(place):
    from starlette.testclient import TestClient

    notes = []

    def broken():
        raise LockedError("the file is in use")

    for text, status in ((lambda: text_of(place, []), 200), (broken, 503)):
        client = TestClient(application(text, "127.0.0.1", ["metrics.lan"], notes.append))
        assert client.get("/metrics", headers={"host": "127.0.0.1:9108"}).status_code == status
    assert notes == ["the file is in use"]
    app = application(lambda: text_of(place, []), "127.0.0.1", ["metrics.lan"], notes.append)
    client = TestClient(app)
    answer = client.get("/metrics", headers={"host": "metrics.lan"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
    assert client.get("/metrics", headers={"host": "evil.example.com"}).status_code == 421
    assert client.post("/metrics", headers={"host": "localhost"}).status_code == 405

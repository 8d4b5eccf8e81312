"""Results, channels and a receiver of webhooks for the tests of alerts."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from marketing_analytics.monitor import history
from marketing_analytics.monitor.alerts.notices import Channel
from marketing_analytics.monitor.place import opened
from marketing_analytics.monitor.results import Result

START = datetime(2026, 11, 1, 6)


def result(subject="meta_ads/1", status="failing", severity="ticket", *, monitor="budget", **more):
    given = {
        "run_id": "r1",
        "monitor": monitor,
        "kind": monitor,
        "subject": subject,
        "status": status,
        "severity": severity,
        "owner": "growth",
        "runbook": f"docs/runbooks/{monitor}.md",
        "value": 1.0,
        "lower_bound": 0.0,
        "upper_bound": 1.0,
        "since_at": START,
        "checked_at": START,
        "sentence": f"{monitor} of {subject or 'all'} is {status}",
        "action": "look",
    }
    return Result(**given | more)


def channel(name="team", **more):
    return Channel(name, f"ADDRESS_OF_{name.upper()}", **more)


def hours(count):
    return timedelta(hours=count)


def keep_run(place, *results, number=1, at=None):
    """Write a run of the monitors."""
    at = at or START + timedelta(hours=number)
    run_id = f"r{number:03}"
    with opened(place, is_read_only=False) as connection:
        connection.execute(f"create schema if not exists {place.schema}")
        history.prepare(connection, place)
        rows = [vars(each) | {"run_id": run_id, "checked_at": at} for each in results]
        history.add(connection, place, "monitor_results", rows)
        run = {"run_id": run_id, "started_at": at, "ended_at": at, "monitors": 1, "failing": 1}
        history.add(connection, place, "monitor_runs", [run])


class Receiver:
    """A receiver of webhooks; `answer` says how it answers the next requests."""

    def __init__(self):
        self.messages = []
        self.answer = lambda: 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                status = receiver.answer()
                if status < 300:
                    receiver.messages.append(json.loads(body))
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            do_GET = do_POST  # noqa: N815

            def log_message(self, *_):
                pass

        self.headers = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"json://127.0.0.1:{self.server.server_port}/of-the-team-0123456789"

    @property
    def texts(self):
        return [message["message"] for message in self.messages]


@contextmanager
def receiving():
    """Yield a receiver that runs."""
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()

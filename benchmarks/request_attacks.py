"""Figures: paths out of their folder, tokens that do not count, webhooks to this very network.

    python -m benchmarks.request_attacks [--paths 2000] [--seed 1]

A real server on a socket, so that addresses are decoded as they would be. A path succeeds when its
answer holds a line of a file that no request may read. Exits 1 when one does, when a route answers
a bad token with anything but 401, when a page that asks for a sign-in shows something, or when a
webhook may be told a host of this machine or its network, however that is written.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import random
import re
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from benchmarks.private_hosts import HOSTS
from benchmarks.seeded_pages import TOKEN, seed, settings_of
from marketing_analytics.local_cloud.api.application import Api, ApiSettings
from marketing_analytics.local_cloud.api.operations import SERVED
from marketing_analytics.local_cloud.pages.mount import build_ui, sign_in_for
from marketing_analytics.local_cloud.pages.pages import Pages
from marketing_analytics.local_cloud.server import build_server, run_until_exit
from marketing_analytics.web.listening import open_socket

ACCOUNT = "/api/v2/accounts/1"
CANARY = b"canary-of-the-attack"
# what may never be in an answer: our canary, the store, the machine's users
FORBIDDEN = (CANARY, b"SQLite format 3", b"root:x:0:0")
UPS = (
    "..", "%2e%2e", ".%2e", "%2e.", "%252e%252e", "..%00", "..;", "..\\", "..%5c", "%c0%ae%c0%ae",
    "%uff0e%uff0e", "....", "..%2f..", "%2e%2e%2f%2e%2e", "..%c0%af..", "\u2025", "..%09", "..%20",
)  # fmt: skip
SEPARATORS = ("/", "%2f", "%5c", "\\", "//", "/./", "%252f", "%c0%af")
GOALS = (
    "cloud.sqlite", "cloud.key", "canary.txt", "engine.lock", "etc/passwd", "proc/self/environ",
    "runs/secret/canary.txt",
)  # fmt: skip
BAD_TOKENS = {
    "none": {},
    "empty": {"Authorization": ""},
    "scheme alone": {"Authorization": "Token"},
    "wrong": {"Authorization": "Token wrong-token-wrong"},
    "beginning": {"Authorization": f"Token {TOKEN[:-1]}"},
    "longer": {"Authorization": f"Bearer {TOKEN}x"},
    "other case": {"Authorization": f"Token {TOKEN.upper()}"},
    "basic": {"Authorization": f"Basic {TOKEN}"},
    "no scheme": {"Authorization": TOKEN},
    "word None": {"Authorization": "Token None"},
    "null byte": {"Authorization": f"Token {TOKEN}%00"},
    "very long": {"Authorization": "Token " + "x" * 9_000},
    "a cookie": {"Cookie": f"cloud_session=1.9999999999.aa.{'0' * 64}"},
    "in the query": {"X-Token": TOKEN},
}
BAD_COOKIES = ("", "cloud_session=x", f"cloud_session=1.9999999999.aa.{'0' * 64}")


class Both:
    """API and pages on one port, as the server has them."""

    def __init__(self, folder: Path, *, needs_sign_in: bool) -> None:
        self.settings = settings_of(folder, has_proxy=needs_sign_in)
        self.pages: ASGIApp = build_ui(self.settings)
        self.api = Api(ApiSettings(store=self.settings.database, data_dir=folder))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        is_api = scope.get("path", "").startswith("/api")
        await (self.api if is_api else self.pages)(scope, receive, send)


@contextmanager
def served(folder: Path, *, needs_sign_in: bool = False) -> Iterator[http.client.HTTPConnection]:
    """Serve a seeded folder and give a connection to it."""
    both = Both(folder, needs_sign_in=needs_sign_in)
    with closing(both.api), closing(open_socket("127.0.0.1", 0)) as listening:
        server = build_server(both)
        thread = threading.Thread(target=run_until_exit, args=(server, listening), daemon=True)
        thread.start()
        connection = http.client.HTTPConnection("127.0.0.1", listening.getsockname()[1], timeout=30)
        with closing(connection):
            yield connection
        server.should_exit = True
        thread.join(10)


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, headers: dict[str, str]
) -> tuple[int, bytes]:
    """Send a request line as it is written; return status and body, 0 for a closed connection."""
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (http.client.HTTPException, OSError, UnicodeError):
        connection.close()
        return 0, b""


def paths_of(run: int, count: int, seed_number: int) -> list[str]:
    """Return so many paths that try to leave the folders that are served."""
    roots = (
        f"{ACCOUNT}/runs/{run}/artifacts/", f"{ACCOUNT}/runs/{run}/artifacts/step_4/", "/static/",
        f"/runs/{run}/files/4/", f"/runs/{run}/docs/", f"/runs/{run}/artifacts/", "/report/",
        f"/runs/{run}/steps/", f"/runs/{run}/nodes/", "/",
    )  # fmt: skip
    tried = itertools.product(roots, UPS, SEPARATORS, range(1, 6), GOALS)
    found = [root + (up + separator) * depth + goal for root, up, separator, depth, goal in tried]
    found += [
        f"{root}{name}" for root in roots for name in ("/etc/passwd", "//etc/passwd", "~root")
    ]
    quoted = (quote(path, safe="!-~%/\\;.") for path in found)
    return random.Random(seed_number).sample(sorted(set(quoted)), count)


def count_traversals(folder: Path, run: int, count: int, seed_number: int) -> int:
    """Ask for the paths; print what came back; return how many told something."""
    told, statuses = [], Counter[int]()
    with served(folder) as connection:
        # what may be read can be: else the rest would prove nothing
        good = f"{ACCOUNT}/runs/{run}/artifacts/manifest.json"
        assert ask(connection, "GET", good, {"Authorization": f"Token {TOKEN}"})[0] == 200
        for path in paths_of(run, count, seed_number):
            headers = {"Authorization": f"Token {TOKEN}", "Accept": "text/html"}
            status, body = ask(connection, "GET", path, headers)
            statuses[status] += 1
            if status >= 500 or any(line in body for line in FORBIDDEN):
                told.append(path)
    said = ", ".join(
        f"{number} x {status or 'closed'}" for status, number in statuses.most_common()
    )
    print(f"{count} paths out of their folder (seed {seed_number}): {len(told)} told; {said}")
    for path in told[:10]:
        print(f"  {path}")
    return len(told)


def routes_of(pattern: str) -> str:
    """Return the path of a route with 1 for every parameter."""
    return re.sub(r"\{[^}]*\}", "1", pattern)


def count_bad_tokens(folder: Path) -> int:
    """Ask every operation with every bad token; return how many were not refused with 401."""
    let_in = []
    asked = 0
    with served(folder) as connection:
        for operation in SERVED:
            path = f"/api/{routes_of(operation.path)}/"
            for name, headers in BAD_TOKENS.items():
                query = f"?token={TOKEN}" if name == "in the query" else ""
                given = {**headers, "Content-Length": "2", "Content-Type": "application/json"}
                status = send_body(connection, operation.method, path + query, given)
                asked += 1
                if status != 401:
                    let_in.append(f"{operation.method} {path} with {name}: {status}")
    print(f"{len(SERVED)} operations x {len(BAD_TOKENS)} bad tokens: {asked} asked,"
          f" {len(let_in)} not refused with 401")  # fmt: skip
    for line in let_in[:10]:
        print(f"  {line}")
    return len(let_in)


def count_private_webhooks(folder: Path) -> int:
    """Create a webhook to every private host; return how many were not refused with 400."""
    path = "/api/v3/accounts/1/webhooks/subscriptions"
    given = {"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"}
    hook = {"name": "x", "event_types": ["job.run.completed"], "active": True}
    taken = []
    with served(folder) as connection:
        # one that may be told: else the rest would prove nothing
        good = json.dumps({**hook, "client_url": "https://example.com/hook"}).encode()
        assert send_body(connection, "POST", path, given, good) == 201
        for scheme, host in itertools.product(("http", "https"), HOSTS):
            body = json.dumps({**hook, "client_url": f"{scheme}://{host}/hook"}).encode()
            status = send_body(connection, "POST", path, given, body)
            if status != 400:
                taken.append(f"{scheme}://{host}: {status}")
    print(f"{len(HOSTS)} private hosts x 2 schemes: {len(taken)} not refused with 400")
    for line in taken[:10]:
        print(f"  {line}")
    return len(taken)


def send_body(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes = b"{}",
) -> int:
    """Send a body and return the status."""
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
    except (http.client.HTTPException, OSError):
        connection.close()
        return 0
    return answer.status


def count_open_pages(folder: Path) -> int:
    """Open every page without a session where one is needed; return how many showed something."""
    settings = replace(settings_of(folder), has_proxy=True)
    routes = [
        route
        for route in Pages(settings, sign_in_for(settings)).routes()
        if isinstance(route, Route)
    ]
    shown, asked = [], 0
    with served(folder, needs_sign_in=True) as connection:
        for route, cookie in itertools.product(routes, BAD_COOKIES):
            path = routes_of(route.path)
            if path in ("/login", "/logout"):
                continue
            for method in sorted(route.methods or {"GET"}):
                headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
                headers |= {"Cookie": cookie} if cookie else {}
                status, _ = ask(connection, method, path, {**headers, "Content-Length": "0"})
                asked += 1
                if status not in (303, 401):
                    shown.append(f"{method} {path}: {status}")
    print(f"{len(routes)} pages without a session: {asked} asked, {len(shown)} not refused")
    for line in shown[:10]:
        print(f"  {line}")
    return len(shown)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--paths", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "cloud"
        ids = seed(folder, runs=10, lines=20)
        secret = folder / "runs" / "secret"
        secret.mkdir()
        for place in (Path(name), folder, secret):
            (place / "canary.txt").write_bytes(CANARY)
        (folder / "cloud.key").write_bytes(CANARY)
        failures = count_traversals(folder, ids["failed"], given.paths, given.seed)
        failures += count_bad_tokens(folder)
        failures += count_open_pages(folder)
        failures += count_private_webhooks(folder)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

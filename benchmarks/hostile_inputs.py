"""Time what a large or hostile input costs: job files, log lines, log pages, in ms.

Then `plan` and `list` ask servers that answer nonsense: each time it has to end with a sentence,
without an escape sequence, within 200 MB of the whole process.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.jobs_as_code import settings_of
from marketing_analytics.core.errors import FileError
from marketing_analytics.core.redaction import redact
from marketing_analytics.jobs.tfvars import parse_text
from marketing_analytics.local_cloud.pages.logs.reader import LogReader

RUNS = 5
JOB = """  job-{} = {{
    execute_steps = ["dbt build --select +tag:a"]
    description   = "x"
    threads       = 4
    env_vars      = {{ DBT_A = "1" }}
  }}
"""
JOBS = "jobs = {\n" + "".join(JOB.format(n) for n in range(1000)) + "}\n"
NESTED = {
    "5,000 open brackets": "j = " + "[" * 5000,
    "5,000 open parentheses": "j = " + "(" * 5000,
    "5,000 signs": "j = " + "-" * 5000 + "1",
    "an exponent of nine digits": "j = 1e999999999",
}
LOG_LINES = 100_000
ROOT = Path(__file__).resolve().parent.parent
MOST_MEGABYTES = 200
BOMB_BYTES = 3_000_000
FOUL = "\x1b]0;owned\x07\x1b[2J\u202e"
JOB_ANSWER = {
    "id": 7,
    "name": FOUL,
    "description": f"{FOUL} [jobs:v1 marketing-team/bench/bench/a]",
    "execute_steps": [FOUL],
    "triggers": {},
}


def packed(text: bytes, least_bytes: int) -> bytes:
    """Return so much of a text, again and again, that it has this size when packed."""
    pack = zlib.compressobj(9, wbits=31)
    part = text * (2**20 // len(text))
    # after a full flush a part is packed the same wherever it stands
    head = pack.compress(b'{"data": [') + pack.flush(zlib.Z_FULL_FLUSH)
    block = pack.compress(part) + pack.flush(zlib.Z_FULL_FLUSH)
    return head + block * (least_bytes // len(block) + 1)


def always(body: bytes, _: int) -> bytes:
    """Return the same answer to each call."""
    return body


def envelope(data: Any, **more: Any) -> bytes:
    """Return an answer of dbt Cloud."""
    return json.dumps({"data": data, **more}).encode()


def page(number: int, **fields: Any) -> bytes:
    """Return a page of 100 jobs."""
    return envelope([{"id": number * 100 + n + 1, "name": "x", **fields} for n in range(100)])


# name: (status, what the server answers to each call, by its number)
NONSENSE: dict[str, tuple[int, Callable[[int], bytes]]] = {
    "pages without end": (200, lambda number: page(number, filler="x" * 40_000)),
    "small pages without end": (200, page),
    "the same page for ever": (200, lambda _: page(0)),
    "a list of numbers": (200, lambda _: envelope([1, 2])),
    "an object for a list": (200, lambda _: envelope({"a": 1})),
    "a text for an id": (200, lambda _: envelope([{"id": "7", "name": "x"}])),
    "triggers that are a list": (200, lambda _: envelope([{**JOB_ANSWER, "triggers": [1]}])),
    "a page of HTML": (200, lambda _: b"<html>" + FOUL.encode()),
    "200,000 brackets": (200, lambda _: b'{"data": ' + b"[" * 200_000),
    "escape sequences in a job": (200, lambda _: envelope([JOB_ANSWER])),
    **{
        f"escape sequences in an error {status}": (
            status,
            lambda _: envelope(None, status={"user_message": FOUL}),
        )
        for status in (400, 401, 403, 404, 422)
    },
}
BOMBS = {"of blanks": b" ", "of empty lists": b"[],", "of numbers": b"1,", "of objects": b"{},"}


def milliseconds(act: Callable[[], object]) -> float:
    """Return the best time of some runs."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        act()
        times.append((time.perf_counter() - started) * 1000)
    return min(times)


def refuse(text: str) -> None:
    """Read a job file that is refused."""
    with contextlib.suppress(FileError):
        parse_text(text)
        raise AssertionError("it was read")


def log_pages(folder: Path) -> float:
    """Return what a page of 200 lines of a long log costs, wherever it starts."""
    path, reader = folder / "a.log", LogReader()
    path.write_text("".join(f"line {n}\n" for n in range(LOG_LINES)), "utf-8")
    reader.window(path, 1, 1)
    starts = range(1, LOG_LINES, 2_000)
    return milliseconds(lambda: [reader.window(path, n, 200) for n in starts]) / len(starts)


class Server(ThreadingHTTPServer):
    """A server that says nothing of callers who hang up, which is what they should do."""

    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def answering(status: int, answer: Callable[[int], bytes]) -> Iterator[str]:
    """Serve these answers and give the address."""
    numbers = iter(range(10**9))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            body = answer(next(numbers))
            self.send_response(status)
            if body[:2] == b"\x1f\x8b":
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def asked(words: list[str], url: str, folder: Path) -> tuple[str, float]:
    """Return what is wrong with how a command ends, and the megabytes that its process took."""
    environment = {**os.environ, **settings_of(url), "XDG_STATE_HOME": str(folder)}
    script = str(ROOT / "scripts" / "dbt_job_manager.py")
    told = folder / "told.txt"
    with told.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, script, *words], env=environment, stdout=file, stderr=file
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    text = told.read_text("utf-8", "replace")
    wrong = [
        *(["a bug"] if "this is a bug" in text or "Traceback" in text else []),
        *(["an escape sequence"] if set(text) & set("\x1b\x07\u202e") else []),
        *(["no sentence"] if process.returncode and "error: " not in text else []),
    ]
    return ", ".join(wrong), usage.ru_maxrss / 1024


def ask_hostile_servers() -> bool:
    """Print how the commands end at servers that answer nonsense; return whether all is well."""
    packs = {f"3 MB, packed, {name}": packed(text, BOMB_BYTES) for name, text in BOMBS.items()}
    packs["a packed answer cut in two"] = gzip.compress(b"x" * 9_000_000)[:4000]
    servers = dict(NONSENSE)
    servers.update({name: (200, partial(always, body)) for name, body in packs.items()})
    is_well, most = True, 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = folder / "jobs.tfvars"
        config.write_text('jobs = {\n  a = { execute_steps = ["dbt build"] }\n}\n', "utf-8")
        for title, (status, answer) in servers.items():
            for words in (["plan", "--config", str(config)], ["list"]):
                with answering(status, answer) as url:
                    wrong, megabytes = asked(words, url, folder)
                most = max(most, megabytes)
                if wrong or megabytes > MOST_MEGABYTES:
                    is_well = False
                    print(
                        f"  {words[0]}, {title}: {wrong or 'too much memory'}, {megabytes:.0f} MB"
                    )
    print(
        f"{len(servers)} servers that answer nonsense, plan and list: at most {most:.0f} MB, "
        f"target {MOST_MEGABYTES}; {'a sentence each time' if is_well else 'see above'}"
    )
    return is_well


def main() -> int:
    """Print each figure with its target; return 1 when one is missed."""
    line = "x" * 5_000_000
    found = {
        "a job file of 1,000 jobs": (milliseconds(lambda: parse_text(JOBS)), 1000),
        "a log line of 5 MB, redacted": (milliseconds(lambda: redact(line)), 2000),
    }
    for name, text in NESTED.items():
        found[f"a job file with {name}, refused"] = (milliseconds(partial(refuse, text)), 500)
    with tempfile.TemporaryDirectory() as folder:
        found["a page of a log of 100,000 lines"] = (log_pages(Path(folder)), 50)
    for name, (seen, target) in found.items():
        print(f"{name}: {seen:.1f} ms, target {target}")
    is_quick = all(seen <= target for seen, target in found.values())
    return 0 if ask_hostile_servers() and is_quick else 1


if __name__ == "__main__":
    sys.exit(main())

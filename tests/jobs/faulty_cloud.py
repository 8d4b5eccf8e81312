"""The real API of the local dbt Cloud behind a layer of faults, over real HTTP."""

import asyncio
import contextlib
import io
import json
import os
import random
import re
import socket
import struct
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from marketing_analytics.cloud_api.client import CloudClient
from marketing_analytics.cloud_api.names import Scope
from marketing_analytics.cloud_api.states import Status
from marketing_analytics.core.console import Console, run_guarded
from marketing_analytics.jobs.commands.deploy import read_and_plan, write_plan
from marketing_analytics.jobs.model import load_job_file
from marketing_analytics.jobs.settings import Settings
from marketing_analytics.local_cloud.api.application import Api, ApiSettings
from marketing_analytics.local_cloud.runs.store import add_runs_after
from marketing_analytics.local_cloud.server import fill_store
from marketing_analytics.local_cloud.settings import Identity, ServerSettings
from marketing_analytics.local_cloud.store.connection import time_text, transaction

TOKEN = "test-token-123456"
ACCOUNT, PROJECT, ENVIRONMENT = 1, 2, 3
JOBS = f"/api/v2/accounts/{ACCOUNT}/jobs/"
# a reset, not an orderly end
RESET = struct.pack("ii", 1, 0)


def forget_journals():
    """Remove what this machine knows of the ids of jobs: another machine knows nothing."""
    for path in Path(os.environ["XDG_STATE_HOME"]).rglob("journal-*.json"):
        path.unlink()


class QuietServer(ThreadingHTTPServer):
    """A server that counts connections and does not print what went wrong in a dropped one."""

    daemon_threads = True

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.changed = threading.Condition()
        self.open_connections = 0

    def process_request(self, request, client_address):
        with self.changed:
            self.open_connections += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        super().shutdown_request(request)
        with self.changed:
            self.open_connections -= 1
            self.changed.notify_all()

    def handle_error(self, request, client_address):
        pass


class FaultyCloud:
    """A server on a free port at `url`; its faults, what it was asked, and what it stores."""

    def __init__(self, folder):
        identity = Identity(
            account_id=ACCOUNT, project_id=PROJECT, environment_id=ENVIRONMENT, token=TOKEN
        )
        settings = ServerSettings(identity=identity, data_dir=folder, project_dir=folder)
        fill_store(settings)
        self.api = Api(ApiSettings(settings.store, folder, {"127.0.0.1"}))
        # the API keeps one connection to its store, for one thread at a time
        self.lock = threading.RLock()
        self.requests = []
        self.lists_overrides = True
        # what the next looks at a run show, since no dbt runs here
        self.script = []
        # job id -> status: a run of it ends so when somebody looks at it
        self.ends = {}
        # (method, path regex) -> list of faults: an int status, "lost" or "cut"
        self.faults = []
        self.random_faults = None
        # how long an answer is on its way
        self.latency_seconds = 0.0
        # the header of an answer 429, None for none
        self.retry_after = "0"
        self.server = QuietServer(("127.0.0.1", 0), handler_of(self))
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.api.close()

    def wait_until_idle(self):
        """Wait until everything that a dead client has sent is carried out."""
        with socket.create_connection(self.server.server_address) as last:
            # connections are taken in order: when this one is answered, all before it are taken
            last.sendall(b"GET / HTTP/1.0\r\n\r\n")
            while last.recv(4096):
                pass
        with self.server.changed:
            assert self.server.changed.wait_for(lambda: not self.server.open_connections, 20)

    # faults

    def fail(self, method, path, *faults):
        self.faults.append([method, re.compile(path), list(faults)])

    def fail_randomly(self, seed, share):
        self.random_faults = (random.Random(seed), share)

    def fault_for(self, method, path):
        with self.lock:
            for fault in self.faults:
                if fault[0] == method and fault[1].search(path) and fault[2]:
                    return fault[2].pop(0)
            if self.random_faults and self.random_faults[0].random() < self.random_faults[1]:
                return self.random_faults[0].choice([429, 500, 502, 503, 504, "lost", "cut"])
        return None

    # the API

    def answer(self, method, target, body=b"", token=TOKEN):
        """Return status and body of the real API's answer."""
        parts, sent = urlsplit(target), []
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(parts.path),
            "query_string": parts.query.encode(),
            "headers": [(b"host", b"127.0.0.1"), (b"authorization", f"Token {token}".encode())],
        }
        received = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive():
            return received.pop() if received else await asyncio.Future()

        async def send(message):
            sent.append(message)

        with self.lock:
            if method == "GET" and (looked_at := re.search(r"/runs/(\d+)/$", parts.path)):
                self.end_run(int(looked_at[1]))
            asyncio.run(self.api(scope, receive, send))
        text = b"".join(part.get("body", b"") for part in sent[1:])
        return sent[0]["status"], self.edited(method, parts.path, text)

    def edited(self, method, path, text):
        """Return a body that follows the script of a run, or leaves variables out of a list."""
        is_run = method == "GET" and re.search(r"/runs/\d+/$", path)
        if not (is_run and self.script) and self.lists_overrides:
            return text
        envelope = json.loads(text)
        if is_run and self.script:
            # the last look stays
            shown = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            envelope["data"] |= shown
        elif path == JOBS and isinstance(envelope["data"], list):
            for job in envelope["data"]:
                job["custom_environment_variables"] = None
        return json.dumps(envelope).encode()

    def end_run(self, run_id):
        """End a run as `ends` says, and start what runs after it."""
        rows = self.run_sql("select job_id, status from runs where id = :id", id=run_id)
        if not rows or rows[0][1] != Status.QUEUED or rows[0][0] not in self.ends:
            return
        status = self.ends[rows[0][0]]
        statement = (
            "update runs set status = :status, started_at = :at, finished_at = :at where id = :id"
        )
        self.run_sql(statement, status=status, at=time_text(datetime.now(UTC)), id=run_id)
        with transaction(self.api.connection):
            add_runs_after(self.api.connection, run_id, Status(status))

    def ask(self, method, target, body=None):
        """Return the data of an answer; no fault meets this request and nobody counts it."""
        status, text = FaultyCloud.answer(self, method, target, json.dumps(body).encode())
        assert status < 300, text
        return json.loads(text)["data"]

    # what is stored

    @property
    def writes(self):
        return [(m, p) for m, p, _ in self.requests if m != "GET"]

    def active(self):
        """Return the jobs; what depends on the time of asking is left out."""
        found, more = [], True
        while more:
            page = f"?limit=100&offset={len(found)}&order_by=id"
            more = self.ask("GET", JOBS + page)
            found += more
        return [{k: v for k, v in job.items() if k != "next_run_humanized"} for job in found]

    def job(self, key):
        """Return the job whose name ends in a key; ids do not follow the order of a file."""
        return next(job for job in self.active() if job["name"].endswith(f"-{key}"))

    def copy_job(self, job, **fields):
        """Create a job like another one and return it."""
        return self.ask("POST", JOBS, {**job, "id": None, **fields})

    def change_job(self, job, **fields):
        """Change a job behind the back of the deploy tool."""
        self.ask("POST", f"{JOBS}{job['id']}/", fields)

    def run_sql(self, statement, **values):
        with self.lock:
            return self.api.connection.execute(statement, values).fetchall()

    def age(self, days):
        """Let every job look as if it was changed so many days ago, by another machine."""
        forget_journals()
        at = time_text(datetime.now(UTC) - timedelta(days=days))
        self.run_sql("update jobs set updated_at = :at", at=at)

    @property
    def overrides(self):
        """Return the variables of jobs: (job id, name, value)."""
        statement = "select job_id, name, value from environment_variables where job_id is not null"
        return [tuple(row) for row in self.run_sql(statement)]

    def forget_overrides(self):
        """Take the variables from their jobs; the project keeps the names."""
        self.run_sql("update environment_variables set job_id = null where job_id is not null")

    @property
    def runs(self):
        """Return the ids of all runs."""
        return [row[0] for row in self.run_sql("select id from runs order by id")]

    @property
    def runs_of_jobs(self):
        """Return the jobs of all runs, in the order of their start."""
        return [row[0] for row in self.run_sql("select job_id from runs order by id")]


def handler_of(cloud):
    """Return the class that answers connections."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def log_message(self, *_):
            pass

        def do(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = urlsplit(self.path).path
            cloud.requests.append((self.command, path, json.loads(body) if body else None))
            time.sleep(cloud.latency_seconds)
            fault = cloud.fault_for(self.command, path)
            if fault == "cut":
                return self.drop()
            if isinstance(fault, int):
                said = {"status": {"code": fault, "is_success": False}, "data": None}
                return self.send(fault, json.dumps(said).encode())
            token = self.headers.get("Authorization", "").rpartition(" ")[2]
            status, text = cloud.answer(self.command, self.path, body, token)
            return self.drop() if fault == "lost" else self.send(status, text)

        def drop(self):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.close_connection = True
            self.connection.close()

        def send(self, status, text):
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            if status == 429 and cloud.retry_after is not None:
                self.send_header("Retry-After", cloud.retry_after)
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = do  # noqa: N815

        def finish(self):
            with contextlib.suppress(OSError):
                super().finish()

    return Handler


def deploy_from(url, config, name, wait_seconds=0):
    """Deploy as a machine of its own does, and return the exit code and what was printed."""
    out = io.StringIO()
    console = Console(out=out, err=out)

    def body():
        file = load_job_file(config)
        scope = Scope("marketing-team", "feature-x", "anna")
        settings = Settings(
            host_url=url,
            account_id=ACCOUNT,
            project_id=PROJECT,
            token=TOKEN,
            scope=scope,
            environment_id=ENVIRONMENT,
        )
        client = CloudClient(settings, retry_base_seconds=0.01)
        try:
            decide = lambda: read_and_plan(client, file, settings)[0]  # noqa: E731
            return write_plan(console, client, decide(), name, wait_seconds, decide)
        finally:
            client.close()

    return run_guarded(body, console), out.getvalue()


def race(url, config, machines, wait_seconds):
    """Deploy at once from machines without a common lock file; return the exit codes, sorted."""
    start, codes = threading.Barrier(machines), []

    def deploy(number):
        start.wait()
        codes.append(deploy_from(url, config, f"machine {number}", wait_seconds)[0])

    threads = [threading.Thread(target=deploy, args=(number,)) for number in range(machines)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(codes)

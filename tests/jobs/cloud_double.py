"""A small dbt Cloud in memory that speaks real HTTP, with faults on request."""

import contextlib
import json
import random
import re
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "test-token-123456"


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


class CloudDouble:
    """State and faults; `url` is where it listens."""

    def __init__(self):
        self.lock = threading.RLock()
        self.jobs = {}
        self.variables = set()
        self.overrides = {}
        self.runs = {}
        self.next_id = 70403103936332
        self.requests = []
        self.lists_overrides = True
        # (method, path regex) -> list of faults: an int status, "lost" or "cut"
        self.faults = []
        self.random_faults = None
        self.server = QuietServer(("127.0.0.1", 0), self.handler())
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def wait_until_idle(self):
        """Wait until everything that a dead client has sent is carried out."""
        with socket.create_connection(self.server.server_address) as last:
            # connections are taken in order: when this one is answered, all before it are taken
            last.sendall(b"GET / HTTP/1.0\r\n\r\n")
            while last.recv(4096):
                pass
        with self.server.changed:
            assert self.server.changed.wait_for(lambda: not self.server.open_connections, 20)

    def new_id(self):
        self.next_id += 1
        return self.next_id

    @property
    def writes(self):
        return [(m, p) for m, p, _ in self.requests if m != "GET"]

    def active(self):
        return [job for job in self.jobs.values() if job["state"] == 1]

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

    # routes

    def answer(self, method, path, query, body):
        if method != "GET" and body and body.get("account_id") not in (None, 1):
            return 404, None
        for pattern, name in ROUTES:
            match = re.fullmatch(pattern, path)
            if match:
                with self.lock:
                    return getattr(self, name)(method, query, body, *map(int, match.groups()))
        return 404, None

    def environment_route(self, method, query, body, project_id, environment_id):
        return 200, {"id": environment_id, "project_id": project_id}

    def jobs_route(self, method, query, body):
        if method == "GET":
            offset, limit = int(query.get("offset", 0)), min(int(query.get("limit", 100)), 100)
            found = [j for j in self.active() if str(j["project_id"]) == query["project_id"]]
            related = query.get("include_related", "")
            return 200, [self.view(job, related) for job in found[offset : offset + limit]]
        job = {"id": self.new_id(), "created_at": NOW, **DEFAULTS, **body, "updated_at": NOW}
        self.jobs[job["id"]] = normalize(job)
        return 201, self.view(job, "")

    def view(self, job, related):
        view = dict(job)
        view["custom_environment_variables"] = None
        if "custom_environment_variables" in related and self.lists_overrides:
            view["custom_environment_variables"] = [
                o for o in self.overrides.values() if o["job_definition_id"] == job["id"]
            ]
        return view

    def job_route(self, method, query, body, job_id):
        job = self.jobs.get(job_id)
        if not job or job["state"] != 1:
            return 404, None
        if method == "DELETE":
            job["state"] = 2
        elif method == "POST":
            job.update({**body, "id": job_id, "updated_at": NOW})
            normalize(job)
        return 200, self.view(job, "")

    def bulk_route(self, method, query, body, project_id):
        self.variables.add(body["env_var"]["new_name"])
        return 200, {"message": "", "new_var_ids": [self.new_id()]}

    def variables_route(self, method, query, body, project_id):
        return 200, {
            "environments": ["project"],
            "variables": {name: {} for name in self.variables},
        }

    def job_variables_route(self, method, query, body, project_id):
        job_id = int(query["job_definition_id"])
        found = {name: {"project": {"id": 1, "value": ""}} for name in self.variables}
        for override in self.overrides.values():
            if override["job_definition_id"] == job_id:
                found[override["name"]]["job"] = {
                    "id": override["id"],
                    "value": override["raw_value"],
                }
        return 200, found

    def override_route(self, method, query, body, project_id, override_id=None):
        if method == "DELETE":
            return (200, {}) if self.overrides.pop(override_id, None) else (404, None)
        if body["name"] not in self.variables:
            return 400, {"reason": "no such variable"}
        same = [
            o
            for o in self.overrides.values()
            if o["job_definition_id"] == body["job_definition_id"] and o["name"] == body["name"]
        ]
        if override_id is None and same:
            return 400, {"reason": "exists"}
        override = {**body, "id": override_id or self.new_id(), "value": body["raw_value"]}
        self.overrides[override["id"]] = override
        return 200, override

    def trigger_route(self, method, query, body, job_id):
        run = {
            "id": self.new_id(),
            "job_definition_id": job_id,
            "status": 1,
            "trigger": {"cause": body["cause"]},
            "href": f"{self.url}/deploy/1/runs/1/",
        }
        run["script"] = list(self.script)
        self.runs[run["id"]] = run
        return 200, run

    script = ()

    def runs_route(self, method, query, body):
        job_id = int(query["job_definition_id"])
        found = [run for run in self.runs.values() if run["job_definition_id"] == job_id]
        return 200, sorted(found, key=lambda run: -run["id"])

    def run_route(self, method, query, body, run_id):
        run = self.runs.get(run_id)
        if not run:
            return 404, None
        if run["script"]:
            run.update(run["script"].pop(0))
        return 200, run

    def cancel_route(self, method, query, body, run_id):
        if run_id not in self.runs:
            return 404, None
        self.runs[run_id].update(status=30, status_message="Cancelled by user.", script=[])
        return 200, self.runs[run_id]

    def handler(self):  # noqa: C901
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def log_message(self, *_):
                pass

            def do(self):
                length = int(self.headers.get("Content-Length") or 0)
                raw = self.rfile.read(length)
                body = json.loads(raw) if raw else None
                parts = urlsplit(self.path)
                query = {k: v[0] for k, v in parse_qs(parts.query).items()}
                double.requests.append((self.command, parts.path, body))
                fault = double.fault_for(self.command, parts.path)
                if fault == "cut":
                    return self.drop()
                if isinstance(fault, int):
                    return self.send(fault, None, query)
                if self.headers.get("Authorization") != f"Token {TOKEN}":
                    return self.send(401, None, query)
                code, data = double.answer(self.command, parts.path, query, body)
                if fault == "lost":
                    return self.drop()
                return self.send(code, data, query)

            def drop(self):
                # a reset, not an orderly end
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True
                self.connection.close()

            def send(self, code, data, query):
                status = {
                    "code": code,
                    "is_success": code < 300,
                    "user_message": MESSAGES.get(code),
                }
                text = json.dumps({"status": status, "data": data}).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(text)))
                if code == 429:
                    self.send_header("Retry-After", "0")
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_DELETE = do_PUT = do  # noqa: N815

            def finish(self):
                with contextlib.suppress(OSError):
                    super().finish()

        return Handler


NOW = "2026-11-01T06:00:00.000001+00:00"
MESSAGES = {401: "Invalid token.", 404: "Not found", 400: "The request was invalid."}
DEFAULTS = {"generate_docs": False, "dbt_version": None, "deferring_environment_id": None}
ACCOUNT = r"/api/v2/accounts/1"
PROJECT = r"/api/v3/accounts/1/projects/(\d+)/environment-variables"
ROUTES = [
    (f"{ACCOUNT}/jobs/", "jobs_route"),
    (f"{ACCOUNT}/jobs/(\\d+)/", "job_route"),
    (f"{ACCOUNT}/jobs/(\\d+)/run/", "trigger_route"),
    (f"{ACCOUNT}/runs/", "runs_route"),
    (f"{ACCOUNT}/runs/(\\d+)/", "run_route"),
    (f"{ACCOUNT}/runs/(\\d+)/cancel/", "cancel_route"),
    (r"/api/v3/accounts/1/projects/(\d+)/environments/(\d+)/", "environment_route"),
    (f"{PROJECT}/bulk/", "bulk_route"),
    (f"{PROJECT}/environment/", "variables_route"),
    (f"{PROJECT}/job/", "job_variables_route"),
    (f"{PROJECT}/", "override_route"),
    (f"{PROJECT}/(\\d+)/", "override_route"),
]


def normalize(job):
    """Store the schedule as dbt Cloud does."""
    schedule = job["schedule"]
    date = dict(schedule["date"])
    schedule["cron"] = date.get("cron") or "0 * * * *"
    job["schedule"] = {**schedule, "date": date}
    job["triggers"] = {k: bool(v) for k, v in job["triggers"].items()}
    return job

"""What a pipeline runs against: a local dbt Cloud, a Terraform state backend, GitLab's runner."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUNNER = "gitlab-ci-local@4.61.1"
TOKEN = "token-of-the-pipeline-0123456789"
IDENTITY = {
    "DBTCLOUD_ACCOUNT_ID": "1",
    "PROJECT_ID": "102",
    "ENVIRONMENT_ID": "999",
    "DBTCLOUD_TOKEN": TOKEN,
}


class Cloud:
    """A running `marketing cloud serve` with three environments."""

    def __init__(self, url):
        self.url = url
        self.environments = {"development": 999}
        for name in ("staging", "production"):
            body = {"name": name, "type": "deployment", "deployment_type": name, "state": 1}
            created = self.call(
                f"v3/accounts/1/projects/{IDENTITY['PROJECT_ID']}/environments/", body
            )
            self.environments[name] = created["id"]

    def call(self, path, body=None):
        """Return the data of an answer."""
        headers = {"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/{path}", data, headers)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["data"]

    def jobs(self, environment):
        """Return the names of the jobs of an environment, sorted."""
        listed = self.call("v2/accounts/1/jobs/?limit=100")
        number = self.environments[environment]
        return sorted(job["name"] for job in listed if job["environment_id"] == number)


@pytest.fixture
def cloud(tmp_path):
    """Return a running local dbt Cloud."""
    folder = tmp_path / "cloud"
    command = [sys.executable, "-m", "marketing_analytics", "cloud", "serve", "--port", "0"]
    command += ["--data-dir", str(folder), "--project-dir", str(ROOT / "transform")]
    log = tmp_path / "server.log"
    with log.open("w") as output:
        environ = {**os.environ, **IDENTITY}
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environ, cwd=ROOT)
    try:
        yield Cloud(address_of(folder / "server.json", process, log))
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def address_of(path, process, log):
    """Return the address that the server writes when it listens."""
    until = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.05)
    return json.loads(path.read_text())["url"]


class StateHandler(BaseHTTPRequestHandler):
    """Keeps Terraform states with their locks, as GitLab does: GET, POST, lock and unlock."""

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_GET(self):
        state = self.server.states.get(self.path)
        self.answer(404 if state is None else 200, state or b"")

    def do_POST(self):
        path, _, query = self.path.partition("?")
        if not path.endswith("/lock"):
            assert json.loads(self.server.locks[path])["ID"] == query.removeprefix("ID=")
            self.server.states[path] = self.body()
            self.answer(200)
            return
        lock = self.server.locks.setdefault(path.removesuffix("/lock"), body := self.body())
        self.answer(200 if lock is body else 423, lock)

    def do_DELETE(self):
        self.body()
        self.server.locks.pop(self.path.removesuffix("/lock"))
        self.answer(200)

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def state_server():
    """Return a running state backend: `states` by path, `locks` that are held."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), StateHandler)
    server.states, server.locks = {}, {}
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def runner():
    """Return gitlab-ci-local, installed once under var/."""
    folder = ROOT / "var" / RUNNER.replace("@", "-")
    program = folder / "node_modules" / ".bin" / "gitlab-ci-local"
    if not program.exists():
        if shutil.which("npm") is None:
            pytest.skip("npm is not installed")
        fresh = folder.with_suffix(f".{os.getpid()}")
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", fresh, RUNNER]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"npm cannot install {RUNNER}: {done.stderr.strip().splitlines()[-1]}")
        if not folder.exists():
            fresh.rename(folder)
    return program


@pytest.fixture
def repository(tmp_path):
    """Return a git repository of its own with the files of this one, on main."""
    folder = tmp_path / "repository"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    for command in (
        "init -q -b main",
        "config user.email jennifer@example.com",
        "config user.name jennifer",
        "remote add origin git@gitlab.example.com:team/marketing.git",
        "add -A",
        "commit -q -m start",
        "update-ref refs/remotes/origin/main main",
        "remote set-head origin main",
    ):
        subprocess.run(["git", *command.split()], cwd=folder, check=True)
    return folder

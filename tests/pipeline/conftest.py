"""What a pipeline runs against: a local dbt Cloud, GitLab's runner, a repository."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
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


class Pipeline:
    """Pipelines of a repository; every job runs in a shell of this machine."""

    def __init__(self, program, repository, environ):
        self.program = program
        self.repository = repository
        self.environ = environ

    def checkout(self, branch):
        """Check a branch out, without what earlier jobs left: GitLab starts clean as well."""
        for command in (f"checkout -q -B {branch}", "clean -ffdxq -e .gitlab-ci-local*"):
            subprocess.run(["git", *command.split()], cwd=self.repository, check=True)

    def start(self, *arguments, variables=None):
        given = [f"--variable={name}={value}" for name, value in (variables or {}).items()]
        return subprocess.run(
            [self.program, "--force-shell-executor", *given, *arguments],
            capture_output=True,
            text=True,
            cwd=self.repository,
            env=self.environ,
            check=False,
        )

    def jobs(self, **variables):
        """Return when each job of the pipeline runs, by its name."""
        done = self.start("--no-evaluate-rule-changes", "--list-csv", variables=variables)
        table = done.stdout[done.stdout.index("name;") :].splitlines()
        rows = list(csv.DictReader(table, delimiter=";"))
        assert done.returncode == 0, done.stderr
        self.needs = {row["name"]: row["needs"] for row in rows}
        return {row["name"]: row["when"] for row in rows}

    def run(self, job, **variables):
        """Run one job and return its output."""
        done = self.start(job, variables=variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def pipeline(runner, repository, tmp_path):
    """Return the pipeline without variables: enough to see which jobs there are."""
    environ = {**os.environ, "HOME": str(tmp_path)}
    if shutil.which("rsync") is None:
        # it copies files for containers alone; jobs in a shell run in the repository itself
        (tmp_path / "programs").mkdir()
        (tmp_path / "programs" / "rsync").symlink_to(shutil.which("true"))
        environ["PATH"] += f"{os.pathsep}{tmp_path / 'programs'}"
    return Pipeline(runner, repository, environ)

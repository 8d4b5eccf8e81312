"""One local dbt Cloud over https, the project that it runs, and the clients that ask it."""

import json
import os
import ssl
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from marketing_analytics.local_cloud.testing import ServedCloud, serving
from tests.environments import environment_of

from .shop import BUILD, read_customers, run_bare, write_shop

HERE = Path(__file__).parent
# where the first environment builds
SCHEMA = "analytics"
# what the machine gives every program; nothing of the server's environment comes along
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")


@dataclass(frozen=True)
class Cloud:
    """The server as the tests look at it, beside the client."""

    served: ServedCloud

    @property
    def host(self):
        """Return host and port, as clients that know nothing but https want them."""
        return f"localhost:{urlsplit(self.served.url).port}"

    def ask(self, method, path, body=None):
        """Return the data of an answer below the account."""
        request = urllib.request.Request(
            f"{self.served.url}/api/{path.format(account=f'accounts/{self.served.account_id}')}",
            None if body is None else json.dumps(body).encode(),
            self.served.headers,
            method=method,
        )
        trusting = ssl.create_default_context(cafile=self.served.certificate)
        with urllib.request.urlopen(request, timeout=60, context=trusting) as answer:
            found = json.loads(answer.read())
        return found.get("data", found)

    def make_job(self, name, steps=(BUILD,), **fields):
        """Create a job and return its id."""
        body = {
            "project_id": self.served.project_id,
            "environment_id": self.served.environment_id,
            "name": name,
            "execute_steps": list(steps),
            **fields,
        }
        return self.ask("POST", "v2/{account}/jobs/", body)["id"]

    def runs_of(self, job_id):
        """Return the runs of a job, oldest first."""
        return self.ask("GET", f"v2/{{account}}/runs/?job_definition_id={job_id}")

    def artifact(self, run_id, name):
        """Return an artifact of a run."""
        return self.ask("GET", f"v2/{{account}}/runs/{run_id}/artifacts/{name}")

    def rows(self):
        """Return what the environment's warehouse holds of the shop's customers."""
        [database] = (self.served.data_dir / "warehouse").glob("*.duckdb")
        return read_customers(database, SCHEMA)

    def check_built(self, job_id, bare, count=1):
        """Demand that the last run of a job did what bare dbt does; return the run."""
        runs = self.runs_of(job_id)
        assert len(runs) == count
        run = runs[-1]
        assert run["status_humanized"] == "Success", run["status_message"]
        results = self.artifact(run["id"], "run_results.json")
        bare.check(results, self.artifact(run["id"], "manifest.json"))
        assert results["metadata"]["env"]["DBT_CLOUD_RUN_ID"] == str(run["id"])
        assert results["metadata"]["env"]["DBT_CLOUD_JOB_ID"] == str(job_id)
        return run


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    """Return the folder of the dbt project."""
    return write_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="session")
def bare(shop, tmp_path_factory):
    """Return what bare dbt makes of the project."""
    return run_bare(shop, tmp_path_factory.mktemp("bare"))


@pytest.fixture(scope="session")
def cloud(shop, tmp_path_factory):
    """Serve the project over https to all clients."""
    with serving(shop, tmp_path_factory.mktemp("cloud"), "--tls") as served:
        yield Cloud(served)


@pytest.fixture(scope="session")
def run_client(cloud, tmp_path_factory):
    """Return a function that runs a program of a client's environment; it returns what it printed.

    A name that ends with `.py` is a script of this folder.
    """
    folder = tmp_path_factory.mktemp("client")

    def run(environment, program, *arguments, code=0, given="", **settings):
        place = environment_of(environment)
        is_script = program.endswith(".py")
        command = [place / "python", HERE / program] if is_script else [place / program]
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        done = subprocess.run(
            [*map(str, command), *map(str, arguments)],
            cwd=folder,
            env=kept
            | {"PYTHONPATH": str(HERE / "machine"), "HOME": str(folder)}
            | cloud.served.environment
            | {"DBT_CLOUD_HOST": cloud.host}
            | settings,
            input=given,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == code, done.stdout[-4000:] + done.stderr[-6000:]
        return done.stdout

    return run

"""Public projects with nothing of ours: a run gives what bare dbt gives.

`PUBLIC_PROJECTS` names a folder of bare repositories, each at `<owner>+<name>/repo` as a mirror
leaves them. Nothing of them is kept here; what is not there is skipped with the reason.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks.public_shop import SEED_COMMAND, write_files, write_large_seeds
from marketing_analytics.local_cloud.runs.artifacts import resolve_artifact
from marketing_analytics.local_cloud.runs.code.settings import CodeSettings
from marketing_analytics.local_cloud.runs.confinement.access import Access

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Public:
    """Its commands, the folder of dbt in it, and whether its rows are the same twice.

    `fill` writes what a mirror lacks.
    """

    commands: tuple[str, ...] = ("dbt build",)
    folder: str = ""
    is_repeatable: bool = True
    fill: Callable[[Path], None] | None = None


PROJECTS = {
    "dbt-labs/jaffle-shop": Public(
        (SEED_COMMAND, "dbt build"), fill=partial(write_large_seeds, orders=2_000)
    ),
    "dbt-labs/jaffle_shop_duckdb": Public(),
    "dbt-labs/mrr-playbook": Public(),
    "dbt-labs/jaffle-shop-classic": Public(),
    "dbt-labs/attribution-playbook": Public(),
    "dbt-labs/jaffle-shop-template": Public(),
    "dbt-labs/jaffle-sl-template": Public(),
    # a simulation with data beside the project
    "matsonj/nba-monte-carlo": Public(folder="transform", is_repeatable=False),
    # in a sub-directory, with the package above it as a local one; its rows hold the time and the
    # database
    "dbt-labs/dbt-project-evaluator": Public(folder="integration_tests", is_repeatable=False),
    "godatadriven/dbt-date": Public(folder="integration_tests"),
}
# the hub takes no other tags, and dbt cannot read them
VERSION = re.compile(r"\d+\.\d+\.\d+(-[\w.-]+)?")
# packages of the hub that these projects want, and where their code is
HUB_PACKAGES = {
    ("dbt-labs", "dbt_utils"): "dbt-labs/dbt-utils",
    ("godatadriven", "dbt_date"): "godatadriven/dbt-date",
    ("calogica", "dbt_date"): "godatadriven/dbt-date",
}


@pytest.fixture
def store_kind() -> str:
    """Return one store: what dbt does does not depend on it."""
    return "sqlite"


def mirror_of(name: str) -> Path:
    """Return the bare repository of a public project; skip where it is not there."""
    folder = os.environ.get("PUBLIC_PROJECTS")
    if not folder:
        pytest.skip("PUBLIC_PROJECTS is not set: a folder of bare repositories")
    found = Path(folder) / name.replace("/", "+") / "repo"
    if not found.is_dir():
        pytest.skip(f"{name} is not in {folder}")
    return found


def repository_of(mirror: Path, public: Public, folder: Path) -> Path:
    """Make a repository of the newest files of a mirror, which may lack its largest ones."""
    write_files(mirror, "HEAD", folder)
    if public.fill is not None:
        public.fill(folder)
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    git(folder, "init", "-qb", "main")
    git(folder, "add", "-A")
    git(folder, *who, "commit", "-qm", "as it is")
    return folder


def git(folder: Path, *arguments: str) -> bytes:
    command = ["git", "-c", "safe.directory=*", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout


class Hub(BaseHTTPRequestHandler):
    """A mirror of dbt's hub: it has the tags of the packages as their versions."""

    def do_GET(self) -> None:
        parts = self.path.strip("/").split("/")
        if self.path.endswith("index.json"):
            body = json.dumps(["/".join(name) for name in HUB_PACKAGES]).encode()
        elif parts[0] == "tar":
            mirror = mirror_of(HUB_PACKAGES[(parts[1], parts[2])])
            version = parts[3].removesuffix(".tar.gz")
            prefix = f"--prefix={parts[2]}-{version}/"
            body = git(mirror, "archive", "--format=tar.gz", prefix, version)
        else:
            owner, name = parts[-2], parts[-1].removesuffix(".json")
            body = json.dumps(self.package(owner, name)).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def package(self, owner: str, name: str) -> dict:
        base = f"http://127.0.0.1:{self.server.server_address[1]}"
        mirror = mirror_of(HUB_PACKAGES[(owner, name)])
        tags = git(mirror, "tag").decode().split()
        versions = {
            tag: {
                "id": f"{owner}/{name}/{tag}", "name": name, "version": tag, "packages": [],
                "downloads": {"tarball": f"{base}/tar/{owner}/{name}/{tag}.tar.gz"},
                "require_dbt_version": [], "works_with": [],
            }
            for tag in tags if VERSION.fullmatch(tag)
        }  # fmt: skip
        return {"name": name, "namespace": owner, "versions": versions, "redirectnamespace": None,
                "redirectname": None}  # fmt: skip

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def results_of(path: Path) -> dict[str, tuple[str, object]]:
    """Return how every node ended."""
    found = json.loads(path.read_text())["results"]
    return {one["unique_id"]: (one["status"], one.get("failures")) for one in found}


def contents_of(path: Path) -> dict[str, list]:
    """Return the rows of every table and view of a warehouse, in an order that holds."""
    import duckdb

    with duckdb.connect(str(path), read_only=True) as warehouse:
        names = warehouse.execute(
            "select table_schema, table_name from information_schema.tables order by all"
        ).fetchall()
        return {
            f"{schema}.{name}": warehouse.execute(
                f'select * from "{schema}"."{name}" order by all'
            ).fetchall()
            for schema, name in names
        }


def bare_results(project: Path, commands: Sequence[str], folder: Path, environment: dict) -> Path:
    """Run a project as its users do, on a DuckDB file; return dbt's target folder."""
    import yaml

    name = yaml.safe_load((project / "dbt_project.yml").read_text())["profile"]
    output = {"type": "duckdb", "path": str(folder / "bare.duckdb"), "schema": "tiny", "threads": 4}
    profile = {name: {"target": "default", "outputs": {"default": output}}}
    (folder / "profiles.yml").write_text(json.dumps(profile))
    dbt = str(Path(sys.executable).parent / "dbt")
    target = folder / "target"
    given = {**os.environ, **environment, "DBT_PROFILES_DIR": str(folder)}
    given |= {"DBT_TARGET_PATH": str(target), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    for words in (["deps"], *(shlex.split(command)[1:] for command in commands)):
        subprocess.run([dbt, *words], cwd=project, env=given, capture_output=True, check=False)
    return target


@pytest.mark.parametrize("name", PROJECTS)
def test_a_run_gives_what_bare_dbt_gives(name, cloud, start_engine, tmp_path, hub, monkeypatch):
    mirror, public = mirror_of(name), PROJECTS[name]
    # packages from git are read where they are
    config = tmp_path / "gitconfig"
    audit = mirror.parent.parent / "dbt-labs+dbt-audit-helper" / "repo"
    config.write_text(
        f'[url "file://{audit}"]\n'
        "    insteadOf = https://github.com/dbt-labs/dbt-audit-helper.git\n"
        "[safe]\n    directory = *\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    place = f"file://{repository_of(mirror, public, tmp_path / 'public')}"
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", place, str(clone))
    hub_url = {"DBT_PACKAGE_HUB_URL": f"{hub}/"}
    target = bare_results(clone / public.folder, public.commands, tmp_path, hub_url)
    cloud.connection.execute(
        "update projects set source_path = ?, dbt_project_subdirectory = nullif(?, '')",
        (place, public.folder),
    )
    # the settings of git and the mirrors lie outside of what a run may read
    access = Access(folders=(tmp_path, mirror.parent.parent))
    start_engine(program=(), code=CodeSettings(hub_url=hub), access=access)
    run = cloud.run(cloud.job(public.commands))
    row = cloud.wait(run, seconds=400)
    assert row.git_sha == git(clone, "rev-parse", "HEAD").decode().strip()
    if not (target / "run_results.json").is_file():
        assert row.status == 20, row.status_message
        pytest.skip(f"bare dbt refuses {name} too: {row.status_message}")
    path = resolve_artifact(cloud.data_folder, run, "run_results.json", 3 + len(public.commands))
    assert path is not None, row.status_message
    if public.fill is not None:
        # with its data it is whole: two builds that fail alike would prove nothing
        assert row.status == 10, row.status_message
    assert results_of(path) == results_of(target / "run_results.json")
    if not public.is_repeatable:
        return
    ours = contents_of(cloud.data_folder / "warehouse" / "env_1.duckdb")
    assert ours == contents_of(tmp_path / "bare.duckdb")
    assert ours


def test_data_beside_the_project_and_packages_of_a_monorepo_are_there(
    cloud, start_engine, tmp_path
):
    """A monorepo of a plain kind: data and a package beside the project, read by their paths."""
    top = tmp_path / "mono"
    texts = {
        "data/orders.csv": "id,amount\n1,10\n2,20\n",
        "dbt/shop/dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\n",
        "dbt/shop/packages.yml": "packages:\n  - local: ../shared\n",
        "dbt/shop/models/logs/orders.sql": (
            "{{ config(materialized='table') }}\n"
            "select id, {{ shared.double('amount') }} as amount\n"
            "from read_csv('../../data/orders.csv')\n"
        ),
        "dbt/shared/dbt_project.yml": "name: shared\nversion: '1.0'\n",
        "dbt/shared/macros/m.sql": "{% macro double(name) %}{{ name }} * 2{% endmacro %}\n",
    }
    for file, text in texts.items():
        (top / file).parent.mkdir(parents=True, exist_ok=True)
        (top / file).write_text(text)
    git(tmp_path, "init", "-qb", "main", str(top))
    git(top, "add", "-A")
    git(top, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "first")
    cloud.connection.execute(
        "update projects set source_path = ?, dbt_project_subdirectory = 'dbt/shop'", (str(top),)
    )
    start_engine(program=())
    run = cloud.run(cloud.job(["dbt build"]))
    row = cloud.wait(run, seconds=200)
    assert row.status == 10, (row.status_message, cloud.log(run))
    found = contents_of(cloud.data_folder / "warehouse" / "env_1.duckdb")
    assert found == {"tiny.orders": [(1, 20), (2, 40)]}

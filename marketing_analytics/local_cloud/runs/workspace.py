"""What a run works with: a copy of the project, a rendered profile, and its environment.

The copy lives in one folder per environment, since runs of an environment never overlap. Its path
and the profile's text stay the same from run to run, so that dbt's partial parsing holds.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from marketing_analytics.core.errors import MachineError, UserError
from marketing_analytics.core.redaction import is_secret_name
from marketing_analytics.local_cloud.runs.artifacts import run_folder
from marketing_analytics.local_cloud.runs.records import Run
from marketing_analytics.local_cloud.store.environments import get_site
from marketing_analytics.local_cloud.store.variables import resolve_variables
from marketing_analytics.warehouse.duckdb import profile_output

PROFILE_NAME = "marketing_cloud"
SKIPPED_FOLDERS = frozenset(
    {".git", ".venv", "__pycache__", "dbt_packages", "logs", "node_modules", "target", "var"}
)
SKIPPED_SUFFIXES = (".duckdb", ".duckdb.wal", ".pyc", ".swp")
SKIPPED_FILES = frozenset({".user.yml", "profiles.yml"})


@dataclass(frozen=True)
class Workspace:
    """The folders of one run below the data folder."""

    data_folder: Path
    run_id: int
    environment_id: int
    schema_name: str

    @property
    def run(self) -> Path:
        """Return the folder that is kept after the run."""
        return run_folder(self.data_folder, self.run_id)

    @property
    def target(self) -> Path:
        """Return dbt's target folder; it goes when the run ends."""
        return self.run / "target"

    @property
    def project(self) -> Path:
        """Return the copy of the project."""
        return self.data_folder / "work" / f"env_{self.environment_id}" / "project"

    @property
    def profile(self) -> Path:
        """Return the folder of the rendered profile."""
        return self.run / "profile"

    @property
    def warehouse(self) -> Path:
        """Return the DuckDB file of the environment; its stem is the catalog name."""
        return self.data_folder / "warehouse" / f"env_{self.environment_id}.duckdb"

    @property
    def parse_file(self) -> Path:
        """Return dbt's partial parse file of this environment and schema."""
        name = f"env_{self.environment_id}_{self.schema_name}.msgpack"
        return self.data_folder / "parse" / name

    def debug_logs(self, step_index: int) -> Path:
        """Return the folder of dbt's debug log of a step."""
        return self.run / "steps" / f"{step_index}.debug"


def copy_project(source: Path, target: Path) -> tuple[int, int]:
    """Make `target` a copy of the project; return how many files it has and how many were copied.

    Files whose size and time did not change are left alone. Raise UserError when there is none.
    """
    if not (source / "dbt_project.yml").is_file():
        raise UserError(
            f"there is no dbt_project.yml in {source}", hint="set the project's source folder"
        )
    try:
        wanted = list_files(source)
        target.mkdir(parents=True, exist_ok=True)
        for name in set(list_files(target)) - set(wanted):
            (target / name).unlink()
        copied = sum(copy_file(source / name, target / name) for name in wanted)
    except OSError as error:
        raise MachineError(f"cannot copy the project {source}: {error}") from None
    return len(wanted), copied


def list_files(folder: Path) -> list[str]:
    """Return the files of a project below `folder`, relative to it, sorted."""
    found: list[str] = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
        prefix = os.path.relpath(place, folder)
        found += [
            os.path.normpath(os.path.join(prefix, name))  # noqa: PTH118
            for name in files
            if name not in SKIPPED_FILES and not name.endswith(SKIPPED_SUFFIXES)
        ]
    return sorted(found)


def copy_file(source: Path, target: Path) -> bool:
    """Copy one file unless the copy has its size and time; return whether it was copied."""
    there = source.stat()
    try:
        here = target.stat()
        if (here.st_size, here.st_mtime_ns) == (there.st_size, there.st_mtime_ns):
            return False
    except FileNotFoundError:
        target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
    return True


def commit_of(source: Path) -> tuple[str, str] | None:
    """Return commit and branch of the git work tree a project is in, or None."""
    command = ["git", "-C", str(source), "rev-parse", "HEAD", "--abbrev-ref", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    sha, _, branch = done.stdout.strip().partition("\n")
    return sha, branch


def has_packages(project: Path) -> bool:
    """Return whether the project names packages to install."""
    import yaml  # type: ignore[import-untyped]

    for name in ("packages.yml", "dependencies.yml"):
        try:
            content = yaml.safe_load((project / name).read_text("utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, yaml.YAMLError):
            # dbt says better what is wrong with it
            return True
        if isinstance(content, dict) and (content.get("packages") or content.get("projects")):
            return True
    return False


def render_profile(
    workspace: Workspace, *, threads: int, target_name: str, raw_database: Path | None
) -> str:
    """Return the text of profiles.yml; JSON is YAML, and it quotes whatever a path may hold."""
    output = profile_output(
        workspace.warehouse,
        schema=workspace.schema_name,
        threads=threads,
        raw_database=raw_database,
    )
    profile = {PROFILE_NAME: {"target": target_name, "outputs": {target_name: output}}}
    return json.dumps(profile, indent=2) + "\n"


OF_MACHINE = {
    "HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "SHELL", "SSH_AUTH_SOCK",
    "TEMP", "TERM", "TMP", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV", "XDG_CACHE_HOME",
}  # fmt: skip
OF_MACHINE_PREFIXES = ("GIT_", "LC_", "OMP_", "OPENBLAS_", "PYTHON")
OF_NETWORK = {
    "ALL_PROXY", "CURL_CA_BUNDLE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR", "SSL_CERT_FILE",
}  # fmt: skip


def write_profile(workspace: Workspace, text: str) -> None:
    """Write the profile, and make the folders that dbt will write to."""
    for folder in (workspace.profile, workspace.warehouse.parent, workspace.parse_file.parent):
        folder.mkdir(parents=True, exist_ok=True)
    (workspace.profile / "profiles.yml").write_text(text, "utf-8")


def base_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what of the server's environment dbt needs: no tokens, no settings of ours."""
    kept = {name: value for name, value in environment.items() if is_needed_by_dbt(name)}
    return {**kept, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}


def is_needed_by_dbt(name: str) -> bool:
    """Return whether dbt gets a variable: its own, and those of the machine and the network."""
    if name.startswith("DBT_CLOUD_") or name == "PYTHONDONTWRITEBYTECODE":
        return False
    if name.startswith("DBT_"):
        return True
    is_of_machine = name in OF_MACHINE or name.startswith(OF_MACHINE_PREFIXES)
    return (is_of_machine or name.upper() in OF_NETWORK) and not is_secret_name(name)


def run_environment(
    connection: sqlite3.Connection,
    run: Run,
    workspace: Workspace,
    *,
    base: Mapping[str, str],
) -> dict[str, str]:
    """Return what dbt sees: server < project < environment < job < what the run sets itself."""
    ids = (run.project_id, run.environment_id, run.job_id)
    own = {
        "DBT_SCHEMA": run.schema_name,
        "DBT_PROFILE": PROFILE_NAME,
        "DBT_TARGET": run.target_name,
        "DBT_PROFILES_DIR": str(workspace.profile),
        "DBT_PROJECT_DIR": str(workspace.project),
        "DBT_TARGET_PATH": str(workspace.target),
        "DBT_LOG_FORMAT": "json",
        "DBT_LOG_FORMAT_FILE": "debug",
        "DBT_USE_COLORS": "false",
        "DBT_USE_COLORS_FILE": "false",
        "DBT_VERSION_CHECK": "false",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    return {
        **base,
        **resolve_variables(connection, *ids),
        **cloud_variables(connection, run),
        **own,
    }


def step_variables(workspace: Workspace, step_index: int) -> dict[str, str]:
    """Return what differs from step to step: dbt's debug log, and the parse file once there is one.

    dbt refuses to start with a parse file that does not exist.
    """
    variables = {"DBT_LOG_PATH": str(workspace.debug_logs(step_index))}
    if workspace.parse_file.exists():
        variables["DBT_PARTIAL_PARSE_FILE_PATH"] = str(workspace.parse_file)
    return variables


def cloud_variables(connection: sqlite3.Connection, run: Run) -> dict[str, str]:
    """Return the DBT_CLOUD_* variables that dbt Cloud gives to a run."""
    site = get_site(connection, run.environment_id)
    kind = {"production": "prod", "staging": "staging"}.get(site.deployment_type or "", "")
    overrides = run.trigger_body
    requests = ("github_pull_request_id", "gitlab_merge_request_id", "azure_pull_request_id")
    request = next((overrides[name] for name in requests if overrides.get(name)), "")
    return {
        "DBT_ENV": "prod",
        "DBT_CLOUD_ACCOUNT_ID": str(run.account_id),
        "DBT_CLOUD_PROJECT_ID": str(run.project_id),
        "DBT_CLOUD_ENVIRONMENT_ID": str(run.environment_id),
        "DBT_CLOUD_ENVIRONMENT_NAME": site.name,
        "DBT_CLOUD_ENVIRONMENT_TYPE": kind,
        "DBT_CLOUD_JOB_ID": str(run.job_id),
        "DBT_CLOUD_RUN_ID": str(run.id),
        "DBT_CLOUD_RUN_REASON": run.cause,
        "DBT_CLOUD_RUN_REASON_CATEGORY": run.cause_category,
        "DBT_CLOUD_INVOCATION_CONTEXT": "ci" if request else kind or "prod",
        "DBT_CLOUD_PR_ID": str(request),
        "DBT_CLOUD_GIT_SHA": run.git_sha or "",
    }

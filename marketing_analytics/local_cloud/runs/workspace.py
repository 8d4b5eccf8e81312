"""What a run works with: its folders, its rendered profile, and what dbt sees of the environment.

The code lies in one folder per environment, since runs of an environment never overlap. Its path
and the profile's text stay the same from run to run, so that dbt's partial parsing holds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marketing_analytics.core.redaction import is_secret_name
from marketing_analytics.local_cloud.runs.artifacts import own_folder, run_folder
from marketing_analytics.local_cloud.runs.code.checkout import Home
from marketing_analytics.local_cloud.runs.records import Run
from marketing_analytics.local_cloud.runs.requests.schemas import number_of
from marketing_analytics.local_cloud.store.connection import Connection
from marketing_analytics.local_cloud.store.environments import Site, get_site
from marketing_analytics.local_cloud.store.variables import resolve_variables

PROFILE_NAME = "marketing_cloud"
# where dbt looks packages up
HUB = "DBT_PACKAGE_HUB_URL"
# dbt puts variables of these names into the metadata of its artifacts
IN_METADATA = "DBT_ENV_CUSTOM_ENV_"
METADATA_NAMES = (
    "DBT_CLOUD_PROJECT_ID", "DBT_CLOUD_JOB_ID", "DBT_CLOUD_RUN_ID", "DBT_CLOUD_RUN_REASON",
    "DBT_CLOUD_RUN_REASON_CATEGORY", "DBT_CLOUD_PR_ID", "DBT_CLOUD_GIT_SHA",
    "DBT_CLOUD_GIT_BRANCH",
)  # fmt: skip


@dataclass(frozen=True)
class Workspace:
    """The folders of one run below the data folder."""

    data_folder: Path
    run_id: int
    environment_id: int
    schema_name: str
    # where the project is in its repository
    inner: str = "."
    # what its code is for: the environment's jobs, or dropping schemas
    kind: str = "code"

    @property
    def run(self) -> Path:
        """Return the folder that is kept after the run."""
        return run_folder(self.data_folder, self.run_id)

    @property
    def own(self) -> Path:
        """Return the part of it that steps write to; it goes when the run ends.

        Logs and artifacts lie outside: the server opens them while a step may go on.
        """
        return own_folder(self.data_folder, self.run_id)

    @property
    def target(self) -> Path:
        """Return dbt's target folder."""
        return self.own / "target"

    @property
    def home(self) -> Home:
        """Return the folder of the environment's code."""
        return Home(self.data_folder / "work" / f"env_{self.environment_id}" / self.kind)

    @property
    def project(self) -> Path:
        """Return the project as the run works on it."""
        return self.home.tree / self.inner

    @property
    def state(self) -> Path:
        """Return the folder of the artifacts that the run is compared with."""
        return self.run / "state"

    @property
    def temporary(self) -> Path:
        """Return the folder of temporary files."""
        return self.own / "tmp"

    @property
    def profile(self) -> Path:
        """Return the folder of the rendered profile."""
        return self.run / "profile"

    @property
    def warehouse(self) -> Path:
        """Return the DuckDB file of the environment; its stem is the catalog name."""
        return self.warehouse_of(self.environment_id)

    def warehouse_of(self, environment_id: int) -> Path:
        """Return the DuckDB file of an environment."""
        return self.data_folder / "warehouse" / f"env_{environment_id}.duckdb"

    def file_of(self, environment_id: int | None) -> Path | None:
        """Return the DuckDB file of another environment that the run reads, or None."""
        if environment_id in (None, self.environment_id) or not self.state.is_dir():
            return None
        file = self.warehouse_of(environment_id or 0)
        return file if file.is_file() else None

    @property
    def parse_file(self) -> Path:
        """Return dbt's partial parse file of this environment and schema."""
        name = f"env_{self.environment_id}_{self.schema_name}.msgpack"
        return self.data_folder / "parse" / name

    def debug_logs(self, step_index: int) -> Path:
        """Return the folder of dbt's debug log of a step."""
        return self.own / "debug" / str(step_index)


def profile_text(target_name: str, output: Mapping[str, Any]) -> str:
    """Return the text of profiles.yml; JSON is YAML, and it quotes whatever a path may hold."""
    profile = {PROFILE_NAME: {"target": target_name, "outputs": {target_name: output}}}
    return json.dumps(profile, indent=2) + "\n"


# dbt reads DBT_ENGINE_X before DBT_X; the second are decided for each step
OF_ENGINE = "DBT_ENGINE_"
OF_STEPS = ("DBT_LOG_PATH", "DBT_PARTIAL_PARSE_FILE_PATH", "DBT_STATE", "DBT_DEFER")
OF_MACHINE = {
    "HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "SHELL", "SSH_AUTH_SOCK",
    "TEMP", "TERM", "TMP", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV", "XDG_CACHE_HOME",
}  # fmt: skip
# git fetches packages; what a hook sets, such as GIT_DIR, would lead it astray
OF_MACHINE |= {
    "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "GIT_EXEC_PATH", "GIT_SSH",
    "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "PYTHONHOME", "PYTHONPATH",
    "PYTHONSAFEPATH", "PYTHONHASHSEED", "PYTHONWARNINGS",
}  # fmt: skip
OF_MACHINE_PREFIXES = ("LC_", "OMP_", "OPENBLAS_")
OF_NETWORK = {
    "ALL_PROXY", "CURL_CA_BUNDLE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR", "SSL_CERT_FILE",
}  # fmt: skip


def write_profile(workspace: Workspace, text: str) -> None:
    """Write the profile, and make the folders that dbt will write to."""
    for folder in (workspace.profile, workspace.warehouse.parent, workspace.parse_file.parent):
        folder.mkdir(parents=True, exist_ok=True)
    (workspace.profile / "profiles.yml").write_text(text, "utf-8")


def base_environment(environment: Mapping[str, str], hub_url: str = "") -> dict[str, str]:
    """Return what of the server's environment dbt needs: no tokens, no settings of ours.

    dbt reads where its hub is when it is imported, so the process must be started with it.
    """
    kept = {name: value for name, value in environment.items() if is_needed_by_dbt(name)}
    hub = {HUB: f"{hub_url.rstrip('/')}/"} if hub_url else {}
    return {**kept, **hub, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}


def is_needed_by_dbt(name: str) -> bool:
    """Return whether dbt gets a variable: its own, and those of the machine and the network."""
    if name.startswith("DBT_CLOUD_") or name == "PYTHONDONTWRITEBYTECODE":
        return False
    if name.startswith("DBT_"):
        return True
    is_of_machine = name in OF_MACHINE or name.startswith(OF_MACHINE_PREFIXES)
    return (is_of_machine or name.upper() in OF_NETWORK) and not is_secret_name(name)


def run_environment(
    connection: Connection,
    run: Run,
    workspace: Workspace,
    *,
    base: Mapping[str, str],
    more: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return what dbt sees: server < project < environment < job < what the run sets itself.

    `more` are the secrets of the profile.
    """
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
        # without it there are no artifacts
        "DBT_WRITE_JSON": "true",
    }
    cloud = cloud_variables(get_site(connection, run.environment_id), run)
    found = {
        **base,
        **resolve_variables(connection, *ids),
        **cloud,
        **{IN_METADATA + name: cloud[name] for name in METADATA_NAMES},
        **(more or {}),
        **own,
    }
    overridden = {OF_ENGINE + name.removeprefix("DBT_") for name in (*own, *OF_STEPS)}
    return {name: value for name, value in found.items() if name not in overridden}


def metadata_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what dbt writes into the metadata of its artifacts."""
    start = len(IN_METADATA)
    given = environment.items()
    return {name[start:]: value for name, value in given if name.startswith(IN_METADATA)}


def step_variables(workspace: Workspace, step_index: int) -> dict[str, str]:
    """Return what differs from step to step: dbt's debug log, and the files that it may read.

    dbt refuses to start with a parse file that does not exist.
    """
    variables = {"DBT_LOG_PATH": str(workspace.debug_logs(step_index))}
    if workspace.parse_file.is_file():
        variables["DBT_PARTIAL_PARSE_FILE_PATH"] = str(workspace.parse_file)
    if (workspace.state / "manifest.json").is_file():
        variables |= {"DBT_STATE": str(workspace.state), "DBT_DEFER": "true"}
    return variables


def cloud_variables(site: Site, run: Run) -> dict[str, str]:
    """Return the DBT_CLOUD_* variables that dbt Cloud gives to a run."""
    kind = {"production": "prod", "staging": "staging"}.get(site.deployment_type or "", "")
    request = number_of(run.request) or ""
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
        "DBT_CLOUD_GIT_BRANCH": run.git_branch or "",
    }

"""Where the demo keeps its files, and the settings it gives to every command."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marketing_analytics.core.env_file import read_env_file
from marketing_analytics.core.errors import MachineError

REPOSITORY = Path(__file__).resolve().parents[2]
JOB_FILE = "env_file/dev_env.tfvars"
ACCOUNT_ID, PROJECT_ID, ENVIRONMENT_ID = 1, 1, 1


@dataclass(frozen=True)
class Layout:
    """The folder of one demo."""

    root: Path

    @property
    def world(self) -> Path:
        """The simulated world: truth, ledger, GA4 export and shop database."""
        return self.root / "world"

    @property
    def connections(self) -> Path:
        """Settings of the emulated platforms, written when they listen."""
        return self.root / "connections.env"

    @property
    def raw_database(self) -> Path:
        """The warehouse file that ingestion writes."""
        return self.root / "raw.duckdb"

    @property
    def cloud(self) -> Path:
        """The data directory of the local dbt Cloud."""
        return self.root / "cloud"

    @property
    def warehouse(self) -> Path:
        """The warehouse file that dbt runs write."""
        return self.cloud / "warehouse" / f"env_{ENVIRONMENT_ID}.duckdb"

    @property
    def report(self) -> Path:
        """The pages of the report: a link to where the server published them."""
        return self.root / "report"

    @property
    def processes(self) -> Path:
        """What runs in the background, by process id and start time."""
        return self.root / "processes.json"

    @property
    def settings(self) -> Path:
        """The settings for a shell, readable by the user alone."""
        return self.root / "demo.env"

    @property
    def summary(self) -> Path:
        """The figures of the last run."""
        return self.root / "summary.json"

    def log(self, name: str) -> Path:
        """Return the log file of a background process."""
        return self.root / "logs" / f"{name}.log"

    def reset(self) -> None:
        """Remove what an earlier demo left. Raise MachineError if that is not possible."""
        try:
            shutil.rmtree(self.root, ignore_errors=False)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise MachineError(f"cannot remove {self.root}: {error.strerror}") from None
        self.make()

    def make(self) -> None:
        """Make the folders. Raise MachineError if that is not possible."""
        try:
            (self.root / "logs").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MachineError(f"cannot write {self.root}: {error.strerror}") from None

    def ledger(self) -> dict[str, Any]:
        """Return the totals of the world."""
        content: dict[str, Any] = json.loads((self.world / "ledger.json").read_text())
        return content

    def link_report(self) -> dict[str, Any]:
        """Link the published report and return what it says of itself.

        Raise MachineError when the server has published none.
        """
        published = sorted((self.cloud / "report").glob("*/*/report.json"))
        if not published:
            raise MachineError(
                "the local dbt Cloud published no report",
                hint="the last step of its run of marketing-executive-dashboard says why",
            )
        self.report.unlink(missing_ok=True)
        self.report.symlink_to(published[-1].parent.relative_to(self.root))
        content: dict[str, Any] = json.loads(published[-1].read_text())
        return content

    def world_parameters(self) -> dict[str, Any]:
        """Return what the world was built from: seed, customers, days."""
        content: dict[str, Any] = json.loads((self.world / "world.json").read_text())
        return content


def default_layout() -> Layout:
    """Return the folder used by `make demo` and `make up`."""
    return Layout(REPOSITORY / "var" / "demo")


def cloud_settings(layout: Layout) -> dict[str, str]:
    """Return the settings of the local dbt Cloud; the token is made once per demo folder."""
    if layout.settings.exists():
        return read_env_file(layout.settings)
    return {
        "DBTCLOUD_ACCOUNT_ID": str(ACCOUNT_ID),
        "PROJECT_ID": str(PROJECT_ID),
        "ENVIRONMENT_ID": str(ENVIRONMENT_ID),
        "DBTCLOUD_TOKEN": f"local_{secrets.token_urlsafe(24)}",
        "TEAM_NAME": "marketing-team",
        "CI_COMMIT_REF_SLUG": "demo",
        "GITLAB_USER_LOGIN": "local",
        "MARKETING_RAW_DATABASE": str(layout.raw_database),
    }


def write_settings(layout: Layout, settings: dict[str, str]) -> None:
    """Write the settings for a shell into a file that only the user can read."""
    text = "".join(f"{name}={value}\n" for name, value in settings.items())
    descriptor = os.open(layout.settings, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)

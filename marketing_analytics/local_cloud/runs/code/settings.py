"""What all runs of a server share."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from marketing_analytics.local_cloud.runs.code.remotes import Login
from marketing_analytics.local_cloud.runs.confinement.access import Access
from marketing_analytics.local_cloud.runs.publish import PublishSettings
from marketing_analytics.local_cloud.store.connection import Place


@dataclass(frozen=True, kw_only=True)
class CodeSettings:
    """How a server gets the code of its runs.

    is_dirty: a work tree is run with what is not committed in it.
    logins: who may read which addresses of repositories.
    hub_url: where packages of the hub are looked up; "" is dbt's own choice.
    """

    is_dirty: bool = False
    logins: tuple[Login, ...] = ()
    hub_url: str = ""


@dataclass(frozen=True)
class RunnerSettings:
    """What all runs of a server share; durations are in seconds."""

    data_folder: Path
    store: Place
    raw_database: Path | None
    base_environment: dict[str, str]
    interrupt_seconds: float = 10.0
    terminate_seconds: float = 5.0
    save_seconds: float = 0.3
    finish_seconds: float = 30.0
    raw_wait_seconds: float = 60.0
    # how long a step waits for a store that is away
    store_patience_seconds: float = 20.0
    code: CodeSettings = field(default_factory=CodeSettings)
    publish: PublishSettings = field(default_factory=PublishSettings)
    access: Access = field(default_factory=Access)

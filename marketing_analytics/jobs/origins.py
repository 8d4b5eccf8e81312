"""Where each setting comes from: a flag, the environment, a place in a file, git, a default."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marketing_analytics.core.errors import MissingSettingError, UserError
from marketing_analytics.core.redaction import MASK, redact, secrets_of
from marketing_analytics.core.signs import visible
from marketing_analytics.jobs.model import JobFile
from marketing_analytics.jobs.render import SCHEMA_VERSION
from marketing_analytics.jobs.settings import (
    FLAGS,
    PURPOSES,
    FileDefaults,
    Given,
    branch_of,
    normalize_host,
    team_of,
    text_of,
    token_of,
    user_of,
    whole_number,
)

TOKEN = "DBTCLOUD_TOKEN"  # noqa: S105
HOST = "DBTCLOUD_HOST_URL"
# setting: (its flag in Given, its variable in a job file, where else it comes from)
SOURCES = {
    "DBTCLOUD_ACCOUNT_ID": ("account_id", "dbtcloud_account_id", ""),
    TOKEN: ("token", "", ""),
    "PROJECT_ID": ("project_id", "project_id", ""),
    "ENVIRONMENT_ID": ("environment_id", "environment_id", ""),
    HOST: ("host_url", "dbtcloud_host_url", "default"),
    "TEAM_NAME": ("team", "team_name", "default"),
    "CI_COMMIT_REF_SLUG": ("branch", "", "git"),
    "GITLAB_USER_LOGIN": ("user", "", "git"),
}


@dataclass(frozen=True)
class Shown:
    """A setting as it counts: an empty value is not set, a problem says what is wrong."""

    name: str
    value: str
    origin: str
    problem: str = ""

    @property
    def flag(self) -> str:
        """Return the flag that gives the setting."""
        return FLAGS.get(self.name, "--host-url")


def origins_of(
    given: Given,
    token_file: str | None,
    file: JobFile | None,
    paths: Sequence[str],
    environ: Mapping[str, str] | None = None,
) -> list[Shown]:
    """Return all settings with their origins; a wrong or missing one is no error here."""
    env = os.environ if environ is None else environ
    defaults = file.defaults if file else FileDefaults()
    places = places_in(paths) if file else {}
    found = []
    for name, (attribute, variable, other) in SOURCES.items():
        if given.is_shared and other == "git":
            found.append(Shown(name, "", "not used with --shared"))
            continue
        value, problem = value_of(name, given, defaults, env)
        origin = other if value else "not set"
        if getattr(given, attribute) is not None:
            origin = f"{FLAGS.get(name, '--host-url')} {token_file or ''}".strip()
        elif env.get(name, "").strip():
            origin = "environment"
        elif variable and in_file(name, defaults) is not None:
            # one that all jobs of the file give is taken too
            origin = places.get(variable, f"the jobs of {file.source.path}" if file else "")
        shown_value = MASK if name == TOKEN and value else redact(visible(value), secrets_of())
        found.append(Shown(name, shown_value, visible(origin), redact(problem, secrets_of())))
    return found


def value_of(
    name: str, given: Given, file: FileDefaults, env: Mapping[str, str]
) -> tuple[str, str]:
    """Return the value that counts, as the commands read it, and what is wrong with it."""
    readers: dict[str, Callable[[], Any]] = {
        TOKEN: lambda: token_of(given, env),
        HOST: lambda: normalize_host(text_of(HOST, given.host_url, env) or file.host_url or ""),
        "TEAM_NAME": lambda: team_of(given, file, env),
        "CI_COMMIT_REF_SLUG": lambda: branch_of(given, env),
        "GITLAB_USER_LOGIN": lambda: user_of(given, env),
    }
    attribute = SOURCES[name][0]
    flag = getattr(given, attribute)
    read = readers.get(name, lambda: whole_number(name, flag, env, in_file(name, file)))
    try:
        value = read()
    except MissingSettingError as error:
        return "", error.hint
    except UserError as error:
        return text_of(name, flag, env), f"{error.message}; {error.hint}"
    if value is None:
        needed = PURPOSES[name]
        return "", f"not set: {needed}" if name != "ENVIRONMENT_ID" else ""
    return str(value), ""


def in_file(name: str, file: FileDefaults) -> Any:
    """Return the value of a setting in a job file, or None."""
    values = {
        "DBTCLOUD_ACCOUNT_ID": file.account_id,
        "PROJECT_ID": file.project_id,
        "ENVIRONMENT_ID": file.environment_id,
        HOST: file.host_url,
        "TEAM_NAME": file.team_name,
    }
    return values.get(name)


def places_in(paths: Sequence[str]) -> dict[str, str]:
    """Return where job files set variables, `file:line:column` by name."""
    from marketing_analytics.jobs.tfvars import join_files, parse_file

    source, root = join_files([parse_file(path) for path in paths])
    return {name: source.error("", at).where for name, at in root.keys.items()}


def origins_json(found: Sequence[Shown]) -> dict[str, Any]:
    """Return the settings for JSON."""
    return {
        "schema_version": SCHEMA_VERSION,
        "settings": [
            {
                "name": setting.name,
                "value": setting.value or None,
                "origin": setting.origin,
                "flag": setting.flag,
                "problem": setting.problem or None,
            }
            for setting in found
        ],
    }

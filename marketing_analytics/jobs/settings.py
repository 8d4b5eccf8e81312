"""Where to deploy and as whom: flag, environment, job file, default, in this order."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from marketing_analytics.cloud_api.access import Access
from marketing_analytics.cloud_api.names import TEAM_PATTERN, USER_LENGTH, Scope, slug_of
from marketing_analytics.core.errors import MissingSettingError, UserError, not_set
from marketing_analytics.core.redaction import redact, remember, secrets_of

DEFAULT_HOST_URL = "https://cloud.getdbt.com"
DEFAULT_TEAM = "marketing-team"
GIT_TIMEOUT_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class Settings(Access):
    """Everything that a command needs to talk to dbt Cloud."""

    scope: Scope
    environment_id: int | None = None


@dataclass(frozen=True)
class Given:
    """Settings as given by flags; None means not given."""

    host_url: str | None = None
    account_id: str | None = None
    token: str | None = None
    project_id: str | None = None
    environment_id: str | None = None
    team: str | None = None
    branch: str | None = None
    user: str | None = None
    is_shared: bool = False


@dataclass(frozen=True)
class FileDefaults:
    """Settings that a job file may carry."""

    team_name: str | None = None
    project_id: int | None = None
    environment_id: int | None = None
    account_id: int | None = None
    host_url: str | None = None


def load_settings(
    given: Given,
    in_file: FileDefaults | None = None,
    *,
    needs_environment: bool = False,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Return the settings. Raise UserError that names what is missing or wrong."""
    env = os.environ if environ is None else environ
    file = in_file or FileDefaults()
    team = team_of(given, file, env)
    check_missing(given, file, env, needs_environment=needs_environment)
    environment_id = whole_number("ENVIRONMENT_ID", given.environment_id, env, file.environment_id)
    return Settings(
        account_id=required_number("DBTCLOUD_ACCOUNT_ID", given.account_id, env, file.account_id),
        token=token_of(given, env),
        project_id=required_number("PROJECT_ID", given.project_id, env, file.project_id),
        environment_id=environment_id,
        host_url=normalize_host(
            text_of("DBTCLOUD_HOST_URL", given.host_url, env) or file.host_url or ""
        ),
        scope=Scope(team)
        if given.is_shared
        else Scope(team, branch_of(given, env), user_of(given, env)),
    )


def check_missing(
    given: Given, file: FileDefaults, env: Mapping[str, str], *, needs_environment: bool
) -> None:
    """Refuse when required settings are set nowhere, and name all of them at once."""
    flags = {
        "DBTCLOUD_ACCOUNT_ID": given.account_id or file.account_id,
        "DBTCLOUD_TOKEN": given.token,
        "PROJECT_ID": given.project_id or file.project_id,
        "ENVIRONMENT_ID": given.environment_id or file.environment_id,
    }
    absent = [name for name, flag in flags.items() if not flag and not env.get(name, "").strip()]
    if not needs_environment and "ENVIRONMENT_ID" in absent:
        absent.remove("ENVIRONMENT_ID")
    if absent:
        raise not_set({name: PURPOSES[name] for name in absent}, flags=FLAGS)


def text_of(name: str, flag: str | None, env: Mapping[str, str]) -> str:
    """Return a setting from flag or environment, stripped; empty when not set."""
    return (flag if flag is not None else env.get(name, "")).strip()


def missing(name: str, purpose: str) -> MissingSettingError:
    """Return the error for a setting that is not set."""
    return MissingSettingError(name, purpose=purpose, flag=FLAGS[name])


FLAGS = {
    "DBTCLOUD_ACCOUNT_ID": "--account-id",
    "DBTCLOUD_TOKEN": "--token-file",
    "PROJECT_ID": "--project-id",
    "ENVIRONMENT_ID": "--environment-id",
    "CI_COMMIT_REF_SLUG": "--branch",
    "GITLAB_USER_LOGIN": "--user",
    "TEAM_NAME": "--team",
}
PURPOSES = {
    "DBTCLOUD_ACCOUNT_ID": "the number of your dbt Cloud account",
    "DBTCLOUD_TOKEN": "a dbt Cloud service token",
    "PROJECT_ID": "the dbt Cloud project of the jobs",
    "ENVIRONMENT_ID": "the dbt Cloud environment of the jobs",
}


def whole_number(
    name: str, flag: str | None, env: Mapping[str, str], in_file: int | None
) -> int | None:
    """Return an id, or None when it is set nowhere. Raise UserError if it is no number."""
    text = text_of(name, flag, env)
    if not text:
        return in_file
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise UserError(f"{name} is not an id: {text!r}", hint="write the number from the page URL")
    return int(text)


def required_number(
    name: str, flag: str | None, env: Mapping[str, str], in_file: int | None
) -> int:
    """Return an id. Raise MissingSettingError when it is set nowhere."""
    number = whole_number(name, flag, env, in_file)
    if number is None:
        raise missing(name, PURPOSES[name])
    return number


def read_token(path: str | None) -> str | None:
    """Return the token in a file, or None without a file."""
    if path is None:
        return None
    try:
        token = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise UserError(f"cannot read the token file {path}", hint="check the path") from None
    remember(token)
    return token


def token_of(given: Given, env: Mapping[str, str]) -> str:
    """Return the API token."""
    token = text_of("DBTCLOUD_TOKEN", given.token, env)
    if not token:
        raise missing("DBTCLOUD_TOKEN", "a dbt Cloud service token")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise UserError(
            "DBTCLOUD_TOKEN holds characters that no token has", hint="copy the token again"
        )
    return token


def team_of(given: Given, file: FileDefaults, env: Mapping[str, str]) -> str:
    """Return the team's name, which must be a slug: it is part of job names and marks."""
    team = text_of("TEAM_NAME", given.team, env) or file.team_name or DEFAULT_TEAM
    if not re.fullmatch(TEAM_PATTERN, team):
        # not the slug of a secret, which nobody would know as one
        is_secret = redact(team, secrets_of()) != team
        better = "my-team" if is_secret else slug_of(team, 40) or "my-team"
        raise UserError(
            f"TEAM_NAME is not usable: {team!r}",
            hint=f"use lower case, digits and dashes, at most 40, like {better}",
        )
    return team


def branch_of(given: Given, env: Mapping[str, str]) -> str:
    """Return the slug of the branch: flag, CI_COMMIT_REF_SLUG, or the git branch."""
    branch = text_of("CI_COMMIT_REF_SLUG", given.branch, env) or ask_git(
        "rev-parse", "--abbrev-ref", "HEAD"
    )
    if branch == "HEAD" or not slug_of(branch):
        raise missing("CI_COMMIT_REF_SLUG", "no git branch was found here")
    return slug_of(branch)


def user_of(given: Given, env: Mapping[str, str]) -> str:
    """Return the slug of the user: flag, GITLAB_USER_LOGIN, or git's user."""
    user = text_of("GITLAB_USER_LOGIN", given.user, env)
    if not user:
        user = ask_git("config", "user.email").partition("@")[0] or ask_git("config", "user.name")
    if not slug_of(user):
        raise missing("GITLAB_USER_LOGIN", "git knows no user either")
    return slug_of(user, USER_LENGTH)


def ask_git(*arguments: str) -> str:
    """Return git's one-line answer, or an empty text when there is none."""
    # a prompt that completes a word does not need it
    import subprocess

    try:
        done = subprocess.run(
            ["git", *arguments],
            capture_output=True,
            text=True,
            timeout=GIT_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def normalize_host(text: str) -> str:
    """Return scheme and host, without `/api` and slashes at the end."""
    host = (text or DEFAULT_HOST_URL).rstrip("/")
    host = host.removesuffix("/api").rstrip("/")
    if not re.match(r"https?://[^/\s@?#]+(/[^\s?#]*)?$", host):
        raise UserError(
            f"DBTCLOUD_HOST_URL is not an address: {text!r}",
            hint="write it like https://cloud.getdbt.com",
        )
    return host

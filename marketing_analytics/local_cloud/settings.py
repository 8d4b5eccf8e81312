"""What a server is started with, checked before anything is opened."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from marketing_analytics.core.errors import MachineError, UserError, not_set, reason_of
from marketing_analytics.core.yaml_text import load_yaml
from marketing_analytics.local_cloud.runs.code.remotes import Login, check_address, is_address
from marketing_analytics.local_cloud.runs.confinement.access import Access
from marketing_analytics.local_cloud.store.connection import Database, Place
from marketing_analytics.web.certificates import Certificate, CertificateSource
from marketing_analytics.web.hosts import answered_hosts

MAX_ID = 2**63 - 1
MIN_TOKEN_CHARACTERS = 8
DATABASE_SETTING = "DBT_CLOUD_DATABASE_URL"
# where clients look for the Discovery API
METADATA = "metadata."
PURPOSES = {
    "DBTCLOUD_ACCOUNT_ID": "the id of the account this server holds",
    "PROJECT_ID": "the id of its first project",
    "ENVIRONMENT_ID": "the id of its first environment",
    "DBTCLOUD_TOKEN": "the token that clients will send",
}


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The account, project and environment created at the first start, and the first token."""

    account_id: int
    project_id: int
    environment_id: int
    token: str


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """One server: where it listens, where it keeps its data, which dbt project it runs.

    `project_dir` is a folder or the address of a repository, `subdirectory` a folder in that.
    """

    identity: Identity
    data_dir: Path
    project_dir: Path | str
    host: str = "127.0.0.1"
    port: int = 0
    subdirectory: str = ""
    raw_database: Path | None = None
    # whether somebody named it, or the project is one that reads it
    is_raw_wanted: bool = True
    allowed_hosts: frozenset[str] = frozenset()
    publishing_jobs: frozenset[str] = frozenset()
    is_dirty: bool = False
    logins: tuple[Login, ...] = ()
    hub_url: str = ""
    request_days: int = 30
    keep_days: int = 0
    requests_per_minute: int = 0
    trusted_proxies: frozenset[str] = frozenset()
    webhook_hosts: frozenset[str] = frozenset()
    job_files: tuple[Path, ...] = ()
    shared_job_files: tuple[Path, ...] = ()
    access: Access = field(default_factory=Access)
    # None: the server speaks http
    tls: CertificateSource | None = None

    database_url: str = field(default="", repr=False)

    @property
    def store(self) -> Place:
        """Return where the store is: beside the logs, or on a server."""
        if self.database_url:
            return Database(self.database_url, self.data_dir)
        return self.data_dir / "cloud.sqlite"


def api_hosts(host: str, allowed: Iterable[str]) -> frozenset[str]:
    """Return the host names that the API is asked by; clients put `metadata.` before a name.

    Empty = every one, when all addresses are bound.
    """
    hosts = answered_hosts(host, allowed)
    names = (name for name in hosts if name.rpartition(".")[2].isalpha())
    return hosts | {f"{METADATA}{name}" for name in names}


def brought_certificate(certificate: Path | None, key: Path | None) -> CertificateSource | None:
    """Return the certificate of two options, None without them. Raise UserError for one alone."""
    if certificate and key:
        return CertificateSource(Certificate(certificate.resolve(), key.resolve()))
    if certificate or key:
        raise UserError(
            f"{'--tls-cert' if certificate else '--tls-key'} came alone",
            hint="give --tls-cert and --tls-key, or --tls for a certificate that is made here",
        )
    return None


def read_identity(environment: Mapping[str, str]) -> Identity:
    """Return the identity from the settings that the deploy tool uses too."""
    values = {name: environment.get(name, "").strip() for name in PURPOSES}
    absent = {name: purpose for name, purpose in PURPOSES.items() if not values[name]}
    if absent:
        raise not_set(absent)
    token = values["DBTCLOUD_TOKEN"]
    if any(sign.isspace() for sign in token) or not token.isprintable():
        raise UserError("DBTCLOUD_TOKEN may not hold blanks", hint="export it without quotes")
    if len(token) < MIN_TOKEN_CHARACTERS:
        raise UserError(
            f"DBTCLOUD_TOKEN has fewer than {MIN_TOKEN_CHARACTERS} characters",
            hint="export DBTCLOUD_TOKEN=$(openssl rand -hex 20)",
        )
    return Identity(
        account_id=number(values, "DBTCLOUD_ACCOUNT_ID"),
        project_id=number(values, "PROJECT_ID"),
        environment_id=number(values, "ENVIRONMENT_ID"),
        token=token,
    )


def number(values: Mapping[str, str], name: str) -> int:
    """Return a setting as an id."""
    text = values[name]
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:20]) <= MAX_ID:
        raise UserError(f"{name} is not an id: {text!r}", hint="a whole number such as 1001")
    return int(text)


def read_database_url(given: str, environment: Mapping[str, str]) -> str:
    """Return the address of the store's database, "" for a file in the data folder.

    `given` is an address, `env:NAME` or `file:PATH`; without it DBT_CLOUD_DATABASE_URL counts.
    Raise UserError for a reference that leads nowhere and for what is no address.
    """
    kind, _, name = given.partition(":")
    if not given:
        url = environment.get(DATABASE_SETTING, "").strip()
    elif kind == "env":
        url = environment.get(name, "").strip()
        if not url:
            raise UserError(f"--database-url names {name}, which is not set")
    elif kind == "file":
        try:
            url = Path(name).expanduser().read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(
                f"cannot read {name}, the address of the store: {reason_of(error)}"
            ) from None
    else:
        url = given
    is_secret = bool(url) and "password" in Database(url, Path()).parts
    if is_secret and url == given:
        raise UserError(
            "a password on the command line can be read by everybody on this machine",
            hint=f"set {DATABASE_SETTING}, give --database-url env:NAME or file:PATH, or leave the"
            " password to PGPASSFILE",
        )
    return url


def check_source(settings: ServerSettings) -> None:
    """Raise UserError when a folder holds no readable dbt project; an address is not read yet."""
    place = str(settings.project_dir)
    if is_address(place):
        check_address(place)
    else:
        check_project(Path(place, settings.subdirectory))


def check_project(folder: Path) -> None:
    """Raise UserError when a folder holds no readable dbt project."""
    file = folder / "dbt_project.yml"
    if not folder.is_dir():
        raise UserError(
            f"there is no dbt project folder {folder}", hint="name it with --project-dir"
        )
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        raise UserError(
            f"{folder} is no dbt project: dbt_project.yml is missing",
            hint="name the folder that holds it with --project-dir",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"cannot read {file}: {reason_of(error)}", hint="check its permissions"
        ) from None
    check_project_text(text, file)


def check_project_text(text: str, file: Path) -> None:
    """Raise UserError when dbt_project.yml is not YAML or has no name."""
    import yaml  # type: ignore[import-untyped]

    try:
        project = load_yaml(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{file} is not valid YAML: {reason}", hint="mend the file") from None
    except RecursionError:
        raise UserError(f"{file} is nested too deeply", hint="write it flatter") from None
    if not isinstance(project, dict) or not isinstance(project.get("name"), str):
        raise UserError(f"{file} has no name", hint="add a line such as `name: marketing`")


def check_dbt() -> None:
    """Raise MachineError when dbt or its DuckDB adapter is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    for package in ("dbt-core", "dbt-duckdb"):
        try:
            version(package)
        except PackageNotFoundError:
            raise MachineError(
                f"{package} is not installed for this Python",
                hint="make install, or pip install --no-deps -r requirements/all.txt",
            ) from None


def make_private(folder: Path) -> None:
    """Take from others what an older program let them read."""
    for pattern in ("cloud.*", "server.json", "warehouse/*"):
        for file in folder.glob(pattern):
            if file.is_file():
                file.chmod(file.stat().st_mode & 0o700)


def prepare_data_dir(folder: Path) -> None:
    """Make the data folder. Raise MachineError when nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        make_private(folder)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise MachineError(
            f"cannot write to the data folder {folder}: {error.strerror or error}",
            hint="choose another one with --data-dir",
        ) from None

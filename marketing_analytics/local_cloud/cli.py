"""`marketing cloud`: run the local dbt Cloud."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from marketing_analytics.core.commands import Group
from marketing_analytics.core.errors import UserError

DEFAULT_PORT = 8580
DEFAULT_RAW_DATABASE = "var/raw.duckdb"
RAW_DATABASE = "MARKETING_RAW_DATABASE"
OWN_PROJECT = "transform"
# a calendar does not go back for ever
MAX_DAYS = 36_500
# keys of the jobs that make the executive dashboard, of branches and of production
PUBLISHING_JOBS = ("marketing-executive-dashboard", "executive-dashboard-production")


@click.group(name="cloud", cls=Group)
def group() -> None:
    """Run the local dbt Cloud."""


@group.command(
    examples=[
        "--raw-database var/raw.duckdb",
        "--port 0 --data-dir var/cloud --dirty",
        "--project-dir https://git.example.com/shop.git --git-login https://git.=env:GIT_TOKEN",
        "--tls",
    ]
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=DEFAULT_PORT,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var/cloud"),
    show_default=True,
    help="Folder for the store, logs, artifacts and warehouses.",
)
@click.option(
    "--database-url",
    default="",
    metavar="PLACE",
    help="PostgreSQL database for the store: an address without password, env:NAME or file:PATH.  "
    "[default: DBT_CLOUD_DATABASE_URL, else a file in the data folder]",
)
@click.option(
    "--project-dir",
    default=OWN_PROJECT,
    show_default=True,
    metavar="PLACE",
    help="Folder of the dbt project that jobs run, or the address of its repository.",
)
@click.option(
    "--subdirectory",
    default="",
    metavar="FOLDER",
    help="Where the dbt project is in a repository or folder.",
)
@click.option(
    "--dirty",
    "is_dirty",
    is_flag=True,
    help="Run a work tree with what is not committed; else its commit is run.",
)
@click.option(
    "--git-login",
    "logins",
    multiple=True,
    metavar="PREFIX=REFERENCE",
    help="Where the token or key for addresses with a prefix is: env:NAME or file:PATH; "
    "can be repeated.",
)
@click.option("--hub-url", default="", metavar="URL", help="Mirror of dbt's package hub.")
@click.option(
    "--request-days",
    type=click.IntRange(0, MAX_DAYS),
    default=30,
    show_default=True,
    help="Drop what a pull request built after so many days without a run; 0 keeps it.",
)
@click.option(
    "--raw-database",
    type=click.Path(path_type=Path, dir_okay=False),
    help="DuckDB file attached read-only as `raw`.  "
    "[default: MARKETING_RAW_DATABASE, else var/raw.duckdb]",
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Answer requests for this host name too; can be repeated.",
)
@click.option(
    "--keep-days",
    type=click.IntRange(0, MAX_DAYS),
    default=0,
    show_default=True,
    help="Delete runs so many days after their end; 0 keeps all.",
)
@click.option(
    "--tls",
    "has_tls",
    is_flag=True,
    help="Speak https, with a certificate for this machine that is made in the data folder.",
)
@click.option(
    "--tls-cert",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Speak https with this certificate and its chain, in PEM.",
)
@click.option(
    "--tls-key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The key of --tls-cert, in PEM and without a password.",
)
@click.option(
    "--rate-limit",
    "requests_per_minute",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Requests a minute that an account may make; 0 is no limit.",
)
@click.option(
    "--trusted-proxy",
    "trusted_proxies",
    multiple=True,
    metavar="ADDRESS",
    help="Believe X-Forwarded-Proto and -For of this address; can be repeated.",
)
@click.option(
    "--allow-webhook-host",
    "webhook_hosts",
    multiple=True,
    metavar="NAME",
    help="Let webhooks go to this host of your own network; can be repeated.",
)
@click.option(
    "--job-file",
    "job_files",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Compare the jobs of your branch with this file on the page of drift; can be repeated.",
)
@click.option(
    "--shared-job-file",
    "shared_job_files",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The same for a file whose jobs the team shares; can be repeated.",
)
@click.option(
    "--allow-path",
    "allowed_paths",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Let runs read and write this file or folder too; can be repeated.",
)
@click.option(
    "--external-access",
    "has_external_access",
    is_flag=True,
    help="Let runs read and write whatever you may: a token is then a shell.",
)
@click.option(
    "--publish-after",
    "publishing_jobs",
    multiple=True,
    metavar="JOB",
    default=PUBLISHING_JOBS,
    show_default=True,
    help="Publish the report after a good run of the job of this key; can be repeated.",
)
def serve(
    host: str,
    port: int,
    data_dir: Path,
    database_url: str,
    project_dir: str,
    subdirectory: str,
    is_dirty: bool,
    logins: tuple[str, ...],
    hub_url: str,
    request_days: int,
    raw_database: Path | None,
    allowed_hosts: tuple[str, ...],
    keep_days: int,
    has_tls: bool,
    tls_cert: Path | None,
    tls_key: Path | None,
    requests_per_minute: int,
    trusted_proxies: tuple[str, ...],
    webhook_hosts: tuple[str, ...],
    job_files: tuple[Path, ...],
    shared_job_files: tuple[Path, ...],
    allowed_paths: tuple[Path, ...],
    has_external_access: bool,
    publishing_jobs: tuple[str, ...],
) -> None:
    """Serve the API and the pages and run jobs, until stopped.

    The first start creates account, project, environment and token from DBTCLOUD_ACCOUNT_ID,
    PROJECT_ID, ENVIRONMENT_ID and DBTCLOUD_TOKEN.
    """
    from marketing_analytics.core.console import Console, run_guarded

    console = Console()

    def body() -> int:
        from marketing_analytics.local_cloud import settings as checks

        identity = checks.read_identity(os.environ)
        from marketing_analytics.local_cloud.runs.code.remotes import read_login
        from marketing_analytics.local_cloud.runs.confinement.access import Access
        from marketing_analytics.local_cloud.server import serve as serve_until_stopped
        from marketing_analytics.web.certificates import own_certificate
        from marketing_analytics.web.hosts import LOOPBACK_NAMES

        hosts = frozenset(name.lower() for name in allowed_hosts)
        tls = checks.brought_certificate(tls_cert, tls_key)
        if has_tls and not tls:
            names = checks.api_hosts(host, hosts | LOOPBACK_NAMES)
            tls = own_certificate(data_dir.resolve() / "tls", names)
        settings = checks.ServerSettings(
            identity=identity,
            data_dir=data_dir.resolve(),
            database_url=checks.read_database_url(database_url, os.environ),
            project_dir=project_dir,
            subdirectory=subdirectory.strip("/"),
            is_dirty=is_dirty,
            logins=tuple(read_login(text) for text in logins),
            hub_url=hub_url,
            request_days=request_days,
            host=host,
            port=port,
            **raw_settings(raw_database, project_dir),
            allowed_hosts=hosts,
            tls=tls,
            publishing_jobs=frozenset(publishing_jobs),
            keep_days=keep_days,
            requests_per_minute=requests_per_minute,
            trusted_proxies=frozenset(trusted_proxies),
            webhook_hosts=frozenset(name.lower() for name in webhook_hosts),
            job_files=tuple(path.resolve() for path in job_files),
            shared_job_files=tuple(path.resolve() for path in shared_job_files),
            access=Access(
                is_open=has_external_access,
                folders=tuple(path.resolve() for path in allowed_paths),
            ),
        )
        return serve_until_stopped(settings, console)

    sys.exit(run_guarded(body, console))


DATA_DIR = click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var/cloud"),
    show_default=True,
    help="Folder of the store.",
)


@group.command(examples=["monday.sqlite", "monday.sqlite --data-dir var/cloud"])
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@DATA_DIR
def backup(file: Path, data_dir: Path) -> None:
    """Copy the store to a file, also while a server runs.

    Logs, artifacts and warehouses are not in it, nor is cloud.key, which opens its secrets.
    A store in PostgreSQL is copied by pg_dump: the command says how.
    """
    from marketing_analytics.core.console import Console, run_guarded

    console = Console()

    def body() -> int:
        from marketing_analytics.local_cloud.store.retention import copy_store

        refuse_database(data_dir, "pg_dump --format=custom --schema={schema} --file={file}", file)
        copy_store(data_dir, file)
        console.line(f"copied the store of {data_dir} to {file}")
        return 0

    sys.exit(run_guarded(body, console))


@group.command(examples=["monday.sqlite", "monday.sqlite --data-dir var/cloud"])
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@DATA_DIR
def restore(file: Path, data_dir: Path) -> None:
    """Put a copy of the store back; the one that is there is set aside.

    No server may use the folder. Secrets need the cloud.key that they were sealed with.
    """
    from marketing_analytics.core.console import Console, run_guarded

    console = Console()

    def body() -> int:
        from marketing_analytics.local_cloud.store.retention import put_back

        refuse_database(data_dir, "pg_restore --clean --if-exists {file}", file)
        old = put_back(data_dir, file)
        aside = f"; the old one is {old}" if old else ""
        console.line(f"{data_dir} has the store of {file}{aside}")
        return 0

    sys.exit(run_guarded(body, console))


def refuse_database(data_dir: Path, command: str, file: Path) -> None:
    """Raise UserError with what copies a store in PostgreSQL, when there is one."""
    from marketing_analytics.local_cloud.settings import read_database_url
    from marketing_analytics.local_cloud.store.databases.postgresql import SCHEMA, Database

    url = read_database_url("", os.environ)
    if url:
        database = Database(url, data_dir)
        call = command.format(schema=SCHEMA, file=file)
        raise UserError(
            f"the store is in the database {database}",
            hint=f"{call} --dbname={database.address}, with the password in PGPASSFILE",
        )


def raw_settings(named: Path | None, project: str) -> dict[str, Any]:
    """Return the raw database, and whether somebody named it or the project reads it."""
    setting = os.environ.get(RAW_DATABASE)
    return {
        "raw_database": named or raw_database_of(setting),
        "is_raw_wanted": bool(named or setting or project == OWN_PROJECT),
    }


def raw_database_of(setting: str | None) -> Path:
    """Return the raw database named in the environment, or where ingestion puts it."""
    if "://" in (setting or ""):
        raise UserError(
            f"{RAW_DATABASE} is an address; the local dbt Cloud reads a DuckDB file",
            hint="give the file with --raw-database",
        )
    return Path(setting or DEFAULT_RAW_DATABASE)

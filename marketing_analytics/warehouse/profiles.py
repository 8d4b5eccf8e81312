"""dbt's outputs for warehouses at an address, from what an account says of a connection.

Secrets are never in the text: they are named as `env_var('DBT_ENV_SECRET_...')`, which dbt masks.
A type that is in no row here can be had by extended attributes that hold the whole output.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

from marketing_analytics.core.errors import MachineError, UserError
from marketing_analytics.core.redaction import is_secret_name

Fields = Mapping[str, Any]
PASSWORD, TOKEN, PRIVATE_KEY = (
    "DBT_ENV_SECRET_PASSWORD",
    "DBT_ENV_SECRET_TOKEN",
    "DBT_ENV_SECRET_PRIVATE_KEY",
)
ATTRIBUTE = "DBT_ENV_SECRET_ATTRIBUTE_"
# names that end like a secret's and are none
HARMLESS = frozenset({"token_uri", "private_key_id", "token_endpoint", "password_login"})


def from_variable(name: str) -> str:
    """Return what dbt replaces by the value of a variable."""
    return f"{{{{ env_var('{name}') }}}}"


def database(kind: str, port: int) -> Callable[[Fields, Fields], dict[str, Any]]:
    """Return how the output of a database server is made."""

    def make(config: Fields, credentials: Fields) -> dict[str, Any]:
        return {
            "type": kind,
            "host": config.get("hostname"),
            "port": config.get("port") or port,
            "dbname": config.get("dbname"),
            "user": credentials.get("username"),
            "password": from_variable(PASSWORD),
        }

    return make


def snowflake(config: Fields, credentials: Fields) -> dict[str, Any]:
    """Return the output of Snowflake, by password or by key pair."""
    chosen = {name: credentials.get(name) or config.get(name) for name in SNOWFLAKE_NAMES}
    is_by_key = credentials.get("auth_type") == "keypair"
    secret = {"private_key": PRIVATE_KEY} if is_by_key else {"password": PASSWORD}
    return {
        "type": "snowflake",
        "account": config.get("account"),
        "user": credentials.get("user"),
        **chosen,
        "client_session_keep_alive": bool(config.get("client_session_keep_alive")),
        **{name: from_variable(variable) for name, variable in secret.items()},
    }


SNOWFLAKE_NAMES = ("database", "warehouse", "role")
KEY_NAMES = (
    "private_key_id", "client_email", "client_id", "auth_uri", "token_uri",
    "auth_provider_x509_cert_url", "client_x509_cert_url",
)  # fmt: skip
BIGQUERY_NAMES = (
    "location", "priority", "maximum_bytes_billed", "execution_project", "job_retries",
    "job_execution_timeout_seconds", "job_creation_timeout_seconds",
    "job_retry_deadline_seconds", "impersonate_service_account", "gcs_bucket",
    "dataproc_region", "dataproc_cluster_name",
)  # fmt: skip


def bigquery(config: Fields, _credentials: Fields) -> dict[str, Any]:
    """Return the output of BigQuery: with a service account's key, else as the machine is known."""
    key = {name: config.get(name) for name in KEY_NAMES if config.get(name)}
    access: dict[str, Any] = {"method": "oauth"}
    if key:
        key |= {"type": "service_account", "project_id": config.get("project_id")}
        secret = {"private_key": from_variable(PRIVATE_KEY)}
        access = {"method": "service-account-json", "keyfile_json": {**key, **secret}}
    given = {name: config.get(name) for name in BIGQUERY_NAMES}
    return {"type": "bigquery", "project": config.get("project_id"), **access, **given}


def databricks(config: Fields, credentials: Fields) -> dict[str, Any]:
    """Return the output of Databricks, by token."""
    return {
        "type": "databricks",
        "host": config.get("host"),
        "http_path": config.get("http_path"),
        "catalog": credentials.get("catalog") or config.get("catalog"),
        "token": from_variable(TOKEN),
    }


def trino(config: Fields, credentials: Fields) -> dict[str, Any]:
    """Return the output of Trino; method and database come with the extended attributes."""
    return {
        "type": "trino",
        "method": config.get("method") or "none",
        "host": config.get("host"),
        "port": config.get("port") or 8080,
        "user": credentials.get("username") or credentials.get("user") or "dbt",
        "database": config.get("database") or credentials.get("database"),
    }


OUTPUTS: dict[str, Callable[[Fields, Fields], dict[str, Any]]] = {
    "bigquery_v0": bigquery,
    "bigquery_v1": bigquery,
    "databricks_v0": databricks,
    "postgres_v0": database("postgres", 5432),
    "redshift_v0": database("redshift", 5439),
    "snowflake_v0": snowflake,
    "trino_v0": trino,
}


def connection_output(
    adapter_version: str, config: Fields, credentials: Fields, attributes: Fields
) -> dict[str, Any]:
    """Return dbt's output for a connection, without schema and threads.

    Raise UserError for a connection that no output is known for.
    """
    make = OUTPUTS.get(adapter_version)
    if make is None and "type" not in attributes:
        known = ", ".join(sorted(OUTPUTS))
        raise UserError(
            f"connections of {adapter_version} cannot be made into a profile here",
            hint=f"one of {known}; or extended attributes with the type and all of its fields",
        )
    made = make(config, credentials) if make else {}
    output = {name: value for name, value in made.items() if value is not None and value != ""}
    return {**output, **attributes}


def hide_secrets(output: Fields, prefix: str = "") -> tuple[dict[str, Any], dict[str, str]]:
    """Return an output whose secrets, at any depth, are named as variables, and those variables."""
    shown: dict[str, Any] = {}
    variables: dict[str, str] = {}
    for name, value in output.items():
        if isinstance(value, dict):
            shown[name], inner = hide_secrets(value, f"{prefix}{name}_")
            variables |= inner
        elif isinstance(value, list):
            numbered = {str(place): item for place, item in enumerate(value, 1)}
            items, inner = hide_secrets(numbered, f"{prefix}{name}_")
            shown[name] = list(items.values())
            variables |= inner
        elif isinstance(value, str) and is_plain_secret(name, value):
            variable = f"{ATTRIBUTE}{prefix}{name}".upper()
            variables[variable] = value
            shown[name] = from_variable(variable)
        else:
            shown[name] = value
    return shown, variables


def is_plain_secret(name: str, value: str) -> bool:
    """Return whether a field holds a secret itself, not the name of a variable."""
    is_secret = is_secret_name(name) or name == "pass"
    return is_secret and name not in HARMLESS and "{{" not in value


def require_adapter(kind: str) -> None:
    """Raise MachineError when dbt has no adapter for a type of output."""
    if not kind.replace("_", "").isalnum() or find_spec(f"dbt.adapters.{kind}") is None:
        raise MachineError(
            f"dbt has no adapter for {kind} on this server",
            hint=f"pip install dbt-{kind} into the Python of the server",
        )

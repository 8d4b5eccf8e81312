"""Connections of an account to warehouses; an environment names one for its profile."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from marketing_analytics.local_cloud.api.answers import many
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.checks import (
    REQUIRED,
    CheckError,
    Fields,
    identifier_or_none,
    mapping,
    name_text,
    one_of,
    text_or_none,
)
from marketing_analytics.local_cloud.api.settings.family import Family
from marketing_analytics.local_cloud.store.settings import Kind

# what the configuration of an adapter must have
NEEDED: dict[str, tuple[str, ...]] = {
    "apache_spark_v0": ("host", "cluster", "method"),
    "athena_v0": ("region_name", "database", "s3_staging_dir"),
    "bigquery_v0": ("project_id",),
    "bigquery_v1": ("project_id",),
    "databricks_spark_v0": ("host", "http_path"),
    "databricks_v0": ("host", "http_path"),
    "fabric_v0": ("server", "database"),
    "postgres_v0": ("hostname", "dbname"),
    "redshift_v0": ("hostname", "dbname"),
    "salesforce_v0": ("login_url",),
    "snowflake_v0": ("account", "database", "warehouse"),
    "synapse_v0": ("host", "database"),
    "teradata_v0": ("host", "tmode"),
    "trino_v0": ("host",),
}
BIGQUERY_NULLS = [
    "job_execution_timeout_seconds",
    "priority",
    "location",
    "maximum_bytes_billed",
    "execution_project",
    "impersonate_service_account",
    "job_retry_deadline_seconds",
    "job_creation_timeout_seconds",
    "application_id",
    "application_secret",
    "gcs_bucket",
    "dataproc_region",
    "dataproc_cluster_name",
    "deployment_env_auth_type",
]
# what an answer holds as null when it is not set: some clients fail over what is missing
NULLS: dict[str, list[str]] = {
    "apache_spark_v0": ["organization", "user", "auth"],
    "athena_v0": [
        "work_group",
        "spark_work_group",
        "s3_data_dir",
        "s3_data_naming",
        "s3_tmp_table_dir",
        "poll_interval",
        "num_retries",
        "num_boto3_retries",
        "num_iceberg_retries",
    ],
    "bigquery_v0": BIGQUERY_NULLS,
    "bigquery_v1": BIGQUERY_NULLS,
    "databricks_v0": ["catalog", "client_id", "client_secret"],
    "snowflake_v0": ["role"],
}
SECRETS = frozenset(
    {
        "application_secret",
        "client_secret",
        "oauth_client_secret",
        "password",
        "private_key",
        "private_key_passphrase",
        "token",
    }
)


def read_connection(_: Call, fields: Fields, old: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a connection; what a change leaves out stays."""
    adapter = old.get("adapter_version")
    if adapter is None:
        adapter = fields.read("adapter_version", one_of(*NEEDED))
        if "adapter_version" not in fields.body:
            fields.fail(REQUIRED, "adapter_version")
    name = fields.read("name", name_text, old.get("name"))
    if name is None:
        fields.fail(REQUIRED, "name")
    tunnel = fields.read("is_ssh_tunnel_enabled", no_tunnel, old.get("is_ssh_tunnel_enabled"))
    endpoint, oauth = "private_link_endpoint_id", "oauth_configuration_id"
    return {
        "name": name,
        "adapter_version": adapter,
        "is_ssh_tunnel_enabled": bool(tunnel),
        endpoint: fields.read_or_clear(endpoint, text_or_none, old.get(endpoint)),
        oauth: fields.read_or_clear(oauth, identifier_or_none, old.get(oauth)),
        "config": read_config(fields, adapter or "", old.get("config", {})),
    }


def no_tunnel(value: Any) -> bool:
    """Return false; there are no tunnels here."""
    if value is not False:
        raise CheckError("expected false, tunnels are not built here")
    return False


def read_config(fields: Fields, adapter: str, old: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of an adapter, without its secrets."""
    given = fields.read("config", mapping, {})
    merged = {**dict.fromkeys(NULLS.get(adapter, [])), **old, **given}
    for name in NEEDED.get(adapter, ()):
        if merged.get(name) in (None, ""):
            fields.fail(REQUIRED, "config", name)
    return {name: None if name in SECRETS else value for name, value in merged.items()}


FAMILY = Family(Kind.CONNECTION, read_connection)


def list_connections(call: Call) -> Response:
    """List the connections of an account."""
    return FAMILY.list_page(call)


def create(call: Call) -> Response:
    """Create a connection; secrets in its configuration are not stored."""
    return FAMILY.create(call)


def read(call: Call) -> Response:
    """Read a connection."""
    return FAMILY.read_one(call)


def update(call: Call) -> Response:
    """Change a connection: what the body leaves out stays."""
    return FAMILY.change(call)


def delete(call: Call) -> Response:
    """Delete a connection."""
    return FAMILY.delete(call)


def list_tunnels(call: Call) -> Response:
    """List the SSH tunnels of an account: none, they are not built here."""
    return many([], 0, {"limit": call.limit(), "offset": call.offset()})

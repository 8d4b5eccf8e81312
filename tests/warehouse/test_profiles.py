"""The profile of a connection: each adapter's words, and no secret in the text."""

from __future__ import annotations

import json

import pytest

from marketing_analytics.core.errors import MachineError, UserError
from marketing_analytics.warehouse.profiles import (
    connection_output,
    hide_secrets,
    require_adapter,
)

DATABASE = {"hostname": "db.example.com", "port": 6000, "dbname": "shop"}
PASSWORD = "{{ env_var('DBT_ENV_SECRET_PASSWORD') }}"


@pytest.mark.parametrize(
    ("adapter", "config", "credentials", "expected"),
    [
        (
            "postgres_v0",
            DATABASE,
            {"username": "dbt"},
            {"type": "postgres", "host": "db.example.com", "port": 6000, "dbname": "shop",
             "user": "dbt", "password": PASSWORD},
        ),
        (
            "redshift_v0",
            {**DATABASE, "port": None},
            {"username": "dbt"},
            {"type": "redshift", "host": "db.example.com", "port": 5439, "dbname": "shop",
             "user": "dbt", "password": PASSWORD},
        ),
        (
            "snowflake_v0",
            {"account": "xy1", "database": "RAW", "warehouse": "WH", "role": None},
            {"user": "DBT", "database": "PROD", "auth_type": "keypair"},
            {"type": "snowflake", "account": "xy1", "user": "DBT", "database": "PROD",
             "warehouse": "WH", "client_session_keep_alive": False,
             "private_key": "{{ env_var('DBT_ENV_SECRET_PRIVATE_KEY') }}"},
        ),
        (
            "bigquery_v1",
            {"project_id": "shop", "client_email": "a@b", "location": "EU", "private_key": None},
            {},
            {"type": "bigquery", "project": "shop", "location": "EU",
             "method": "service-account-json",
             "keyfile_json": {"client_email": "a@b", "type": "service_account",
                              "project_id": "shop",
                              "private_key": "{{ env_var('DBT_ENV_SECRET_PRIVATE_KEY') }}"}},
        ),
        ("bigquery_v0", {"project_id": "shop"}, {},
         {"type": "bigquery", "project": "shop", "method": "oauth"}),
        (
            "databricks_v0",
            {"host": "h", "http_path": "/sql/1", "catalog": "main"},
            {},
            {"type": "databricks", "host": "h", "http_path": "/sql/1", "catalog": "main",
             "token": "{{ env_var('DBT_ENV_SECRET_TOKEN') }}"},
        ),
        (
            "trino_v0",
            {"host": "h", "port": 443},
            {"user": "dbt"},
            {"type": "trino", "host": "h", "port": 443, "user": "dbt", "method": "none"},
        ),
    ],
)  # fmt: skip
def test_a_connection_becomes_an_output(adapter, config, credentials, expected):
    assert connection_output(adapter, config, credentials, {}) == expected


def test_extended_attributes_win_and_may_be_all_of_it():
    given = {"host": "other", "sslmode": "require"}
    output = connection_output("postgres_v0", DATABASE, {"username": "dbt"}, given)
    assert (output["host"], output["sslmode"], output["dbname"]) == ("other", "require", "shop")
    whole = {"type": "fabric", "server": "s"}
    assert connection_output("fabric_v0", {}, {}, whole) == whole
    with pytest.raises(UserError, match="fabric_v0 cannot be made into a profile"):
        connection_output("fabric_v0", {}, {}, {})


def test_a_secret_leaves_the_text_and_comes_back_by_a_variable():
    output = {
        "type": "bigquery",
        "token_uri": "https://oauth.example.com",
        "password": "canary-1",
        "token": "{{ env_var('DBT_ENV_SECRET_TOKEN') }}",
        "keyfile_json": {"private_key": "canary-2", "private_key_id": "k1"},
        "secrets": [{"type": "s3", "key_id": "k2", "secret": "canary-3"}, "text"],
    }
    shown, variables = hide_secrets(output)
    assert "canary" not in json.dumps(shown)
    assert shown["password"] == "{{ env_var('DBT_ENV_SECRET_ATTRIBUTE_PASSWORD') }}"
    assert shown["token"] == output["token"]
    assert shown["keyfile_json"]["private_key_id"] == "k1"
    assert [shown["secrets"][0]["type"], shown["secrets"][1]] == ["s3", "text"]
    assert variables == {
        "DBT_ENV_SECRET_ATTRIBUTE_PASSWORD": "canary-1",
        "DBT_ENV_SECRET_ATTRIBUTE_KEYFILE_JSON_PRIVATE_KEY": "canary-2",
        "DBT_ENV_SECRET_ATTRIBUTE_SECRETS_1_SECRET": "canary-3",
    }


@pytest.mark.parametrize("kind", ["no_such_adapter", "../duckdb", "", "duckdb.x"])
def test_an_adapter_that_is_not_installed_is_named(kind):
    with pytest.raises(MachineError, match="dbt has no adapter for"):
        require_adapter(kind)
    require_adapter("duckdb")

"""The one user, what counts licences, and connections by their older operations."""

from __future__ import annotations

import pytest

from marketing_analytics.local_cloud.settings import api_hosts
from tests.local_cloud.api.conftest import ACCOUNT, PROJECT, Client

OLDER = f"v3/accounts/{ACCOUNT}/projects/{PROJECT}/connections/"


def test_there_is_one_user_and_it_is_in_the_groups_of_everybody(client: Client) -> None:
    for name, is_for_all in (("everyone", True), ("few", False)):
        body = {"name": name, "assign_by_default": is_for_all}
        client.post(f"v3/accounts/{ACCOUNT}/groups/", body)
    me = client.get("v2/whoami/").data["user"]
    for version in ("v2", "v3"):
        base = f"{version}/accounts/{ACCOUNT}/users/"
        assert client.get(base).data == [me]
        assert client.get(f"{base}?email={me['email']}").data == [me]
        assert client.get(f"{base}?email=nobody@example.com").data == []
        assert client.get(f"{base}{me['id']}/").data == me
        assert client.get(f"{base}999/").status == 404
    assert client.get(f"v2/users/{me['id']}/").data == me
    [permission] = me["permissions"]
    assert [group["name"] for group in permission["groups"]] == ["everyone"]
    licenses = client.get(f"v2/accounts/{ACCOUNT}/licenses/").data
    in_use = {name: count["in_use"] for name, count in licenses.items() if count["in_use"]}
    assert in_use == {"developer": 1}
    assert client.get(f"v3/users/{me['id']}/credentials/").data == []
    assert client.get("v3/users/999/credentials/").status == 404


def test_a_connection_of_a_project_is_one_of_the_account(client: Client) -> None:
    details = {"hostname": "db.example.com", "port": 5432, "dbname": "shop", "password": "canary-1"}
    made = client.post(OLDER, {"name": "db", "type": "postgres", "details": details})
    assert (made.status, made.data["type"]) == (201, "postgres")
    # as everywhere: a password is not stored
    assert b"canary-1" not in made.body
    assert b"canary-1" not in client.settings.store.read_bytes()
    one = made.data["id"]
    newer = client.get(f"v3/accounts/{ACCOUNT}/connections/{one}/").data
    assert newer["config"] == made.data["details"]
    assert newer["adapter_version"] == "postgres_v0"
    assert [found["id"] for found in client.get(OLDER).data] == [one]
    assert client.delete(f"{OLDER}{one}/").data["state"] == 2
    assert client.get(f"{OLDER}{one}/").status == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x", "type": "oracle", "details": {}}, "type"),
        ({"name": "x", "details": {}}, "type"),
        ({"name": "x", "type": "postgres", "details": 7}, "details"),
        ({"name": "x", "type": "postgres", "details": {}}, "config"),
        ({"type": "snowflake", "details": {}}, "name"),
    ],
)
def test_a_wrong_older_connection_is_refused_by_field(
    client: Client, body: dict[str, object], field: str
) -> None:
    refused = client.post(OLDER, body)
    assert refused.status == 400
    assert field in refused.data


def test_the_discovery_api_has_a_host_name_of_its_own() -> None:
    found = api_hosts("127.0.0.1", ["cloud.example.com"])
    assert {"metadata.localhost", "metadata.cloud.example.com", "localhost"} <= found
    assert not [name for name in found if name.startswith("metadata.127")]
    # all addresses are bound and no name is given: every one is answered
    assert api_hosts("0.0.0.0", []) == frozenset()

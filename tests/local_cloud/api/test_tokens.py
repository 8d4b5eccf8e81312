"""Service tokens and the audit log: what a token may do, until when, and who did what."""

from __future__ import annotations

from typing import Any

import pytest

from marketing_analytics.local_cloud.api.application import Api, ApiSettings
from marketing_analytics.local_cloud.server import fill_store
from tests.local_cloud.api.conftest import ACCOUNT, Client, ClientInProcess, Reply, jobs_path

TOKENS = f"v3/accounts/{ACCOUNT}/service-tokens/"
AUDIT = f"v3/accounts/{ACCOUNT}/audit-logs/"


def made(client: Client, *sets: str) -> dict[str, Any]:
    grants = [{"permission_set": name, "all_projects": True} for name in sets]
    reply = client.post(TOKENS, {"name": "ci", "service_token_permissions": grants})
    assert reply.status == 201, reply.body
    token: dict[str, Any] = reply.data
    return token


def asked(client: Client, token: str, method: str, path: str, body: Any = None) -> Reply:
    return client.request(method, path, body, headers={"Authorization": f"Token {token}"})


def test_a_token_is_shown_once_and_dies_when_it_is_revoked(client: Client) -> None:
    token = made(client, "readonly")
    listed = client.get(TOKENS)
    assert [item["id"] for item in listed.data] == [token["id"]]
    assert token["token_string"].encode() not in listed.body
    assert asked(client, token["token_string"], "GET", jobs_path()).status == 200
    shown = client.get(f"{TOKENS}{token['id']}/").data
    assert shown["last_used"] is not None
    assert client.delete(f"{TOKENS}{token['id']}/").data["state"] == 2
    assert asked(client, token["token_string"], "GET", jobs_path()).status == 401
    assert client.get(f"{TOKENS}{token['id']}/").status == 404
    assert client.get(TOKENS).data == []


@pytest.mark.parametrize(
    ("name", "may_read", "may_run", "may_write", "may_manage"),
    [
        ("readonly", True, False, False, False),
        ("job_runner", True, True, False, False),
        ("job_admin", True, True, True, False),
        ("account_admin", True, True, True, True),
        ("", False, False, False, False),
    ],
)
def test_a_token_may_do_what_its_permissions_say(
    client: Client, name: str, may_read: bool, may_run: bool, may_write: bool, may_manage: bool
) -> None:
    job = client.create_job()
    token = made(client, *([name] if name else []))["token_string"]
    tried = (
        asked(client, token, "GET", jobs_path()),
        asked(client, token, "POST", jobs_path(job["id"]) + "run/", {"cause": "test"}),
        asked(client, token, "POST", jobs_path(job["id"]), {"name": "renamed"}),
        asked(client, token, "GET", TOKENS),
    )
    expected = [200 if may else 403 for may in (may_read, may_run, may_write, may_manage)]
    assert [reply.status for reply in tried] == expected


@pytest.mark.parametrize(
    "grants",
    [
        "readonly",
        [{"permission_set": "billing_admin", "all_projects": True}],
        [{"permission_set": "readonly", "project_id": 7}],
        [{"permission_set": "job_admin", "all_projects": False}],
        [{"permission_set": "job_admin", "all_projects": "no"}],
        [{"permission_set": "job_admin", "writable_environment_categories": ["development"]}],
        [{"permission_set": []}],
        [7],
    ],
)
def test_permissions_that_would_mean_nothing_are_refused(client: Client, grants: Any) -> None:
    body = {"name": "ci", "service_token_permissions": grants}
    assert client.post(TOKENS, body).status == 400
    assert client.get(TOKENS).data == []


def test_permissions_are_replaced_by_a_list_as_the_provider_sends_it(client: Client) -> None:
    token = made(client)
    place = f"{TOKENS}{token['id']}/permissions/"
    assert client.post(place, [{"permission_set": "readonly", "all_projects": True}]).status == 200
    assert [item["permission_set"] for item in client.get(place).data] == ["readonly"]
    # a client that goes on until a page is empty comes to an end
    assert client.get(f"{place}?offset=1").data == []
    assert asked(client, token["token_string"], "GET", jobs_path()).status == 200


def test_what_a_token_may_write_is_said_back(client: Client) -> None:
    grant = {"permission_set": "job_admin", "all_projects": True}
    place = f"{TOKENS}{made(client)['id']}/permissions/"
    for categories in (["all"], []):
        client.post(place, [{**grant, "writable_environment_categories": categories}])
        assert client.get(place).data[0]["writable_environment_categories"] == categories


@pytest.mark.parametrize("state", ["x", [], 3, 2.0, "2", True])
def test_a_state_that_is_none_revokes_nothing(client: Client, state: Any) -> None:
    path = f"{TOKENS}{made(client)['id']}/"
    reply = client.put(path, {"state": state})
    assert (reply.status, list(reply.data)) == (400, ["state"])
    assert client.get(path).status == 200


def test_the_configured_token_is_no_service_token(client: Client) -> None:
    assert client.delete(f"{TOKENS}1/").status == 404
    assert client.get(jobs_path()).status == 200


def test_every_change_and_every_refusal_is_in_the_audit_log(client: Client) -> None:
    token = made(client, "readonly")
    client.create_job()
    assert asked(client, token["token_string"], "GET", AUDIT).status == 403
    assert asked(client, token["token_string"], "POST", jobs_path(), {}).status == 403
    client.get(jobs_path())
    events = client.get(AUDIT).data
    seen = [(event["actor_name"], event["event_context"]["status"]) for event in events]
    assert seen == [("ci", 403), ("ci", 403), ("first", 201), ("first", 201)]
    assert events[0]["event_context"]["path"] == f"/api/{jobs_path()}".rstrip("/")
    assert client.get(f"{AUDIT}?logged_at_start=2999-01-01").data == []
    assert client.get(f"{AUDIT}?logged_at_start=soon").status == 400
    assert client.get(f"{AUDIT}?logged_at_start=0001-01-01T00:00:00%2B14:00").status == 400
    assert client.get(f"{AUDIT}?logged_at_start=2999-01-01T00:00:00+00:00").data == []


def test_who_asks_too_often_is_told_when_to_ask_again(settings: Any) -> None:
    fill_store(settings)
    api = Api(
        ApiSettings(
            store=settings.store,
            data_dir=settings.data_dir,
            requests_per_minute=3,
        )
    )
    client = ClientInProcess(settings, api)
    replies = [client.get(jobs_path()) for _ in range(5)]
    api.close()
    assert [reply.status for reply in replies] == [200, 200, 200, 429, 429]
    assert 0 < int(replies[-1].headers["retry-after"]) <= 60

"""Webhooks over the API: subscriptions, their secret, and addresses that nobody may be told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_cloud.api.conftest import ACCOUNT, Client

HOOKS = f"v3/accounts/{ACCOUNT}/webhooks/subscription"
BODY = {
    "name": "told",
    "client_url": "https://receiver.example.com/hook?a=1",
    "event_types": ["job.run.completed"],
    "job_ids": [],
    "active": True,
}


def test_a_webhook_is_made_changed_and_deleted_and_its_secret_shown_once(client: Client) -> None:
    job_id = client.create_job()["id"]
    body = {**BODY, "job_ids": [job_id]}
    made = client.post(f"{HOOKS}s", body)
    assert made.status == 201
    hook = made.data
    assert (hook["id"][:4], len(hook["hmac_secret"]), hook["job_ids"]) == (
        "wsu_",
        64,
        [str(job_id)],
    )
    assert hook["http_status_code"] == "0"
    listed = client.get(f"{HOOKS}s")
    assert (len(listed.data), listed.json["extra"]["pagination"]["total_count"]) == (1, 1)
    assert hook["hmac_secret"].encode() not in listed.body
    place = f"{HOOKS}/{hook['id']}"
    assert client.put(place, {**body, "name": "new", "active": False}).data["name"] == "new"
    assert client.get(place).data["active"] is False
    assert client.get(f"{place}/test").status == 200
    (delivery,) = client.get(f"{place}/events").data
    assert (delivery["attempts"], delivery["body"]["data"]) == (0, {"test": True})
    assert client.delete(place).status == 200
    assert client.get(place).status == 404


@pytest.mark.parametrize(
    "change",
    [
        {"client_url": "http://127.0.0.1/"},
        {"client_url": "ftp://receiver.example.com/"},
        {"client_url": None},
        {"event_types": ["job.run.done"]},
        {"event_types": []},
        {"job_ids": ["x"]},
        {"job_ids": ["9" * 5000]},
        {"job_ids": [7]},
        {"name": ""},
    ],
)
def test_a_webhook_that_could_not_work_is_refused(client: Client, change: dict[str, Any]) -> None:
    refused = client.post(f"{HOOKS}s", {**BODY, **change})
    assert (refused.status, list(refused.data)) == (400, list(change))

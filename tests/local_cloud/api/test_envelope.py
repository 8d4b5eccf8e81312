"""Envelope, errors, tokens, hosts, pages: what every operation shares."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from marketing_analytics.local_cloud.api.answers import ApiError
from marketing_analytics.local_cloud.api.call import read_json
from tests.local_cloud.api.conftest import ACCOUNT, TOKEN, Client, ClientOverHttp, jobs_path


def test_a_success_has_the_envelope_of_dbt_cloud(client: Client) -> None:
    reply = client.get(f"v2/accounts/{ACCOUNT}/")
    assert reply.status == 200
    assert reply.json["status"] == {
        "code": 200,
        "is_success": True,
        "user_message": "Success!",
        "developer_message": "",
    }
    assert reply.data["id"] == ACCOUNT


def test_a_list_says_its_limit_offset_and_counts(client: Client) -> None:
    for number in range(3):
        client.create_job(name=f"job {number}")
    extra = client.get(jobs_path() + "?limit=2&offset=1").json["extra"]
    assert extra["filters"]["limit"] == 2
    assert extra["filters"]["offset"] == 1
    assert extra["pagination"] == {"count": 2, "total_count": 3}
    assert extra["order_by"] == "id"


def test_a_page_beyond_the_end_is_empty_and_still_counts(client: Client) -> None:
    client.create_job()
    reply = client.get(jobs_path() + "?offset=100")
    assert reply.data == []
    assert reply.json["extra"]["pagination"] == {"count": 0, "total_count": 1}


def test_a_limit_above_100_is_cut_and_a_wrong_one_refused(client: Client) -> None:
    assert client.get(jobs_path() + "?limit=1000").json["extra"]["filters"]["limit"] == 100
    for wrong in ("0", "-1", "x", "1.5", "9" * 30):
        assert client.get(jobs_path() + f"?limit={wrong}").status == 400


def test_paths_work_with_and_without_a_slash_and_are_never_redirected(client: Client) -> None:
    for path in (
        f"v2/accounts/{ACCOUNT}",
        f"v2/accounts/{ACCOUNT}/",
        "v2/accounts",
        "v3/accounts/",
    ):
        assert client.get(path).status == 200
    assert client.post(jobs_path().rstrip("/"), {}).status == 400


@pytest.mark.parametrize("scheme", ["Token", "Bearer", "token", "BEARER"])
def test_both_authorization_schemes_open_the_account(client: Client, scheme: str) -> None:
    reply = client.get("v2/accounts/", headers={"Authorization": f"{scheme} {TOKEN}"})
    assert [account["id"] for account in reply.data] == [ACCOUNT]


@pytest.mark.parametrize("value", ["", "Token", "Token wrong", "Basic abc", "Bearer None", TOKEN])
def test_a_missing_or_wrong_token_is_401_everywhere(client: Client, value: str) -> None:
    for path in (jobs_path(), "v2/accounts/", "v9/nothing/"):
        reply = client.get(path, headers={"Authorization": value})
        assert reply.status == 401
        assert reply.json["status"]["user_message"] == "Invalid token."
        assert reply.data is None


def test_another_account_is_not_found(client: Client) -> None:
    for path in (f"v2/accounts/{ACCOUNT + 1}/jobs/", f"v3/accounts/{ACCOUNT + 1}/projects/"):
        assert client.get(path).status == 404


def test_the_store_holds_no_token(client: Client) -> None:
    client.get("v2/accounts/")
    files = [path.read_bytes() for path in client.settings.data_dir.iterdir() if path.is_file()]
    assert files
    assert not any(TOKEN.encode() in data for data in files)


def test_unknown_paths_are_404_in_the_envelope(client: Client) -> None:
    for path in ("v2/nothing/", "v2/accounts/x/jobs/", jobs_path("99999999999999999999999"), "x"):
        reply = client.get(path)
        assert reply.status == 404
        assert reply.json["status"]["code"] == 404
        assert not reply.json["status"]["is_success"]


def test_an_operation_that_is_not_built_says_its_name(client: Client) -> None:
    reply = client.get(f"v2/accounts/{ACCOUNT}/repositories/")
    assert reply.status == 501
    assert "List Repositories" in reply.json["status"]["user_message"]


def test_a_wrong_method_is_405_and_names_the_right_ones(client: Client) -> None:
    reply = client.request("PATCH", jobs_path())
    assert reply.status == 405
    assert reply.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[]",
        b'"text"',
        b"{'a': 1}",
        b'{"name": NaN}',
        b"\xff\xfe",
        b'{"name": "\\ud800"}',
        b"[" * 100_000,
        b'{"threads": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_body_that_is_no_json_object_is_400(client: Client, raw: bytes) -> None:
    reply = client.post(jobs_path(), raw=raw)
    assert reply.status == 400
    assert reply.json["status"]["code"] == 400


def test_a_number_that_would_be_answered_as_infinity_is_no_json() -> None:
    with pytest.raises(ApiError, match="not valid JSON"):
        read_json(b'{"extended_attributes": {"timeout": 1e400}}')
    assert read_json(b"[1e300]") == [1e300]


def test_a_body_above_one_mebibyte_is_refused(client: Client) -> None:
    reply = client.post(jobs_path(), raw=json.dumps({"name": "x" * 1_100_000}).encode())
    assert reply.status == 413


def test_a_null_body_on_a_read_does_no_harm(client: Client) -> None:
    assert client.get(jobs_path(), raw=b"null").status == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", ""])
def test_a_foreign_host_name_is_refused(client: Client, host: str) -> None:
    assert client.get("v2/accounts/", headers={"Host": host}).status in (400, 421)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8580", "LOCALHOST:1"])
def test_a_local_host_name_is_answered(client: Client, host: str) -> None:
    assert client.get("v2/accounts/", headers={"Host": host}).status == 200


def test_a_bug_gives_a_reference_and_no_traceback(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("marketing_analytics.local_cloud.api.accounts.get_account", break_down)
    reply = client.get(f"v2/accounts/{ACCOUNT}/")
    assert reply.status == 500
    assert reply.data["reference"] in reply.json["status"]["user_message"]
    assert b"secret detail" not in reply.body
    assert b"Traceback" not in reply.body


def test_order_by_reverses_and_refuses_unknown_fields(client: Client) -> None:
    ids = [client.create_job(name=name)["id"] for name in ("b", "c", "a")]
    by_name = client.get(jobs_path() + "?order_by=name").data
    assert [job["name"] for job in by_name] == ["a", "b", "c"]
    assert [job["id"] for job in client.get(jobs_path() + "?order_by=-id").data] == ids[::-1]
    assert client.get(jobs_path() + "?order_by=payload").status == 400


def test_many_clients_at_once_lose_nothing(client: Client) -> None:
    if not isinstance(client, ClientOverHttp):
        pytest.skip("one thread owns the application in process")
    port = client.connection.port

    def create(number: int) -> list[int]:
        own = ClientOverHttp(client.settings, port)
        ids = [int(own.create_job(name=f"{number} {count}")["id"]) for count in range(10)]
        own.connection.close()
        return ids

    with ThreadPoolExecutor(6) as pool:
        created = [job_id for ids in pool.map(create, range(6)) for job_id in ids]
    assert len(set(created)) == 60
    listed = client.get(jobs_path() + "?limit=100").data
    assert sorted(created) == [job["id"] for job in listed]

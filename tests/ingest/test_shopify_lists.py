"""Plain lists by dlt's `rest_api`, sent by the governor."""

import threading

import pytest

from marketing_analytics.core.errors import AuthError, TerminalError
from marketing_analytics.ingest.engine.governor import BrokenAnswerError, Governor, Limits
from marketing_analytics.ingest.platforms.shopify.lists import read_list

from .scripted_platform import Answer, in_order, serve

LIMITS = Limits(attempts=3, retry_base_seconds=0.01)


def read(answer):
    """Return the records and the requests of a list of two fields a page."""
    with serve(answer) as (url, requests):
        base_url = f"{url}/api"
        governor = Governor(
            "shop",
            base_url,
            limits=LIMITS,
            stop=threading.Event(),
            classify=lambda _: None,
            headers={"X-Token": "secret-4711"},
        )
        endpoint = {
            "path": "things.json",
            "params": {"limit": 2, "status": "any"},
            "data_selector": "things",
            "paginator": "header_link",
        }
        try:
            return list(read_list(governor, base_url, endpoint)), requests
        finally:
            governor.close()


def paged(asked):
    page = int(asked.query.get("page_info", "1"))
    host = f"http://{asked.headers['Host']}{asked.path}"
    headers = {"Link": f'<{host}?page_info={page + 1}>; rel="next"'} if page < 3 else {}
    return Answer({"things": [{"id": page}, {"id": -page}]}, headers=headers)


def test_pages_follow_the_link_with_the_governors_token():
    records, requests = read(paged)
    assert [record["id"] for record in records] == [1, -1, 2, -2, 3, -3]
    assert [asked.query for asked in requests] == [
        {"limit": "2", "status": "any"},
        {"page_info": "2"},
        {"page_info": "3"},
    ]
    assert {asked.headers["X-Token"] for asked in requests} == {"secret-4711"}


def test_what_passes_is_asked_for_again_by_the_governor():
    records, requests = read(
        in_order(
            Answer({}, 500), Answer(b'{"things": [', cut=True), Answer({"things": [{"id": 1}]})
        )
    )
    assert (records, len(requests)) == ([{"id": 1}], 3)


@pytest.mark.parametrize("body", [{}, {"other": []}, {"things": {}}, {"things": [1]}])
def test_an_answer_without_the_list_is_broken_not_empty(body):
    with pytest.raises(BrokenAnswerError):
        read(lambda _: Answer(body))


@pytest.mark.parametrize(("status", "kind"), [(401, AuthError), (404, TerminalError)])
def test_a_refusal_is_ours_not_one_of_dlt(status, kind):
    with pytest.raises(kind) as raised:
        read(lambda _: Answer({"errors": "no"}, status))
    assert raised.value.status_code == status

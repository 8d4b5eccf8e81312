"""Random paths, queries and bodies: every answer is an envelope, none is a 5xx of ours."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketing_analytics.local_cloud.api.application import Api
from marketing_analytics.local_cloud.api.jobs.fields import default_job
from marketing_analytics.local_cloud.api.operations import SERVED
from tests.local_cloud.api.conftest import ACCOUNT, ENVIRONMENT, PROJECT, Client, ClientInProcess

EXAMPLES = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["DBT_X", "ci", "* * * * *", "custom_cron", "\0", "../..", "9" * 40]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from(
    [
        *default_job(),
        "name",
        "project_id",
        "environment_id",
        "cause",
        "steps_override",
        "env_var",
        "env_vars",
        "new_name",
        "raw_value",
        "job_definition_id",
        "threads_override",
        "type",
        "date",
        "time",
        "condition",
        "statuses",
        "deployment_type",
        "schema_override",
    ]
)
BODIES = st.dictionaries(NAMES, VALUES, max_size=6)
GOOD_JOB: dict[str, Any] = {
    "project_id": PROJECT,
    "environment_id": ENVIRONMENT,
    "name": "n",
    "execute_steps": ["dbt build"],
}
IDS = st.sampled_from([str(ACCOUNT), str(PROJECT), str(ENVIRONMENT), "1", "0", "9" * 25, "x", ""])
TEXTS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="?#"), max_size=12)
ROUTES = st.sampled_from(SERVED)
QUERY_NAMES = st.sampled_from(
    [
        "limit",
        "offset",
        "order_by",
        "state",
        "include_related",
        "project_id",
        "project_id__in",
        "pk__in",
        "status__in",
        "created_at__range",
        "step",
        "job_definition_id",
        "id__gt",
        "triggers_schedule",
        "name__icontains",
        "has_docs_generated",
    ]
)
QUERIES = st.dictionaries(
    QUERY_NAMES,
    st.one_of(
        st.sampled_from(
            [
                "",
                "1",
                "-1",
                "[1]",
                "[",
                '["a"]',
                "[[1]]",
                "null",
                "{}",
                "1e9",
                "-id",
                "all",
                '["2026-01-01","x"]',
                "[1e400,2]",
                "true",
                "%00",
                "%ff",
                "9" * 25,
            ]
        ),
        st.text(alphabet="abc[]\"',%0123456789-_ ", max_size=10),
    ),
    max_size=3,
)


@pytest.fixture
def caller(settings: Any, api: Api) -> Client:
    return ClientInProcess(settings, api)


def check(reply: Any) -> None:
    assert reply.status < 500, reply.body
    status = reply.json["status"]
    assert status["code"] == reply.status
    assert status["is_success"] == (reply.status < 400)


@EXAMPLES
@given(body=BODIES, is_update=st.booleans())
def test_random_job_bodies_are_taken_or_refused(
    caller: Client, body: dict[str, Any], is_update: bool
) -> None:
    path = f"v2/accounts/{ACCOUNT}/jobs/"
    if is_update:
        created = caller.create_job()
        path += f"{created['id']}/"
    reply = caller.post(path, {**GOOD_JOB, **body})
    check(reply)
    if reply.status < 300 and reply.data["state"] == 1:
        again = caller.get(f"v2/accounts/{ACCOUNT}/jobs/{reply.data['id']}/")
        check(again)
        assert again.data["schedule"] == reply.data["schedule"]


@EXAMPLES
@given(route=ROUTES, values=st.lists(IDS, min_size=4, max_size=4), body=BODIES, query=QUERIES)
def test_random_calls_of_every_operation_are_answered(
    caller: Client, route: Any, values: list[str], body: dict[str, Any], query: dict[str, str]
) -> None:
    call(caller, route, values, body, query)


def call(
    caller: Client, route: Any, values: list[str], body: dict[str, Any], query: dict[str, str]
) -> None:
    """Call an operation with values in the places of its path, and check the answer."""
    path = route.path.replace("{account_id}", str(ACCOUNT)).replace("{rest}", "x/y")
    places = dict.fromkeys(re.findall(r"{\w+}", path))
    for place, value in zip(places, itertools.cycle(values), strict=False):
        path = path.replace(place, value)
    text = "&".join(f"{name}={value}" for name, value in query.items())
    check(caller.request(route.method, f"{path}/?{text}", body))


@pytest.mark.slow
@pytest.mark.parametrize("route", SERVED, ids=lambda route: f"{route.method}-{route.path}")
def test_a_hundred_random_calls_of_each_operation_are_answered(caller: Client, route: Any) -> None:
    @EXAMPLES
    @given(values=st.lists(IDS, min_size=4, max_size=4), body=BODIES, query=QUERIES)
    def calls(values: list[str], body: dict[str, Any], query: dict[str, str]) -> None:
        call(caller, route, values, body, query)

    calls()


@EXAMPLES
@given(parts=st.lists(TEXTS, max_size=7), method=st.sampled_from(["GET", "POST", "DELETE", "PUT"]))
def test_random_paths_are_answered(caller: Client, parts: list[str], method: str) -> None:
    check(caller.request(method, "/".join(["v2", *parts]), {}))


@EXAMPLES
@given(raw=st.one_of(st.binary(max_size=200), st.text(alphabet='{}[]":,ntfu\\e0-', max_size=60)))
def test_random_bytes_as_a_body_are_refused_or_taken(caller: Client, raw: bytes | str) -> None:
    data = raw if isinstance(raw, bytes) else raw.encode()
    check(caller.post(f"v2/accounts/{ACCOUNT}/jobs/", raw=data))


def test_every_operation_of_the_public_files_is_served_or_named(caller: Client) -> None:
    lines = Path(__file__).parents[3] / "marketing_analytics/local_cloud/api/unbuilt.txt"
    unbuilt = [line for line in lines.read_text().splitlines() if not line.startswith("#")]
    assert len(unbuilt) == len(set(unbuilt)) > 100
    for line in unbuilt:
        method, path, name = line.split(" ", 2)
        path = path.replace("{account_id}", str(ACCOUNT))
        while "{" in path:
            before, _, after = path.partition("{")
            path = before + "1" + after.partition("}")[2]
        reply = caller.request(method, path, {})
        assert reply.status == 501, line
        assert name in json.loads(reply.body)["status"]["user_message"]

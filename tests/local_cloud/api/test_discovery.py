"""The Discovery API over artifacts of runs: what it gives, pages, limits, and who may ask."""

from __future__ import annotations

import base64
import json
import sqlite3
from typing import Any

import graphql
import pytest

from marketing_analytics.local_cloud.api.answers import ApiError
from marketing_analytics.local_cloud.api.application import Api
from marketing_analytics.local_cloud.api.discovery import handlers
from marketing_analytics.local_cloud.api.discovery.limits import MAX_PAGE
from marketing_analytics.local_cloud.settings import ServerSettings
from tests.local_cloud.api.conftest import (
    ACCOUNT,
    ENVIRONMENT,
    Client,
    ClientInProcess,
    Reply,
)
from tests.local_cloud.api.test_runs import end_run, trigger
from tests.local_cloud.api.test_tokens import made

STAGED, TABLE, TEST = "model.shop.stg", "model.shop.customers", "test.shop.unique_customers"
SOURCE, EXPOSURE = "source.shop.till.orders", "exposure.shop.board"
METADATA = {
    "generated_at": "2026-11-01T06:00:00Z",
    "project_name": "shop",
    "adapter_type": "duckdb",
}


def node(unique_id: str, *parents: str, **more: Any) -> dict[str, Any]:
    kind, *_, name = unique_id.split(".")
    found = {"unique_id": unique_id, "resource_type": kind, "name": name, "package_name": "shop"}
    return {**found, "alias": name, "depends_on": {"nodes": list(parents)}, **more}


MANIFEST = {
    "metadata": METADATA,
    "nodes": {
        STAGED: node(STAGED, SOURCE, raw_code="select 1", config={"materialized": "view"}),
        TABLE: node(TABLE, STAGED, tags=["daily"], columns={"customer": {"description": "Who."}}),
        TEST: node(TEST, TABLE, attached_node=TABLE, test_metadata={"name": "unique"}),
    },
    "sources": {SOURCE: node(SOURCE, source_name="till", identifier="orders")},
    "exposures": {EXPOSURE: node(EXPOSURE, TABLE, owner={"name": "Ann"}, type="dashboard")},
    "macros": {"macro.shop.cents": node("macro.shop.cents", macro_sql="{% macro %}")},
}
CATALOG = {
    "metadata": METADATA,
    "nodes": {
        TABLE: {
            "metadata": {"type": "BASE TABLE"},
            "columns": {"CUSTOMER": {"type": "TEXT", "index": 1}},
            "stats": {"row_count": {"value": 2}},
        }
    },
    "sources": {},
}
FRESHNESS = {"results": [{"unique_id": SOURCE, "status": "warn", "max_loaded_at": "2026-10-30"}]}


def results(**statuses: str) -> dict[str, Any]:
    ids = {"stg": STAGED, "customers": TABLE, "unique": TEST}
    return {
        "metadata": METADATA,
        "results": [
            {
                "unique_id": ids[name],
                "status": status,
                "message": f"{name} went {status}",
                "execution_time": 1.5,
                "timing": [{"name": "execute", "started_at": "a", "completed_at": "b"}],
            }
            for name, status in statuses.items()
        ],
    }


def finish(client: Client, job_id: int, status: int, artifacts: Any, **body: Any) -> int:
    """Run a job that leaves artifacts."""
    run_id: int = trigger(client, job_id, **body)["id"]
    folder = client.settings.data_dir / "runs" / str(run_id) / "artifacts" / "step_4"
    folder.mkdir(parents=True)
    for name, content in artifacts.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    end_run(client, run_id, status)
    return run_id


def send(client: Client, body: Any, token: str = "", path: str = "/graphql") -> Reply:
    given = {"Host": "127.0.0.1", "Authorization": f"Bearer {token or TOKEN_OF_TESTS}"}
    return client.send("POST", path, json.dumps(body).encode(), given)


TOKEN_OF_TESTS = "token-of-the-tests-0123456789"
AUTHORIZED = {"Host": "127.0.0.1", "Authorization": f"Bearer {TOKEN_OF_TESTS}"}


def ask(client: Client, query: str, **variables: Any) -> Any:
    """Return the data of a query of the environment."""
    text = f"query ($e: BigInt!) {{ environment(id: $e) {{ {query} }} }}"
    reply = send(client, {"query": text, "variables": {"e": ENVIRONMENT, **variables}})
    assert (reply.status, reply.json.get("errors")) == (200, None), reply.body
    return reply.json["data"]["environment"]


def refusal(client: Client, query: str) -> str:
    """Return why a query is refused."""
    reply = send(client, {"query": query})
    assert reply.status == 200
    [error] = reply.json["errors"]
    return str(error["message"])


@pytest.fixture
def client(settings: ServerSettings, api: Api) -> ClientInProcess:
    return ClientInProcess(settings, api)


@pytest.fixture
def shop(client: Client) -> dict[str, int]:
    """Return the runs of a job: a good one, one that failed, one of a pull request."""
    job = client.create_job(execute_steps=["dbt build"])["id"]
    whole = {"manifest": MANIFEST, "catalog": CATALOG, "sources": FRESHNESS}
    good = results(stg="success", customers="success", unique="pass")
    found = {"job": job, "good": finish(client, job, 10, {**whole, "run_results": good})}
    found["failed"] = finish(client, job, 20, {"run_results": results(customers="error")})
    other = {"run_results": results(stg="error", customers="error", unique="fail")}
    finish(client, job, 20, other, github_pull_request_id=7)
    return found


def test_models_tell_how_they_went_last_and_what_is_around_them(client, shop):
    found = ask(
        client,
        """applied { models(filter: {tags: ["daily"]}) { totalCount edges { node {
          uniqueId rawCode tags
          executionInfo { lastRunId lastRunStatus lastRunError lastSuccessRunId executeCompletedAt }
          catalog { rowCountStat columns { name type description } }
          tests { name testType executionInfo { lastRunStatus } }
          parents { uniqueId } children { __typename uniqueId }
          ancestors(types: [Model, Source]) {
            ... on ModelAppliedStateNestedNode { name materializedType }
            ... on SourceAppliedStateNestedNode { sourceName freshness { freshnessStatus } }
          }
        } } } }""",
    )["applied"]["models"]
    assert found["totalCount"] == 1
    model = found["edges"][0]["node"]
    assert model["executionInfo"] == {
        "lastRunId": shop["failed"],
        "lastRunStatus": "error",
        "lastRunError": "customers went error",
        "lastSuccessRunId": shop["good"],
        "executeCompletedAt": "b",
    }
    columns = [{"name": "CUSTOMER", "type": "TEXT", "description": "Who."}]
    assert model["catalog"] == {"rowCountStat": 2.0, "columns": columns}
    [test] = model["tests"]
    assert test["executionInfo"] == {"lastRunStatus": "success"}
    assert model["parents"] == [{"uniqueId": STAGED}]
    assert {child["uniqueId"] for child in model["children"]} == {TEST, EXPOSURE}
    assert model["ancestors"] == [
        {"name": "stg", "materializedType": "view"},
        {"sourceName": "till", "freshness": {"freshnessStatus": "warn"}},
    ]


def test_everything_else_of_the_project_is_there(client, shop):
    found = ask(
        client,
        """adapterType
        definition { exposures { edges { node { name ownerName exposureType } } }
                     macros { edges { node { macroSql } } } resourceCounts }
        applied {
          sources(filter: {sourceNames: ["till"]}) { edges { node { identifier } } }
          lineage(filter: {types: [Model, Source]}) {
            uniqueId ... on LineageNodeWithParents { parentIds } }
          packages(resource: model)
          resources(filter: {types: [Test], uniqueIds: ["TESTED"]}) { edges { node {
            ... on TestAppliedStateNode { testedNodeUniqueId } } } }
          modelHistoricalRuns(identifier: "customers", lastRunCount: 5) {
            runId status tests { name status } }
        }""".replace("TESTED", TEST),
    )
    [exposure] = found["definition"]["exposures"]["edges"]
    assert exposure["node"] == {"name": "board", "ownerName": "Ann", "exposureType": "dashboard"}
    assert found["definition"]["resourceCounts"]["Model"] == 2
    assert found["definition"]["macros"]["edges"] == [{"node": {"macroSql": "{% macro %}"}}]
    applied = found["applied"]
    assert applied["sources"]["edges"] == [{"node": {"identifier": "orders"}}]
    assert {one["uniqueId"]: one["parentIds"] for one in applied["lineage"]} == {
        TABLE: [STAGED],
        STAGED: [SOURCE],
        SOURCE: [],
    }
    assert (found["adapterType"], applied["packages"]) == ("duckdb", ["shop"])
    assert applied["resources"]["edges"] == [{"node": {"testedNodeUniqueId": TABLE}}]
    assert applied["modelHistoricalRuns"] == [
        {"runId": shop["failed"], "status": "error", "tests": []},
        {
            "runId": shop["good"],
            "status": "success",
            "tests": [{"name": "unique_customers", "status": "pass"}],
        },
    ]


def test_what_was_only_compiled_tells_nothing_of_how_it_went(client, shop):
    folder = client.settings.data_dir / "runs" / str(shop["failed"]) / "artifacts"
    build = {**METADATA, "invocation_id": "one"}
    docs = {**METADATA, "invocation_id": "two"}
    left = {
        4: {**results(customers="error"), "metadata": build, "args": {"which": "build"}},
        # a step without results has those of the one before it
        5: {**results(customers="error"), "metadata": build, "args": {"which": "build"}},
        6: {**results(customers="success"), "metadata": docs, "args": {"which": "generate"}},
    }
    for step, found in left.items():
        (folder / f"step_{step}").mkdir(exist_ok=True)
        (folder / f"step_{step}" / "run_results.json").write_text(json.dumps(found))
    asked = f"""applied {{ modelHistoricalRuns(uniqueId: "{TABLE}") {{ runId status }}
      models(filter: {{identifier: "customers"}}) {{ edges {{ node {{
        executionInfo {{ lastRunStatus }} }} }} }} }}"""
    applied = ask(client, asked)["applied"]
    [edge] = applied["models"]["edges"]
    assert edge["node"]["executionInfo"] == {"lastRunStatus": "error"}
    assert applied["modelHistoricalRuns"] == [
        {"runId": shop["failed"], "status": "error"},
        {"runId": shop["good"], "status": "success"},
    ]


ODD_NODE = {"resource_type": "model", "depends_on": 5, "config": 5, "tags": 5, "fqn": [[]]}
ODD_RESULT = {"unique_id": TABLE, "status": 5, "timing": 5, "execution_time": None}


@pytest.mark.parametrize(
    "left",
    [
        {"run_results": {"results": 5}},
        {"run_results": {"results": [1, ODD_RESULT], "args": [1], "metadata": [1]}},
        {"sources": {"results": {"a": 1}}},
        {"catalog": {"nodes": [], "sources": 5, "metadata": 5}},
        {"catalog": {"nodes": {TABLE: {"metadata": 5, "columns": {"a": 5}, "stats": 5}, "x": 5}}},
        {"manifest": {"nodes": {"x": 5, TABLE: ODD_NODE}, "sources": [], "metadata": 5}},
        {"manifest": {"nodes": {TABLE: {**ODD_NODE, "name": [], "depends_on": {"nodes": [5]}}}}},
        {"manifest": "["},
    ],
)
def test_what_a_step_left_under_the_names_of_artifacts_breaks_no_answer(client, shop, left):
    run = finish(client, shop["job"], 10, left)
    if left == {"manifest": "["}:
        folder = client.settings.data_dir / "runs" / str(run) / "artifacts" / "step_4"
        (folder / "manifest.json").write_text("[" * 100_000)
    ask(
        client,
        f"""adapterType applied {{
          models {{ edges {{ node {{
            uniqueId tags meta fqn modelingLayer constraints {{ name }} parents {{ uniqueId }}
            executionInfo {{ lastRunStatus compileStartedAt }}
            catalog {{ rowCountStat columns {{ name }} }} }} }} }}
          sources {{ edges {{ node {{ freshness {{ freshnessStatus }} }} }} }}
          lineage(filter: {{types: [Model]}}) {{ uniqueId }}
          modelHistoricalRuns(uniqueId: "{TABLE}") {{ status }} }}""",
    )


def test_a_client_can_ask_for_the_schema(client):
    answer = send(client, {"query": graphql.get_introspection_query()}).json
    assert "errors" not in answer
    assert graphql.build_client_schema(answer["data"]).get_type("BigInt")


def test_pages_follow_each_other(client, shop):
    fields = "edges { node { name } } pageInfo { hasNextPage hasPreviousPage endCursor }"
    first = ask(client, f"applied {{ models(first: 1) {{ {fields} }} }}")["applied"]["models"]
    after = first["pageInfo"]["endCursor"]
    asked = f'applied {{ models(first: 1, after: "{after}") {{ {fields} }} }}'
    second = ask(client, asked)["applied"]["models"]
    names = [page["edges"][0]["node"]["name"] for page in (first, second)]
    assert names == ["customers", "stg"]
    assert [page["pageInfo"]["hasNextPage"] for page in (first, second)] == [True, False]
    sort = "sort: {field: uniqueId, direction: desc}"
    turned = ask(client, f"applied {{ models({sort}) {{ {fields} }} }}")["applied"]["models"]
    assert [edge["node"]["name"] for edge in turned["edges"]] == ["stg", "customers"]


def test_a_job_is_shown_as_a_run_saw_it(client, shop):
    query = """query ($j: BigInt!, $r: BigInt) { job(id: $j, runId: $r) { runId
      models { uniqueId status executionTime childrenL1 }
      model(uniqueId: "TABLE") { status error parentsModels { name } columns { name } }
      tests { name status } source(uniqueId: "SOURCE") { state maxLoadedAt }
      exposure(name: "board") { ownerName } } }"""
    query = query.replace("TABLE", TABLE).replace("SOURCE", SOURCE)
    variables = {"j": shop["job"], "r": str(shop["good"])}
    job = send(client, {"query": query, "variables": variables}).json["data"]["job"]
    assert job["runId"] == shop["good"]
    assert {model["status"] for model in job["models"]} == {"success"}
    assert job["model"] == {
        "status": "success",
        "error": None,
        "parentsModels": [{"name": "stg"}],
        "columns": [{"name": "CUSTOMER"}],
    }
    assert job["tests"] == [{"name": "unique_customers", "status": "pass"}]
    assert job["source"] == {"state": "warn", "maxLoadedAt": "2026-10-30"}
    assert job["exposure"] == {"ownerName": "Ann"}
    wrong = send(client, {"query": query, "variables": {"j": shop["job"], "r": 999}}).json
    assert "has no run 999" in wrong["errors"][0]["message"]


def models(arguments: str, chosen: str) -> str:
    """Return a query for models."""
    fields = f"models({arguments}) {{ {chosen} }}"
    return f"{{ environment(id: {ENVIRONMENT}) {{ applied {{ {fields} }} }} }}"


def cursor(place: str) -> str:
    """Return a cursor that holds a place."""
    return base64.b64encode(f'{{"place": {place}}}'.encode()).decode()


def spreads(step: int) -> str:
    """Return a fragment that names the next one often, and no field."""
    return f"fragment f{step} on Query {{ {f'...f{step + 1} ' * 100} }}"


HISTORY = f"""{{ environment(id: {ENVIRONMENT}) {{ applied {{
  modelHistoricalRuns(uniqueId: "x", lastRunCount: -1) {{ runId }} }} }} }}"""


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (sqlite3.OperationalError("database is locked"), 503),
        (ValueError("a bug"), 500),
        (ApiError(501, "This is not built."), 501),
    ],
)
def test_what_goes_wrong_is_told_in_the_shape_of_graphql(client, monkeypatch, error, status):
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(handlers, "execute", fail)
    for path in ("/graphql", "/beta/graphql/"):
        reply = send(client, {"query": "{ __typename }"}, path=path)
        assert (reply.status, reply.headers["content-type"]) == (status, "application/json")
        assert reply.json["data"] is None
        assert [list(one) for one in reply.json["errors"]] == [["message"]]
        assert "a bug" not in reply.body.decode()
    long = client.send("POST", "/graphql", b" " * 2_000_000, {"Host": "127.0.0.1"})
    read = client.send("GET", "/graphql", b"", AUTHORIZED)
    for reply in (long, read):
        assert reply.status >= 400
        assert list(reply.json) == ["errors", "data"], reply.body


MANY = " ".join(f"a{number}: name" for number in range(500))


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("{ performance(environmentId: 1) { x } }", "The local dbt Cloud does not build it"),
        ("{ environment(id: 999) { id } }", "There is no environment 999"),
        ("{ job(id: 999) { id } }", "There is no job 999"),
        ("{ environment(id: 1.5) { id } }", "BigInt cannot"),
        ("{ environment(id: [1]) { id } }", "BigInt cannot"),
        (f'{{ environment(id: "{"0" * 30}{"9" * 30}") {{ id }} }}', "BigInt cannot"),
        (f"query ($e: BigInt! = {2**63}) {{ environment(id: $e) {{ id }} }}", "BigInt cannot"),
        ("{ environment(", "Syntax Error"),
        ("query { ...a } fragment a on Query { ...a }", "nested more than 15 deep"),
        ("{a" * 3_000 + "}" * 3_000, "nested"),
        (models("first: 501", "totalCount"), f"from 0 to {MAX_PAGE}"),
        (models('after: "x"', "totalCount"), "not a cursor"),
        (models(f'after: "{cursor("Infinity")}"', "totalCount"), "not a cursor"),
        (models(f'after: "{cursor("-2")}"', "totalCount"), "not a cursor"),
        (models(f'after: "{cursor("[" * 20_000)}"', "totalCount"), "not a cursor"),
        (models("first: 1", "totalCount " * 1_100), "more than 1000 fields"),
        (models("first: 500", f"edges {{ node {{ {MANY} }} }}"), "more than 200000 values"),
        (
            f"query ($p: Int = 500) {models('first: $p', f'edges {{ node {{ {MANY} }} }}')}",
            "more than 200000 values",
        ),
        ("query { ...f0 } " + " ".join(spreads(step) for step in range(14)), "more than 1000"),
        (HISTORY, "lastRunCount"),
        ("{ " + "... { " * 20 + "__typename" + " }" * 21, "nested more than 15 deep"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_sentence(client, query, why):
    assert why in refusal(client, query)


@pytest.mark.parametrize("given", [1.0, 3001.5, True, [1], "x", "0" * 40, 10**30])
def test_an_id_in_a_variable_is_a_whole_number(client, given):
    query = "query ($e: BigInt!) { environment(id: $e) { id } }"
    answer = send(client, {"query": query, "variables": {"e": given}}).json
    assert "BigInt cannot" in answer["errors"][0]["message"]


def test_who_may_ask(client, shop):
    query = {"query": "{ __typename }"}
    for path in ("/graphql", "/beta/graphql", "/graphql/"):
        assert send(client, query, path=path).json == {"data": {"__typename": "Query"}}
    wrong = send(client, query, token="token-that-nobody-knows")
    assert (wrong.status, wrong.json["errors"]) == (401, [{"message": "Invalid token."}])
    for name, status in (("metadata_only", 200), ("", 403)):
        token = made(client, *filter(None, [name]))["token_string"]
        assert send(client, query, token=token).status == status
    for body in ({}, {"query": 1}, {"query": "{ __typename }", "variables": []}):
        assert send(client, body).status == (200 if body.get("variables") == [] else 400)
    # a query changes nothing, so the audit log tells of none
    told = client.get(f"v3/accounts/{ACCOUNT}/audit-logs/").body
    assert b"graphql" not in told
    assert b"/run" in told

"""What each field of the Discovery API is answered with."""

from __future__ import annotations

import base64
import binascii
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from graphql import GraphQLError

from marketing_analytics.cloud_api.states import ENDED
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.discovery import nodes
from marketing_analytics.local_cloud.api.discovery.job_nodes import job_node
from marketing_analytics.local_cloud.api.discovery.limits import DEFAULT_PAGE, MAX_PAGE
from marketing_analytics.local_cloud.api.discovery.nodes import Node
from marketing_analytics.local_cloud.api.discovery.shapes import Part
from marketing_analytics.local_cloud.api.discovery.state import RunMark, State, state_of
from marketing_analytics.local_cloud.api.moments import iso
from marketing_analytics.local_cloud.runs import store as runs
from marketing_analytics.local_cloud.runs.records import Run
from marketing_analytics.local_cloud.runs.store import RunFilter
from marketing_analytics.local_cloud.store.environments import get_environment
from marketing_analytics.local_cloud.store.jobs import get_job

# how far back the runs of an environment are read
MAX_RUNS = 50
DEFAULT_HISTORY, MAX_HISTORY = 10, 100
ENDED_CODES = tuple(sorted(int(status) for status in ENDED))
COLLECTIONS = {
    "models": "Model",
    "sources": "Source",
    "seeds": "Seed",
    "snapshots": "Snapshot",
    "exposures": "Exposure",
    "tests": "Test",
    "macros": "Macro",
}
# what a filter says, and what of a node it is compared with
COMPARED = {
    "identifier": ("alias", "identifier", "name"),
    "database": ("database",),
    "schema": ("schema",),
    "group": ("group",),
    "access": ("access",),
    "modelingLayer": ("modelingLayer",),
}


class Root:
    """The fields of the query itself, for one request."""

    def __init__(self, call: Call) -> None:
        self.call = call

    def environment(self, _info: Any, id: int) -> Node:  # noqa: A002 - GraphQL's name
        """Return an environment. Raise GraphQLError for one that does not exist."""
        found = get_environment(self.call.connection, self.call.account_id, id)
        if found is None:
            raise GraphQLError(f"There is no environment {id} that this token may read.")
        state = self.state(RunFilter(account_id=self.call.account_id, environment_id=found.id))
        metadata = state.metadata
        return {
            "id": found.id,
            "accountId": found.account_id,
            "projectId": found.project_id,
            "dbtProjectName": metadata.get("project_name"),
            "adapterType": metadata.get("adapter_type"),
            "applied": {**collections(state, found.id), **applied(state)},
            "definition": collections(state, found.id),
        }

    def job(self, _info: Any, id: int, runId: int | None = None) -> Node:  # noqa: A002, N803
        """Return a job as a run saw it. Raise GraphQLError where there is none."""
        call = self.call
        if get_job(call.connection, id, call.account_id, is_any_state=True) is None:
            raise GraphQLError(f"There is no job {id} that this token may read.")
        chosen = RunFilter(
            account_id=call.account_id, job_id=id, run_ids=None if runId is None else (runId,)
        )
        marks = self.marks(chosen, is_any_kind=True)[:1]
        if runId is not None and not marks:
            raise GraphQLError(f"Job {id} has no run {runId} that has ended and left artifacts.")
        return job_fields(state_of(call.data_dir, tuple(marks)), id)

    def state(self, chosen: RunFilter) -> State:
        """Return the state after the newest of some runs."""
        return state_of(self.call.data_dir, tuple(self.marks(chosen)))

    def marks(self, chosen: RunFilter, *, is_any_kind: bool = False) -> list[RunMark]:
        """Return the runs that ended and left artifacts, newest first."""
        ended = replace(chosen, statuses=ENDED_CODES)
        found: Iterable[Run] = runs.newest_runs(self.call.connection, ended, limit=MAX_RUNS)
        return [
            RunMark(run.id, run.job_id, iso(run.finished_at) or "", run.git_sha)
            for run in found
            if run.has_artifacts and (is_any_kind or not run.request)
        ]


def collections(state: State, environment_id: int) -> Node:
    """Return the lists of what a project has."""
    metadata = state.metadata
    shown: Node = {
        "lastUpdatedAt": metadata.get("generated_at"),
        "resourceCounts": dict(Counter(filter(None, map(nodes.kind_of, state.resources.values())))),
    }
    for name, kind in COLLECTIONS.items():
        shown[name] = lister(state, kind, environment_id)
    return shown


def lister(state: State, kind: str, environment_id: int) -> Callable[..., Node]:
    """Return the function that answers a list of one kind."""

    def answer(
        _info: Any,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - GraphQL's name
        after: str | None = None,
        first: int | None = None,
        sort: Mapping[str, Any] | None = None,
    ) -> Node:
        found = [node for node in read_all(state, (kind,)) if matches(state, node, filter or {})]
        if sort:
            found = ordered(state, found, sort)
        for node in found:
            node["environmentId"] = environment_id
        return page(found, after, first)

    return answer


def read_all(state: State, kinds: Sequence[str], unique_ids: Any = None) -> list[Node]:
    """Return all nodes of some kinds, the project's own before those of packages.

    `unique_ids` keeps some of them.
    """
    own = state.metadata.get("project_name")
    chosen = state.resources if unique_ids is None else dict.fromkeys(unique_ids)
    found = [
        (part.get("package_name") != own, unique_id, part)
        for unique_id in chosen
        if (part := state.resources.get(unique_id)) and nodes.kind_of(part) in kinds
    ]
    found.sort(key=lambda one: one[:2])
    return [nodes.read_node(state, unique_id, part) for _, unique_id, part in found]


def matches(state: State, node: Node, chosen: Mapping[str, Any]) -> bool:
    """Return whether a node is one that a filter selects."""
    for name, wanted in chosen.items():
        if wanted is None:
            continue
        if name == "uniqueIds":
            is_one = node["uniqueId"] in wanted
        elif name == "tags":
            is_one = not set(wanted).isdisjoint(node["tags"])
        elif name == "sourceNames":
            is_one = node.get("sourceName") in wanted
        elif name == "lastRunStatus":
            is_one = (nodes.execution(state, node["uniqueId"]) or {}).get("lastRunStatus") == wanted
        else:
            is_one = any(is_same(node.get(field), wanted) for field in COMPARED[name])
        if not is_one:
            return False
    return True


def is_same(found: Any, wanted: Any) -> bool:
    """Return whether two names are the same, as databases compare them."""
    return str(found).lower() == str(wanted).lower()


def ordered(state: State, found: list[Node], sort: Mapping[str, Any]) -> list[Node]:
    """Return models in the order that is asked for; what is not known comes last."""
    field, is_falling = sort["field"], sort["direction"] == "desc"
    # nobody counts queries here: then the name decides
    name = "name" if field == "queryUsageCount" else field

    def key(node: Node) -> Any:
        if name in ("name", "uniqueId"):
            return node[name]
        if name == "rowCount":
            return (nodes.catalog_of(state, node["uniqueId"]) or {}).get("rowCountStat")
        return (nodes.execution(state, node["uniqueId"]) or {}).get(name)

    known = [node for node in found if key(node) is not None]
    unknown = [node for node in found if key(node) is None]
    return sorted(known, key=key, reverse=is_falling and field != "queryUsageCount") + unknown


def page(found: Sequence[Node], after: str | None, first: int | None) -> Node:
    """Return one page of nodes. Raise GraphQLError for a page that cannot be."""
    length = DEFAULT_PAGE if first is None else first
    if not 0 <= length <= MAX_PAGE:
        raise GraphQLError(f"first must be a number from 0 to {MAX_PAGE}.")
    begin = 0 if after is None else offset_of(after) + 1
    edges = [
        {"cursor": cursor_of(place), "node": node}
        for place, node in enumerate(found[begin : begin + length], begin)
    ]
    return {
        "edges": edges,
        "totalCount": len(found),
        "pageInfo": {
            "startCursor": edges[0]["cursor"] if edges else None,
            "endCursor": edges[-1]["cursor"] if edges else None,
            "hasNextPage": begin + length < len(found),
            "hasPreviousPage": begin > 0,
        },
    }


def cursor_of(place: int) -> str:
    """Return the cursor of a place in a list."""
    return base64.b64encode(json.dumps({"place": place}).encode()).decode()


def offset_of(cursor: str) -> int:
    """Return the place that a cursor names. Raise GraphQLError for one that names none."""
    try:
        place = json.loads(base64.b64decode(cursor, validate=True))["place"]
    except (binascii.Error, ValueError, KeyError, TypeError, RecursionError):
        place = None
    if isinstance(place, bool) or not isinstance(place, int) or place < 0:
        raise GraphQLError("after is not a cursor of this list.")
    return place


def applied(state: State) -> Node:
    """Return what an applied state has more than a definition."""

    def resources(
        _info: Any,
        filter: Mapping[str, Any],  # noqa: A002 - GraphQL's name
        after: str | None = None,
        first: int | None = None,
    ) -> Node:
        return page(read_all(state, filter["types"], filter.get("uniqueIds")), after, first)

    def lineage(_info: Any, filter: Mapping[str, Any]) -> list[Node]:  # noqa: A002
        found = read_all(state, filter["types"], filter.get("uniqueIds"))
        return [
            {
                **node,
                "__typename": "LineageNodeWithParents",
                "parentIds": state.parents_of(node["uniqueId"]),
            }
            for node in found
        ]

    def packages(_info: Any, resource: str) -> list[str]:
        named = {
            str(part.get("package_name"))
            for part in state.resources.values()
            if part.get("resource_type") == resource
        }
        return sorted(named)

    def history(
        _info: Any,
        uniqueId: str | None = None,  # noqa: N803 - GraphQL's name
        identifier: str | None = None,
        lastRunCount: int | None = None,  # noqa: N803
    ) -> list[Node]:
        count = DEFAULT_HISTORY if lastRunCount is None else lastRunCount
        if count < 0:
            raise GraphQLError("lastRunCount must be a number of at least 0.")
        return model_runs(state, model_id(state, uniqueId, identifier), count)

    newest = state.marks[0] if state.marks else None
    return {
        "resources": resources,
        "lineage": lineage,
        "packages": packages,
        "modelHistoricalRuns": history,
        "lastUpdatedAt": newest.ended_at if newest else None,
        "latestGitSha": newest.git_sha if newest else None,
    }


def model_id(state: State, unique_id: str | None, identifier: str | None) -> str:
    """Return the model that is meant. Raise GraphQLError when none is."""
    if unique_id:
        return unique_id
    chosen = {"identifier": identifier}
    found = [node for node in read_all(state, ("Model",)) if matches(state, node, chosen)]
    if not identifier or not found:
        raise GraphQLError("Name a model by uniqueId or identifier.")
    return str(found[0]["uniqueId"])


def model_runs(state: State, unique_id: str, count: int) -> list[Node]:
    """Return how a model went in its last runs, newest first, with its tests."""
    tests = [node["uniqueId"] for node in nodes.tests_of(state, unique_id)]
    return [
        {
            "uniqueId": unique_id,
            "runId": told.mark.run_id,
            "jobId": told.mark.job_id,
            "status": nodes.status_of(told.line),
            "error": nodes.error_of(told.line),
            "executionTime": told.line.get("execution_time"),
            "runGeneratedAt": told.metadata.get("generated_at"),
            "tests": [
                {
                    "uniqueId": test,
                    "name": state.resources[test].get("name"),
                    "status": other.line.get("status"),
                    "executionTime": other.line.get("execution_time"),
                }
                for test in tests
                for other in state.results.get(test, [])
                if other.mark == told.mark
            ],
            **nodes.times(told.line),
        }
        for told in state.results.get(unique_id, [])[: min(count, MAX_HISTORY)]
    ]


def job_fields(state: State, job_id: int) -> Node:
    """Return the fields of a job as one run saw it."""
    mark = state.marks[0] if state.marks else None
    place = {"jobId": job_id, "runId": mark.run_id if mark else None}

    def read(unique_id: str, part: Part) -> Node:
        return {**job_node(state, unique_id, part), **place}

    def listed(kind: str) -> Callable[..., list[Node]]:
        def answer(_info: Any, **chosen: Any) -> list[Node]:
            return [
                read(node["uniqueId"], state.resources[node["uniqueId"]])
                for node in read_all(state, (kind,))
                if matches(state, node, chosen)
            ]

        return answer

    def single(kind: str) -> Callable[..., Node | None]:
        def answer(_info: Any, **chosen: Any) -> Node | None:
            for node in read_all(state, (kind,)):
                if all(node[name] == value for name, value in chosen.items()):
                    return read(node["uniqueId"], state.resources[node["uniqueId"]])
            return None

        return answer

    shown: Node = {"id": job_id, "runId": place["runId"]}
    for name, kind in COLLECTIONS.items():
        shown[name] = listed(kind)
        shown[name.removesuffix("s")] = single(kind)
    return shown

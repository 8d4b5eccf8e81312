"""Nodes as the Discovery API shows them, out of manifest, results, catalog and freshness.

A node is a mapping by GraphQL's names. What is costly or seldom asked for is a function, which
GraphQL calls when the field is selected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from marketing_analytics.local_cloud.api.discovery.shapes import Part
from marketing_analytics.local_cloud.api.discovery.state import State, Told

Node = dict[str, Any]
# dbt's word for a resource, and GraphQL's
KINDS = {
    "exposure": "Exposure",
    "macro": "Macro",
    "metric": "Metric",
    "model": "Model",
    "saved_query": "SavedQuery",
    "seed": "Seed",
    "semantic_model": "SemanticModel",
    "snapshot": "Snapshot",
    "source": "Source",
    "test": "Test",
    "unit_test": "Test",
}
# what is written and not built has no applied state
DEFINED = frozenset({"Macro", "Metric", "SavedQuery", "SemanticModel"})
TYPES = {
    kind: f"{kind}{'Definition' if kind in DEFINED else 'AppliedState'}Node"
    for kind in KINDS.values()
}
LAYERS = {
    "staging": {"staging", "stg"},
    "intermediate": {"intermediate", "int"},
    "marts": {"marts", "fct", "dim"},
}
TEST_TYPES = {"test": "generic_test", "unit_test": "unit_test"}
# dbt's words for how something went, and dbt Cloud's
STATUSES = {"pass": "success", "fail": "error", "warn": "success", "runtime error": "error"}


def kind_of(part: Part) -> str:
    """Return GraphQL's word for what a resource is, "" for what is not shown."""
    return KINDS.get(str(part.get("resource_type")), "")


def read_node(state: State, unique_id: str, part: Part) -> Node:
    """Return a resource with all that its kind has."""
    kind = kind_of(part)
    more = MORE.get(kind)
    return {
        "__typename": TYPES[kind],
        **common(unique_id, part),
        **(more(state, unique_id, part) if more else {}),
    }


def common(unique_id: str, part: Part) -> Node:
    """Return what every resource has."""
    config = part.get("config") or {}
    return {
        "resourceType": part.get("resource_type"),
        "uniqueId": unique_id,
        "name": part.get("name"),
        "description": part.get("description") or "",
        "meta": part.get("meta") or config.get("meta") or {},
        "tags": list(part.get("tags") or config.get("tags") or []),
        "filePath": part.get("original_file_path"),
        "fqn": list(part.get("fqn") or []),
        "packageName": part.get("package_name"),
    }


def relation(part: Part) -> Node:
    """Return where something is built, and out of what."""
    config = part.get("config") or {}
    return {
        "alias": part.get("alias"),
        "config": config,
        "database": part.get("database"),
        "schema": part.get("schema"),
        "relationName": part.get("relation_name"),
        "materializedType": config.get("materialized"),
        "rawCode": part.get("raw_code"),
        "compiledCode": part.get("compiled_code"),
        "language": part.get("language"),
        "patchPath": part.get("patch_path"),
    }


def neighbours(state: State, unique_id: str) -> Node:
    """Return the functions that find what is around a node."""
    return {
        "parents": lambda _info: nested(state, state.parents_of(unique_id)),
        "children": lambda _info: nested(state, state.children.get(unique_id, [])),
        "tests": lambda _info: tests_of(state, unique_id),
        "executionInfo": lambda _info: execution(state, unique_id),
        "catalog": lambda _info: catalog_of(state, unique_id),
    }


def model(state: State, unique_id: str, part: Part) -> Node:
    """Return what a model has more."""
    mark, version = state.manifest_mark, part.get("version")
    latest = part.get("latest_version")
    return {
        **relation(part),
        **neighbours(state, unique_id),
        "ancestors": lambda _info, types: nested(state, ancestors(state, unique_id), types),
        "jobDefinitionId": mark.job_id if mark else None,
        "runGeneratedAt": state.metadata.get("generated_at"),
        "access": part.get("access"),
        "group": part.get("group"),
        "contractEnforced": bool((part.get("contract") or {}).get("enforced")),
        "constraints": [constraint(one) for one in part.get("constraints") or []],
        "deprecationDate": part.get("deprecation_date"),
        "latestVersion": None if latest is None else str(latest),
        "version": None if version is None else str(version),
        "isDescriptionInherited": False,
        "modelingLayer": layer_of(part),
    }


def layer_of(part: Part) -> str | None:
    """Return the layer of a model as its folder or the beginning of its name tells."""
    places = {*(part.get("fqn") or []), str(part.get("name")).partition("_")[0]}
    return next((layer for layer, words in LAYERS.items() if words & places), None)


def constraint(found: Part) -> Node:
    """Return a constraint of a model."""
    return {
        "type": found.get("type"),
        "name": found.get("name"),
        "expression": found.get("expression"),
        "columns": list(found.get("columns") or []),
        "warnUnenforced": found.get("warn_unenforced"),
        "warnUnsupported": found.get("warn_unsupported"),
    }


def built(state: State, unique_id: str, part: Part) -> Node:
    """Return what a seed or snapshot has more."""
    return {**relation(part), **neighbours(state, unique_id)}


def source(state: State, unique_id: str, part: Part) -> Node:
    """Return what a source has more."""
    return {
        **relation(part),
        **neighbours(state, unique_id),
        "identifier": part.get("identifier"),
        "loader": part.get("loader"),
        "sourceName": part.get("source_name"),
        "sourceDescription": part.get("source_description"),
        "freshness": lambda _info: freshness_of(state, unique_id),
    }


def exposure(state: State, unique_id: str, part: Part) -> Node:
    """Return what an exposure has more."""
    owner = part.get("owner") or {}
    return {
        "label": part.get("label"),
        "maturity": part.get("maturity"),
        "url": part.get("url"),
        "exposureType": part.get("type"),
        "ownerName": owner.get("name"),
        "ownerEmail": owner.get("email"),
        "manifestGeneratedAt": state.metadata.get("generated_at"),
        "parents": lambda _info: nested(state, state.parents_of(unique_id)),
    }


def test(state: State, unique_id: str, part: Part) -> Node:
    """Return what a test has more, of data or of units."""
    metadata = part.get("test_metadata")
    given = part.get("given") or []
    rows = (part.get("expect") or {}).get("rows")
    last = state.last(unique_id)
    is_singular = part.get("resource_type") == "test" and not metadata
    kind = "singular_test" if is_singular else TEST_TYPES[str(part.get("resource_type"))]
    return {
        **relation(part),
        **neighbours(state, unique_id),
        "columnName": part.get("column_name"),
        "testType": kind,
        "testMetadata": metadata
        and {
            "name": metadata.get("name"),
            "namespace": metadata.get("namespace"),
            "columnName": part.get("column_name"),
            "kwargs": metadata.get("kwargs") or {},
        },
        "testedNodeUniqueId": part.get("attached_node"),
        "lastKnownResult": str(last.line.get("status")) if last else None,
        "model": part.get("model"),
        "expect": part.get("expect"),
        "given": given,
        "overrides": part.get("overrides"),
        "numExpectRows": len(rows) if isinstance(rows, list) else None,
        "numGiven": len(given),
        "numGivenRows": sum(len(one.get("rows") or []) for one in given),
    }


def macro(state: State, _unique_id: str, part: Part) -> Node:
    """Return what a macro has more."""
    return {
        "macroSql": part.get("macro_sql"),
        "runGeneratedAt": state.metadata.get("generated_at"),
        "arguments": [
            {name: one.get(name) for name in ("name", "type", "description")}
            for one in part.get("arguments") or []
        ],
    }


def semantic_model(_state: State, _unique_id: str, part: Part) -> Node:
    """Return what a semantic model has more."""

    def pick(one: Part, **names: str) -> Node:
        return {shown: one.get(stored) for shown, stored in names.items()}

    named = {"name": "name", "description": "description"}
    return {
        "dimensions": [
            pick(one, **named, type="type", typeParams="type_params")
            for one in part.get("dimensions") or []
        ],
        "entities": [pick(one, **named, type="type") for one in part.get("entities") or []],
        "measures": [
            pick(one, **named, agg="agg", createMetric="create_metric", expr="expr")
            for one in part.get("measures") or []
        ],
    }


MORE: dict[str, Callable[[State, str, Part], Node]] = {
    "Exposure": exposure,
    "Macro": macro,
    "Model": model,
    "Seed": built,
    "SemanticModel": semantic_model,
    "Snapshot": built,
    "Source": source,
    "Test": test,
}


def nested(state: State, unique_ids: Sequence[str], kinds: Sequence[str] = ()) -> list[Node]:
    """Return nodes as neighbours of another; `kinds` keeps some of them."""
    found = []
    for unique_id in unique_ids:
        part = state.resources[unique_id]
        kind = kind_of(part)
        if not kind or (kinds and kind not in kinds):
            continue
        node = read_node(state, unique_id, part)
        found.append({**node, "__typename": TYPES[kind].removesuffix("Node") + "NestedNode"})
    return found


def ancestors(state: State, unique_id: str) -> list[str]:
    """Return all that a node reads, near or far, the nearest first."""
    found: dict[str, None] = {}
    waiting = state.parents_of(unique_id)
    while waiting:
        found |= dict.fromkeys(waiting)
        further = [parent for one in waiting for parent in state.parents_of(one)]
        waiting = [one for one in dict.fromkeys(further) if one not in found]
    return list(found)


def tests_of(state: State, unique_id: str) -> list[Node]:
    """Return the tests that are about a node."""
    return [
        read_node(state, child, part)
        for child in state.children.get(unique_id, [])
        if kind_of(part := state.resources[child]) == "Test"
        and part.get("attached_node") in (None, unique_id)
    ]


def times(line: Part) -> Node:
    """Return when a node was compiled and run."""
    spans = {str(one.get("name")): one for one in line.get("timing") or []}
    return {
        f"{word}{end}": (spans.get(word) or {}).get(stored)
        for word in ("compile", "execute")
        for end, stored in (("StartedAt", "started_at"), ("CompletedAt", "completed_at"))
    }


def status_of(line: Part) -> str:
    """Return how a node went, in dbt Cloud's words."""
    status = str(line.get("status"))
    return STATUSES.get(status, status)


def error_of(line: Part) -> str | None:
    """Return why a node failed."""
    return str(line.get("message")) if status_of(line) == "error" else None


def execution(state: State, unique_id: str) -> Node | None:
    """Return how a node went last; None for one that no run tells of."""
    told = state.last(unique_id)
    if told is None:
        return None
    good = state.last_good(unique_id)
    generated_at = told.metadata.get("generated_at")
    return {
        "lastRunId": told.mark.run_id,
        "lastJobDefinitionId": told.mark.job_id,
        "lastRunStatus": status_of(told.line),
        "lastRunError": error_of(told.line),
        "lastRunFailures": told.line.get("failures"),
        "lastRunGeneratedAt": generated_at,
        "runGeneratedAt": generated_at,
        "lastSuccessRunId": good.mark.run_id if good else None,
        "lastSuccessJobDefinitionId": good.mark.job_id if good else None,
        "executionTime": told.line.get("execution_time"),
        **times(told.line),
    }


def freshness_of(state: State, unique_id: str) -> Node | None:
    """Return how old a source was when it was looked at last."""
    told = state.freshness.get(unique_id)
    if told is None:
        return None
    return {
        "maxLoadedAt": told.line.get("max_loaded_at"),
        "snapshottedAt": told.line.get("snapshotted_at"),
        "maxLoadedAtTimeAgoInS": told.line.get("max_loaded_at_time_ago_in_s"),
        "freshnessStatus": told.line.get("status"),
        "freshnessChecked": True,
        "freshnessRunGeneratedAt": told.metadata.get("generated_at"),
        "criteria": told.line.get("criteria"),
    }


def catalog_of(state: State, unique_id: str) -> Node | None:
    """Return a table as the database described it; None without a catalog of it."""
    told = state.catalog.get(unique_id)
    if told is None:
        return None
    about = told.line.get("metadata") or {}
    stats = told.line.get("stats") or {}
    return {
        "uniqueId": unique_id,
        "runId": told.mark.run_id,
        "runGeneratedAt": told.metadata.get("generated_at"),
        "type": about.get("type"),
        "owner": about.get("owner"),
        "comment": about.get("comment"),
        "rowCountStat": (stats.get("row_count") or {}).get("value"),
        "bytesStat": (stats.get("bytes") or {}).get("value"),
        "columns": columns_of(state, unique_id, told),
    }


def columns_of(state: State, unique_id: str, told: Told | None) -> list[Node]:
    """Return the columns of a table: those of the catalog, else those of the project."""
    described = state.resources.get(unique_id, {}).get("columns") or {}
    known = {name.lower(): one for name, one in described.items()}
    found = (told.line.get("columns") if told else described) or {}
    columns = []
    for place, (name, one) in enumerate(found.items(), 1):
        about = known.get(name.lower(), {})
        columns.append(
            {
                "name": name,
                "type": one.get("type") or one.get("data_type"),
                "index": one.get("index") or place,
                "comment": one.get("comment"),
                "description": about.get("description") or "",
                "meta": about.get("meta") or {},
                "tags": list(about.get("tags") or []),
            }
        )
    return columns

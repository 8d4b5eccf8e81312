"""Nodes as the older part of the Discovery API shows them: as one run of a job saw them."""

from __future__ import annotations

from typing import Any

from marketing_analytics.local_cloud.api.discovery import nodes
from marketing_analytics.local_cloud.api.discovery.nodes import Node
from marketing_analytics.local_cloud.api.discovery.shapes import Part
from marketing_analytics.local_cloud.api.discovery.state import State


def job_node(state: State, unique_id: str, part: Part) -> Node:
    """Return a node with what the run says of it; `state` is that of this run alone."""
    metadata = state.metadata
    owner, age = part.get("owner") or {}, nodes.freshness_of(state, unique_id) or {}
    return {
        **nodes.common(unique_id, part),
        **nodes.relation(part),
        "rawSql": part.get("raw_code"),
        "compiledSql": part.get("compiled_code"),
        "identifier": part.get("identifier"),
        "sourceName": part.get("source_name"),
        "sourceDescription": part.get("source_description"),
        "loader": part.get("loader"),
        "columnName": part.get("column_name"),
        "dependsOn": state.parents_of(unique_id),
        "childrenL1": state.children.get(unique_id, []),
        "dbtVersion": metadata.get("dbt_version"),
        "invocationId": metadata.get("invocation_id"),
        "runGeneratedAt": metadata.get("generated_at"),
        "maturity": part.get("maturity"),
        "url": part.get("url"),
        "exposureType": part.get("type") if part.get("resource_type") == "exposure" else None,
        "ownerName": owner.get("name"),
        "ownerEmail": owner.get("email"),
        "parentsModels": lambda _info: parents(state, unique_id, "model"),
        "parentsSources": lambda _info: parents(state, unique_id, "source"),
        **outcome(state, unique_id),
        **table(state, unique_id),
        **age,
        "freshnessChecked": bool(age),
        "state": age.get("freshnessStatus"),
    }


def parents(state: State, unique_id: str, resource_type: str) -> list[Node]:
    """Return what a node reads of one type."""
    return [
        job_node(state, parent, part)
        for parent in state.parents_of(unique_id)
        if (part := state.resources[parent]).get("resource_type") == resource_type
    ]


def outcome(state: State, unique_id: str) -> Node:
    """Return how the node went in the run; nothing for one that was not selected."""
    told = state.last(unique_id)
    if told is None:
        return {}
    status: Any = told.line.get("status")
    return {
        "status": status,
        "error": nodes.error_of(told.line),
        "skip": status == "skipped",
        "fail": status == "fail",
        "warn": status == "warn",
        "threadId": told.line.get("thread_id"),
        "executionTime": told.line.get("execution_time"),
        **nodes.times(told.line),
    }


def table(state: State, unique_id: str) -> Node:
    """Return what the database said of the node, columns of the project without a catalog."""
    found = nodes.catalog_of(state, unique_id) or {}
    told = state.catalog.get(unique_id)
    return {
        "type": found.get("type"),
        "owner": found.get("owner"),
        "comment": found.get("comment"),
        "columns": nodes.columns_of(state, unique_id, told),
    }

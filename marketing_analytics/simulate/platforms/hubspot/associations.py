"""Associations between CRM objects: inside of a record, and in batches."""

from __future__ import annotations

from typing import Any

from marketing_analytics.simulate.platforms.hubspot.definitions import (
    ASSOCIATION_TYPES,
    SINGULAR,
    TYPE_NAMES,
)
from marketing_analytics.simulate.platforms.hubspot.objects import CrmObject
from marketing_analytics.simulate.platforms.hubspot.refusals import invalid

MOST_INPUTS = 1_000
MOST_OF_ONE = 500


def associated(kind: str, one: CrmObject, wanted: list[str]) -> dict[str, Any]:
    """Return the `associations` of a record in the form of version 3."""
    associations: dict[str, Any] = {}
    for name in wanted:
        to = TYPE_NAMES.get(name)
        if to is None:
            raise invalid(f"Unable to infer object type from: {name}", where="associations")
        if one.associated[to]:
            label = f"{SINGULAR[kind]}_to_{SINGULAR[to]}"
            results = [{"id": str(found), "type": label} for found in one.associated[to]]
            associations[to] = {"results": results}
    return {"associations": associations} if associations else {}


def batch_associated(
    kind: str, to: str, body: dict[str, Any], objects: dict[int, CrmObject]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the associations of the objects of a batch, and the ids that have none."""
    if (kind, to) not in ASSOCIATION_TYPES:
        raise invalid(f"No associations are defined from {kind} to {to}")
    if unknown := set(body) - {"inputs"}:
        raise invalid(f'Invalid input JSON: Unrecognized field "{min(unknown)}"')
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not 1 <= len(inputs) <= MOST_INPUTS:
        raise invalid(f"inputs must be from 1 to {MOST_INPUTS}", where="inputs")
    types = [
        {"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": label}
        for type_id, label in ASSOCIATION_TYPES[kind, to]
    ]
    rows, absent = [], []
    for given in inputs:
        object_id = str(given.get("id"))
        one = objects.get(int(object_id)) if object_id.isdigit() else None
        ids = one.associated[to] if one else []
        start = int(given.get("after") or 0)
        shown = ids[start : start + MOST_OF_ONE]
        if not shown:
            absent.append(object_id)
            continue
        row: dict[str, Any] = {
            "from": {"id": object_id},
            "to": [{"toObjectId": found, "associationTypes": types} for found in shown],
        }
        if start + MOST_OF_ONE < len(ids):
            row["paging"] = {"next": {"after": str(start + MOST_OF_ONE)}}
        rows.append(row)
    return rows, absent

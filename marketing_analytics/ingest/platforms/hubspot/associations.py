"""Which contacts and companies a deal belongs to, read for many deals at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marketing_analytics.ingest.engine.answers import Cursors, part, records
from marketing_analytics.ingest.engine.governor import BrokenAnswerError, Governor
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.tables import Part
from marketing_analytics.ingest.platforms.hubspot.lists import loaded_parts
from marketing_analytics.ingest.platforms.hubspot.tables import DEAL_ASSOCIATIONS

BATCH_SIZE = 1_000
OBJECT_TYPES = ("contacts", "companies")


def add_associations(
    job: Job, governor: Governor, kind: str, ids: Sequence[Part], *, is_whole: bool = False
) -> None:
    """Keep the associations of deals; of a whole list those of deals that are gone go too."""
    if kind != "deals":
        return
    deals = [deal_id for (deal_id,) in ids]
    rows = [row for to in OBJECT_TYPES for row in read_associations(governor, deals, to)]
    columns = {
        name: [row[position] for row in rows]
        for position, name in enumerate(DEAL_ASSOCIATIONS.columns)
    }
    parts = [(deal_id, to) for deal_id in deals for to in OBJECT_TYPES]
    if is_whole:
        parts += loaded_parts(job, DEAL_ASSOCIATIONS)
    job.add(DEAL_ASSOCIATIONS, columns, parts=dict.fromkeys(parts))


def read_associations(
    governor: Governor, deals: Sequence[str], to: str
) -> list[tuple[str, str, Any, Any, Any]]:
    """Return deal, type, other object, type of association and its label."""
    rows = []
    path = f"/crm/v4/associations/deals/{to}/batch/read"
    for start in range(0, len(deals), BATCH_SIZE):
        inputs = [{"id": deal_id} for deal_id in deals[start : start + BATCH_SIZE]]
        cursors = Cursors(f"HubSpot's list {path}")
        while inputs:
            answer = governor.post(path, json={"inputs": inputs})
            inputs = []
            for found in records(answer, "results", path):
                deal_id = str(part(found, "from", path).get("id"))
                rows += [(deal_id, to, *one) for one in associated(found, path)]
                following = part(part(found, "paging", path), "next", path).get("after")
                if following:
                    cursors.check(f"{deal_id} {following}")
                    inputs.append({"id": deal_id, "after": str(following)})
    return rows


def associated(found: dict[str, Any], path: str) -> list[tuple[Any, Any, Any]]:
    """Return the objects that one deal belongs to: id, type of association, label."""
    return [
        (object_id_of(one, path), kind.get("typeId"), kind.get("label"))
        for one in records(found, "to", path)
        for kind in records(one, "associationTypes", path)
    ]


def object_id_of(one: dict[str, Any], path: str) -> str:
    """Return the id of an associated object, which comes as a number or as text."""
    if one.get("toObjectId") is None:
        raise BrokenAnswerError(f"the answer to {path} names no object")
    return str(one["toObjectId"])

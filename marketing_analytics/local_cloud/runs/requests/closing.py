"""The end of a pull or merge request: its runs are cancelled, its schemas dropped.

A run drops them, with a tiny dbt project of our own: it waits for its turn at the warehouse, and
works with every adapter.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from marketing_analytics.cloud_api.limits import MAX_ID
from marketing_analytics.core.errors import UserError, is_bug
from marketing_analytics.local_cloud.runs.records import CLOSING
from marketing_analytics.local_cloud.runs.requests.schemas import (
    NUMBERS,
    RequestSchema,
    close_schema,
    is_ours,
    open_schemas,
    other_users,
    request_words,
)
from marketing_analytics.local_cloud.runs.store import add_run, cancel_runs_of_request
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    transaction,
)
from marketing_analytics.local_cloud.store.jobs import get_job

DROP_COMMAND = "dbt run-operation drop_request_schemas"
DROP_PROJECT = Path(__file__).parent / "drop"
log = logging.getLogger(__name__)


def close_requests(connection: Connection, job_id: int, number: int, kind: str = "") -> list[int]:
    """Close the request of a job with a number; return the runs that drop its schemas.

    `kind` is needed when requests of two hosts have the number. Raise UserError without it.
    """
    schemas = open_schemas(connection, job_id=job_id, number=number)
    requests = sorted({schema.request for schema in schemas})
    if len(requests) > 1 and not kind:
        kinds = [request.partition(" ")[0] for request in requests]
        raise UserError(
            f"{' and '.join(requests)} are open: say which of them is closed",
            hint=" or ".join(f"?kind={kind}" for kind in kinds),
        )
    chosen = [schema for schema in schemas if kind in ("", schema.request.partition(" ")[0])]
    return close_all(connection, chosen, "was closed")


def kept_words(connection: Connection, job_id: int, number: int) -> str:
    """Return which schemas of a number stay when a request is closed, "" for none."""
    schemas = open_schemas(connection, job_id=job_id, number=number)
    return " ".join(
        f"The schema {schema.schema_name} stays: {request_words(schema.request)} "
        f"of {schema.request.partition(' ')[0]} uses it."
        for schema in schemas
        if is_ours(schema)
    )


def expire_requests(connection: Connection, unused_for: timedelta) -> list[int]:
    """Close the requests that nobody has run for so long; return the runs that drop schemas.

    Each is tried: one that cannot be closed keeps no other one open.
    """
    runs = []
    for schema in open_schemas(connection, unused_for=unused_for):
        try:
            why = f"was not run for {unused_for.days} days"
            runs += close_all(connection, [schema], why)
        except Exception as error:
            # it stays open, and is closed by a later look
            log.warning(
                "%s of job %s cannot be closed: %s",
                request_words(schema.request),
                schema.job_id,
                error,
                exc_info=is_bug(error),
                extra={"action": "request_not_closed"},
            )
    return runs


def close_all(connection: Connection, schemas: Iterable[RequestSchema], why: str) -> list[int]:
    """Close requests, and return the runs that drop their schemas."""
    runs = (close_request(connection, schema, why) for schema in schemas)
    return [run_id for run_id in runs if run_id is not None]


def close_request(connection: Connection, schema: RequestSchema, why: str) -> int | None:
    """Cancel what a request still runs and queue a run that drops its schema.

    Return the run, None for a schema that stays: it was not named here, or another request uses it.
    """
    words = request_words(schema.request)
    with transaction(connection):
        close_schema(connection, schema)
        reason = f"Cancelled: {words} {why}."
        cancel_runs_of_request(connection, schema.job_id, schema.request, MAX_ID, reason)
        if not is_ours(schema) or get_job(connection, schema.job_id) is None:
            return None
        if users := other_users(connection, schema):
            log.warning(
                "%s %s, but %s of job %s uses its schema %s, which stays",
                words,
                why,
                users[0].request,
                users[0].job_id,
                schema.schema_name,
                extra={"action": "schema_kept"},
            )
            return None
        kind, _, number = schema.request.partition(" ")
        field = next(name for name, known in NUMBERS.items() if known == kind)
        overrides = {
            field: int(number),
            "schema_override": schema.schema_name,
            "steps_override": [DROP_COMMAND],
            CLOSING: True,
        }
        cause = f"{words[0].upper()}{words[1:]} {why}"
        return add_run(
            connection, schema.job_id, cause=cause, cause_category="ci", overrides=overrides
        )

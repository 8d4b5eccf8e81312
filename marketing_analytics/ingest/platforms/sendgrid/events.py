"""Load the events that have landed.

Which files were loaded is part of the source's state, so it is stored together with their rows:
a run that is killed before loads them again, and `event_id` makes it the same rows. A file is
removed some days after a run found it noted there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson

from marketing_analytics.core.errors import MachineError, TerminalError, UserError
from marketing_analytics.ingest.engine.job import Job, Piece
from marketing_analytics.ingest.engine.tables import DoubtfulError, pluck
from marketing_analytics.ingest.platforms.sendgrid.access import distinct_names
from marketing_analytics.ingest.platforms.sendgrid.landing import seal_left_over, whole_files
from marketing_analytics.ingest.platforms.sendgrid.tables import EVENTS
from marketing_analytics.ingest.platforms.sendgrid.values import time_of, without_addresses

KEEP_DAYS = 30
NESTED_ARGS = ("unique_args", "custom_args")
CHUNK_BYTES = 32 * 2**20
PATHS = {
    "event_id": "sg_event_id",
    "message_id": "sg_message_id",
    "event_type": "event",
    "email_address": "email",
    "bounce_type": "type",
    "bounce_class": "bounce_classification",
    "status": "status",
    "attempt": "attempt",
    "group_id": "asm_group_id",
    "campaign_id": "marketing_campaign_id",
    "campaign_name": "marketing_campaign_name",
    "user_agent": "useragent",
    "ip_address": "ip",
}


def load_events(job: Job) -> None:
    """Load the files that are new; note what cannot be read."""
    given = job.settings.get("SENDGRID_EVENTS_PATH")
    if not given:
        return
    folder = Path(given).expanduser()
    if not folder.is_dir():
        job.fail(
            UserError(
                f"SENDGRID_EVENTS_PATH is not a folder: {folder}",
                hint="the receiver makes it when it starts; name the same folder here",
            )
        )
        return
    try:
        seal_left_over(folder)
        forget_old(job, folder)
        for chunk in chunks_of([path for path in whole_files(folder) if is_due(job, path)]):
            load_chunk(job, chunk)
    except OSError as error:
        job.fail(MachineError(f"cannot read {folder}: {error.strerror}"))


def is_due(job: Job, path: Path) -> bool:
    """Return whether a file is to be loaded."""
    return job.is_reread or path.name not in landed(job)


def landed(job: Job) -> dict[str, str]:
    """Return the files that are loaded, and the day of it."""
    found: dict[str, str] = job.state.setdefault("landed", {})
    return found


def forget_old(job: Job, folder: Path) -> None:
    """Remove files whose load was stored some days ago, and forget those that are gone."""
    until = job.now.date() - timedelta(days=keep_days(job.settings))
    present = {path.name: path for path in whole_files(folder)}
    for name, day in list(landed(job).items()):
        if name in present and date.fromisoformat(day) <= until:
            present.pop(name).unlink()
        if name not in present:
            del landed(job)[name]


def keep_days(settings: Mapping[str, str]) -> int:
    """Return for how many days loaded files are kept. Raise UserError."""
    text = settings.get("SENDGRID_EVENTS_KEEP_DAYS") or str(KEEP_DAYS)
    if not text.isdecimal():
        raise UserError(
            f"SENDGRID_EVENTS_KEEP_DAYS is not a number of days: {text!r}",
            hint="give a whole number; 0 lets the next run remove what is loaded",
        )
    return int(text)


def chunks_of(paths: Sequence[Path]) -> list[list[Path]]:
    """Return files in groups that fit into memory together."""
    chunks: list[list[Path]] = []
    size = CHUNK_BYTES
    for path in paths:
        if size >= CHUNK_BYTES:
            chunks.append([])
            size = 0
        chunks[-1].append(path)
        size += path.stat().st_size
    return chunks


def load_chunk(job: Job, paths: Sequence[Path]) -> None:
    """Keep the events of some files; where most of them do not fit, file by file."""
    job.plan(1)
    names = distinct_names(job.settings.get("SENDGRID_CUSTOM_ARGS", ""))
    events = [event_of(line) for path in paths for line in path.read_bytes().splitlines()]
    today = job.now.date().isoformat()
    try:
        job.keep(
            [Piece(EVENTS, event_columns(events, names), events)],
            lambda: landed(job).update({path.name: today for path in paths}),
        )
    except DoubtfulError as error:
        if len(paths) > 1:
            for path in paths:
                load_chunk(job, [path])
            return
        job.fail(
            TerminalError(
                f"{paths[0].name}: {error.message}",
                hint="move the file out of SENDGRID_EVENTS_PATH if it holds no events",
            )
        )
        return
    job.done()


def event_of(line: bytes) -> dict[str, Any]:
    """Return the event of a line; one that is none is kept, to be rejected with its reason."""
    try:
        event = orjson.loads(line)
    except ValueError:
        event = None
    return event if isinstance(event, dict) else {"line": line.decode(errors="replace")}


def event_columns(
    events: Sequence[Mapping[str, Any]], arg_names: Sequence[str]
) -> dict[str, list[Any]]:
    """Return the columns of EVENTS."""
    return {
        **pluck(events, PATHS),
        "event_at": [time_of(event.get("timestamp")) for event in events],
        "categories": [categories_of(event.get("category")) for event in events],
        "is_machine_open": [event.get("sg_machine_open", False) for event in events],
        "clicked_url": [without_addresses(event.get("url")) for event in events],
        "reason": [without_addresses(event.get("reason")) for event in events],
        "response": [without_addresses(event.get("response")) for event in events],
        "custom_args": [custom_args_of(event, arg_names) for event in events],
    }


def categories_of(given: Any) -> str:
    """Return the categories as a JSON list; SendGrid sends one as a text, or several as a list."""
    if given is None:
        return "[]"
    return orjson.dumps(given if isinstance(given, list) else [given]).decode()


def custom_args_of(event: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """Return what the sender added to its mail under some names, as a JSON object.

    The arguments stand beside the fields of the event; old senders nest them.
    """
    nested = [one for one in map(event.get, NESTED_ARGS) if isinstance(one, dict)]
    given = {name: one[name] for one in (event, *nested) for name in names if name in one}
    return orjson.dumps(given, option=orjson.OPT_SORT_KEYS).decode() if given else None

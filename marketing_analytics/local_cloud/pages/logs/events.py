"""The events of a step, as dbt says them: level, name, node and data beside the raw text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from marketing_analytics.core.plain_files import plain_opener
from marketing_analytics.core.redaction import redact
from marketing_analytics.local_cloud.pages.answering import Answering, page_count
from marketing_analytics.local_cloud.pages.artifacts.reading import Part, part_of, text_of
from marketing_analytics.local_cloud.pages.asking import page_number, search_text
from marketing_analytics.local_cloud.pages.logs.ansi import plain
from marketing_analytics.local_cloud.pages.reads import Reads
from marketing_analytics.local_cloud.pages.runs.lists import RunLine, run_line
from marketing_analytics.local_cloud.runs.progress import list_steps, step_log_path
from marketing_analytics.local_cloud.runs.records import RunStep
from marketing_analytics.local_cloud.runs.store import get_placed_run
from marketing_analytics.web.words import parse_time

EVENTS_PER_PAGE = 100
MAX_CHARACTERS = 2_000
LEVELS = ("debug", "info", "warn", "error")


@dataclass(frozen=True)
class Event:
    """One event; `place` is its number, `data` its fields, a line each."""

    place: int
    at: datetime | None
    level: str
    name: str
    node: str
    unique_id: str
    message: str
    data: str


@dataclass(frozen=True)
class EventFilter:
    """Which events are shown: those of at least a level, of a name, with a word."""

    level: str = ""
    name: str = ""
    search: str = ""

    def fits(self, event: Event) -> bool:
        """Return whether an event is wanted."""
        if self.level in LEVELS and LEVELS.index(event.level) < LEVELS.index(self.level):
            return False
        if self.name and event.name != self.name:
            return False
        word = self.search.lower()
        return word in event.message.lower() or word in event.unique_id.lower()


class EventPages(Answering):
    """The handler of the events of a step."""

    def routes(self) -> list[BaseRoute]:
        """Return the path."""
        return [Route("/runs/{run_id:int}/steps/{step_index:int}/events", self.events)]

    def events(self, request: Request) -> Response:
        """Show the events that a filter selects."""
        asked = request.query_params
        wanted = EventFilter(
            asked.get("level", "") if asked.get("level") in LEVELS else "",
            asked.get("name", "")[:100],
            search_text(asked),
        )
        run_id, index = request.path_params["run_id"], request.path_params["step_index"]
        with self.reads() as reads:
            run, step = step_of(reads, run_id, index)
            path = step_log_path(self.settings.data_dir, run.run_id, step.step_index)
            every = list(read_events(path.with_suffix(".jsonl"), reads.secrets()))
            found = [event for event in every if wanted.fits(event)]
            page = page_number(asked, len(found), EVENTS_PER_PAGE)
            return self.page(
                request,
                reads,
                "events.html",
                run=run,
                step=step,
                step_name=redact(step.name),
                events=found[(page - 1) * EVENTS_PER_PAGE : page * EVENTS_PER_PAGE],
                found=len(found),
                total=len(every),
                names=sorted({event.name for event in every}),
                levels=LEVELS[1:],
                wanted=wanted,
                page=page,
                pages=page_count(len(found), EVENTS_PER_PAGE),
            )


def step_of(reads: Reads, run_id: int, index: int) -> tuple[RunLine, RunStep]:
    """Return a run as a line, and its step. Raise a 404."""
    fits = run_id < 2**63 and index < 2**31
    run = get_placed_run(reads.connection, run_id, reads.account_id) if fits else None
    steps = list_steps(reads.connection, run_id) if run else []
    step = next((step for step in steps if step.step_index == index), None)
    if run is None or step is None:
        raise HTTPException(404, f"There is no step {index} of run {run_id}.")
    return run_line(run, datetime.now(UTC)), step


def read_events(path: Path, secrets: Sequence[str]) -> Iterator[Event]:
    """Yield the events of a JSON log; what is no event is left out."""
    if not path.is_file():
        return
    with open(path, encoding="utf-8", errors="replace", opener=plain_opener) as lines:
        for place, line in enumerate(lines, start=1):
            try:
                found = part_of(json.loads(redact(line, secrets)))
            except (ValueError, RecursionError):
                continue
            info = part_of(found.get("info"))
            if info:
                yield event_of(place, info, part_of(found.get("data")))


def event_of(place: int, info: Part, data: Part) -> Event:
    """Return one event as shown."""
    node = part_of(data.get("node_info"))
    level = text_of(info.get("level"))
    return Event(
        place=place,
        at=parse_time(text_of(info.get("ts"))),
        level=level if level in LEVELS else "info",
        name=text_of(info.get("name"))[:100],
        node=text_of(node.get("node_name")),
        unique_id=text_of(node.get("unique_id")),
        message=plain(text_of(info.get("msg")))[:MAX_CHARACTERS].strip(),
        data=fields_of(data),
    )


def fields_of(data: Mapping[str, Any]) -> str:
    """Return the fields of an event, indented, without the text that stands above."""
    kept = {name: value for name, value in data.items() if name not in ("msg", "base_msg")}
    return json.dumps(kept, indent=1, ensure_ascii=False)[:MAX_CHARACTERS] if kept else ""

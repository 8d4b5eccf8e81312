"""What a person sees of the watch."""

from __future__ import annotations

import importlib
import inspect
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any

from marketing_analytics.core.console import Console
from marketing_analytics.monitor.results import STATUSES, Result, worst
from marketing_analytics.monitor.run import Watched

# sentences in a pipe are folded too: they are read in the log of a job
PIPED_WIDTH = 100
TOLD = ("failing", "unknown", "warning", "announced")
# findings of one monitor that are told in full
MOST_TOLD = 4


def print_results(
    console: Console, results: Sequence[Result], as_of: date, at: datetime, place: str
) -> None:
    """Print a line a monitor, and below what is to be known or done."""
    told = sorted(
        (result for result in results if result.status in TOLD),
        key=lambda result: (result.rank, result.monitor, result.subject),
    )
    by_monitor: dict[str, list[Result]] = {}
    for result in results:
        by_monitor.setdefault(result.monitor, []).append(result)
    console.table(
        ["monitor", "status", "since", "severity", "owner", "findings"],
        [line_of(name, found) for name, found in sorted(by_monitor.items(), key=badness)],
        expendable=(4, 3, 5),
    )
    for name, found in groupby(told, key=lambda result: (result.rank, result.monitor)):
        listed = list(found)
        for result in listed[:MOST_TOLD]:
            print_result(console, result)
        if len(listed) > MOST_TOLD:
            more = len(listed) - MOST_TOLD
            console.line(f"{listed[0].status}  {name[1]}: {more} more, which `explain` tells")
            console.line()
    counted = Counter(worst(r.status for r in found) for found in by_monitor.values())
    summary = ", ".join(f"{counted[status]} {status}" for status in STATUSES if counted[status])
    console.prose(
        f"{place}, data to {as_of}, looked at {at:%Y-%m-%d %H:%M} UTC: {summary}",
        piped_width=PIPED_WIDTH,
    )


def badness(item: tuple[str, list[Result]]) -> tuple[int, str]:
    """Return the order of monitors: the worst first."""
    name, found = item
    return min(result.rank for result in found), name


def line_of(name: str, found: Sequence[Result]) -> list[str]:
    """Return the line of a monitor."""
    status = worst(result.status for result in found)
    own = [result for result in found if result.status == status]
    since = min(result.since_at for result in own)
    is_told = status in TOLD
    counted = Counter(result.status for result in found if result.subject)
    detail = ", ".join(f"{counted[each]} {each}" for each in STATUSES if counted[each])
    return [
        name,
        status,
        f"{since:%Y-%m-%d}" if is_told else "-",
        found[0].severity,
        found[0].owner,
        detail or "-",
    ]


def print_result(console: Console, result: Result) -> None:
    """Print what is wrong with one subject and what to do."""
    console.line(f"{result.status}  {' '.join(filter(None, (result.monitor, result.subject)))}")
    for text in (result.sentence, f"do: {result.action}" if result.action else ""):
        if text:
            console.prose(f"  {text}", indent="  ", piped_width=PIPED_WIDTH)
    console.line(f"  see {result.runbook}")
    console.line()


def print_list(console: Console, monitors: Iterable[Watched]) -> None:
    """Print a line a monitor."""
    console.table(
        ["monitor", "severity", "owner", "what it watches"],
        [[m.check.name, m.severity, m.owner, m.check.title] for m in monitors],
        expendable=(2, 1),
    )


def explanation(monitor: Watched) -> dict[str, Any]:
    """Return what is known about a monitor."""
    module = importlib.import_module(monitor.check.look.__module__)
    return {
        "monitor": monitor.check.name,
        "title": monitor.check.title,
        "how": inspect.getdoc(module) or "",
        "owner": monitor.owner,
        "severity": monitor.severity,
        "runbook": monitor.runbook,
        "tables": list(monitor.check.tables),
        "thresholds": {
            name: {"value": value, "meaning": monitor.check.thresholds[name].meaning}
            for name, value in monitor.thresholds.items()
        },
    }


def print_explanation(console: Console, told: Mapping[str, Any], results: Sequence[Result]) -> None:
    """Print how a monitor decides, its thresholds, and what it said last."""
    console.line(f"{told['monitor']}: {told['title']}")
    console.line()
    for paragraph in told["how"].split("\n\n"):
        console.prose("  " + " ".join(paragraph.split()), indent="  ", piped_width=PIPED_WIDTH)
        console.line()
    console.prose(f"  reads {', '.join(told['tables'])}", indent="  ", piped_width=PIPED_WIDTH)
    console.line(f"  owner {told['owner']}, severity {told['severity']}")
    console.line(f"  see {told['runbook']}")
    if told["thresholds"]:
        console.table(
            ["threshold", "value", "meaning"],
            [
                [name, f"{each['value']:g}", each["meaning"]]
                for name, each in told["thresholds"].items()
            ],
            right=(1,),
        )
    for result in sorted(results, key=lambda result: (result.rank, result.subject)):
        print_result(console, result)

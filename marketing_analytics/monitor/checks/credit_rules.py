"""Whether credit is handed out as it was: by what is defined, and by what comes out of it."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from statistics import median
from typing import Any

from marketing_analytics.monitor.check import Finding, Look, Note
from marketing_analytics.web.words import plural

# what defines channels and credit: seeds, and the settings that the models were built with
DEFINITIONS = (
    "int_attribution__settings",
    "campaign_channels",
    "campaign_mapping",
    "channel_rules",
    "channels",
    "click_ids",
    "referral_exclusions",
    "traffic_sources",
)
DEFINITION, CHANGED, KEPT, TOUCHES = "definition", "changed", "kept", "(touches)"
# conversions of the last days still get touches and refunds
SETTLED_DAYS, COMPARED_DAYS, LEAST_DAYS = 3, 28, 14
NO_CREDIT = {"unattributed", "refunded"}
SAME = 1e-3
ACTION = "compare the settings of attribution and the seeds of channels with the last release"

Shares = dict[str, float]
# credit by model, day and channel
Credits = Mapping[str, Mapping[date, Mapping[str, float]]]


@dataclass(frozen=True)
class Definitions:
    """What was defined at the last run and is now; `changed_on` while a change is young."""

    findings: tuple[Finding, ...]
    changed_on: date | None

    def announced(self, finding: Finding) -> Finding:
        """Return a finding that only follows from a change of definition as an announcement."""
        if self.changed_on is None:
            return finding
        sentence = f"{finding.sentence}; the definition was changed"
        return replace(finding, status="announced", sentence=sentence)


def definitions(seen: Look) -> Definitions:
    """Return which definitions have changed, and note those of now."""
    now = {table: fingerprint(seen, table) for table in DEFINITIONS if table in seen.tables}
    now["models"] = models_of(seen)
    known = {note.subject: note.text for note in seen.memory if note.name == DEFINITION}
    young = {
        note.subject: date.fromisoformat(note.text)
        for note in seen.memory
        if note.name == CHANGED
        and seen.as_of - date.fromisoformat(note.text)
        < timedelta(days=int(seen.thresholds["announced_days"]))
    }
    if known:
        young |= {
            name: seen.as_of
            for name in now.keys() | known.keys()
            if now.get(name) != known.get(name)
        }
    for name, text in now.items():
        seen.note(Note(name, DEFINITION, text=text))
    for name, day in young.items():
        seen.note(Note(name, CHANGED, text=day.isoformat()))
    findings = tuple(
        Finding(name, "announced", f"the definition {name} was changed", since=day)
        for name, day in sorted(young.items())
    )
    return Definitions(findings, max(young.values(), default=None))


def fingerprint(seen: Look, table: str) -> str:
    """Return a digest of the rows of a small table, in whatever order."""
    rows = sorted(
        json.dumps(dict(row), default=str) for row in seen.rows("whole_table", table=table)
    )
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def models_of(seen: Look) -> str:
    """Return the models with their windows, as a text."""
    first = seen.as_of - timedelta(days=COMPARED_DAYS)
    rows = seen.rows("models", first, seen.as_of)
    return ", ".join(f"{row['model']} in {row['window_days']} days" for row in rows)


def broken_rules(seen: Look, credit_of: Credits, defined: Definitions) -> Iterator[Finding]:
    """Yield where credit is handed out otherwise than it was."""
    yield from not_conserved(seen, credit_of)
    for finding in (
        *channels_apart(seen),
        *by_position(seen),
        *recredited(seen, credit_of, defined),
    ):
        yield defined.announced(finding)


def not_conserved(seen: Look, credit_of: Credits) -> Iterator[Finding]:
    """Yield models whose credit is not one a conversion."""
    first = seen.as_of - timedelta(days=COMPARED_DAYS)
    rows = seen.rows("conversions_per_day", first, seen.as_of)
    conversions = {row["day"]: int(row["conversions"]) for row in rows}
    for model, days in credit_of.items():
        if model == TOUCHES:
            continue
        wrong = {
            day: sum(days.get(day, {}).values()) - count
            for day, count in conversions.items()
            if abs(sum(days.get(day, {}).values()) - count) > max(0.01, 0.005 * count)
        }
        if wrong:
            total = sum(conversions[day] for day in wrong)
            credit = total + sum(wrong.values())
            yield Finding(
                model,
                "failing",
                f"rule: {model} hands out {credit:,.1f} credits for {plural(total, 'conversion')}"
                f" ({plural(len(wrong), 'day')})",
                "build attribution again: dbt build --select +tag:attribution",
                credit,
                float(total),
                float(total),
                min(wrong),
            )


def channels_apart(seen: Look) -> Iterator[Finding]:
    """Yield channels that get the credit of touches of another."""
    first = seen.as_of - timedelta(days=COMPARED_DAYS)
    for row in seen.rows("channels_apart", first, seen.as_of):
        yield Finding(
            f"{row['touch_channel']} as {row['channel']}",
            "failing",
            f"rule: {plural(row['credits'], 'touch', 'touches')} of {row['touch_channel']}"
            f" credited to {row['channel']}",
            "build attribution again: dbt build --select +tag:attribution",
            value=float(row["credits"]),
            lower=0.0,
            upper=0.0,
            since=row["first_day"],
        )


def by_position(seen: Look) -> Iterator[Finding]:
    """Yield models whose first or last touch gets another credit than on the days before."""
    first = seen.as_of - timedelta(days=COMPARED_DAYS)
    series: dict[tuple[str, str], dict[date, tuple[float, float]]] = defaultdict(dict)
    for row in seen.rows("credit_by_position", first, seen.as_of):
        name = f"the {row['place']} of {row['touch_count']} touches"
        series[row["model"], name][row["day"]] = float(row["least"]), float(row["most"])
    for row in seen.rows("decay_by_day", first, seen.as_of):
        series[row["model"], "fading a day"][row["day"]] = (float(row["decay"]),) * 2
    told: set[str] = set()
    for (model, name), days in sorted(series.items()):
        finding = changed_position(seen, model, name, days)
        if finding and model not in told:
            told.add(model)
            yield finding


def changed_position(
    seen: Look, model: str, name: str, days: Mapping[date, tuple[float, float]]
) -> Finding | None:
    """Return the finding for a credit that was one number for weeks and is another now."""
    ordered = sorted(days)
    settled = [day for day in ordered if day <= seen.as_of - timedelta(days=7)]
    if len(settled) < 5:
        return None
    usual = median(days[day][0] for day in settled)
    if any(abs(value - usual) > SAME for day in settled for value in days[day]):
        return None
    new = [day for day in ordered if any(abs(value - usual) > SAME for value in days[day])]
    if not new:
        return None
    value = max(days[new[-1]], key=lambda each: abs(each - usual))
    return Finding(
        model,
        "failing",
        f"rule: {name} gets {value:.2f} from {model} and got {usual:.2f}",
        ACTION,
        value=value,
        lower=usual,
        upper=usual,
        since=new[0],
    )


def recredited(seen: Look, credit_of: Credits, defined: Definitions) -> Iterator[Finding]:
    """Yield models that credit the conversions of the same days otherwise than at the last run."""
    last = seen.as_of - timedelta(days=SETTLED_DAYS)
    before: dict[str, dict[date, Shares]] = defaultdict(dict)
    for note in seen.memory:
        if note.name.startswith(KEPT):
            before[note.subject][date.fromisoformat(note.name[len(KEPT) :])] = json.loads(note.text)
    touches = moved(before.get(TOUCHES, {}), credit_of.get(TOUCHES, {}), last)
    for model, days in credit_of.items():
        change = moved(before.get(model, {}), days, last)
        points, channel, old, new = change or (0.0, "", 0.0, 0.0)
        is_moved = points > seen.thresholds["rule_points"]
        # what moved stays compared with what it was, unless somebody has announced it
        kept = before[model] if is_moved and defined.changed_on is None else days
        remember(seen, model, kept, last)
        if not is_moved or model == TOUCHES:
            continue
        why = "rule: the same journeys are credited otherwise"
        if touches and touches[0] > points / 2:
            why = "mix: the visits of past days belong to other channels"
        yield Finding(
            model,
            "failing",
            f"{why}: {model} gave {channel} {old:.1%} of the credit of the last weeks and gives it"
            f" {new:.1%} now",
            ACTION,
            value=new,
            lower=old - seen.thresholds["rule_points"] / 100,
            upper=old + seen.thresholds["rule_points"] / 100,
            since=seen.as_of,
        )


def remember(seen: Look, model: str, days: Mapping[date, Mapping[str, float]], last: date) -> None:
    """Note the credit of settled days."""
    for day, shares in days.items():
        if last - timedelta(days=COMPARED_DAYS) < day <= last:
            text = json.dumps({name: round(value, 6) for name, value in shares.items()})
            seen.note(Note(model, f"{KEPT}{day.isoformat()}", text=text))


def moved(
    before: Mapping[date, Mapping[str, float]],
    now: Mapping[date, Mapping[str, float]],
    last: date,
) -> tuple[float, str, float, float] | None:
    """Return by how many points which channel's share of the same days has moved."""
    days = [day for day in before.keys() & now.keys() if day <= last]
    if len(days) < LEAST_DAYS:
        return None
    old, new = shares_of(before, days), shares_of(now, days)
    channel = max(
        old.keys() | new.keys(), key=lambda name: abs(new.get(name, 0) - old.get(name, 0))
    )
    was, is_now = old.get(channel, 0.0), new.get(channel, 0.0)
    return 100 * abs(is_now - was), channel, was, is_now


def shares_of(credit_of: Mapping[date, Mapping[str, Any]], days: list[date]) -> Shares:
    """Return the shares of channels in some days; refunds are no change of a rule."""
    sums: Shares = defaultdict(float)
    for day in days:
        for channel, credit in credit_of[day].items():
            if channel not in NO_CREDIT:
                sums[channel] += float(credit)
    whole = sum(sums.values()) or 1.0
    return {channel: credit / whole for channel, credit in sums.items()}

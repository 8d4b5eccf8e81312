"""Render the pages: the overview with its figures, so that it can be read without scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from marketing_analytics.report.data.health import watch
from marketing_analytics.report.data.known import known_to, metric_known_to
from marketing_analytics.report.numbers.changes import sentences
from marketing_analytics.report.numbers.definitions import (
    METRICS,
    TILES,
    Filters,
    Metric,
    daily_values_of,
    measure_sentence,
    target_of,
    value_of,
)
from marketing_analytics.report.numbers.words import (
    change,
    change_words,
    day_words,
    model_words,
    number,
    range_words,
    shown,
    tied,
    tone,
)
from marketing_analytics.report.pages.addresses import check_link
from marketing_analytics.report.pages.contents import PAGES, Page
from marketing_analytics.report.pages.drawing import spark_path
from marketing_analytics.report.pages.plain import plain_blocks
from marketing_analytics.report.pages.sources import sources
from marketing_analytics.report.snapshots.published import described
from marketing_analytics.report.snapshots.snapshot import Snapshot
from marketing_analytics.web.words import plural

FOLDER = Path(__file__).with_name("templates")
SITE = "Marketing"
SCRIPTS = ("words.js", "report.js", "measures.js", "blocks.js", "pacing.js")
DEFAULT_DAYS = 28
MINIMUM_CELL = 10
ICONS = {
    "success": "M3 8.5l3.5 3.5L13 4.5",
    "warn": "M8 2l6.5 12h-13zM8 6.5v3.5M8 12v.5",
    "error": "M4 4l8 8M12 4l-8 8",
    "cancelled": "M3 8h10",
}


@dataclass(frozen=True)
class Links:
    """Where docs/ is read, and where jobs and runs are; empty where nobody serves them.

    Raise UserError for what is no address of a page.
    """

    docs_url: str = ""
    home_url: str = ""

    def __post_init__(self) -> None:
        check_link("--docs-url", self.docs_url)
        check_link("--home-url", self.home_url)


NO_LINKS = Links()


class Rendering:
    """The pages of one build; `static` names the shared files."""

    def __init__(
        self,
        snapshot: Snapshot,
        about: Mapping[str, Any],
        defaults: Mapping[str, Any],
        static: Mapping[str, str],
        links: Links,
    ) -> None:
        self.links = links
        self.snapshot = snapshot
        self.about = about
        self.static = static
        last = snapshot.last_day
        first = max(snapshot.first_day, last - timedelta(days=DEFAULT_DAYS - 1))
        self.filters = Filters(
            first,
            last,
            model=defaults["model"] or "",
            window_days=defaults["window"] or 0,
            day_kind=defaults["day"],
        )
        self.environment = Environment(
            loader=FileSystemLoader(FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.filters["tied"] = tied

    def page(self, page: Page) -> str:
        """Return a page as HTML."""
        own = self.overview if page.name == "overview" else {}
        return self.environment.get_template(page.template).render(
            page=page,
            pages=PAGES,
            site=SITE,
            build=self.about,
            built_words=f"{datetime.fromisoformat(self.about['built_at']):%d %b %Y %H:%M} UTC",
            snapshot_words=self.snapshot_words,
            watch=self.watch,
            icons=ICONS,
            static=self.static,
            files=f"builds/{self.about['build_id']}",
            scripts=SCRIPTS,
            first_data=page.first_data,
            range_words=self.range_words,
            model_words=model_words(self.filters.model),
            minimum_cell=MINIMUM_CELL,
            metrics=METRICS,
            filter_fields=self.fields_of(page),
            currency=self.snapshot.currency,
            sentences_of={name: measure_sentence(name) for m in METRICS for name in m.measures},
            as_of_words=day_words(self.snapshot.as_of_date),
            **(self.definitions if page.name == "definitions" else {}),
            links=self.links,
            **own,
        )

    def fields_of(self, page: Page) -> list[tuple[str, str, str]]:
        """Return the fields of a page's filters, its own or the usual ones."""
        usual = {field[0]: field for field in self.filter_fields}
        return [usual.get(field[0], field) for field in page.fields] or [*usual.values()]

    @property
    def filter_fields(self) -> list[tuple[str, str, str]]:
        """Return name, label and first choice of each filter: nothing moves when scripts begin."""
        return [
            ("range", "Days", f"Last {DEFAULT_DAYS} days"),
            ("from", "From", ""),
            ("to", "To", ""),
            ("compare", "Compared with", "Days before"),
            ("customers", "Customers", "All"),
            ("model", "Attribution model", model_words(self.filters.model)),
            ("window", "Window", plural(self.filters.window_days, "day")),
            ("day", "Revenue counts on", "Sale day"),
            ("currency", "Currency", self.snapshot.currency),
            ("grain", "Steps", "Automatic"),
        ]

    def mail(self, subject: str, report_url: str, shown: Mapping[str, Any]) -> str:
        """Return the overview as the HTML of an e-mail."""
        return self.environment.get_template("mail.html").render(
            subject=subject,
            title=SITE,
            range_words=self.range_words,
            snapshot_words=self.snapshot_words,
            built_words=f"{datetime.fromisoformat(self.about['built_at']):%d %b %Y %H:%M} UTC",
            model_words=model_words(self.filters.model),
            window_words=plural(self.filters.window_days, "day"),
            snapshot_id=self.about["snapshot_id"],
            report_url=report_url,
            **shown,
        )

    @property
    def snapshot_words(self) -> str:
        """Return to which day there are data."""
        return (
            f"Data to {day_words(self.snapshot.last_day)}"
            if self.snapshot.has_days
            else "No data yet"
        )

    @property
    def range_words(self) -> str:
        """Return the days that are shown where nothing is asked for, and with what they compare."""
        if not self.snapshot.has_days:
            return "No days yet"
        days = range_words(self.filters.from_date, self.filters.to_date)
        if self.before("previous") is None:
            return f"{days}, with no days before to compare with"
        return f"{days}, {self.against_words}"

    @property
    def against_words(self) -> str:
        """Return with what they are compared."""
        days = self.filters.days
        return f"against the {days} days before" if days > 1 else "against the day before"

    def before(self, compare: str) -> Filters | None:
        """Return the days compared with; None where they begin before the data."""
        before = self.filters.before(compare)
        is_known = before is not None and before.from_date >= self.snapshot.first_day
        return before if is_known else None

    @cached_property
    def overview(self) -> dict[str, Any]:
        """Return what the overview shows where nothing is asked for."""
        names = {
            row["channel"]: row["channel_name"] for row in self.snapshot.rows("from dim_channels")
        }
        before = self.before("previous")
        against = f"{plural(self.filters.days, 'day')} before"
        return {
            "tiles": [self.tile(metric) for metric in TILES],
            "sentences": sentences(
                self.connection, self.filters, before, names, against, self.snapshot.currency
            )
            if before
            else [self.nothing_to_compare],
            "plain": plain_blocks(self.snapshot, self.filters, names),
        }

    @property
    def definitions(self) -> dict[str, Any]:
        """Return what the page of definitions tells beside the numbers."""
        tables = described()
        return {
            "tables": tables,
            "written": {name for name, *_ in tables},
            "sources": {page.title: sources(page) for page in PAGES if page.blocks},
        }

    @property
    def nothing_to_compare(self) -> str:
        """Return why there is no change to tell."""
        if not self.snapshot.has_days:
            return "There are no data yet."
        return f"The data begin on {day_words(self.snapshot.first_day)}: nothing to compare."

    @cached_property
    def watch(self) -> dict[str, Any] | None:
        """Return what the monitors said last, in one line."""
        return watch(self.snapshot)

    @cached_property
    def known(self) -> dict[str, date]:
        """Return the last known day of each mart."""
        return known_to(self.snapshot)

    @property
    def connection(self) -> Any:
        """Return the connection to the snapshot."""
        return self.snapshot.connection

    def tile(self, metric: Metric) -> dict[str, Any]:
        """Return a tile: value, line, change against the days before and the year before, plan."""
        value = value_of(self.connection, metric, self.filters)
        changes = {}
        for compare in ("previous", "year"):
            before = self.before(compare)
            past = value_of(self.connection, metric, before) if before else None
            changes[compare] = change(value, past)
        target = target_of(self.connection, metric, self.filters)
        currency = self.snapshot.currency
        line = daily_values_of(self.connection, metric, self.filters)
        days = range_words(self.filters.from_date, self.filters.to_date)
        known = metric_known_to(metric, self.known)
        return {
            "name": metric.name,
            "label": metric.label,
            "sentence": metric.sentence,
            "value": shown(value, metric.unit, currency),
            "known": day_words(known).rsplit(" ", 1)[0] if known else "",
            "is_behind": known is not None and known < self.snapshot.last_day,
            "spark": spark_path(line),
            "spark_words": f"{metric.label}, {days}",
            "delta": f"{change_words(changes['previous'])} on the days before",
            "tone": tone(changes["previous"], metric.better),
            "year": f"{change_words(changes['year'])} on the year before"
            if changes["year"] is not None
            else "",
            "year_tone": tone(changes["year"], metric.better),
            "target": f"plan {shown(target, metric.unit, currency)}{attained(value, target)}"
            if target
            else "no plan",
        }


def attained(value: float | None, target: float) -> str:
    """Return how much of a plan is reached; nothing where that is not known."""
    return "" if value is None else f", {number(value / target * 100)} % of it"

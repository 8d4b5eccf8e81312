"""Meta's insights rows: numbers as text, keys absent when zero."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from marketing_analytics.simulate.emulation.delivery import EPOCH, Delivery
from marketing_analytics.simulate.emulation.world_files import IntArray, WorldFiles
from marketing_analytics.simulate.platforms.meta_ads.entities import TYPES, Entities
from marketing_analytics.simulate.platforms.meta_ads.errors import (
    MetaError,
    bad_parameter,
    not_one_of,
)
from marketing_analytics.simulate.platforms.meta_ads.filters import (
    Filter,
    not_supported,
    read_filters,
    read_sort,
)
from marketing_analytics.simulate.platforms.meta_ads.graph import ENUMERATIONS, FIELDS
from marketing_analytics.simulate.platforms.meta_ads.parameters import (
    Fields,
    Parameters,
    check_known,
    read_fields,
    read_flag,
    read_names,
)
from marketing_analytics.simulate.platforms.meta_ads.reports.actions import (
    ACTION_FIELDS,
    action_values,
    check_action_breakdowns,
    read_windows,
)
from marketing_analytics.simulate.platforms.meta_ads.reports.breakdowns import (
    Breakdowns,
    Cells,
    check_breakdowns,
)
from marketing_analytics.simulate.platforms.meta_ads.reports.dates import (
    Span,
    days_of,
    read_spans,
    whole_span,
)
from marketing_analytics.simulate.platforms.meta_ads.reports.figures import Figures, FigureSource

LEVELS = {
    "account": (),
    "campaign": ("campaign_id",),
    "adset": ("campaign_id", "ad_group_id"),
    "ad": ("campaign_id", "ad_group_id", "ad_id"),
}
# prefix of a field in `filtering`: kind, and the ids of the delivery
PREFIXES = {
    "campaign": ("campaigns", "campaign_id"),
    "adset": ("adsets", "ad_group_id"),
    "ad": ("ads", "ad_id"),
}
PARAMETERS = (
    "level", "fields", "time_range", "time_ranges", "date_preset", "time_increment", "limit",
    "after", "before", "filtering", "sort", "breakdowns", "action_breakdowns",
    "action_attribution_windows", "action_report_time", "use_unified_attribution_setting",
    "use_account_attribution_setting", "default_summary", "summary",
)  # fmt: skip
METRICS = ("impressions", "clicks", "spend", "reach", "inline_link_clicks", "unique_clicks")
SORTABLE = (*METRICS, "frequency", "ctr", "cpc", "cpm")
# days x ads beyond which a report is too much; reports as jobs may be larger
SYNC_POINTS, JOB_POINTS = 1_500, 3_000


@dataclass(frozen=True)
class Scope:
    """Whose insights are asked for: an account, or one object of it."""

    account_id: str
    kind: str = "account"
    own_id: str = ""


@dataclass(frozen=True)
class Report:
    """The rows of a report, and the row of all of them together."""

    rows: list[dict[str, Any]]
    total: Callable[[], dict[str, Any]]
    fields: tuple[str, ...]


class Insights:
    """Insights over the delivery of one world."""

    def __init__(self, world: WorldFiles, entities: Entities) -> None:
        self.entities = entities
        self.names = entities.names()
        self.delivery = Delivery(world, "meta_ads")
        self.figures = FigureSource(world, self.delivery)
        self.breakdowns = Breakdowns(world)

    def spent_cents(self) -> dict[str, int]:
        """Return the lifetime spend of each account in minor units."""
        account = self.delivery.ids["account_id"]
        accounts = self.entities.accounts
        return {a: int(self.delivery.spend_cents[account == a].sum()) for a in accounts}

    def today(self, account: str, now_us: int) -> date:
        """Return the date in the account's time zone."""
        zone = ZoneInfo(self.entities.accounts[account]["timezone_name"])
        return datetime.fromtimestamp(now_us / 1e6, UTC).astimezone(zone).date()

    def span(self, scope: Scope, parameters: Parameters, now_us: int) -> Span:
        """Return the first and the last day of a report. Raise MetaError."""
        return whole_span(parameters, self.today(scope.account_id, now_us))

    def report(self, scope: Scope, parameters: Parameters, now_us: int, *, is_job: bool) -> Report:
        """Return a report. Raise MetaError."""
        check_known(parameters, PARAMETERS)
        check_attribution(parameters)
        fields = read_fields(parameters, FIELDS["insights"], default=("impressions", "spend"))
        level = read_level(parameters, scope)
        names = read_names(parameters, "breakdowns")
        check_breakdowns(names)
        spans = read_spans(parameters, self.today(scope.account_id, now_us))
        order = read_sort(parameters, SORTABLE)
        by_object, by_metric = split_filters(read_filters(parameters))
        market = self.entities.accounts[scope.account_id]["market"]
        cells = self.breakdowns.cells(names, market)
        maker = RowMaker(self, scope, cells, fields, parameters)

        index = self.visible(scope, spans, by_object, now_us)
        self.check_size(index, level, spans, is_job=is_job)
        figures = self.figures.figures(index, now_us, cells)
        days = self.delivery.day[index]
        rows = [
            row
            for span in spans
            for ids, members in self.group(index, days, level, span).items()
            for row in maker.rows(ids, figures.of(members), span)
            if all(one.holds(row[1].get(one.field, "0")) for one in by_metric)
        ]
        for name, is_descending in reversed(order):
            rows.sort(key=lambda row: Decimal(row[1][name]), reverse=is_descending)

        def total() -> dict[str, Any]:
            return self.total(scope, index, now_us, spans, fields, parameters)

        return Report([shown for shown, _ in rows], total, tuple(fields))

    def total(
        self,
        scope: Scope,
        index: IntArray,
        now_us: int,
        spans: list[Span],
        fields: Fields,
        parameters: Parameters,
    ) -> dict[str, Any]:
        """Return the row of everything together, for the summary."""
        market = self.entities.accounts[scope.account_id]["market"]
        cells = self.breakdowns.cells((), market)
        maker = RowMaker(self, scope, cells, fields, parameters)
        figures = self.figures.figures(index, now_us, cells).of(list(range(len(index))))
        rows = maker.rows((), figures, (spans[0][0], spans[-1][1]))
        return rows[0][0] if rows else {}

    def summary(self, report: Report, parameters: Parameters) -> dict[str, Any]:
        """Return the row of everything together, if asked for. Raise MetaError."""
        names = read_names(parameters, "summary")
        absent = [name for name in names if name not in report.fields]
        if absent:
            raise bad_parameter(
                f"Cannot include {', '.join(absent)} in summary param because they weren't there "
                f"while creating the report run. All available values are: "
                f"{', '.join(report.fields)}"
            )
        if not names and not read_flag(parameters, "default_summary"):
            return {}
        if split_filters(read_filters(parameters))[1]:
            raise bad_parameter("summary is not supported with filtering by a metric")
        total = report.total()
        kept = {*(names or report.fields), "date_start", "date_stop"}
        return {"summary": {name: value for name, value in total.items() if name in kept}}

    def visible(
        self, scope: Scope, spans: list[Span], filters: list[Filter], now_us: int
    ) -> IntArray:
        """Return the rows of the delivery that a report is about. Raise MetaError."""
        zone = self.entities.accounts[scope.account_id]["timezone_name"]
        first = min((start - EPOCH).days for start, _ in spans)
        last = max((end - EPOCH).days for _, end in spans)
        index = self.delivery.visible(scope.account_id, first, last, now_us, zone)
        # ranges may leave days out between them
        days = {day.toordinal() for span in spans for day in days_of(span)}
        ordinals = (self.delivery.day[index] + EPOCH.toordinal()).tolist()
        index = index[[day in days for day in ordinals]]
        if scope.kind != "account":
            column = next(ids for kind, ids in PREFIXES.values() if kind == scope.kind)
            index = index[self.delivery.ids[column][index] == scope.own_id]
        for condition in filters:
            prefix, _, name = condition.field.rpartition(".")
            kind, column = PREFIXES[prefix]
            if name not in FIELDS[kind]:
                raise not_supported(condition)
            ids = self.delivery.ids[column]
            holding = {
                row["id"] for row in self.entities.tables[kind] if condition.holds(row.get(name))
            }
            index = index[[ids[i] in holding for i in index.tolist()]]
        return index

    def check_size(self, index: IntArray, level: str, spans: list[Span], *, is_job: bool) -> None:
        """Raise MetaError 1487534 when days x ads is beyond what one report holds."""
        if level != "ad":
            return
        days = sum((end - start).days + 1 for start, end in spans)
        ads = len(set(self.delivery.ids["ad_id"][index]))
        # what the documentation calls too much is not said in numbers; these are ours
        if days * ads > (JOB_POINTS if is_job else SYNC_POINTS):
            message = (
                "(#100) The number of rows requested exceeds the limit: reduce the time range."
            )
            raise MetaError(message, code=100, subcode=1_487_534)

    def group(
        self, index: IntArray, days: IntArray, level: str, span: Span
    ) -> dict[tuple[Any, ...], list[int]]:
        """Return positions in `index` by ids, sorted, of the days of a span."""
        first, last = ((day - EPOCH).days for day in span)
        positions = ((days >= first) & (days <= last)).nonzero()[0]
        columns = [self.delivery.ids[name][index[positions]] for name in LEVELS[level]]
        groups: dict[tuple[Any, ...], list[int]] = {}
        for place, position in enumerate(positions.tolist()):
            groups.setdefault(tuple(column[place] for column in columns), []).append(position)
        return dict(sorted(groups.items()))


class RowMaker:
    """Makes the rows of one report."""

    def __init__(
        self,
        insights: Insights,
        scope: Scope,
        cells: Cells,
        fields: Fields,
        parameters: Parameters,
    ) -> None:
        self.insights = insights
        self.scope = scope
        self.cells = cells
        self.fields = fields
        self.windows = read_windows(parameters)
        self.action_breakdowns = check_action_breakdowns(parameters)

    def rows(
        self, ids: tuple[Any, ...], figures: Figures, span: Span
    ) -> list[tuple[dict[str, Any], dict[str, str]]]:
        """Return one row a cell with anything in it, and its metrics for conditions and order."""
        own = self.own_fields(ids)
        found = []
        for cell, labels in enumerate(self.cells.values):
            if figures.is_empty(cell):
                continue
            metrics = counts(figures, cell)
            values: dict[str, Any] = {**own, **metrics}
            if ACTION_FIELDS & self.fields.keys():
                values |= action_values(
                    figures,
                    cell,
                    self.windows,
                    self.action_breakdowns,
                    (ids[-1] if ids else "", self.scope.account_id),
                )
            row = {name: values[name] for name in self.fields if name in values}
            row |= zip(self.cells.names, labels, strict=True)
            row |= {"date_start": span[0].isoformat(), "date_stop": span[1].isoformat()}
            found.append((row, {name: metrics.get(name, "0") for name in SORTABLE}))
        return found

    def own_fields(self, ids: tuple[Any, ...]) -> dict[str, Any]:
        """Return the ids and names of a row."""
        account_id, names = self.scope.account_id, self.insights.names
        account = self.insights.entities.accounts[account_id]
        values: dict[str, Any] = {
            "account_id": account_id,
            "account_name": names[account_id],
            "account_currency": account["currency"],
            "attribution_setting": "7d_click_1d_view",
        }
        for prefix, own_id in zip(("campaign", "adset", "ad"), ids, strict=False):
            values |= {f"{prefix}_id": own_id, f"{prefix}_name": names[own_id]}
        if ids:
            campaign = self.insights.entities.by_id[ids[0]][1]
            values |= {"objective": campaign["objective"], "buying_type": campaign["buying_type"]}
        return values


def counts(figures: Figures, cell: int) -> dict[str, Any]:
    """Return the scalar metrics as text; zero counts are absent."""
    impressions, clicks, cents = (
        int(array[cell]) for array in (figures.impressions, figures.clicks, figures.cents)
    )
    link_clicks = int(figures.link_clicks[cell])
    # the smallest cells of a breakdown have views of nobody
    reach = max(1, int(figures.reach[cell]))
    values: dict[str, Any] = {
        "impressions": str(impressions),
        "spend": f"{cents // 100}.{cents % 100:02d}" if cents else "0",
        "reach": str(reach),
        "frequency": f"{impressions / max(1, reach):.6f}",
        # cents / 100 per impression x 1,000
        "cpm": f"{cents * 10 / max(1, impressions):.6f}",
    }
    if clicks:
        values |= {
            "clicks": str(clicks),
            "unique_clicks": str(clicks),
            "inline_link_clicks": str(link_clicks),
            "ctr": f"{clicks * 100 / max(1, impressions):.6f}",
            "cpc": f"{cents / 100 / clicks:.6f}",
            "outbound_clicks": [{"action_type": "outbound_click", "value": str(link_clicks)}],
        }
    return values


def read_level(parameters: Parameters, scope: Scope) -> str:
    """Return the level of a report; an object's own without one. Raise MetaError."""
    own = {"campaigns": "campaign", "adsets": "adset", "ads": "ad"}.get(scope.kind, "account")
    level = parameters.get("level", own).strip('"')
    if level not in LEVELS:
        raise not_one_of("level", level, ENUMERATIONS["Level"])
    if list(LEVELS).index(level) < list(LEVELS).index(own):
        raise bad_parameter(f"level {level} is above the {TYPES[scope.kind][0]} asked for")
    return level


def check_attribution(parameters: Parameters) -> None:
    """Raise MetaError for attribution settings that do not exist.

    All ad sets of a world have the setting that is also the accounts' and Meta's own default, so
    that none of these changes a number.
    """
    for name in ("use_unified_attribution_setting", "use_account_attribution_setting"):
        read_flag(parameters, name)
    known = ENUMERATIONS["ActionReportTime"]
    if parameters.get("action_report_time", known[0]).strip('"') not in known:
        raise not_one_of("action_report_time", parameters["action_report_time"], known)


def split_filters(filters: list[Filter]) -> tuple[list[Filter], list[Filter]]:
    """Return the conditions on objects and those on metrics. Raise MetaError for others."""
    by_object = [one for one in filters if one.field.rpartition(".")[0] in PREFIXES]
    by_metric = [one for one in filters if one not in by_object]
    for one in by_metric:
        if one.field not in SORTABLE:
            raise not_supported(one)
    return by_object, by_metric

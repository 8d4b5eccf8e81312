"""The pages: what each is called, what it is made of, and the data it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain, product
from typing import Any

from marketing_analytics.report.data.attribution import DAY_KINDS, credit_days
from marketing_analytics.report.data.budget import budget_files
from marketing_analytics.report.data.campaigns import campaign_files
from marketing_analytics.report.data.channels import channel_files, channels_page
from marketing_analytics.report.data.customers import customers_data
from marketing_analytics.report.data.email import email_data
from marketing_analytics.report.data.health import health
from marketing_analytics.report.data.overview import models, overview
from marketing_analytics.report.snapshots.snapshot import Snapshot

# name of a data file, and what is in it
Data = Iterable[tuple[str, Any]]
DataOf = Callable[[Snapshot, dict[str, Any]], Data]
Block = tuple[str, str, bool, int]


@dataclass(frozen=True)
class Page:
    """One page. `data` are its files; those in `first_data` are loaded with it.

    `blocks`: id, title, whether it is as wide as the page, height of its chart in pixels. `fields`
    are those of its filters, where it has not the usual ones: name, label, what is shown before
    the script fills them. A usual one among them is as everywhere. `scripts` come before its own.
    """

    name: str
    title: str
    data: DataOf
    first_data: tuple[str, ...] = ()
    template: str = "page.html"
    blocks: tuple[Block, ...] = ()
    has_filters: bool = True
    fields: tuple[tuple[str, str, str], ...] = ()
    scripts: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """Return the file that holds it."""
        return "index.html" if self.name == "overview" else f"{self.name}.html"

    @property
    def script(self) -> str:
        """Return the script that fills it; none where the page is whole without."""
        return f"{self.name}.js" if self.first_data else ""


def overview_data(snapshot: Snapshot, defaults: dict[str, Any]) -> Data:
    """Yield the file that every page with filters begins with, and credit as it is asked for."""
    first = overview(snapshot, defaults)
    yield "overview", first
    for window_days, day_kind in product(first["windows"], DAY_KINDS):
        # how far models are apart is asked for before each of them is
        paid, rest = {}, {}
        for model in first["models"]:
            asked = (model, window_days, day_kind)
            credit, *before = credit_days(snapshot, *asked)
            paid[model], rest[model] = credit["with"]["revenue"], credit["without"]["revenue"]
            yield f"credit-{model}-{window_days}-{day_kind}", credit
            for older in before:
                yield f"credit-{model}-{window_days}-{day_kind}-before", older
        yield f"models-{window_days}-{day_kind}", paid
        yield f"models-{window_days}-{day_kind}-rest", rest


def channels_data(snapshot: Snapshot, _defaults: dict[str, Any]) -> Data:
    """Yield what channels, their campaigns and ads are asked for."""
    files = []
    names = models(snapshot)
    for name, value in chain(channel_files(snapshot, names), campaign_files(snapshot, names)):
        files.append(name)
        yield name, value
    yield "channels", {**channels_page(snapshot), "files": files}


def budget_data(snapshot: Snapshot, _defaults: dict[str, Any]) -> Data:
    """Yield how months go against their budgets."""
    return budget_files(snapshot)


def health_data(snapshot: Snapshot, _defaults: dict[str, Any]) -> Data:
    """Yield what the watch found."""
    yield "health", health(snapshot)


def no_data(_snapshot: Snapshot, _defaults: dict[str, Any]) -> Data:
    """Yield nothing: the page holds all there is."""
    return ()


PAGES: tuple[Page, ...] = (
    Page(
        "overview",
        "Overview",
        overview_data,
        ("overview",),
        "overview.html",
        blocks=(
            ("revenue-plan", "Revenue against plan", False, 340),
            ("channels", "Return by channel", False, 280),
            ("pacing", "Budget of the month", False, 240),
            ("funnel", "From visit to order", False, 240),
        ),
    ),
    Page(
        "channels",
        "Channels",
        channels_data,
        ("overview", "channels"),
        blocks=(
            ("channel-table", "Channels", True, 0),
            ("channel-trend", "Credited revenue over time", True, 300),
            ("channel-models", "Every model, side by side", False, 400),
            ("claims", "What the platforms claim", False, 300),
            ("causal", "What channels cause", True, 260),
            ("paths", "Paths to a conversion", True, 0),
            ("path-length", "How long the paths are", True, 220),
            ("hold-outs", "What mail flows cause", True, 0),
        ),
    ),
    Page(
        "budget",
        "Budget",
        budget_data,
        ("overview", "budget"),
        blocks=(
            ("pacing", "Spend against budget", True, 220),
            ("pacing-days", "Day by day", True, 300),
            ("pacing-campaigns", "Campaigns", True, 0),
            ("returns", "What a cut by a fifth would lose", True, 300),
            ("fatigue", "Ads that wear out", True, 0),
        ),
        fields=(
            ("month", "Month", ""),
            ("platform", "Platform", "All"),
            ("currency", "Currency", ""),
        ),
    ),
    Page(
        "customers",
        "Customers",
        customers_data,
        ("overview", "customers"),
        blocks=(
            ("stages", "From visit to order", False, 250),
            ("stages-channels", "The same by channel", False, 250),
            ("cohorts", "Cohorts: who comes back, and what they bring", True, 320),
            ("acquisition", "What a customer costs, and brings", True, 280),
            ("value", "What customers are expected to bring", True, 300),
            ("accuracy", "How right were past expectations?", True, 0),
            ("calibration", "Expected, and what came", False, 280),
            ("behaviour", "What first visits tell", False, 260),
            ("segments", "Segments by recency, frequency and revenue", False, 320),
            ("moves", "Who moved where", False, 320),
            ("models", "Predicted segments", True, 0),
        ),
        scripts=("heat.js",),
    ),
    Page(
        "email",
        "E-mail",
        email_data,
        ("overview", "email"),
        blocks=(
            ("mail-platforms", "Mails of these days", True, 0),
            ("opens", "Opens by people and by machines", True, 280),
            ("mail-campaigns", "Campaigns", True, 0),
            ("flows", "Automation flows", True, 0),
            ("uplift", "What flows cause", False, 220),
            ("flow-steps", "Steps of a flow", False, 220),
            ("frequency", "How many mails are too many?", False, 260),
            ("lists", "Growth of the lists", False, 260),
            ("mail-breakdowns", "By audience, sender and recipient", True, 260),
        ),
    ),
    Page(
        "health",
        "Health",
        health_data,
        ("overview", "health"),
        blocks=(
            ("monitors", "What the monitors say", True, 0),
            ("freshness", "How fresh the sources are", True, 0),
            ("service-level", "Is this page up?", True, 220),
            ("loads", "Last syncs", True, 0),
            ("campaigns", "Campaigns", True, 0),
        ),
        has_filters=False,
    ),
    Page("definitions", "Definitions", no_data, template="definitions.html", has_filters=False),
)

"""The newest results, the service levels and what waits to be told, as OpenMetrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from marketing_analytics.core import clock
from marketing_analytics.monitor import history
from marketing_analytics.monitor.levels.burn import PAIRS, budget, length, rate_over
from marketing_analytics.monitor.levels.check import INDICATORS
from marketing_analytics.monitor.levels.probes import Probe
from marketing_analytics.monitor.levels.settings import Level
from marketing_analytics.monitor.levels.store import probes_since
from marketing_analytics.monitor.place import Place, check_schema, opened
from marketing_analytics.monitor.results import STATUSES, Result

if TYPE_CHECKING:
    from prometheus_client.core import GaugeMetricFamily, Metric

PREFIX = "marketing"


def text_of(place: Place, levels: Sequence[Level]) -> str:
    """Return all metrics as text. Raise PlatformError where the warehouse cannot be read."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.openmetrics.exposition import generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collected(list(metrics_of(place, levels))))
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return text.decode()


class Collected:
    """Metrics that are there already, in the form that prometheus-client asks for."""

    def __init__(self, metrics: list[Metric]) -> None:
        self.metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """Return the metrics."""
        return self.metrics


def metrics_of(place: Place, levels: Sequence[Level]) -> Iterator[Metric]:
    """Yield all metrics, read in one go."""
    now = clock.now().replace(tzinfo=None)
    days = max((level.window_days for level in levels), default=0) + 1
    with opened(place) as connection:
        check_schema(connection, place)
        run = history.latest_run(connection, place)
        results = history.latest_results(connection, place) if run else []
        waiting = history.read(connection, place, "monitor_notices", "delivered_at is null")
        probes = probes_since(connection, place, now - timedelta(days=days)) if levels else []
    # not kept by an older version
    if run and run["ended_at"]:
        ended = gauge("monitor_run_ended_timestamp_seconds", "When the monitors ended last.")
        ended.add_metric([], seconds(run["ended_at"]))
        yield ended
    yield from of_results(results)
    yield of_notices([row["channel_name"] for row in waiting])
    yield from of_levels(levels, probes, now)


def gauge(name: str, about: str, *labels: str) -> GaugeMetricFamily:
    """Return an empty gauge."""
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(f"{PREFIX}_{name}", about, labels=labels)


def seconds(at: datetime) -> float:
    """Return a time of the history as a number."""
    return at.replace(tzinfo=UTC).timestamp()


def of_results(results: Iterable[Result]) -> Iterator[Metric]:
    """Yield what the monitors found: a status of 1, and the value where it has one."""
    labels = ("monitor", "subject", "severity")
    status = gauge("monitor_status", f"1 for the status: {', '.join(STATUSES)}.", *labels, "status")
    value = gauge("monitor_value", "What a monitor measured, in its own unit.", *labels)
    since = gauge("monitor_since_timestamp_seconds", "Since when the status holds.", *labels)
    for result in results:
        named = [result.monitor, result.subject, result.severity]
        status.add_metric([*named, result.status], 1)
        since.add_metric(named, seconds(result.since_at))
        if result.value is not None:
            value.add_metric(named, result.value)
    yield from (status, value, since)


def of_notices(channels: Sequence[str]) -> Metric:
    """Return how many notices wait for each channel."""
    waiting = gauge("monitor_notices_waiting", "Notices that are not delivered yet.", "channel")
    for name in sorted(set(channels)):
        waiting.add_metric([name], channels.count(name))
    return waiting


def of_levels(levels: Iterable[Level], probes: Sequence[Probe], now: datetime) -> Iterator[Metric]:
    """Yield minutes, objective, budget and burn rates of each service level."""
    labels = ("service", "indicator")
    minutes_in = gauge("service_level_minutes", "Minutes of the window by state.", *labels, "state")
    objective = gauge("service_level_objective_ratio", "Share that is promised.", *labels)
    left = gauge("error_budget_left_minutes", "Bad minutes that are left.", *labels)
    burn = gauge("error_budget_burn_rate", "How many times too fast.", *labels, "window")
    for level in levels:
        for name, (count, _, _) in INDICATORS.items():
            named = [level.name, name]
            minutes = count(level, probes, now)
            spent = budget(minutes, level.objective, level.window_minutes)
            for state in ("good", "bad", "unknown"):
                minutes_in.add_metric([*named, state], getattr(spent.count, state))
            objective.add_metric(named, level.objective)
            left.add_metric(named, spent.left_minutes)
            for window in sorted({w for pair in PAIRS for w in (pair.long, pair.short)}):
                found = rate_over(minutes, window, level.objective)
                if found is not None:
                    burn.add_metric([*named, length(window).replace(" ", "")], found)
    yield from (minutes_in, objective, left, burn)

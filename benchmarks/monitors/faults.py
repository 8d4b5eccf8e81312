"""Faults of known size, drawn by a seed: what is wrong, from which day on, and who should tell."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

from benchmarks.monitors.replay import DATED, JOBS, Fault, Replay

ADS = {
    "google_ads": ("stg_google_ads__campaign_stats", "stg_google_ads__ad_stats"),
    "meta_ads": ("stg_meta_ads__ad_insights",),
    "linkedin_ads": ("stg_linkedin_ads__campaign_stats", "stg_linkedin_ads__creative_stats"),
}
SPEND = ("fct_ad_spend", "int_ads__daily")
# tables whose rows of a day are many enough for the sizes below, by what they hold
MANY = (
    "stg_ga4__events", "int_web__sessions", "fct_touchpoints", "stg_ga4_reports__traffic",
    "stg_shop__orders", "fct_conversions",
)  # fmt: skip
BURSTS = ("stg_klaviyo__events", "stg_mailchimp__email_activity", "int_email__events")


def replaced(column: str, where: str, factor: float) -> str:
    """Return SQL that has a column multiplied in some rows."""
    changed = f"case when {where} then {column} * {factor} else {column} end as {column}"
    return f"select * replace ({changed}) from {{t}}"


class Draw:
    """Draws faults over a world."""

    def __init__(self, replay: Replay, chance: random.Random, days: list[date]) -> None:
        self.chance, self.days = chance, days
        with replay.connection() as connection:
            self.campaigns: list[tuple[Any, ...]] = connection.execute(
                "select platform, campaign_id, min(report_date), max(report_date)"
                " from base.fct_ad_spend group by all having count(*) > 40 order by all"
            ).fetchall()
            rows = connection.execute(
                "select platform, campaign_id, report_date from base.fct_ad_spend"
            ).fetchall()
        self.running = set(rows)

    def day(self) -> date:
        """Return a day."""
        return self.chance.choice(self.days)

    def campaign(self) -> tuple[str, str, date]:
        """Return a campaign and a day on which it has run for a week and goes on."""
        while True:
            day = self.day()
            platform, campaign, *_ = self.chance.choice(self.campaigns)
            around = [day + timedelta(days=back) for back in range(-10, 3)]
            if all((platform, campaign, each) in self.running for each in around):
                return platform, campaign, day

    def attribution_mix(self) -> Fault:
        """Links lose their tags: a channel's visits and credit are called something else."""
        channel = self.chance.choice(["paid_search", "paid_social", "organic_social", "referral"])
        other = self.chance.choice(["direct", "organic_search"])
        day = self.day()
        change = (
            f"select * replace (case when channel = '{channel}' and touch_date >= date '{day}'"
            f" then '{other}' else channel end as channel) from {{t}}"
        )
        views = {"fct_touchpoints": change, "fct_attribution": change}
        name = f"{channel} becomes {other}"
        return Fault("attribution_mix", name, day, ("attribution_drift",), views)

    def attribution_rule(self) -> Fault:
        """Credit the same journeys otherwise, from a day on or all over the past."""
        day, model = self.day(), self.chance.choice(["position_based", "linear", "j_shaped"])
        since = self.chance.choice([f"conversion_date >= date '{day}'", "true"])
        new = self.chance.choice(
            [
                "case when touch_position = touch_count then 1.0 else 0.0 end",
                "case when touch_position = 1 then 1.0 else 0.0 end",
                "credit * 0.8",
                "credit * 1.25",
            ]
        )
        change = (
            f"select * replace (case when model = '{model}' and touch_count > 1 and {since}"
            f" then cast({new} as double) else cast(credit as double) end as credit) from {{t}}"
        )
        return Fault("attribution_rule", f"{model}: {new} where {since}", day,
                      ("attribution_drift",), {"fct_attribution": change})  # fmt: skip

    def campaign_stale(self) -> Fault:
        """Rows of a campaign, or a whole source, come no more though it runs."""
        platform, campaign, day = self.campaign()
        if self.chance.random() < 0.4:
            hours = self.chance.choice([30, 54, 100])
            change = (
                "select * replace (case when source = '" + platform + "' then read_at - interval "
                f"'{hours} hours' else read_at end as read_at) from {{t}}"
            )
            return Fault("campaign_stale", f"{platform} read {hours} h ago", day,
                         ("campaign_freshness",), {"stg_ingest__freshness": change})  # fmt: skip
        without = (
            f"select * from {{t}} where not (campaign_id = '{campaign}'"
            f" and report_date >= date '{day}')"
        )
        views = dict.fromkeys((*SPEND, *ADS[platform]), without)
        name = f"{platform}/{campaign} has no rows, visits go on"
        return Fault("campaign_stale", name, day, ("campaign_freshness",), views)

    def budget_without_rows(self) -> Fault:
        """Stop a campaign: neither rows nor visits."""
        platform, campaign, day = self.campaign()
        without = (
            f"select * from {{t}} where not (campaign_id = '{campaign}' and %s >= date '{day}')"
        )
        views = dict.fromkeys((*SPEND, *ADS[platform]), without % "report_date")
        views["fct_touchpoints"] = (
            "select * from {t} where not (coalesce(campaign_id, '') = '" + campaign + "'"
            f" and touch_date >= date '{day}')"
        )
        name = f"{platform}/{campaign} delivers nothing"
        return Fault("budget_without_rows", name, day, ("campaign_freshness",), views)

    def ltv_accuracy(self) -> Fault:
        """Predictions are off, or their intervals too narrow."""
        change = self.chance.choice(
            [
                "revenue_bias + 0.35 as revenue_bias",
                "revenue_bias - 0.3 as revenue_bias",
                "purchases_bias + 0.25 as purchases_bias",
                "interval_coverage - 0.2 as interval_coverage",
                "revenue_mae_usd * 1.6 as revenue_mae_usd",
            ]
        )
        views = {"rpt_lifetime_value_accuracy": f"select * replace ({change}) from {{t}}"}
        return Fault("ltv_accuracy", change, self.day(), ("ltv_accuracy",), views)

    def reconciliation(self) -> Fault:
        """Orders are lost or doubled, or revenue is."""
        day = self.day()
        lost = f"conversion_date = date '{day}' and hash(conversion_id) % 100"
        some = "select * from {t} where " + lost
        revenue = f"model = 'linear' and conversion_date >= date '{day}'"
        name, table, change = self.chance.choice(
            [
                ("orders lost", "fct_conversions", f"select * from {{t}} where not ({lost} < 12)"),
                ("doubled", "fct_conversions", f"select * from {{t}} union all {some} < 12"),
                ("revenue of a model", "fct_attribution", replaced("revenue_usd", revenue, 0.97)),
                (
                    "revenue on the page",
                    "rpt_executive_kpis",
                    replaced("actual_value", "true", 1.01),
                ),
                ("totals", "fct_conversions", replaced("order_total", f"{lost} < 25", 1.2)),
            ]
        )
        return Fault("reconciliation", name, day, ("reconciliation", "attribution_drift"),
                     {table: change})  # fmt: skip

    def spend_reconciliation(self) -> Fault:
        """Let the marts hold another spend than the platform reported."""
        platform, _, day = self.campaign()
        factor = self.chance.choice([0.0, 0.8, 0.95, 1.1, 2.0])
        change = (
            f"select * replace (case when platform = '{platform}' and report_date = date '{day}'"
            f" then spend * {factor} else spend end as spend) from {{t}}"
        )
        return Fault("spend_reconciliation", f"{platform} x {factor}", day,
                     ("spend_reconciliation",), {"fct_ad_spend": change})  # fmt: skip

    def volume(self) -> Fault:
        """Let a source have far fewer or more rows from a day on."""
        day = self.day()
        table = self.chance.choice([*MANY, *BURSTS, *(t for each in ADS.values() for t in each)])
        factor = self.chance.choice([0.0, 0.2, 3.0])
        if table in BURSTS:
            factor = 0.0
        if table.startswith(tuple(f"stg_{name}" for name in ADS)):
            day = self.campaign()[2]
        since = f"cast({DATED[table]} as date) >= date '{day}'"
        change = f"select * from {{t}} where not ({since} and random() >= {factor})"
        if factor > 1:
            change = f"select * from {{t}} union all select * from {{t}} where {since}"
            change += f" union all select * from {{t}} where {since}"
        return Fault("volume", f"{table} x {factor}", day, ("volume",), {table: change})

    def schema(self) -> Fault:
        """Let a column or table vanish, appear, or change its type."""
        table = self.chance.choice(["fct_ad_spend", "stg_meta_ads__ad_insights", "fct_conversions"])
        column = {"fct_conversions": "currency"}.get(table, "clicks")
        change = self.chance.choice(
            [
                f"select * exclude ({column}) from {{t}}",
                f"select * replace (cast({column} as varchar) || '' as {column}) from {{t}}"
                if column == "clicks"
                else f"select * exclude ({column}), 1 as {column} from {{t}}",
                f"select * exclude ({column}), {column} as new_{column} from {{t}}",
                "select *, 1 as something_new from {t}",
            ]
        )
        if self.chance.random() < 0.2:
            after = ("drop view {marts}.stg_hubspot__contacts",)
            return Fault("schema", "a table vanishes", self.day(), ("schema",), {}, after)
        return Fault("schema", f"{table}: {change}", self.day(), ("schema",), {table: change})

    def consent_rate(self) -> Fault:
        """Far fewer people consent, or nobody is asked."""
        day, share = self.day(), self.chance.choice([0.6, 0.8, 1.0])
        table, column, since, key = self.chance.choice(
            [
                ("stg_ga4__events", "is_ads_consented", "event_date", "device_key"),
                ("stg_ga4__events", "is_analytics_consented", "event_date", "device_key"),
                ("stg_shop__consents", "is_granted", "changed_at", "consent_id"),
                ("fct_conversions", "is_tracked", "conversion_date", "conversion_id"),
            ]
        )
        change = (
            f"select * replace (case when cast({since} as date) >= date '{day}'"
            f" and hash({key}) % 100 < {100 * share} then false else {column} end as {column})"
            " from {t}"
        )
        name = f"{table}.{column} refused by {share:.0%}"
        return Fault("consent_rate", name, day, ("consent_rate",), {table: change})

    def unmapped_channels(self) -> Fault:
        """Visits of a new name that no rule knows."""
        day, percent = self.day(), self.chance.choice([3, 6, 12])
        change = (
            "select * replace (case when {w} then 'unassigned' else channel end as channel,"
            " case when {w} then 'newnet' else origin_source end as origin_source,"
            " case when {w} then 'partner' else origin_medium end as origin_medium) from {t}"
        ).replace("{w}", f"(session_date >= date '{day}' and hash(session_id) % 100 < {percent})")
        return Fault("unmapped_channels", f"{percent} % of visits", day, ("unmapped_channels",),
                     {"int_web__sessions": change})  # fmt: skip

    def budget(self) -> Fault:
        """Let a campaign or a platform spend a multiple of what it should."""
        platform, campaign, day = self.campaign()
        factor = self.chance.choice([4, 6, 8])
        who = self.chance.choice([f"campaign_id = '{campaign}'", f"platform = '{platform}'"])
        change = (
            f"select * replace (case when {who} and report_date >= date '{day}' then spend * "
            f"{factor} else spend end as spend, case when {who} and report_date >= date '{day}'"
            f" then spend_usd * {factor} else spend_usd end as spend_usd) from {{t}}"
        )
        return Fault("budget", f"{who} x {factor}", day, ("budget",), dict.fromkeys(SPEND, change))

    def job_runs(self) -> Fault:
        """Let a job run no more, or end in error."""
        name = self.chance.choice([name for name in JOBS if name != "weekly-report"])
        what = self.chance.choice(["missing", "error"])
        return Fault("job_runs", f"{name} {what}", self.day(), ("job_runs",), job=(name, what))


KINDS: dict[str, Callable[[Draw], Fault]] = {
    name: getattr(Draw, name)
    for name in (
        "attribution_mix", "attribution_rule", "campaign_stale", "budget_without_rows",
        "ltv_accuracy", "reconciliation", "spend_reconciliation", "volume", "schema",
        "consent_rate", "unmapped_channels", "budget", "job_runs",
    )
}  # fmt: skip


def drawn(draw: Draw, count: int) -> Iterator[Fault]:
    """Yield faults, of each kind as many as of the others."""
    kinds = list(KINDS.values())
    for number in range(count):
        yield kinds[number % len(kinds)](draw)

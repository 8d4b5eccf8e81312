"""How old the figures of sources, accounts and campaigns are, against what the platform promises.

A source has to be read within its hours, an account to the day that its platform has ready by now.
A campaign that ran day by day, has a budget and is not paused has to have a row of every day: where
visits of it still come, rows are lacking; where none come, it delivers nothing. Campaigns that
stop on one day without visits are told as a warning, because somebody may have paused them
together; one that rests by plan (`planned_pauses` of the shop) is announced. What is fresh but lies
in the days that the platform still changes is marked moving.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Any

from marketing_analytics.monitor.check import MOST_DAYS, Check, Finding, Look, Threshold
from marketing_analytics.monitor.history import plain
from marketing_analytics.web.words import plural

# source: (hours after which it has to be read again, days until a day is there, days that move)
PROMISES = {
    "google_ads": (26, 0, 30),
    "meta_ads": (26, 0, 28),
    "linkedin_ads": (26, 0, 30),
    "ga4": (26, 0, 3),
    "ga4_reports": (26, 1, 14),
    "klaviyo": (26, 0, 3),
    "mailchimp": (26, 0, 0),
    "sendgrid": (26, 0, 7),
    "hubspot": (26, 0, 0),
    "shop": (26, 0, 0),
    "shopify": (26, 0, 0),
}
# words of platforms for campaigns that run; other words mean that somebody ended it
RUNNING = {"ACTIVE", "ENABLED"}
LOOK_BACK_DAYS, REGULAR_DAYS = 35, 7
PAUSES = "stg_shop__planned_pauses"
# visits that speak of a campaign that runs: so many, and such a share of the usual ones
FEW_VISITS, VISITS_SHARE = 3, 0.6
SYNC = "run `marketing ingest run --source {source}`, see `marketing ingest status`"
# clocks of two machines differ by less
AHEAD_HOURS = 1.0
DELIVERY = (
    "look at the campaign in the platform: billing, review, schedule; pause it there if meant"
)


@dataclass
class Campaign:
    """A campaign that had rows in the last weeks."""

    platform: str
    account_id: str
    campaign_id: str
    days: list[date] = field(default_factory=list)
    name: str = ""
    status: str = ""
    has_budget: bool = False
    # that rest everywhere: what they are called, their first and their last day
    pauses: list[tuple[str, date, date]] = field(default_factory=list)
    visits: Mapping[date, int] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """Return what it is called in the history."""
        return f"{self.platform}/{self.account_id}/{self.campaign_id}"

    @property
    def title(self) -> str:
        """Return what people call it."""
        return self.name or f"campaign {self.campaign_id}"

    def is_regular(self) -> bool:
        """Return whether it had a row on each day of a week before its last one."""
        recent = self.days[-REGULAR_DAYS:]
        return len(recent) == REGULAR_DAYS and (recent[-1] - recent[0]).days < REGULAR_DAYS

    def pause_until(self, day: date) -> tuple[str, date, date] | None:
        """Return the planned pause by which it has no row after its last one to a day."""
        first = self.days[-1] + timedelta(days=1) if self.days else day
        covering = (pause for pause in self.pauses if pause[1] <= first and day <= pause[2])
        return next(covering, None)

    def visits_since(self, day: date) -> int:
        """Return the visits after a day."""
        return sum(count for on, count in self.visits.items() if on > day)

    def usual_visits(self) -> float:
        """Return the visits of a day that has rows; some come back after a campaign has ended."""
        return median(self.visits.get(day, 0) for day in self.days[-2 * REGULAR_DAYS :])


def look(seen: Look) -> Iterator[Finding]:
    """Yield every source, account and campaign with its age."""
    yield of_marts(seen)
    read_to: dict[str, date] = {}
    if "stg_ingest__freshness" in seen.tables:
        rows = seen.rows("freshness")
        read_to = {
            f"{row['source']}/{row['account_id']}": row["last_day"]
            for row in rows
            if row["account_id"] and not row["campaign_id"] and row["last_day"]
        }
        if not rows:
            yield Finding(
                "sources", "unknown", "no source was ever read", "run `marketing ingest run`"
            )
        failed = failed_loads(seen) if "stg_ingest__loads" in seen.tables else {}
        for row in rows:
            if not row["campaign_id"]:
                yield of_account(seen, row) if row["account_id"] else of_source(seen, row, failed)
    else:
        yield Finding("sources", "unknown", "there is no table stg_ingest__freshness", "build it")
    yield from of_campaigns(seen, campaigns_of(seen), read_to)


def promise(seen: Look, source: str) -> tuple[float, int, int]:
    """Return hours, days until a day is there, and days that move; the team's own first."""
    hours, delay, moving = PROMISES.get(source, (seen.thresholds["max_age_hours"], 0, 0))
    given = seen.options.get("sources", {}).get(source, {})
    return (
        float(given.get("max_age_hours", hours)),
        int(given.get("delay_days", delay)),
        int(given.get("restates_days", moving)),
    )


def of_marts(seen: Look) -> Finding:
    """Return how old the marts are."""
    late = (seen.now.date() - seen.as_of).days - 1
    limit = seen.thresholds["marts_days"]
    age = hours_since(seen, seen.as_of)
    if late > limit:
        sentence = f"the marts end with {seen.as_of}, {plural(late, 'day')} before yesterday"
        action = "see why the jobs did not build them: `marketing monitor explain job_runs`"
        return Finding("marts", "failing", sentence, action, age, 0.0, 24 * (limit + 1), seen.as_of)
    return Finding("marts", "ok", f"the marts end with {seen.as_of}", value=age)


def of_source(seen: Look, row: Mapping[str, Any], failed: Mapping[str, str]) -> Finding:
    """Return when a source was read last."""
    source, read_at = str(row["source"]), plain(row["read_at"])
    limit = promise(seen, source)[0]
    action = SYNC.format(source=source)
    if read_at is None:
        return Finding(source, "unknown", f"{source} was never read without a failure", action)
    age = (seen.now - read_at).total_seconds() / 3600
    if age < -AHEAD_HOURS:
        return of_a_wrong_clock(source, f"{source} was read at {read_at:%Y-%m-%d %H:%M} UTC")
    if age > limit:
        why = f"; {failed[source]}" if source in failed else ""
        sentence = (
            f"{source} was read last {plural(age, 'hour')} ago, {limit:,.0f} are allowed{why}"
        )
        return Finding(source, "failing", sentence, action, age, 0.0, limit, read_at.date())
    if source in failed:
        return Finding(source, "warning", f"{source} is fresh, but {failed[source]}", action, age)
    return Finding(
        source, "ok", f"{source} was read {plural(age, 'hour')} ago", "", age, 0.0, limit
    )


def of_a_wrong_clock(subject: str, begin: str) -> Finding:
    """Return that a time to come says nothing: it would look fresh until it is reached."""
    sentence = f"{begin}, which is to come: how fresh it is nobody knows"
    action = "set the clock of the machine that reads it, and read it again from the day it has"
    return Finding(subject, "unknown", sentence, action)


def failed_loads(seen: Look) -> dict[str, str]:
    """Return why the last run of a source failed."""
    last = {row["source"]: row for row in seen.rows("last_loads")}
    return {
        source: f"its last run {row['status']}: {first_line(row['error_messages'])}"
        for source, row in last.items()
        if row["status"] in {"failed", "interrupted"}
    }


def first_line(text: str | None) -> str:
    """Return the first of some errors."""
    return (text or "killed").splitlines()[0]


def of_account(seen: Look, row: Mapping[str, Any]) -> Finding:
    """Return how far an account was read, of the report that lies furthest behind."""
    source, last_day = str(row["source"]), row["last_day"]
    subject = f"{source}/{row['account_id']}"
    _, delay, moving = promise(seen, source)
    if last_day is None:
        return Finding(subject, "ok", f"{subject} has no days")
    wanted = seen.now.date() - timedelta(days=1 + delay)
    age = hours_since(seen, last_day)
    limit = 24.0 * (1 + delay)
    # somewhere it is tomorrow already
    if last_day > seen.now.date() + timedelta(days=1):
        return of_a_wrong_clock(subject, f"{subject} was read to {last_day}")
    if last_day < wanted:
        late = (wanted - last_day).days
        sentence = f"{subject} was read to {last_day}, {plural(late, 'day')} less than {source} has"
        return Finding(
            subject, "failing", sentence, SYNC.format(source=source), age, 0.0, limit, last_day
        )
    return fresh(subject, f"{subject} was read to {last_day}", age, limit, moving)


def fresh(subject: str, sentence: str, age: float, limit: float, moving: int) -> Finding:
    """Return that something is fresh, or fresh and still moving."""
    if not moving:
        return Finding(subject, "ok", sentence, "", age, 0.0, limit)
    more = f"{sentence}; figures of the last {plural(moving, 'day')} may still change"
    return Finding(subject, "moving", more, "", age, 0.0, limit)


def hours_since(seen: Look, day: date) -> float:
    """Return the hours since the end of a day; none where it goes on."""
    ended_at = datetime.combine(day + timedelta(days=1), time())
    return max(0.0, (seen.now - ended_at).total_seconds() / 3600)


def campaigns_of(seen: Look) -> list[Campaign]:
    """Return the campaigns that had rows in the last weeks, with what is known of them."""
    span = seen.as_of - timedelta(days=LOOK_BACK_DAYS), seen.as_of
    found: dict[tuple[str, str], Campaign] = {}
    for row in seen.rows("campaign_days", *span):
        key = row["platform"], row["campaign_id"]
        campaign = found.setdefault(key, Campaign(key[0], str(row["account_id"]), key[1]))
        campaign.days.append(row["day"])
    budgets = seen.rows("month_budgets") if "rpt_budget_pacing" in seen.tables else []
    with_budget = {(row["platform"], row["campaign_id"]) for row in budgets}
    for row in seen.rows("campaigns") if "dim_campaigns" in seen.tables else []:
        key = row["platform"], row["campaign_id"]
        if key in with_budget:
            # one with a budget that has no row yet
            found.setdefault(key, Campaign(key[0], str(row["account_id"]), key[1]))
        if key in found:
            found[key].name = row["campaign_name"] or ""
            found[key].status = (row["campaign_status"] or "").upper()
    visits: dict[tuple[str, str], dict[date, int]] = defaultdict(dict)
    for row in seen.rows("campaign_visits", *span) if "fct_touchpoints" in seen.tables else []:
        visits[row["platform"], row["campaign_id"]][row["day"]] = int(row["visits"])
    planned = seen.rows("planned_pauses", seen.as_of, span[0]) if PAUSES in seen.tables else []
    for row in planned:
        if (key := (row["platform"], row["campaign_id"])) in found:
            pause = (str(row["pause_name"]), row["first_date"], row["last_date"])
            found[key].pauses.append(pause)
    for key, campaign in found.items():
        campaign.has_budget = key in with_budget
        campaign.visits = visits[key]
    return list(found.values())


def of_campaigns(
    seen: Look, campaigns: Sequence[Campaign], read_to: Mapping[str, date]
) -> Iterator[Finding]:
    """Yield every campaign with its age, and what is wrong with it."""
    silent: dict[tuple[str, date], list[Campaign]] = defaultdict(list)
    for campaign in campaigns:
        wanted = wanted_day(seen, campaign, read_to)
        last = campaign.days[-1] if campaign.days else None
        pause = campaign.pause_until(wanted)
        if pause is not None and (last is None or last < wanted):
            yield resting(campaign, *pause)
        elif last is None:
            if campaign.status in RUNNING and seen.as_of.day > seen.thresholds["grace_days"]:
                yield without_rows(seen, campaign)
        elif last < wanted and campaign.is_regular() and is_expected(campaign):
            silent[campaign.platform, last].append(campaign)
        else:
            yield fresh_campaign(seen, campaign, last, wanted)
    for (_, last), group in silent.items():
        visits = sum(campaign.visits_since(last) for campaign in group)
        usual = sum(campaign.usual_visits() for campaign in group) * (seen.as_of - last).days
        has_visits = visits >= max(FEW_VISITS, VISITS_SHARE * usual)
        for campaign in group:
            yield silent_campaign(
                seen, campaign, last, has_visits=has_visits, is_alone=len(group) == 1
            )


def wanted_day(seen: Look, campaign: Campaign, read_to: Mapping[str, date]) -> date:
    """Return the last day of which a campaign has to have a row."""
    delay = promise(seen, campaign.platform)[1]
    days = [seen.as_of, seen.now.date() - timedelta(days=1 + delay)]
    # what was not read yet is told of the account
    read = read_to.get(f"{campaign.platform}/{campaign.account_id}")
    return min([*days, read] if read else days)


def is_expected(campaign: Campaign) -> bool:
    """Return whether rows have to come: it runs by its status, or nothing is known of that."""
    if campaign.status:
        return campaign.status in RUNNING
    return campaign.has_budget


def resting(campaign: Campaign, name: str, first: date, last: date) -> Finding:
    """Return the finding for a campaign that rests by plan."""
    sentence = f"{campaign.title} rests by plan from {first} to {last} ({name})"
    return Finding(campaign.subject, "announced", sentence, since=first)


def without_rows(seen: Look, campaign: Campaign) -> Finding:
    """Return the finding for a campaign with a budget that has had no row for weeks."""
    visits = campaign.visits_since(seen.as_of - timedelta(days=REGULAR_DAYS))
    sentence = f"{campaign.title} has a budget this month and no rows at all"
    if visits >= FEW_VISITS:
        sentence = f"{sentence}, though {plural(visits, 'visit')} of it came in a week"
        action = SYNC.format(source=campaign.platform)
        return Finding(campaign.subject, "failing", sentence, action)
    # it may begin later in the month
    return Finding(campaign.subject, "warning", f"{sentence}, nor visits", DELIVERY)


def fresh_campaign(seen: Look, campaign: Campaign, last: date, wanted: date) -> Finding:
    """Return a campaign whose rows are there, or that is over."""
    age = hours_since(seen, last)
    _, delay, moving = promise(seen, campaign.platform)
    limit = 24.0 * (1 + delay)
    if last < wanted:
        word = campaign.status.lower() or "over"
        return Finding(campaign.subject, "ok", f"{campaign.title} is {word} since {last}", "", age)
    return fresh(campaign.subject, f"{campaign.title} has rows to {last}", age, limit, moving)


def silent_campaign(
    seen: Look, campaign: Campaign, last: date, *, has_visits: bool, is_alone: bool
) -> Finding:
    """Return the finding for a campaign whose rows ended."""
    status = "failing" if has_visits or is_alone else "warning"
    budget = " and has a budget" if campaign.has_budget else ""
    if has_visits:
        why = f"though {plural(campaign.visits_since(last), 'visit')} of it came since"
        action = SYNC.format(source=campaign.platform)
    elif is_alone:
        why, action = "nor visits: it delivers nothing", DELIVERY
    else:
        why, action = "nor visits, as others of its platform: paused together?", DELIVERY
    return Finding(
        campaign.subject,
        status,
        f"{campaign.title} runs{budget} but has no rows after {last}, {why}",
        action,
        hours_since(seen, last),
        0.0,
        24.0 * (1 + promise(seen, campaign.platform)[1]),
        last + timedelta(days=1),
    )


NUMBER = {"type": "number", "minimum": 0}
DAYS = NUMBER | {"maximum": MOST_DAYS}
PROMISE = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "max_age_hours": NUMBER | {"description": "Hours to the next reading."},
        "delay_days": DAYS | {"description": "Days until a day is there."},
        "restates_days": DAYS | {"description": "Days that still move."},
    },
}
CHECK = Check(
    name="campaign_freshness",
    title="sources, accounts and campaigns are fresh",
    severity="page",
    tables=("fct_ad_spend",),
    look=look,
    thresholds={
        "max_age_hours": Threshold(26, "Hours after which a source has to be read again."),
        "marts_days": Threshold(
            1, "Days that the marts may end before yesterday.", maximum=MOST_DAYS
        ),
        "grace_days": Threshold(
            3, "Days of a month in which a new campaign may have no rows.", maximum=MOST_DAYS
        ),
    },
    options={
        "sources": {
            "type": "object",
            "description": "What a source promises, in place of what docs/monitoring.md lists.",
            "additionalProperties": False,
            "properties": dict.fromkeys(PROMISES, PROMISE),
        },
    },
)

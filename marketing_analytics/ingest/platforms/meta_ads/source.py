"""Meta Ads: accounts, campaigns, ad sets, ads, creatives, and the daily reports of every ad."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from decimal import Decimal, InvalidOperation
from typing import Any

from marketing_analytics.ingest.access.settings import names_in
from marketing_analytics.ingest.engine.answers import Account, as_account, readable
from marketing_analytics.ingest.engine.governor import AccountError, Governor
from marketing_analytics.ingest.engine.history import add_changes
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.reading import Reader
from marketing_analytics.ingest.engine.source import Source
from marketing_analytics.ingest.engine.tables import Table, pluck
from marketing_analytics.ingest.platforms.meta_ads.insights import (
    RETENTION_DAYS,
    Insights,
    chosen_reports,
    windows_to_read,
)
from marketing_analytics.ingest.platforms.meta_ads.limits import classify, pause_of
from marketing_analytics.ingest.platforms.meta_ads.lists import pages
from marketing_analytics.ingest.platforms.meta_ads.tables import (
    ACCOUNTS,
    AD_CREATIVES,
    CAMPAIGN_HISTORY,
    CAMPAIGNS,
    ENTITIES,
    LINKS,
    MORE_FIELDS,
    PAGE_SIZES,
    STATUSES,
    TABLES,
)

DEFAULT_ADDRESS = "https://graph.facebook.com/v26.0"
# budgets come in the smallest unit of the currency; of these it is the currency itself
# (Marketing API, "Currencies")
WHOLE_CURRENCIES = frozenset(
    {"CLP", "COP", "CRC", "HUF", "IDR", "ISK", "JPY", "KRW", "PYG", "TWD", "VND"}
)
BUDGETS = {"daily_budget", "lifetime_budget"}
# a spend with three decimals has no place in a column of money
THREE_DECIMAL_CURRENCIES = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})


def address(settings: Mapping[str, str]) -> str:
    """Return where the API is."""
    return settings.get("META_ADS_BASE_URL") or DEFAULT_ADDRESS


def open_governor(job: Job) -> Governor:
    """Return what asks Meta, with the token."""
    return Governor(
        "Meta Ads",
        address(job.settings),
        setting="META_ADS_BASE_URL",
        limits=job.limits,
        stop=job.stop,
        classify=classify,
        on_wait=job.notes.put,
        headers={"Authorization": f"Bearer {job.setting('META_ADS_ACCESS_TOKEN')}"},
        pace=pause_of,
    )


def collect(job: Job) -> None:
    """Read everything of the configured accounts."""
    reports = chosen_reports(job.settings.get("META_ADS_BREAKDOWNS", ""))
    with closing(open_governor(job)) as governor:
        accounts = read_accounts(job, governor)
        lists = [(one, table) for one in accounts for table in ENTITIES]
        job.each_account(lists, lambda one: read_entities(job, governor, *one), id_of)
        insights = Insights(job, governor, {one.account_id: one for one in accounts}, reports)
        # one after the other: a breakdown that cannot be read stops no other report
        for report in reports:
            readable_accounts = [one for one in accounts if one.account_id not in job.lost]
            tasks = [
                task for one in readable_accounts for task in windows_to_read(job, one, report)
            ]
            Reader(job, insights.read_window).read_all(tasks)


def check(job: Job) -> list[tuple[str, str]]:
    """Return the accounts of which one campaign can be read."""

    def read(account: Account) -> None:
        governor.get(f"/act_{account.account_id}/campaigns", {"fields": "id", "limit": "1"})

    with closing(open_governor(job)) as governor:
        accounts = read_accounts(job, governor)
        job.each_account(accounts, read, lambda account: account.account_id)
    return [(one.account_id, one.name) for one in accounts if one.account_id not in job.lost]


def id_of(one: tuple[Account, Table]) -> str:
    """Return the id of the account of a list."""
    return one[0].account_id


def read_accounts(job: Job, governor: Governor) -> list[Account]:
    """Load the accounts of the token; return those asked for that can be read."""
    names = ["account_id", "name", "currency", "timezone_name", "account_status"]
    rows = list(pages(governor, "/me/adaccounts", {"fields": ",".join(names)}))
    if not rows:
        raise AccountError(
            "the Meta token sees no ad account",
            hint="give its user a role on the accounts, and the token the right ads_read",
        )
    wanted = wanted_account_ids(job)
    rows = [row for row in rows if not wanted or row.get("account_id") in wanted]
    for account_id in sorted(wanted - {row.get("account_id") for row in rows}):
        job.lose(
            account_id,
            AccountError(
                "the Meta token has no access to it",
                hint="check META_ADS_ACCOUNT_IDS and the rights of the token",
            ),
        )
    job.add(ACCOUNTS, pluck(rows, dict(zip(names, names, strict=True))), raw=rows)
    return readable(job, rows, "account_id", account_of)


def wanted_account_ids(job: Job) -> set[str]:
    """Return the accounts asked for, empty for all."""
    given = names_in(job.settings.get("META_ADS_ACCOUNT_IDS", ""))
    return {text.removeprefix("act_") for text in given}


def account_of(row: Mapping[str, Any]) -> Account:
    """Return an account; raise AccountError where its currency or zone is of no use."""
    account = as_account(row, "account_id", "currency", "timezone_name", "name")
    if account.currency in THREE_DECIMAL_CURRENCIES:
        raise AccountError(
            f"its currency {account.currency} has three decimals, which raw tables do not hold",
            hint="leave the account out with META_ADS_ACCOUNT_IDS",
        )
    return account


def read_entities(job: Job, governor: Governor, account: Account, table: Table) -> None:
    """Load the campaigns, ad sets, ads or creatives of an account."""
    edge, paths = ENTITIES[table]
    fields = dict.fromkeys(path.partition(".")[0] for path in paths.values())
    asked = {"fields": ",".join((*fields, *MORE_FIELDS.get(table, ())))}
    if table in STATUSES:
        asked["effective_status"] = json.dumps(STATUSES[table])
    size = PAGE_SIZES.get(table, 500)
    rows = list(pages(governor, f"/act_{account.account_id}/{edge}", asked, size))
    columns = pluck(rows, paths)
    columns["account_id"] = [account.account_id] * len(rows)
    columns["currency"] = [account.currency] * len(rows)
    for name in BUDGETS & columns.keys():
        columns[name] = [major_units(text, account.currency) for text in columns[name]]
    if table is AD_CREATIVES:
        columns["link"] = [link_of(row) for row in rows]
    job.add(table, columns, raw=rows)
    if table is CAMPAIGNS:
        add_changes(job, CAMPAIGN_HISTORY, columns)


def link_of(creative: Mapping[str, Any]) -> Any:
    """Return where a creative leads to: its own link, or that of the story it shows."""
    story = creative.get("object_story_spec")
    story = story if isinstance(story, dict) else {}
    for place in LINKS:
        found: Any = story
        for name in place:
            found = found.get(name) if isinstance(found, dict) else None
        if found:
            return found
    return creative.get("link_url")


def major_units(text: str | None, currency: str) -> str | None:
    """Return a budget given in minor units ("1050") in major units ("10.5").

    Anything that is not a number is returned as it is, to be noted with its reason.
    """
    if not text or currency in WHOLE_CURRENCIES:
        return text or None
    try:
        return str(Decimal(text).scaleb(-2))
    except (InvalidOperation, TypeError):
        return text


SOURCE = Source(
    tables=TABLES,
    settings=("META_ADS_ACCESS_TOKEN",),
    optional_settings=("META_ADS_BASE_URL", "META_ADS_ACCOUNT_IDS", "META_ADS_BREAKDOWNS"),
    collect=collect,
    options={"accounts": "META_ADS_ACCOUNT_IDS"},
    restates="28 days",
    has_days=True,
    kept_days=RETENTION_DAYS,
    value_checks={"META_ADS_BREAKDOWNS": lambda _, text: chosen_reports(text)},
    address=address,
    check=check,
)

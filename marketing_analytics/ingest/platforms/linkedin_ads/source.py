"""LinkedIn Ads: accounts, campaign groups, campaigns, creatives, and daily figures.

The versioned REST API. Figures of campaigns are the truth for spend; days are days of UTC.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, timedelta
from typing import Any

from marketing_analytics.ingest.access.settings import names_in, shaped
from marketing_analytics.ingest.engine.answers import Account, as_account, readable
from marketing_analytics.ingest.engine.governor import AccountError, Governor
from marketing_analytics.ingest.engine.history import add_changes
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.reading import Reader, Task
from marketing_analytics.ingest.engine.source import Source
from marketing_analytics.ingest.engine.tables import pluck
from marketing_analytics.ingest.engine.windows import Window, windows_of
from marketing_analytics.ingest.platforms.linkedin_ads.analytics import (
    MOST_ELEMENTS,
    REPORTS,
    Analytics,
    lookback_days,
)
from marketing_analytics.ingest.platforms.linkedin_ads.api import (
    CHOICE,
    DEFAULT_VERSION,
    REFRESH,
    Value,
    address_of,
    connect,
    number_of,
    pages,
)
from marketing_analytics.ingest.platforms.linkedin_ads.tables import (
    ACCOUNT_PATHS,
    ACCOUNTS,
    CAMPAIGN_HISTORY,
    CAMPAIGNS,
    CREATIVES,
    ENTITIES,
    TABLES,
    TIME_COLUMNS,
    URN_COLUMNS,
    Entity,
)

WINDOW_DAYS = 30
RETENTION_DAYS = 10 * 365
MOST_ELEMENTS_SETTING = "LINKEDIN_ADS_MAX_ELEMENTS"
# LinkedIn's days are those of UTC, whatever the account
ZONE = "UTC"


def collect(job: Job) -> None:
    """Read every account of the token, or those chosen."""
    most_elements = most_elements_of(job)
    governor = connect(job)
    try:
        accounts = read_accounts(job, governor)
        by_id = {account.account_id: account for account in accounts}
        analytics = Analytics(job, governor, by_id, most_elements)
        lists = [(one, entity) for one in accounts for entity in ENTITIES]
        job.each_account(
            lists,
            lambda one: read_entities(job, governor, analytics, *one),
            lambda one: one[0].account_id,
        )
        tasks = due_tasks(job, governor, accounts)
        Reader(job, analytics.read_window).read_all(tasks)
    finally:
        governor.close()


def check(job: Job) -> list[tuple[str, str]]:
    """Return the accounts of the token."""
    with closing(connect(job)) as governor:
        accounts = read_accounts(job, governor)
    return [(account.account_id, account.name) for account in accounts]


def most_elements_of(job: Job) -> int:
    """Return how many elements an answer may hold."""
    return int(job.settings.get(MOST_ELEMENTS_SETTING) or MOST_ELEMENTS)


def read_accounts(job: Job, governor: Governor) -> list[Account]:
    """Load the accounts of the token; return those asked for that can be read.

    Who has no access gets an empty list, not a refusal.
    """
    rows = list(pages(governor, "/adAccounts", {"q": "search"}, 1_000))
    if not rows:
        raise AccountError(
            "the LinkedIn token sees no ad account",
            hint="give its member a role on the accounts, and the token the right r_ads",
        )
    wanted = wanted_account_ids(job)
    for account_id in sorted(wanted - {str(row.get("id")) for row in rows}):
        job.lose(
            account_id,
            AccountError(
                "the LinkedIn token has no access to it",
                hint=f"check {CHOICE} and the role of the token's member on the account",
            ),
        )
    # test accounts never spend
    chosen = [
        row
        for row in rows
        if (str(row.get("id")) in wanted if wanted else row.get("test") is not True)
    ]
    columns = entity_columns(chosen, ACCOUNT_PATHS)
    columns["timezone_name"] = [ZONE] * len(chosen)
    job.add(ACCOUNTS, columns, raw=chosen)
    return readable(job, chosen, "id", account_of)


def wanted_account_ids(job: Job) -> set[str]:
    """Return the accounts asked for, empty for all."""
    return {number_of(text) for text in names_in(job.settings.get(CHOICE, ""))}


def account_of(row: Mapping[str, Any]) -> Account:
    """Return an account; raise AccountError where its currency is of no use."""
    return as_account({**row, "zone": ZONE}, "id", "currency", "zone", "name")


def read_entities(
    job: Job, governor: Governor, analytics: Analytics, account: Account, entity: Entity
) -> None:
    """Load the campaign groups, campaigns or creatives of an account."""
    rows = list(
        pages(
            governor,
            f"/adAccounts/{account.account_id}/{entity.edge}",
            entity_query(entity),
            entity.page_size,
        )
    )
    columns = entity_columns(rows, entity.paths)
    columns["account_id"] = [account.account_id] * len(rows)
    job.add(entity.table, columns, raw=rows)
    if entity.table is CAMPAIGNS:
        columns["currency"] = [account.currency] * len(rows)
        add_changes(job, CAMPAIGN_HISTORY, columns)
        ids = [str(one) for one in columns["campaign_id"]]
        analytics.campaign_ids[account.account_id] = ids
    if entity.table is CREATIVES:
        pairs = zip(columns["creative_id"], columns["campaign_id"], strict=True)
        analytics.campaign_of.update(pairs)
        analytics.listed.add(account.account_id)


def entity_query(entity: Entity) -> dict[str, Value]:
    """Return what a list is asked for: every status, also of what has ended."""
    if entity.finder == "search":
        return {"q": "search", "search": {"status": {"values": entity.statuses}}}
    return {"q": entity.finder, "intendedStatuses": entity.statuses}


def entity_columns(
    rows: Sequence[Mapping[str, Any]], paths: Mapping[str, str]
) -> dict[str, list[Any]]:
    """Return columns of records: ids instead of URNs, times instead of milliseconds."""
    columns = pluck(rows, paths)
    for name in URN_COLUMNS:
        if name in columns:
            columns[name] = [number_of(value) for value in columns[name]]
    for name in TIME_COLUMNS:
        columns[name] = [microseconds(value) for value in columns[name]]
    return columns


def microseconds(milliseconds: Any) -> Any:
    """Return a time of the API as raw tables take it; what is no number stays."""
    return milliseconds * 1_000 if isinstance(milliseconds, int) else milliseconds


def due_tasks(job: Job, governor: Governor, accounts: Sequence[Account]) -> list[Task]:
    """Return the windows of all reports and accounts that are due."""
    tasks: list[Task] = []
    lock = threading.Lock()

    def plan(account: Account) -> None:
        planned = tasks_of(job, account, lookback_days(governor, account))
        with lock:
            tasks.extend(planned)

    job.each_account(accounts, plan, lambda account: account.account_id)
    return tasks


def tasks_of(job: Job, account: Account, lookback: int) -> list[Task]:
    """Return the windows of all reports of an account that are due."""
    today = job.now.astimezone(UTC).date()
    since = max(job.since, today - timedelta(days=RETENTION_DAYS))
    if since > today:
        return []
    tasks = []
    for name in REPORTS:
        coverage = job.coverage(name, account.account_id)
        due = coverage.days_to_read(Window(since, today), lookback)
        tasks += [Task(account.account_id, name, one) for one in windows_of(due, WINDOW_DAYS)]
    return tasks


SOURCE = Source(
    tables=TABLES,
    settings=("LINKEDIN_ADS_ACCESS_TOKEN",),
    optional_settings=(
        "LINKEDIN_ADS_BASE_URL",
        CHOICE,
        "LINKEDIN_ADS_VERSION",
        MOST_ELEMENTS_SETTING,
        *REFRESH,
        "LINKEDIN_ADS_TOKEN_URL",
    ),
    collect=collect,
    options={"accounts": CHOICE},
    restates="the lookback of conversions, 30 to 90 days",
    has_days=True,
    kept_days=RETENTION_DAYS,
    value_checks={
        "LINKEDIN_ADS_VERSION": shaped(r"20\d\d(0[1-9]|1[0-2])", DEFAULT_VERSION),
        MOST_ELEMENTS_SETTING: shaped(r"[1-9]\d*", str(MOST_ELEMENTS)),
    },
    address=address_of,
    check=check,
)

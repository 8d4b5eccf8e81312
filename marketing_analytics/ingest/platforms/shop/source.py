"""The shop's own SQL database: customers, orders, refunds, consents, and what the team plans.

Every table is copied as a whole from one transaction, so that deleted customers disappear
here too and the tables agree with each other. Any database with an SQLAlchemy dialect.
"""

from __future__ import annotations

from marketing_analytics.core.errors import PlatformError
from marketing_analytics.ingest.engine.chunks import Chunks
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.source import Source
from marketing_analytics.ingest.engine.tables import Table

CUSTOMERS = Table(
    "customers",
    {
        "customer_id": "text",
        "email": "text",
        "country": "text",
        "created_at": "time",
        "updated_at": "time",
    },
    key=("customer_id",),
    mode="replace",
    personal={"customer_id": "customer", "email": "email"},
)
ORDERS = Table(
    "orders",
    {
        "order_id": "text",
        "customer_id": "text",
        "ordered_at": "time",
        "order_date": "date",
        "currency": "text",
        "total_cents": "count",
        "is_first_order": "count",
        "updated_at": "time",
    },
    key=("order_id",),
    mode="replace",
    required=("total_cents",),
    personal={"customer_id": "customer"},
    links={"order_id": "shop order"},
)
REFUNDS = Table(
    "refunds",
    {
        "refund_id": "text",
        "order_id": "text",
        "refunded_at": "time",
        "currency": "text",
        "amount_cents": "count",
        "updated_at": "time",
    },
    key=("refund_id",),
    mode="replace",
    required=("amount_cents",),
    links={"order_id": "shop order"},
)
CONSENTS = Table(
    "consents",
    {
        "consent_id": "text",
        "customer_id": "text",
        "purpose": "text",
        "is_granted": "count",
        "changed_at": "time",
        "source": "text",
    },
    key=("consent_id",),
    mode="replace",
    personal={"customer_id": "customer"},
)
BUDGETS = Table(
    "budgets",
    {
        "budget_month": "text",
        "platform": "text",
        "campaign_id": "text",
        "currency": "text",
        "amount_cents": "count",
    },
    key=("budget_month", "platform", "campaign_id"),
    mode="replace",
)
TARGETS = Table(
    "targets",
    {"target_month": "text", "metric": "text", "target_value": "rate"},
    key=("target_month", "metric"),
    mode="replace",
)
EXCHANGE_RATES = Table(
    "exchange_rates",
    {"currency": "text", "rate_date": "date", "usd_per_unit": "rate"},
    key=("currency", "rate_date"),
    mode="replace",
)
PLANNED_PAUSES = Table(
    "planned_pauses",
    {
        "pause_name": "text",
        "platform": "text",
        "campaign_id": "text",
        "country": "text",
        "region": "text",
        "first_date": "date",
        "last_date": "date",
    },
    key=("pause_name", "platform", "campaign_id", "country", "region", "first_date"),
    mode="replace",
    required=("last_date",),
)
TABLES = (
    CUSTOMERS, ORDERS, REFUNDS, CONSENTS, BUDGETS, TARGETS, EXCHANGE_RATES, PLANNED_PAUSES,
)  # fmt: skip
# a shop whose campaigns never rest by plan has none
OPTIONAL = (PLANNED_PAUSES,)


def collect(job: Job) -> None:
    """Copy every table; nothing is kept unless all of them could be read."""
    # dlt is slow to import, and is here only for the reading
    from marketing_analytics.ingest.platforms.shop.database import absent_tables, read, snapshot

    job.plan(len(TABLES))
    found = []
    with snapshot(job.setting("SHOP_DATABASE_URL")) as connection:
        absent = absent_tables(connection, OPTIONAL)
        for table in TABLES:
            chunks = Chunks(table, job.scratch)
            for columns in () if table in absent else read(connection, table):
                if job.stop.is_set():
                    raise PlatformError("stopped")
                chunks.add(columns)
            found.append(chunks)
    job.keep_whole(found)
    job.done(len(TABLES))


def check(job: Job) -> list[tuple[str, str]]:
    """Ask every table for its columns and no row."""
    from marketing_analytics.ingest.platforms.shop.database import absent_tables, glance, snapshot

    with snapshot(job.setting("SHOP_DATABASE_URL")) as connection:
        absent = absent_tables(connection, OPTIONAL)
        there = [table for table in TABLES if table not in absent]
        for table in there:
            glance(connection, table)
    return [("", f"{len(there)} tables")]


SOURCE = Source(
    tables=TABLES,
    settings=("SHOP_DATABASE_URL",),
    collect=collect,
    restates="everything",
    check=check,
    modules=("marketing_analytics.ingest.platforms.shop.database",),
)

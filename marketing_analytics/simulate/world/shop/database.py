"""The shop's database: customers, orders, refunds, consents, budgets, targets, rates, pauses."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from marketing_analytics.core.errors import MachineError, UserError
from marketing_analytics.simulate.world.ads.platforms import PLATFORMS
from marketing_analytics.simulate.world.calendar import month_texts
from marketing_analytics.simulate.world.chance import gather, stream, texts
from marketing_analytics.simulate.world.customers.people import NEVER_US
from marketing_analytics.simulate.world.demand.plan import SWITCH_OFF
from marketing_analytics.simulate.world.demand.regions import REGIONS
from marketing_analytics.simulate.world.exchange import RATE_SCALE
from marketing_analytics.simulate.world.names import date_texts, ids, money, time_texts
from marketing_analytics.simulate.world.world import World

Row = tuple[Any, ...]
TABLES = (
    "customers",
    "orders",
    "refunds",
    "consents",
    "budgets",
    "targets",
    "exchange_rates",
    "planned_pauses",
)
CURRENCIES = ("USD", "EUR")


def read_statements() -> dict[str, str]:
    """Return the named statements of shop.sql."""
    package = resources.files(__package__)
    text = package.joinpath("shop.sql").read_text(encoding="utf-8")
    parts = re.split(r"^-- name: (\w+)$", text, flags=re.MULTILINE)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def customer_rows(world: World) -> Iterable[Row]:
    """Return (customer_id, email, country, created_at, updated_at) per customer."""
    people, count = world.people, world.people.customers
    opted_out = people.opted_out_us[:count]
    # withdrawing consent is the one change of a customer that the world knows
    updated = np.where(opted_out < NEVER_US, opted_out, people.created_us)
    return zip(
        ids("customer", count),
        people.email[:count],
        people.country[:count],
        time_texts(people.created_us),
        time_texts(updated),
        strict=True,
    )


def order_rows(world: World) -> Iterable[Row]:
    """Return one row per order; a refund updates the order. Guests have no customer id."""
    orders, people = world.orders, world.people
    customers = texts([*ids("customer", people.customers), *[None] * people.guests])
    # a copy: the truth keeps the moment of the order
    updated = orders.ordered_us.copy()
    updated[world.refunds.order] = world.refunds.refunded_us
    return zip(
        ids("order", len(orders.person)),
        customers[orders.person],
        people.email[orders.person],
        people.country[orders.person],
        time_texts(orders.ordered_us),
        date_texts(orders.day),
        gather(CURRENCIES, orders.is_eur.astype(np.int64)),
        orders.total_cents.tolist(),
        orders.is_first.astype(int).tolist(),
        time_texts(updated),
        strict=True,
    )


def refund_rows(world: World) -> Iterable[Row]:
    """Return one row per refund, in the currency of its order."""
    refunds = world.refunds
    is_eur = world.orders.is_eur[refunds.order].astype(np.int64)
    moments = time_texts(refunds.refunded_us)
    return zip(
        ids("refund", len(refunds.order)),
        ids("order", len(world.orders.person))[refunds.order],
        moments,
        gather(CURRENCIES, is_eur),
        refunds.amount_cents.tolist(),
        moments,
        strict=True,
    )


def consent_changes(world: World) -> list[tuple[int, int, str, int, str]]:
    """Return (moment, customer, purpose, is granted, source), sorted."""
    people, changes = world.people, []
    for customer in range(people.customers):
        created = int(people.created_us[customer])
        opted_out = int(people.opted_out_us[customer])
        # refused while signing up: there was never a yes
        is_refused = opted_out <= created
        wants_mail = int(people.subscribed_us[customer] < NEVER_US)
        changes.append((created, customer, "analytics", int(not is_refused), "sign_up"))
        changes.append((created, customer, "marketing", wants_mail, "sign_up"))
        if created < opted_out < NEVER_US:
            changes.append((opted_out, customer, "analytics", 0, "privacy_settings"))
            changes.append((opted_out, customer, "marketing", 0, "privacy_settings"))
    sends = world.sends
    left = (sends.unsubscribed_us < NEVER_US) & (sends.person < people.customers)
    for send in np.flatnonzero(left):
        moment, customer = int(sends.unsubscribed_us[send]), int(sends.person[send])
        changes.append((moment, customer, "marketing", 0, "unsubscribe_link"))
    return sorted(changes)


def consent_rows(world: World) -> Iterable[Row]:
    """Return one row per consent given or withdrawn."""
    changes = consent_changes(world)
    moments = time_texts(np.array([change[0] for change in changes], dtype=np.int64))
    names = ids("customer", world.people.customers)
    for consent_id, moment, change in zip(
        ids("consent", len(changes)), moments, changes, strict=True
    ):
        yield (consent_id, names[change[1]], change[2], change[3], moment, change[4])


def monthly_spend(world: World) -> dict[tuple[str, str, str, str], int]:
    """Return cents per (month, platform, campaign, currency)."""
    currencies = {a.account_id: a.currency for a in world.catalog.accounts}
    spent: dict[tuple[str, str, str, str], int] = {}
    months = [text[:7] for text in date_texts(world.ad_days.day)]
    for month, ad_index, cents in zip(
        months, world.ad_days.ad, world.ad_days.spend_cents, strict=True
    ):
        ad = world.catalog.ads[ad_index]
        key = (month, ad.platform, ad.campaign_id, currencies[ad.account_id])
        spent[key] = spent.get(key, 0) + int(cents)
    return spent


def budget_rows(world: World) -> Iterable[Row]:
    """Return a budget per month and campaign, and per month and platform ('' = total, USD)."""
    rng = stream(world.parameters.seed, "budgets")
    totals: dict[tuple[str, str], int] = {}
    rows: list[Row] = []
    for (month, platform, campaign, currency), cents in sorted(monthly_spend(world).items()):
        # planned in tens, near what was spent, never equal to it
        amount = max(1, round(cents * float(rng.uniform(0.92, 1.15)) / 1_000)) * 1_000
        rows.append((month, platform, campaign, currency, amount))
        # a plan is made at a round rate, not at that of each day
        in_usd = amount * 108 // 100 if currency == "EUR" else amount
        totals[month, platform] = totals.get((month, platform), 0) + in_usd
    for month in month_texts(world.parameters.start_day, world.parameters.end_day):
        for platform in PLATFORMS:
            amount = round(totals.get((month, platform), 0) / 10_000) * 10_000
            rows.append((month, platform, "", "USD", amount))
    return sorted(rows)


def target_rows(world: World) -> Iterable[Row]:
    """Return what was planned per month: near the truth, never equal to it."""
    rng = stream(world.parameters.seed, "targets")
    orders = world.orders
    usd = world.exchange.usd_cents(orders.total_cents, orders.is_eur, orders.day)
    months = np.array([text[:7] for text in date_texts(orders.day)])
    spend = {(row[0]): 0 for row in budget_rows(world)}
    for row in budget_rows(world):
        if row[2] == "":
            spend[row[0]] += row[4]
    for month in sorted(spend):
        # targets are round numbers
        revenue = int(usd[months == month].sum() * float(rng.uniform(0.9, 1.12))) // 10_000 * 10_000
        new = int((orders.is_first & (months == month)).sum() * float(rng.uniform(0.9, 1.1)))
        roas = f"{revenue / spend[month]:.4f}" if spend[month] else "0.0000"
        yield (month, "new_customers", f"{new}.0000")
        yield (month, "revenue_usd", f"{money(revenue)}00")
        yield (month, "roas", roas)
        yield (month, "spend_usd", f"{money(spend[month])}00")


def rate_rows(world: World) -> Iterable[Row]:
    """Return USD per unit for each currency and day on which banks published it."""
    exchange = world.exchange
    days = date_texts(exchange.published_days)
    for day, rate in zip(days, exchange.eur_rates.tolist(), strict=True):
        yield ("EUR", day, f"{rate // RATE_SCALE}.{rate % RATE_SCALE:04d}")
        yield ("USD", day, "1.0000")


def pause_rows(world: World) -> Iterable[Row]:
    """Return where and when campaigns were planned to rest; an empty place is everywhere.

    Affiliates have no campaign: their pauses stand in the truth alone.
    """
    catalog = world.catalog
    for pause in world.market.plan.pauses:
        region = REGIONS[pause.region]
        is_everywhere = pause.kind == SWITCH_OFF
        # planned for all regions: told once, with the first one
        if is_everywhere and pause.region:
            continue
        place = ("", "") if is_everywhere else (region.country, region.name)
        dates = date_texts(np.array([pause.first_day, pause.last_day]))
        for campaign in catalog.campaigns:
            market = catalog.account(campaign.account_id).market
            is_there = is_everywhere or market in {"", region.market}
            if campaign.tactic == pause.tactic and is_there:
                yield (pause.tactic, campaign.platform, campaign.campaign_id, *place, *dates)


ROWS: dict[str, Callable[[World], Iterable[Row]]] = {
    "customers": customer_rows,
    "orders": order_rows,
    "refunds": refund_rows,
    "consents": consent_rows,
    "budgets": budget_rows,
    "targets": target_rows,
    "exchange_rates": rate_rows,
    "planned_pauses": pause_rows,
}


def write_sqlite(world: World, path: Path) -> dict[str, int]:
    """Write the shop as a SQLite file and return the rows per table."""
    statements = read_statements()
    path.unlink(missing_ok=True)
    counts: dict[str, int] = {}
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        # a broken file is thrown away as a whole, so no journal is needed
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for table in TABLES:
            rows = [plain_row(row) for row in ROWS[table](world)]
            connection.execute(statements[f"create_{table}"])
            connection.executemany(statements[f"insert_{table}"], rows)
            counts[table] = len(rows)
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        raise MachineError(
            f"cannot write {path}: {error}", hint="free some space or give another --out"
        ) from None
    finally:
        connection.close()
    return counts


def check_shop_url(url: str) -> None:
    """Raise UserError unless the address is empty or one of PostgreSQL."""
    if url and not url.startswith(("postgresql://", "postgres://")):
        raise UserError(
            "--shop-database-url is not an address of PostgreSQL",
            hint="write it like postgresql://user:<password>@host:5432/database",
        )


def plain_row(row: Row) -> Row:
    """Return a row with plain Python values only."""
    return tuple(str(value) if isinstance(value, np.str_) else value for value in row)


def write_postgres(world: World, url: str) -> dict[str, int]:
    """Write the shop into an empty PostgreSQL schema. Raise UserError or MachineError."""
    import psycopg2
    from psycopg2.extras import execute_batch

    statements = read_statements()
    try:
        connection = psycopg2.connect(url, connect_timeout=10)
    except (psycopg2.OperationalError, psycopg2.ProgrammingError) as error:
        reason = str(error).strip().splitlines()[0]
        raise MachineError(
            f"cannot reach the shop's PostgreSQL: {reason}",
            hint="check --shop-database-url and that the server is running",
        ) from None
    counts: dict[str, int] = {}
    try:
        with connection, connection.cursor() as cursor:
            for table in TABLES:
                # SQLite has no zones; PostgreSQL would take the server's without them
                cursor.execute(
                    statements[f"create_{table}"].replace(" TIMESTAMP ", " TIMESTAMPTZ ")
                )
                rows = list(ROWS[table](world))
                execute_batch(
                    cursor, statements[f"insert_{table}"].replace("?", "%s"), rows, page_size=500
                )
                counts[table] = len(rows)
    except psycopg2.errors.DuplicateTable:
        raise UserError(
            "the database given by --shop-database-url already holds a shop",
            hint="give an empty database or schema",
        ) from None
    except psycopg2.Error as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise MachineError(
            f"cannot write the shop into PostgreSQL: {reason}",
            hint="the user needs the right to create tables",
        ) from None
    finally:
        connection.close()
    return counts

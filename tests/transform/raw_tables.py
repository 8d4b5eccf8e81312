# ruff: noqa: RUF005
"""The raw tables that the project reads, as ingestion declares them, with a small random content.

Only for tests of the project; the real tables come from the ingestion.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from marketing_analytics.ingest.engine.persons import Key, replaced
from marketing_analytics.ingest.engine.tables import ARROW_TYPES, Table
from marketing_analytics.ingest.platforms import load_source, source_names
from marketing_analytics.ingest.raw import journal
from marketing_analytics.ingest.raw.declared import SQL_TYPES

# every raw table as its source declares it
TABLES: dict[str, Table] = {
    f"{source}.{table.name}": table
    for source in source_names()
    for table in load_source(source).tables
}
KEY = Key(1, b"key of the tests")

Rows = dict[str, list[tuple[Any, ...]]]
FIRST_DAY = date(2026, 8, 1)
DAYS = 100
LANDINGS: list[dict[str, str]] = [
    {},
    {"source": "google", "medium": "cpc", "campaign": "brand", "campaign_id": "g1", "gclid": "x"},
    {"gclid": "only"},
    {"gclid": "known"},
    {"source": "facebook", "medium": "paid_social", "campaign": "spring", "campaign_id": "m1"},
    {"source": "linkedin", "medium": "paid_social", "campaign_id": "l1"},
    {"source": "mailchimp", "medium": "email", "campaign": "c1"},
    {"source": "mailchimp", "medium": "email", "campaign": "s1"},
    {"source": "google", "medium": "organic"},
    {"referrer": "https://blog.example.org/post"},
]
REGIONS = ("Bavaria", "Berlin", "Hamburg", "Hesse", "Saxony", "Saarland", "Bremen", None)
FUNNEL = ("page_view", "view_item", "add_to_cart", "begin_checkout")


def moment(day: int, second: float = 0) -> datetime:
    """Return a time in the small world."""
    start = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC)
    return start + timedelta(days=day, seconds=second)


def usd(amount: Decimal, rate: Decimal) -> Decimal:
    """Return an amount in dollars, half up, as the project must do it."""
    return (amount * rate).quantize(Decimal("0.01"), ROUND_HALF_UP)


def small_world(seed: int, customers: int = 60) -> Rows:
    """Return rows by table: the ad platforms, mail, visits, orders, bots and opt-outs."""
    rng = random.Random(seed)
    rows: Rows = {name: [] for name in TABLES}
    add_catalog(rows)
    add_days(rows, rng)
    add_mail(rows, rng, customers)
    add_other_mail(rows, customers)
    for number in range(customers):
        add_customer(rows, rng, number)
    add_strangers(rows, rng)
    return rows


def add_catalog(rows: Rows) -> None:
    """Add accounts, campaigns and ads; campaign m3, g3 and l3 never spend."""
    at = moment(0)
    rows["meta_ads.accounts"] += [("10", "US", "USD", "America/New_York", 1)]
    rows["meta_ads.accounts"] += [("11", "EU", "EUR", "Europe/Berlin", 1)]
    rows["google_ads.customers"] += [("20", "EU", "EUR", "Europe/Berlin", False, "ENABLED")]
    rows["google_ads.customers"] += [("29", "All", "USD", "UTC", True, "ENABLED")]
    rows["linkedin_ads.accounts"] += [
        ("30", "EU", "EUR", "UTC", "ACTIVE", "BUSINESS", False, at, at)
    ]
    rows["linkedin_ads.campaign_groups"] += [("lg", "30", "Default", "ACTIVE", None, at, at)]
    for number, account in (("1", "10"), ("2", "11"), ("3", "11")):
        campaign, ad_set, ad = f"m{number}", f"ms{number}", f"ma{number}"
        rows["meta_ads.campaigns"].append(
            (campaign, account, f"Meta {number}", "ACTIVE", "SALES", Decimal("50.00"), None, at, at)
        )
        rows["meta_ads.campaign_history"].append(
            (campaign, at, account, f"Meta {number}", "ACTIVE", Decimal("50.00"), None, "EUR")
        )
        rows["meta_ads.ad_sets"].append((ad_set, campaign, account, "All", "ACTIVE", None, at))
        rows["meta_ads.ads"].append((ad, ad_set, campaign, account, None, "Ad", "ACTIVE", at))
        rows["google_ads.campaigns"].append(
            (f"g{number}", "20", f"Google {number}", "ENABLED", "SEARCH", Decimal("40.00"))
        )
        rows["google_ads.campaign_history"].append(
            (f"g{number}", at, "20", f"Google {number}", "ENABLED", Decimal("40.00"), "EUR")
        )
        rows["google_ads.ad_groups"].append((f"gg{number}", f"g{number}", "20", "All", "ENABLED"))
        rows["google_ads.ads"].append(
            (f"ga{number}", f"gg{number}", f"g{number}", "20", "Ad", "ENABLED")
        )
        rows["linkedin_ads.campaigns"].append(
            (f"l{number}", "lg", "30", f"LinkedIn {number}", "ACTIVE", "WEBSITE_VISIT", "CPM")
            + (Decimal("30.00"), None, at, at)
        )
        rows["linkedin_ads.campaign_history"].append(
            (f"l{number}", at, "30", f"LinkedIn {number}", "ACTIVE", Decimal("30.00"), None, "USD")
        )
        rows["linkedin_ads.creatives"].append(
            (f"la{number}", f"l{number}", "30", "Ad", "ACTIVE", True, None, at, at)
        )
    rows["google_ads.clicks"].append(
        ("20", FIRST_DAY, "known", "g2", "gg2", "ga2")
        + ("lamp", "EXACT", "MOBILE", "SEARCH", "2276", "Europe/Berlin")
    )
    for month in ("2026-08", "2026-09", "2026-10", "2026-11"):
        rows["shop.targets"].append((month, "revenue_usd", Decimal(9000)))
        rows["shop.targets"].append((month, "roas", Decimal("2.5")))
        rows["shop.targets"].append((month, "spend_usd", Decimal(4000)))
        rows["shop.budgets"].append((month, "meta_ads", "", "USD", 200000))
        rows["shop.budgets"].append((month, "google_ads", "", "EUR", 100000))
        rows["shop.budgets"].append((month, "linkedin_ads", "", "EUR", 300000))
        rows["shop.budgets"].append((month, "meta_ads", "m1", "USD", 100000))
    first, last = FIRST_DAY + timedelta(days=40), FIRST_DAY + timedelta(days=69)
    for region in ("Bavaria", "Berlin"):
        pause = ("prospecting", "meta_ads", "m1", "Germany", region, first, last)
        rows["shop.planned_pauses"].append(pause)
    rows["shop.planned_pauses"].append(("search", "google_ads", "g1", "", "", first, last))


def add_days(rows: Rows, rng: random.Random) -> None:
    """Add rates and ad figures of every day; an ad of Meta wears out, one of Google has gaps."""
    for day in range(DAYS + 2):
        on = FIRST_DAY + timedelta(days=day)
        rate = Decimal(10800 + rng.randint(-300, 300)) / 10000
        rows["shop.exchange_rates"] += [("EUR", on, rate), ("USD", on, Decimal(1))]
        if day >= DAYS:
            continue
        for number, account in (("1", "10"), ("2", "11")):
            spend, clicks = Decimal(rng.randint(0, 9999)) / 100, rng.randint(0, 30)
            claimed = Decimal(rng.randint(0, 3))
            rows["meta_ads.ad_insights"].append(
                (account, on, f"m{number}", f"ms{number}", f"ma{number}", None, None)
                + (
                    clicks * (80 if number == "1" and day >= DAYS // 2 else 40),
                    clicks,
                    clicks,
                    spend,
                    claimed,
                    0,
                    claimed,
                    claimed,
                    0,
                    claimed * 70,
                    clicks * 20 + 1,
                )
            )
            micros = rng.randint(0, 90_000_000)
            figures = (clicks * 20, clicks, micros, claimed / 2, claimed * 35)
            rows["google_ads.campaign_stats"].append(
                ("20", on, f"g{number}", "EUR", "Europe/Berlin", *figures, 0)
            )
            if number == "1" or day % 7:
                rows["google_ads.ad_stats"].append(
                    ("20", on, f"g{number}", f"gg{number}", f"ga{number}", None, None, *figures)
                )
            add_linkedin_day(rows, rng, on, number)


def add_linkedin_day(rows: Rows, rng: random.Random, on: date, number: str) -> None:
    """Add a day of one campaign and of its creative; LinkedIn's costs have many decimals."""
    clicks, cost = rng.randint(0, 9), Decimal(rng.randint(0, 40_000_000)) / 1_000_000
    claimed = rng.randint(0, 1)
    zone = ("EUR", "UTC")
    counts = (clicks * 90, clicks, clicks, cost, cost * 1, claimed, claimed, 0)
    figures = (*counts, Decimal(claimed * 70), 0, 0, clicks, *[0] * 11)
    rows["linkedin_ads.campaign_stats"].append(("30", on, f"l{number}", *zone, *figures))
    rows["linkedin_ads.creative_stats"].append(
        ("30", on, f"l{number}", *zone, *figures, f"la{number}")
    )


def add_mail(rows: Rows, rng: random.Random, customers: int) -> None:
    """Add one campaign, one draft and a flow of two steps, with what recipients did."""
    at = moment(5)
    rows["mailchimp.campaigns"] += [
        ("c1", "regular", "sent", "L", "Hello", "News", at, moment(4), customers, "shop.example"),
        ("c2", "regular", "save", "L", "Later", "Draft", None, moment(4), 0, "shop.example"),
    ]
    rows["mailchimp.audiences"].append(("L", "All", "pub", at, customers, 0, 0, at, FIRST_DAY))
    rows["mailchimp.members"] += [
        ("L", f"md5-{number}", f"C{number}@Example.com", "subscribed", "html", "Form", "", False)
        + (2, Decimal("0.25"), Decimal("0.1"), at, at, at, None, "[]", FIRST_DAY - timedelta(day))
        for number, day in ((0, 0), (1, 0), (2, 1))
    ]
    rows["mailchimp.automations"].append(("f1", "Welcome", "sending", "L", at, at, customers))
    for position, step in ((1, "s1"), (2, "s2")):
        rows["mailchimp.automation_emails"].append(
            (step, "f1", position, f"Step {position}", "Hi", "sending", position, "day", customers)
            + ("shop.example",)
        )
    for mail in ("c1", "s1", "s2"):
        sent = [n for n in range(customers) if mail != "s2" or n % 3]
        counts = [add_recipient(rows, rng, mail, number) for number in sent]
        totals = [sum(column) for column in zip(*counts, strict=True)]
        bounces, opens, machine, openers, clicks, clickers, left = totals
        rows["mailchimp.reports"].append(
            (mail, date(2026, 11, 8), len(sent), bounces, 0, opens + machine, openers, opens)
            + (openers, clicks, clickers, left, 0)
        )


def add_other_mail(rows: Rows, customers: int) -> None:
    """Add one campaign and a flow of Klaviyo, messages of SendGrid and an e-mail of HubSpot."""
    at = moment(9)
    rows["klaviyo.metrics"] += [
        (name, name, "Klaviyo", "Internal", at, at)
        for name in ("Received Email", "Bounced Email", "Opened Email", "Clicked Email")
    ]
    rows["klaviyo.campaigns"].append(
        ("kc", "email", "Klaviyo news", "Sent", False, at, at, at, moment(10))
    )
    rows["klaviyo.campaign_messages"].append(
        ("km", "kc", "email", "Klaviyo news", "Hi", at, at, "shop.example")
    )
    rows["klaviyo.flows"].append(("kf", "Klaviyo welcome", "live", False, "Metric", at, at))
    for message in ("k1", "k2"):
        rows["klaviyo.flow_actions"].append(
            (f"a{message}", "kf", "send-email", "live", message, message, "Hi", at, at)
            + ("shop.example",)
        )
    rows["hubspot.emails"].append(
        ("h1", "HubSpot news", "Hi", "BATCH_EMAIL", "PUBLISHED", None, True, at, at, at, False)
        + ("shop.example",)
    )
    rows["hubspot.email_statistics"].append(
        ("h1", date(2026, 11, 8), 20, 18, 9, 4, 0, 1, 1, 0, 1, 1)
    )
    for number in range(0, customers, 2):
        add_messages(rows, number)


def add_messages(rows: Rows, number: int) -> None:
    """Add what one recipient got from Klaviyo and SendGrid: every fourth has a scanner."""
    address, profile = f"C{number}@Example.com", f"kp{number}"
    stamps = (moment(0), moment(0), moment(0))
    rows["klaviyo.profiles"].append(
        (profile, address, None, None, None, None, "Germany", None, None, None, None, True)
        + (None, None, *stamps)
    )
    for message, flow, day in (("km", None, 10), ("k1", "kf", 11), ("k2", "kf", 14)):
        acts = [("Received Email", 0, None, None), ("Opened Email", 60, None, number % 3 == 0)]
        if number % 4 == 0:
            acts += [("Clicked Email", 20 + link, f"https://{link}", None) for link in range(3)]
        if number % 10 == 6:
            acts = [("Bounced Email", 0, None, None)]
        for place, (metric, second, url, is_machine) in enumerate(acts):
            when = moment(day, second + number)
            rows["klaviyo.events"].append(
                (f"{message}-{number}-{place}", when, when.date(), metric, profile, message, flow)
                + (None, None, None, url, is_machine)
                + ("Hard" if metric == "Bounced Email" else None,)
            )
    for place, event in enumerate(("processed", "delivered", "open", "click", "spamreport")):
        if place < 2 + number % 8 // 2:
            rows["sendgrid.events"].append(
                (f"sg-{number}-{place}", f"sg-{number}", event, moment(20, number + 90 * place))
                + (address, '["shipping", "transactional"]', event == "open" and number % 6 == 0)
                + ("https://0" if event == "click" else None, *[None] * 12)
            )


def add_recipient(rows: Rows, rng: random.Random, mail: str, number: int) -> tuple[int, ...]:
    """Add one recipient; return what the report counts of it."""
    address = f"C{number}@Example.com"
    recipient = (mail, f"md5-{number}", address)
    if rng.random() < 0.05:
        rows["mailchimp.sent_to"].append((*recipient, "hard", 0, None))
        return (1, 0, 0, 0, 0, 0, 0)
    kinds = [
        kind
        for kind, share in (("", 0.4), ("", 0.2), ("proxy", 0.3), ("click", 0.2))
        if rng.random() < share
    ]
    for index, kind in enumerate(sorted(kinds, key="proxy".__ne__)):
        action = "click" if kind == "click" else "open"
        # a proxy is there at once, people a day later
        at = moment(5, 90) if kind == "proxy" else moment(6, index)
        rows["mailchimp.email_activity"].append(
            (*recipient, action, "", at, "https://shop.example/", index)
        )
    opens, clicks = kinds.count(""), kinds.count("click")
    left = int(rng.random() < 0.04)
    if left:
        rows["mailchimp.unsubscribes"].append((*recipient, moment(7), "NORMAL"))
    rows["mailchimp.sent_to"].append((*recipient, "sent", opens, None))
    return (0, opens, kinds.count("proxy"), int(opens > 0), clicks, int(clicks > 0), left)


def add_customer(rows: Rows, rng: random.Random, number: int) -> None:
    """Add a customer with visits on two devices, orders and perhaps a refund or an opt-out."""
    customer = f"cust-{number}"
    at = moment(0, number)
    rows["shop.customers"].append((customer, f"c{number}@example.com", "Germany", at, at))
    for purpose in ("analytics", "marketing"):
        rows["shop.consents"].append(
            (f"yes-{number}-{purpose}", customer, purpose, 1, at, "signup")
        )
    if number % 10 == 3:
        rows["shop.consents"].append(
            (f"no-{number}", customer, "analytics", 0, moment(50), "settings")
        )
    for visit in range(rng.randint(0, 9)):
        device = f"dev-{number}-{rng.randint(0, 1)}"
        user = customer if rng.random() < 0.4 else None
        add_visit(rows, rng, device, user, visit, moment(rng.uniform(0, DAYS - 1)), order=None)
    for index, day in enumerate(sorted(rng.uniform(0, DAYS - 1) for _ in range(number % 4))):
        add_order(rows, rng, customer, number, index, moment(day))


def add_order(
    rows: Rows, rng: random.Random, customer: str, number: int, index: int, at: datetime
) -> None:
    """Add an order, nine in ten of them seen by the web analytics."""
    order, currency = f"o-{number}-{index}", rng.choice(["USD", "EUR"])
    cents = rng.choice([1, 2, 101, rng.randint(500, 30000)])
    rows["shop.orders"].append(
        (order, customer, at, at.date(), currency, cents, int(index == 0), at)
    )
    if rng.random() < 0.2:
        back = at + timedelta(hours=12)
        part = cents if rng.random() < 0.5 else cents // 2
        rows["shop.refunds"].append((f"r-{order}", order, back, currency, part, back))
    if rng.random() < 0.9:
        began = at - timedelta(seconds=rng.randint(5, 900))
        add_visit(rows, rng, f"dev-{number}-0", None, 20 + index, began, order=(order, at))


def add_visit(
    rows: Rows,
    rng: random.Random,
    device: str,
    user: str | None,
    visit: int,
    began: datetime,
    *,
    order: tuple[str, datetime] | None,
    browser: str = "Chrome",
) -> None:
    """Add the events of one session."""
    landing = rng.choice(LANDINGS)
    region = REGIONS[began.toordinal() % len(REGIONS)]
    steps = [(name, began + timedelta(milliseconds=n)) for n, name in enumerate(FUNNEL)]
    steps = steps if order else steps[: rng.randint(1, 4)]
    if order:
        steps += [("purchase", order[1]), ("purchase", order[1])]  # sent twice
    for position, (name, at) in enumerate(steps):
        stamp = int(at.timestamp() * 1_000_000)
        arrived = landing if position == 0 else {}
        rows["ga4.events"].append(
            (at.date(), at, stamp, name, position, device, user, visit, visit)
            + ("https://shop.example/p", arrived.get("referrer", "https://shop.example/"))
            + tuple(
                arrived.get(k) for k in ("source", "medium", "campaign", "campaign_id", "gclid")
            )
            + (order[0] if order and name == "purchase" else None, None, None)
            + (0 if browser != "Chrome" else 900, "1", "desktop", browser, "Germany", region)
            + ("Yes", "No")
        )
        if name == "purchase":
            rows["ga4.event_items"].append(
                (at.date(), stamp, position, device, 0, "LAMP-1", "Lamp", "(not set)")
                + ("", None, None, None, None, 20, None, 1, 20, None)
            )
    if user:
        rows["ga4.user_properties"].append(
            (began.date(), device, "home_country", "Germany", None, None, began)
        )


def add_strangers(rows: Rows, rng: random.Random) -> None:
    """Add visitors who never log in, two bots, and events without a device."""
    for number in range(25):
        add_visit(rows, rng, f"anon-{number}", None, 1, moment(rng.uniform(0, 90)), order=None)
    for visit in range(30):
        add_visit(
            rows, rng, "bot-1", None, visit, moment(3, visit), order=None, browser="HeadlessChrome"
        )
    for visit in range(260):
        add_visit(rows, rng, "bot-2", None, visit, moment(4, visit), order=None, browser="Firefox")
    nobody = list(rows["ga4.events"][0])
    nobody[5] = nobody[7] = None
    nobody[4] = 99
    nobody[-2] = "No"
    rows["ga4.events"].append(tuple(nobody))
    add_reports(rows)


def add_reports(rows: Rows) -> None:
    """Add a day of the GA4 Data API, with a row (other)."""
    exact = (False, False, False, False)
    day = FIRST_DAY + timedelta(days=1)
    for source, medium, flags in (
        ("google", "organic", exact),
        ("(direct)", "(none)", exact),
        ("(other)", "(other)", (False, False, True, True)),
    ):
        rows["ga4_reports.traffic"].append(
            ("4242", day, source, medium, "(not set)", "Unassigned", "USD", "Etc/UTC")
            + (7, 5, 6, 1, 20, *flags)
        )
    rows["ga4_reports.pages"].append(("4242", day, "/", "USD", "Etc/UTC", 9, 6, 100, *exact))


def write_raw(path: Path, rows: Rows, loaded_at: datetime | None = None) -> None:
    """Write the rows as a DuckDB file in the shape the ingestion leaves."""
    stamp = loaded_at or datetime.now(UTC)
    connection = duckdb.connect(str(path))
    connection.execute("set timezone = 'UTC'")
    for schema in {name.split(".")[0] for name in TABLES}:
        connection.execute(f"create schema {schema}")
    for name, table in TABLES.items():
        columns = ", ".join(f"{n} {SQL_TYPES[k]}" for n, k in table.stored.columns.items())
        connection.execute(f"create table {name} ({columns}, _loaded_at timestamptz)")
        if rows[name]:
            connection.register("arrived", as_stored(table, rows[name], stamp))
            connection.execute(f"insert into {name} select * from arrived")
            connection.unregister("arrived")
    journal.create(connection)
    for source in source_names():
        load = ["load", source, "ok", stamp, stamp, 1, 0, 1, 1, None, stamp]
        journal.insert(connection, "loads", journal.LOADS, [load])
        read = [source, "", "", "", None, None, None, stamp, stamp]
        journal.insert(connection, "freshness", journal.FRESHNESS, [read])
    connection.close()


def as_stored(table: Table, rows: list[tuple[Any, ...]], stamp: datetime) -> pa.Table:
    """Return rows as an Arrow table, with pseudonyms in place of persons."""
    columns = [
        pa.array([as_number(value, kind) for value in values], ARROW_TYPES[kind])
        for values, kind in zip(zip(*rows, strict=True), table.columns.values(), strict=True)
    ]
    given = pa.table(columns, names=list(table.columns))
    stored = replaced(table, given, KEY)[0] if table.personal else given
    return stored.append_column("_loaded_at", pa.array([stamp] * len(rows)))


def as_number(value: Any, kind: str) -> Any:
    """Return whole numbers in columns of decimals as decimals."""
    is_whole = isinstance(value, int) and kind in {"money", "rate", "fraction"}
    return Decimal(value) if is_whole else value

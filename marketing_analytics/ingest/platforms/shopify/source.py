"""Shopify, by its Admin REST API: orders with refunds and discount codes, and customers.

For a team without access to a shop's database. Orders are read by UTC days of creation: the last
ones always, and every day of which an order changed since. Customers are read as a whole, so that
those who were deleted disappear here too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

from marketing_analytics.core.errors import AuthError
from marketing_analytics.ingest.engine.answers import as_account
from marketing_analytics.ingest.engine.chunks import Chunks
from marketing_analytics.ingest.engine.governor import BrokenAnswerError, Governor
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.reading import Reader, Task
from marketing_analytics.ingest.engine.source import Source
from marketing_analytics.ingest.engine.tables import pluck
from marketing_analytics.ingest.engine.windows import Window, windows_of
from marketing_analytics.ingest.platforms.shopify.access import base_url_of, connect, oauth_url
from marketing_analytics.ingest.platforms.shopify.tables import (
    CUSTOMER_PATHS,
    CUSTOMERS,
    ORDER_FIELDS,
    SHOP_PATHS,
    SHOPS,
    TABLES,
    order_pieces,
    utc_day,
)

PAGE_ROWS = 250
ROWS_AT_ONCE = 10_000
WINDOW_DAYS = 30
# read again for what no list of changes tells: deleted orders
RECENT_DAYS = 30
# without the scope of all orders, older ones are not shown
VISIBLE_DAYS = 60
ALL_ORDERS = "read_all_orders"
NEEDED_SCOPES = ("read_orders", "read_customers")
# changes are asked for from a little before the last look: clocks differ
OVERLAP = timedelta(minutes=10)
LOOKED_AT = "orders_looked_at"


@dataclass(frozen=True)
class Shop:
    """One shop and the way to it."""

    shop_id: str
    governor: Governor
    base_url: str

    def listed(self, name: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Yield the records of a list."""
        # dlt is slow to import, and is here only for the reading
        from marketing_analytics.ingest.platforms.shopify.lists import read_list

        endpoint = {
            "path": f"{name}.json",
            "params": {"limit": PAGE_ROWS, **parameters},
            "data_selector": name,
            "paginator": "header_link",
        }
        return read_list(self.governor, self.base_url, endpoint)


def collect(job: Job) -> None:
    """Read the shop, its orders and its customers."""
    base_url = base_url_of(job.settings)
    governor = connect(job, base_url)
    try:
        shop = Shop(read_shop(job, governor), governor, base_url)
        first = first_day(job, shop)
        read_orders(job, shop, first)
        if job.backfill:
            return
        job.plan(1)
        job.each([shop], lambda shop: read_customers(job, shop))
    finally:
        governor.close()


def check(job: Job) -> list[tuple[str, str]]:
    """Return the shop; the scopes of the app are looked at."""
    base_url = base_url_of(job.settings)
    with closing(connect(job, base_url)) as governor:
        shop = Shop(read_shop(job, governor), governor, base_url)
        first = first_day(job, shop)
    return [(shop.shop_id, f"orders from {first} on")]


def read_shop(job: Job, governor: Governor) -> str:
    """Keep what the shop says of itself; return its id."""
    shop = governor.get("shop.json").get("shop")
    if not isinstance(shop, dict) or not shop.get("id"):
        raise BrokenAnswerError("the answer to shop.json describes no shop")
    account = as_account(shop, "id", "currency", "iana_timezone")
    job.add(SHOPS, pluck([shop], SHOP_PATHS), raw=[shop])
    return account.account_id


def first_day(job: Job, shop: Shop) -> date:
    """Return the first day of which orders are shown; raise AuthError without the scopes."""
    listed = shop.governor.get(oauth_url(shop.base_url, "access_scopes.json"))
    granted = listed.get("access_scopes")
    if not isinstance(granted, list):
        raise BrokenAnswerError("the answer to access_scopes.json has no list of scopes")
    names = {scope.get("handle") for scope in granted if isinstance(scope, dict)}
    if absent := [name for name in NEEDED_SCOPES if name not in names]:
        raise AuthError(
            f"the app lacks the scopes {', '.join(absent)}",
            hint="add them to the app and install it again",
        )
    visible = job.now.astimezone(UTC).date() - timedelta(days=VISIBLE_DAYS - 1)
    if ALL_ORDERS in names or job.since >= visible:
        return job.since
    job.notes.put(f"shopify: orders before {visible} need the scope {ALL_ORDERS}")
    return visible


def read_orders(job: Job, shop: Shop, first: date) -> None:
    """Read the days that are new, recent or changed."""
    now = job.now.astimezone(UTC)
    wanted = Window(first, now.date())
    looked_at = job.state.get(LOOKED_AT)
    if looked_at and not job.is_reread:
        job.forget("orders", shop.shop_id, changed_days(shop, looked_at))
    days = job.coverage("orders", shop.shop_id).days_to_read(wanted, RECENT_DAYS)
    tasks = [Task(shop.shop_id, "orders", window) for window in windows_of(days, WINDOW_DAYS)]
    Reader(job, lambda task: read_window(job, shop, task.window, now.date())).read_all(tasks)
    # what changed before is known as days to read, also where the reading failed
    job.state[LOOKED_AT] = now.isoformat()


def changed_days(shop: Shop, looked_at: str) -> set[date]:
    """Return the days of creation of the orders that changed since."""
    since = datetime.fromisoformat(looked_at) - OVERLAP
    changed = shop.listed(
        "orders", status="any", updated_at_min=since.isoformat(), fields="id,created_at"
    )
    days = {utc_day(order.get("created_at")) for order in changed}
    return {day for day in days if day}


def read_window(job: Job, shop: Shop, window: Window, today: date) -> None:
    """Keep all orders that were created in a window of UTC days."""
    last = datetime.combine(window.end, datetime.max.time(), UTC).replace(microsecond=0)
    orders = shop.listed(
        "orders",
        status="any",
        created_at_min=f"{window.start}T00:00:00+00:00",
        created_at_max=last.isoformat(),
        fields=ORDER_FIELDS,
    )
    job.keep(
        order_pieces(list(orders), window.days()),
        lambda: job.mark("orders", shop.shop_id, window, today),
    )


def read_customers(job: Job, shop: Shop) -> None:
    """Keep all customers of the shop."""
    chunks = Chunks(CUSTOMERS, job.scratch)
    customers = shop.listed("customers")
    while rows := list(islice(customers, ROWS_AT_ONCE)):
        chunks.add(pluck(rows, CUSTOMER_PATHS))
    job.keep_whole([chunks])
    job.done()


SOURCE = Source(
    tables=TABLES,
    settings=("SHOPIFY_SHOP", "SHOPIFY_SECRET"),
    collect=collect,
    restates="recent days, days of changed orders, all customers",
    has_days=True,
    # the year in which Shopify began
    oldest_day=date(2006, 1, 1),
    address=base_url_of,
    check=check,
    optional_settings=("SHOPIFY_CLIENT_ID", "SHOPIFY_BASE_URL"),
    modules=("marketing_analytics.ingest.platforms.shopify.lists",),
)

"""The world's shop as Shopify would show it at a moment.

The shop sells in dollars; who pays in euros sees and pays euros, at the rate of the day. What a
visit landed on follows from the world's sessions. The world has no products: orders have no lines.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from operator import itemgetter
from typing import Any

from marketing_analytics.core.errors import UserError
from marketing_analytics.simulate.emulation.world_files import REBUILD, WorldFiles

SHOP_CURRENCY = "USD"
CENT = Decimal("0.01")
# ids are numbers, each kind in a range of its own
ORDER_IDS, CUSTOMER_IDS = 5_500_000_000_000, 7_700_000_000_000
REFUND_IDS, TRANSACTION_IDS = 930_000_000_000, 6_600_000_000_000
COUNTRY_CODES = {
    "Canada": "CA",
    "France": "FR",
    "Germany": "DE",
    "Italy": "IT",
    "Netherlands": "NL",
    "Spain": "ES",
    "United States": "US",
}
# where a visit came from, by its source; ads and mails come with tags instead
REFERRERS = {
    "organic_search": "https://www.google.com/",
    "organic_social": "https://www.instagram.com/",
    "referral": "https://blog.example.org/",
}
Row = dict[str, Any]


class ShopRecords:
    """Orders and customers of one world, as JSON objects."""

    def __init__(self, world: WorldFiles) -> None:
        self.seed = world.seed
        path = world.folder / "shop.sqlite"
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as shop:
                shop.row_factory = sqlite3.Row
                self.customer_rows = rows_of(shop, "select * from customers order by customer_id")
                self.order_rows = rows_of(shop, "select * from orders order by order_id")
                refunds = rows_of(shop, "select * from refunds order by refund_id")
                consents = rows_of(
                    shop, "select * from consents where purpose = 'marketing' order by changed_at"
                )
                rates = rows_of(shop, "select * from exchange_rates order by rate_date")
        except sqlite3.Error as error:
            raise UserError(
                f"the world in {world.folder} is damaged: shop.sqlite: {error}",
                hint=f"{REBUILD} {world.folder}",
            ) from None
        self.refunds = grouped(refunds, "order_id")
        self.consents = grouped(consents, "customer_id")
        self.orders_of = grouped(self.order_rows, "customer_id")
        self.rates: dict[str, list[tuple[str, Decimal]]] = defaultdict(list)
        for row in rates:
            self.rates[row["currency"]].append((row["rate_date"], Decimal(row["usd_per_unit"])))
        sessions = world.table("sessions").select(["order_id", "source", "campaign_id"])
        self.visits = {row["order_id"]: row for row in sessions.to_pylist() if row["order_id"]}

    def shop(self) -> Row:
        """Return what the shop says of itself."""
        return {
            "id": 60_000_000_000 + self.seed,
            "name": "World Shop",
            "email": "owner@world-shop.example",
            "domain": "world-shop.example",
            "myshopify_domain": "world-shop.myshopify.com",
            "country": "US",
            "country_code": "US",
            "currency": SHOP_CURRENCY,
            "enabled_presentment_currencies": ["EUR", "USD"],
            "iana_timezone": "Etc/UTC",
            "timezone": "(GMT+00:00) Etc/UTC",
            "plan_name": "shopify_plus",
            "money_format": "${{amount}}",
        }

    def orders(self, now_us: int) -> list[Row]:
        """Return the orders that were placed until a moment."""
        now = iso(now_us)
        return [self.order(row, now) for row in self.order_rows if row["ordered_at"] <= now]

    def order(self, row: Row, now: str) -> Row:
        """Return an order as it stands at a moment."""
        refunds = [r for r in self.refunds[row["order_id"]] if r["refunded_at"] <= now]
        returned = sum(refund["amount_cents"] for refund in refunds)
        total = amount(row["total_cents"])
        in_shop = self.in_dollars(row["total_cents"], row["currency"], row["order_date"])
        order_id = ORDER_IDS + number(row["order_id"])
        return {
            "id": order_id,
            "admin_graphql_api_id": f"gid://shopify/Order/{order_id}",
            "name": row["order_id"],
            "order_number": 1000 + number(row["order_id"]),
            "created_at": row["ordered_at"],
            "processed_at": row["ordered_at"],
            "updated_at": max([row["ordered_at"], *(r["refunded_at"] for r in refunds)]),
            "closed_at": None,
            "cancelled_at": None,
            "cancel_reason": None,
            "confirmed": True,
            "test": False,
            "email": row["email"],
            "currency": SHOP_CURRENCY,
            "presentment_currency": row["currency"],
            "total_price": in_shop,
            "total_price_set": money_set(in_shop, total, row["currency"]),
            "subtotal_price": in_shop,
            "total_line_items_price": in_shop,
            "total_discounts": "0.00",
            "total_tax": "0.00",
            "total_shipping_price_set": money_set("0.00", "0.00", row["currency"]),
            "taxes_included": False,
            "financial_status": status_of(row["total_cents"], returned),
            "fulfillment_status": None,
            "source_name": "web",
            "discount_codes": [],
            "discount_applications": [],
            "line_items": [],
            "tags": "",
            "note": None,
            **self.landing(row["order_id"]),
            "customer": buyer_of(row),
            "refunds": [refund_of(refund, order_id) for refund in refunds],
        }

    def in_dollars(self, cents: int, currency: str, day: str) -> str:
        """Return an amount in the shop's currency, at the last rate that a day knows."""
        rates = self.rates[currency]
        _, rate = rates[bisect_right(rates, day, key=itemgetter(0)) - 1]
        usd = Decimal(cents) / 100 * rate
        return str(usd.quantize(CENT, ROUND_HALF_UP))

    def landing(self, order_id: str) -> Row:
        """Return where the visit of an order came from and landed."""
        visit = self.visits.get(order_id, {"source": "direct", "campaign_id": None})
        source, campaign = visit["source"], visit["campaign_id"]
        tags = ""
        if source == "email":
            tags = "?utm_source=mailchimp&utm_medium=email"
        elif campaign:
            tags = f"?utm_source={source}&utm_medium=cpc&utm_campaign={campaign}"
        return {"landing_site": f"/{tags}", "referring_site": REFERRERS.get(source)}

    def customers(self, now_us: int) -> list[Row]:
        """Return the customers who existed at a moment."""
        now = iso(now_us)
        return [self.customer(row, now) for row in self.customer_rows if row["created_at"] <= now]

    def customer(self, row: Row, now: str) -> Row:
        """Return a customer as known at a moment."""
        customer_id = CUSTOMER_IDS + number(row["customer_id"])
        orders = [o for o in self.orders_of[row["customer_id"]] if o["ordered_at"] <= now]
        spent = sum(
            Decimal(self.in_dollars(o["total_cents"], o["currency"], o["order_date"]))
            for o in orders
        )
        said = [c for c in self.consents[row["customer_id"]] if c["changed_at"] <= now]
        first, _, last = row["email"].partition("@")[0].rstrip("0123456789").partition(".")
        return {
            "id": customer_id,
            "admin_graphql_api_id": f"gid://shopify/Customer/{customer_id}",
            "email": row["email"],
            "first_name": first.title(),
            "last_name": last.title(),
            "phone": None,
            "state": "enabled",
            "verified_email": True,
            "orders_count": len(orders),
            "total_spent": str(spent or CENT * 0),
            "currency": SHOP_CURRENCY,
            "tags": "",
            "default_address": {
                "country": row["country"],
                "country_code": COUNTRY_CODES.get(row["country"]),
            },
            "email_marketing_consent": marketing(said),
            "created_at": row["created_at"],
            "updated_at": row["updated_at"] if row["updated_at"] <= now else row["created_at"],
        }


def buyer_of(row: Row) -> Row | None:
    """Return the customer of an order, null for a guest."""
    if row["customer_id"] is None:
        return None
    return {"id": CUSTOMER_IDS + number(row["customer_id"]), "email": row["email"]}


def marketing(said: list[Row]) -> Row:
    """Return the state of consent after all that a customer said."""
    if not said:
        return {"state": "not_subscribed", "consent_updated_at": None}
    is_granted = bool(said[-1]["is_granted"])
    ever = any(consent["is_granted"] for consent in said)
    state = "subscribed" if is_granted else ("unsubscribed" if ever else "not_subscribed")
    return {
        "state": state,
        "opt_in_level": "single_opt_in",
        "consent_updated_at": said[-1]["changed_at"],
    }


def refund_of(row: Row, order_id: int) -> Row:
    """Return a refund with its one transaction, in the currency the customer paid in."""
    refund_id = REFUND_IDS + number(row["refund_id"])
    return {
        "id": refund_id,
        "order_id": order_id,
        "created_at": row["refunded_at"],
        "processed_at": row["refunded_at"],
        "note": None,
        "restock": False,
        "refund_line_items": [],
        "order_adjustments": [],
        "transactions": [
            {
                "id": TRANSACTION_IDS + number(row["refund_id"]),
                "order_id": order_id,
                "kind": "refund",
                "status": "success",
                "gateway": "shopify_payments",
                "amount": amount(row["amount_cents"]),
                "currency": row["currency"],
                "created_at": row["refunded_at"],
                "processed_at": row["refunded_at"],
            }
        ],
    }


def rows_of(shop: sqlite3.Connection, query: str) -> list[Row]:
    """Return the rows of a query as dictionaries."""
    return [dict(row) for row in shop.execute(query)]


def grouped(rows: list[Row], key: str) -> defaultdict[str, list[Row]]:
    """Return rows by a key; nothing for one without rows."""
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[key]].append(row)
    return found


def number(name: str) -> int:
    """Return the number in one of the world's ids, like O0000012."""
    return int(name[1:])


def amount(cents: int) -> str:
    """Return cents as Shopify writes money."""
    return str((Decimal(cents) / 100).quantize(CENT))


def money_set(in_shop: str, paid: str, currency: str) -> Row:
    """Return an amount in the shop's currency and in that of the customer."""
    return {
        "shop_money": {"amount": in_shop, "currency_code": SHOP_CURRENCY},
        "presentment_money": {"amount": paid, "currency_code": currency},
    }


def status_of(total_cents: int, returned_cents: int) -> str:
    """Return the financial status of an order."""
    if not returned_cents:
        return "paid"
    return "refunded" if returned_cents >= total_cents else "partially_refunded"


def iso(now_us: int) -> str:
    """Return a moment as the shop writes it; such texts sort by time."""
    return datetime.fromtimestamp(now_us // 1_000_000, UTC).isoformat()

"""Shopify's raw tables, and how orders and customers become their columns.

Amounts are those of the shop's currency; `presentment_` is what the customer saw and paid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from marketing_analytics.ingest.engine.job import Piece
from marketing_analytics.ingest.engine.tables import Table, pluck

Row = Mapping[str, Any]

SHOPS = Table(
    "shops",
    {
        "shop_id": "text",
        "shop_name": "text",
        "domain": "text",
        "currency": "text",
        "time_zone": "text",
        "country_code": "text",
    },
    key=("shop_id",),
    mode="replace",
)
ORDERS = Table(
    "orders",
    {
        "order_id": "text",
        "order_name": "text",
        "customer_id": "text",
        # the UTC day of creation: a shop may change its time zone, and the parts must not move
        "created_date": "date",
        "order_date": "date",
        "created_at": "time",
        "processed_at": "time",
        "updated_at": "time",
        "cancelled_at": "time",
        "financial_status": "text",
        "source_name": "text",
        "is_test": "flag",
        "currency": "text",
        "total_price": "fraction",
        "subtotal_price": "fraction",
        "total_discounts": "fraction",
        "total_tax": "fraction",
        "total_shipping": "fraction",
        "presentment_currency": "text",
        "presentment_total_price": "fraction",
        "landing_site": "text",
        "referring_site": "text",
    },
    key=("order_id",),
    mode="parts",
    part_by=("created_date",),
    required=("order_date", "total_price", "presentment_total_price"),
    personal={"customer_id": "customer"},
    links={"order_id": "shopify order"},
)
REFUNDS = Table(
    "refunds",
    {
        "refund_id": "text",
        "order_id": "text",
        "created_date": "date",
        "created_at": "time",
        "refund_date": "date",
        "currency": "text",
        "amount": "fraction",
    },
    key=("refund_id",),
    mode="parts",
    part_by=("created_date",),
    required=("refund_date", "amount"),
    links={"order_id": "shopify order"},
)
DISCOUNTS = Table(
    "discount_codes",
    {
        "order_id": "text",
        "position": "count",
        "created_date": "date",
        "code": "text",
        "type": "text",
        "amount": "fraction",
    },
    key=("order_id", "position"),
    mode="parts",
    part_by=("created_date",),
    links={"order_id": "shopify order"},
)
CUSTOMERS = Table(
    "customers",
    {
        "customer_id": "text",
        "email": "text",
        "first_name": "text",
        "last_name": "text",
        "phone": "text",
        "country": "text",
        "country_code": "text",
        "state": "text",
        "orders_count": "count",
        "total_spent": "fraction",
        "marketing_state": "text",
        "marketing_changed_at": "time",
        "created_at": "time",
        "updated_at": "time",
    },
    key=("customer_id",),
    mode="replace",
    personal={
        "customer_id": "customer",
        "email": "email",
        "first_name": "name",
        "last_name": "name",
        "phone": "phone",
    },
)
TABLES = (SHOPS, ORDERS, REFUNDS, DISCOUNTS, CUSTOMERS)

SHOP_PATHS = {
    "shop_id": "id",
    "shop_name": "name",
    "domain": "myshopify_domain",
    "currency": "currency",
    "time_zone": "iana_timezone",
    "country_code": "country_code",
}
ORDER_PATHS = {
    "order_id": "id",
    "order_name": "name",
    "customer_id": "customer.id",
    "created_at": "created_at",
    "processed_at": "processed_at",
    "updated_at": "updated_at",
    "cancelled_at": "cancelled_at",
    "financial_status": "financial_status",
    "source_name": "source_name",
    "is_test": "test",
    "currency": "currency",
    "total_price": "total_price",
    "subtotal_price": "subtotal_price",
    "total_discounts": "total_discounts",
    "total_tax": "total_tax",
    "total_shipping": "total_shipping_price_set.shop_money.amount",
    "presentment_currency": "total_price_set.presentment_money.currency_code",
    "presentment_total_price": "total_price_set.presentment_money.amount",
    "landing_site": "landing_site",
    "referring_site": "referring_site",
}
CUSTOMER_PATHS = {
    "customer_id": "id",
    "email": "email",
    "first_name": "first_name",
    "last_name": "last_name",
    "phone": "phone",
    "country": "default_address.country",
    "country_code": "default_address.country_code",
    "state": "state",
    "orders_count": "orders_count",
    "total_spent": "total_spent",
    "marketing_state": "email_marketing_consent.state",
    "marketing_changed_at": "email_marketing_consent.consent_updated_at",
    "created_at": "created_at",
    "updated_at": "updated_at",
}
# what an order must bring; of its customer the id is enough
ORDER_FIELDS = ",".join(
    dict.fromkeys(
        [*(path.partition(".")[0] for path in ORDER_PATHS.values()), "refunds", "discount_codes"]
    )
)


def order_pieces(orders: Sequence[dict[str, Any]], days: Sequence[date]) -> list[Piece]:
    """Return the rows of orders, refunds and discount codes of whole UTC days of creation."""
    parts = tuple((day,) for day in days)
    for order in orders:
        order["customer"] = {"id": (order.get("customer") or {}).get("id")}
    return [
        Piece(ORDERS, order_columns(orders), orders, parts),
        refund_piece(orders, parts),
        discount_piece(orders, parts),
    ]


def order_columns(orders: Sequence[Row]) -> dict[str, list[Any]]:
    """Return the columns of orders."""
    columns = pluck(orders, ORDER_PATHS)
    columns["created_date"] = [utc_day(order.get("created_at")) for order in orders]
    moments = zip(columns["processed_at"], columns["created_at"], strict=True)
    columns["order_date"] = [local_day(processed or created) for processed, created in moments]
    # orders of before 2018 have no sets of money
    for name, instead in (
        ("presentment_currency", "currency"),
        ("presentment_total_price", "total_price"),
    ):
        pairs = zip(columns[name], columns[instead], strict=True)
        columns[name] = [own if own is not None else other for own, other in pairs]
    return columns


def refund_piece(orders: Sequence[Row], parts: tuple[Any, ...]) -> Piece:
    """Return one row a refund, with the money that went back by it."""
    found = [(order, refund) for order in orders for refund in order.get("refunds") or []]
    refunds = [refund for _, refund in found]
    columns = pluck(refunds, {"refund_id": "id", "created_at": "created_at"})
    columns["order_id"] = [order.get("id") for order, _ in found]
    columns["created_date"] = [utc_day(order.get("created_at")) for order, _ in found]
    columns["refund_date"] = [local_day(refund.get("created_at")) for refund in refunds]
    columns["currency"] = [refund_currency(order, refund) for order, refund in found]
    columns["amount"] = [refund_amount(refund) for refund in refunds]
    # not as received: a transaction may name the holder of a card
    return Piece(REFUNDS, columns, None, parts)


def discount_piece(orders: Sequence[Row], parts: tuple[Any, ...]) -> Piece:
    """Return one row a discount code of an order."""
    found = [
        (order, position, code)
        for order in orders
        for position, code in enumerate(order.get("discount_codes") or [])
    ]
    codes = [code for _, _, code in found]
    columns = pluck(codes, {"code": "code", "type": "type", "amount": "amount"})
    columns["order_id"] = [order.get("id") for order, _, _ in found]
    columns["position"] = [position for _, position, _ in found]
    columns["created_date"] = [utc_day(order.get("created_at")) for order, _, _ in found]
    return Piece(DISCOUNTS, columns, None, parts)


def money_back(refund: Row) -> list[Row]:
    """Return the transactions of a refund that gave money back; others failed or wait."""
    return [
        transaction
        for transaction in refund.get("transactions") or []
        if transaction.get("kind") == "refund" and transaction.get("status") == "success"
    ]


def refund_amount(refund: Row) -> Any:
    """Return what went back, or the first text that is no amount."""
    amounts = [transaction.get("amount") for transaction in money_back(refund)]
    total = Decimal(0)
    for amount in amounts:
        try:
            total += Decimal(str(amount))
        except InvalidOperation:
            return str(amount)
    return str(total)


def refund_currency(order: Row, refund: Row) -> Any:
    """Return the currency of a refund's transactions: that in which the customer paid."""
    named = [transaction.get("currency") for transaction in money_back(refund)]
    return next(iter(named), order.get("presentment_currency") or order.get("currency"))


def utc_day(moment: Any) -> date | None:
    """Return the UTC day of an ISO time, None for anything else."""
    try:
        return datetime.fromisoformat(moment).astimezone(UTC).date()
    except (TypeError, ValueError):
        return None


def local_day(moment: Any) -> str | None:
    """Return the day of an ISO time in the zone it is written in: the shop's own."""
    return moment[:10] if isinstance(moment, str) else None

"""Shopify passes the source kit."""

import pytest

from tests.ingest.source_kit import ServedKit

pytestmark = pytest.mark.system


class TestShopify(ServedKit):
    name = "shopify"
    facts_path = "/orders.json"
    odd_field = "total_price"
    odd_reason = "total_price is not a fraction: 'n/a'"
    odd_value_field = "total_tax"
    odd_value_reason = ("total_tax", "total_tax is not a fraction: 'n/a', left empty")

    def is_of_control(self, asked):
        return asked.path.endswith(("/shop.json", "/access_scopes.json"))

    def records(self, body):
        return [body[name] for name in ("orders", "customers") if name in body]

    def is_taken_back(self, record):
        return record["id"] % 7 == 0

    def facts_of(self, tables):
        # the shop itself stays
        return {n: rows for n, rows in super().facts_of(tables).items() if n != "shopify.shops"}

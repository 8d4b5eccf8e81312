"""The shop passes the source kit."""

import shutil
import sqlite3
from contextlib import contextmanager
from typing import ClassVar

import pytest

from tests.ingest.source_kit import SourceKit

pytestmark = pytest.mark.system


class TestShop(SourceKit):
    name = "shop"
    is_thorough = False
    odd_reason = "total_cents is not a count: 'free'"
    odd_value_reason = ("created_at", "created_at is not a time: 'once', left empty")
    statements: ClassVar = {
        "taken_back": [
            "delete from customers where rowid = 1",
            "delete from targets where rowid = 1",
        ],
        "new_field": ["alter table orders add column brand_new text"],
        "odd": ["update orders set total_cents = 'free' where rowid = 1"],
        "odd_value": ["update customers set created_at = 'once' where rowid = 1"],
        "other_type": ["update orders set total_cents = 'free'"],
    }

    @contextmanager
    def altered(self, kind, world, settings, folder):
        shop = shutil.copy(world / "shop.sqlite", folder / "shop.sqlite")
        with sqlite3.connect(shop) as connection:
            for statement in self.statements.get(kind) or self.emptied(connection):
                connection.execute(statement)
        yield settings | {"SHOP_DATABASE_URL": f"sqlite:///{shop}"}

    def emptied(self, connection):
        names = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
        return [f"delete from {name}" for (name,) in names]

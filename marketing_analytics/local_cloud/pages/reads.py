"""The pages' view of the store: one short-lived connection per request, reading only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from marketing_analytics.core.redaction import masked_values
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    Place,
    open_connection,
)
from marketing_analytics.local_cloud.store.environments import Environment, list_environments
from marketing_analytics.local_cloud.store.jobs import list_lines
from marketing_analytics.local_cloud.store.pages import Filter
from marketing_analytics.local_cloud.store.variables import list_account_variables


@dataclass(frozen=True)
class Reads:
    """A connection that cannot write, and the account whose pages are shown."""

    connection: Connection
    account_id: int

    def environments(self) -> list[Environment]:
        """Return the active environments by name, the choices of a filter."""
        wanted: dict[str, Filter] = {"account_id": self.account_id, "order_by": "name", "limit": -1}
        return list_environments(self.connection, wanted).rows

    def job_count(self) -> int:
        """Return how many active jobs the account has."""
        return list_lines(self.connection, self.account_id, limit=1).total_count

    def secrets(self) -> list[str]:
        """Return the values of all secret variables of the account, longest first."""
        variables = list_account_variables(self.connection, self.account_id)
        return masked_values((variable.name, variable.value) for variable in variables)


@contextmanager
def open_reads(database: Place, account_id: int) -> Iterator[Reads]:
    """Open the store for one request; nothing can be written through it."""
    with closing(open_connection(database, is_reading=True)) as connection:
        yield Reads(connection, account_id)

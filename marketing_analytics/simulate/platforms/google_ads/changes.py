"""`change_status`: when resources of a customer changed last, of the last 90 days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from marketing_analytics.simulate.platforms.google_ads.fields import CHANGED_AT, time_of
from marketing_analytics.simulate.platforms.google_ads.gaql import GaqlError, Query
from marketing_analytics.simulate.platforms.google_ads.rows import GoogleRows, Values

KEPT_DAYS = 90
MOST_ROWS = 10_000
CRITERION = "ad_group_criterion"


def check_changes(query: Query, today: date) -> None:
    """Raise GaqlError unless a query of changes has a limit and finite, recent times."""
    low = max(bounds(query, {"=", "BETWEEN", ">=", ">"}, 0), default="")
    high = min(bounds(query, {"=", "BETWEEN", "<=", "<"}, -1), default="")
    if not low or not high:
        raise refused("CHANGE_DATE_RANGE_INFINITE", f"'{CHANGED_AT}' needs a finite range.")
    if low > high:
        raise refused("CHANGE_DATE_RANGE_NEGATIVE", "The range of times ends before it starts.")
    if low < str(today - timedelta(days=KEPT_DAYS)):
        raise refused("START_DATE_TOO_OLD", f"Changes are kept for {KEPT_DAYS} days.")
    if query.limit is None:
        raise refused("LIMIT_NOT_SPECIFIED", "A query of changes needs a LIMIT.")
    if query.limit > MOST_ROWS:
        raise refused("INVALID_LIMIT_CLAUSE", f"LIMIT cannot be above {MOST_ROWS}.")


def bounds(query: Query, operators: set[str], place: int) -> list[str]:
    """Return the times that bound a query on one side."""
    return [
        time_of(condition.values[place].value)
        for condition in query.conditions
        if condition.field == CHANGED_AT and condition.operator in operators
    ]


def refused(name: str, message: str) -> GaqlError:
    """Return an error of a query of changes."""
    return GaqlError(name, message, "changeStatusError")


def changes(rows: GoogleRows, account_id: str, now_us: int) -> Iterator[Values]:
    """Yield the last change of everything that there is; criteria came with their campaign."""
    zone = ZoneInfo(rows.accounts[account_id]["timezone_name"])
    for resource in ("campaign", "ad_group", "ad_group_ad", "campaign_criterion", CRITERION):
        for row in rows.entities(resource, account_id):
            changed_us, status = last_change(rows, resource, row)
            if changed_us > now_us:
                continue
            at = datetime.fromtimestamp(changed_us / 1e6, UTC).astimezone(zone)
            name = row[f"{resource}.resource_name"]
            number = f"{changed_us}-{resource}-{name.rpartition('/')[2]}"
            yield {
                **row,
                "change_status.resource_name": f"customers/{account_id}/changeStatus/{number}",
                CHANGED_AT: f"{at:%Y-%m-%d %H:%M:%S.%f}",
                "change_status.resource_type": resource.upper(),
                "change_status.resource_status": status,
                f"change_status.{resource}": name,
            }


def last_change(rows: GoogleRows, resource: str, row: Values) -> tuple[int, str]:
    """Return when a row changed last, and how."""
    if resource.endswith("criterion"):
        return int(rows.campaigns[str(row["campaign.id"])]["created_us"]), "ADDED"
    if resource == "ad_group_ad":
        found = rows.ads[str(row["ad_group_ad.ad.id"])]
    else:
        tables = {"campaign": rows.campaigns, "ad_group": rows.groups}
        found = tables[resource][str(row[f"{resource}.id"])]
    status = "REMOVED" if found["status"] == "REMOVED" else "CHANGED"
    return int(found["updated_us"]), status

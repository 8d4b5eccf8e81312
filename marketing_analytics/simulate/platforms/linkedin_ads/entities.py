"""Accounts, campaign groups, campaigns, creatives and conversion rules as LinkedIn shows them.

The world's ad groups have no counterpart: a creative belongs to its campaign, and each account has
the one group that LinkedIn makes for it.
"""

from __future__ import annotations

from typing import Any

from marketing_analytics.simulate.emulation.world_files import WorldFiles
from marketing_analytics.simulate.platforms.linkedin_ads.restli import ids_of, invalid, texts_of

# milliseconds
DAY_MS = 86_400_000
OPENED_MS = 1_705_312_800_000
# without a status LinkedIn shows what may still run
HIDDEN = ("ARCHIVED", "CANCELED", "PENDING_DELETION", "REMOVED")
STATUSES = ("ACTIVE", "DRAFT", "PAUSED", "COMPLETED", *HIDDEN)
# the account's id with this in front is that of its group
GROUP_PREFIX = "6"


def urn(kind: str, number: str) -> str:
    """Return a URN."""
    return f"urn:li:{kind}:{number}"


def stamps(created_ms: int, updated_ms: int) -> dict[str, Any]:
    """Return who changed something, and when."""
    actor = "urn:li:unknown:0"
    return {
        "created": {"actor": actor, "time": created_ms},
        "lastModified": {"actor": actor, "time": updated_ms},
    }


def amount(cents: int, currency: str) -> dict[str, str]:
    """Return money; the amount is text in major units."""
    return {"amount": f"{cents // 100}.{cents % 100:02d}", "currencyCode": currency}


class LinkedInEntities:
    """Everything but numbers."""

    def __init__(self, world: WorldFiles) -> None:
        self.world_accounts = {r["account_id"]: r for r in world.rows("accounts", "linkedin_ads")}
        self.world_campaigns = {
            r["campaign_id"]: r for r in world.rows("campaigns", "linkedin_ads")
        }
        self.seed = world.seed
        self.accounts = [self.account(row) for row in self.world_accounts.values()]
        self.groups = [self.group(row) for row in self.world_accounts.values()]
        self.campaigns = [self.campaign(row) for row in self.world_campaigns.values()]
        self.creatives = [self.creative(row) for row in world.rows("ads", "linkedin_ads")]

    def account(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return an ad account."""
        return {
            "id": int(row["account_id"]),
            "name": row["name"],
            "currency": row["currency"],
            "status": row["status"],
            "type": "BUSINESS",
            "test": False,
            "reference": urn("organization", row["account_id"]),
            "servingStatuses": ["RUNNABLE"],
            "changeAuditStamps": stamps(OPENED_MS, OPENED_MS),
            "version": {"versionTag": "1"},
        }

    def group(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return the campaign group of an account."""
        return {
            "id": int(group_id(row["account_id"])),
            "account": urn("sponsoredAccount", row["account_id"]),
            "name": "Default Campaign Group",
            "status": "ACTIVE",
            "test": False,
            "runSchedule": {"start": OPENED_MS},
            "servingStatuses": ["RUNNABLE"],
            "changeAuditStamps": stamps(OPENED_MS, OPENED_MS),
        }

    def campaign(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a campaign."""
        currency = self.world_accounts[row["account_id"]]["currency"]
        return {
            "id": int(row["campaign_id"]),
            "account": urn("sponsoredAccount", row["account_id"]),
            "campaignGroup": urn("sponsoredCampaignGroup", group_id(row["account_id"])),
            "name": row["name"],
            "status": row["status"],
            "type": "SPONSORED_UPDATES",
            "objectiveType": row["kind"],
            "costType": "CPM",
            "dailyBudget": amount(row["daily_budget_cents"], currency),
            "runSchedule": {
                "start": row["first_day"] * DAY_MS,
                "end": (row["last_day"] + 1) * DAY_MS,
            },
            "locale": {"country": "US", "language": "en"},
            "test": False,
            "changeAuditStamps": stamps(row["created_us"] // 1_000, row["updated_us"] // 1_000),
            "version": {"versionTag": "1"},
        }

    def creative(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a creative; its id is a URN."""
        campaign = self.world_campaigns[row["campaign_id"]]
        return {
            "id": urn("sponsoredCreative", row["ad_id"]),
            "account": urn("sponsoredAccount", row["account_id"]),
            "campaign": urn("sponsoredCampaign", row["campaign_id"]),
            "name": row["name"],
            "intendedStatus": row["status"],
            "isServing": row["status"] == "ACTIVE",
            "isTest": False,
            "review": {"status": "APPROVED"},
            "content": {"reference": urn("share", f"7{row['ad_id']}")},
            "createdAt": campaign["created_us"] // 1_000,
            "lastModifiedAt": row["updated_us"] // 1_000,
        }

    def rules(self, account_id: str) -> list[dict[str, Any]]:
        """Return the conversion rules of an account: the purchase, with the usual windows."""
        return [
            {
                "id": int(f"8{account_id}"),
                "account": urn("sponsoredAccount", account_id),
                "name": "Purchase",
                "type": "PURCHASE",
                "enabled": True,
                "postClickAttributionWindowSize": 30,
                "viewThroughAttributionWindowSize": 7,
                "created": OPENED_MS,
                "lastModified": OPENED_MS,
            }
        ]

    def users(self, account_id: str) -> list[dict[str, Any]]:
        """Return the members with a role on an account: the one whose token it is."""
        return [
            {
                "account": urn("sponsoredAccount", account_id),
                "user": f"urn:li:person:sim{self.seed}",
                "role": "ACCOUNT_MANAGER",
                "changeAuditStamps": stamps(OPENED_MS, OPENED_MS),
            }
        ]


def group_id(account_id: str) -> str:
    """Return the id of the campaign group of an account."""
    return GROUP_PREFIX + account_id


def searched(
    rows: list[dict[str, Any]], parameters: dict[str, Any], fields: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Return what a `search` finds, by status, id and the like. Raise LinkedInError."""
    search = parameters.get("search", {})
    if not isinstance(search, dict):
        raise invalid("search", "search is not an object (...)")
    for name in search:
        if name not in fields:
            raise invalid("search", f"search has no criterion {name}")
    for name, criterion in search.items():
        if not isinstance(criterion, dict) or set(criterion) != {"values"}:
            raise invalid("search", f"{name} is not written (values:List(...))")
        values = texts_of(criterion, "values")
        if name == "status":
            check_statuses("search", values)
        wanted = {text.rpartition(":")[2] for text in values}
        rows = [row for row in rows if str(row[name]).rpartition(":")[2] in wanted]
    return rows if "status" in search or "id" in search else without_hidden(rows, "status")


def chosen_creatives(
    rows: list[dict[str, Any]], parameters: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the creatives of some criteria. Raise LinkedInError."""
    statuses = texts_of(parameters, "intendedStatuses")
    check_statuses("intendedStatuses", statuses)
    for name, kind, field in (
        ("campaigns", "sponsoredCampaign", "campaign"),
        ("creatives", "sponsoredCreative", "id"),
    ):
        if name in parameters:
            wanted = {urn(kind, one) for one in ids_of(parameters, name, kind)}
            rows = [row for row in rows if row[field] in wanted]
    if statuses:
        return [row for row in rows if row["intendedStatus"] in statuses]
    return without_hidden(rows, "intendedStatus")


def check_statuses(name: str, statuses: list[str]) -> None:
    """Raise LinkedInError for a status that there is not."""
    for status in statuses:
        if status not in STATUSES:
            raise invalid(name, f"{status} is no status: one of {', '.join(STATUSES)}")


def without_hidden(rows: list[dict[str, Any]], field: str) -> list[dict[str, Any]]:
    """Return what is shown to who asks for no status."""
    return [row for row in rows if row[field] not in HIDDEN]

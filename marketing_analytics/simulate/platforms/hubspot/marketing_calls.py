"""Calls of marketing and automation: campaigns, e-mails, workflows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request

from marketing_analytics.simulate.emulation.control import SimulatedClock
from marketing_analytics.simulate.platforms.hubspot.marketing import CAMPAIGN_PROPERTIES, Marketing
from marketing_analytics.simulate.platforms.hubspot.parameters import (
    page_of,
    read_flag,
    read_list,
    refuse_unknown,
)
from marketing_analytics.simulate.platforms.hubspot.refusals import invalid, missing

EMAIL_SORTS = ("id", "name", "createdAt", "updatedAt")


class MarketingCalls:
    """Answers the calls of marketing of one account."""

    def __init__(self, marketing: Marketing, clock: SimulatedClock) -> None:
        self.marketing = marketing
        self.clock = clock

    def routes(self) -> list[tuple[str, str, Callable[..., Any]]]:
        """Return method, path and handler of every call."""
        return [
            ("GET", "/marketing/v3/campaigns", self.campaigns),
            ("GET", "/marketing/v3/campaigns/{id}", self.one_campaign),
            ("GET", "/marketing/v3/emails", self.emails),
            ("GET", "/marketing/v3/emails/{id}", self.one_email),
            ("GET", "/automation/v4/flows", self.workflows),
            ("GET", "/automation/v4/flows/email-campaigns", self.workflow_emails),
        ]

    def campaigns(self, request: Request) -> dict[str, Any]:
        """Answer GET /marketing/v3/campaigns."""
        refuse_unknown(request, "limit", "after", "name", "properties", "sort")
        rows = self.marketing.campaigns(self.clock.now_us)
        if name := request.query_params.get("name"):
            rows = [row for row in rows if name.lower() in row["properties"]["hs_name"].lower()]
        sort = request.query_params.get("sort", "hs_name")
        if sort.lstrip("-") not in {"hs_name", "createdAt", "updatedAt"}:
            raise invalid(f"{sort!r} is not a sort", where="sort")
        key = sort.lstrip("-")
        rows.sort(
            key=lambda row: row["properties"]["hs_name"] if key == "hs_name" else row[key],
            reverse=sort.startswith("-"),
        )
        page, paging = page_of(request, rows, None, most=100, default=50)
        shown = [self.with_named(request, row) for row in page]
        return {"total": len(rows), "results": shown, **paging}

    def one_campaign(self, request: Request) -> dict[str, Any]:
        """Answer GET /marketing/v3/campaigns/{id}."""
        refuse_unknown(request, "properties")
        for row in self.marketing.campaigns(self.clock.now_us):
            if row["id"] == request.path_params["id"]:
                return self.with_named(request, row) | {"assets": {}}
        raise missing("Campaign not found")

    def with_named(self, request: Request, row: dict[str, Any]) -> dict[str, Any]:
        """Return a campaign with the properties that were asked for; those unknown are left out."""
        wanted = read_list(request, "properties") or ["hs_name"]
        values = {n: row["properties"][n] for n in wanted if n in CAMPAIGN_PROPERTIES}
        return {**row, "properties": values}

    def emails(self, request: Request) -> dict[str, Any]:
        """Answer GET /marketing/v3/emails."""
        refuse_unknown(
            request, "limit", "after", "archived", "includeStats", "type", "isPublished", "sort",
            "workflowNames", "marketingCampaignNames",
        )  # fmt: skip
        rows = [] if read_flag(request, "archived") else self.marketing.emails(self.clock.now_us)
        if kind := request.query_params.get("type"):
            rows = [row for row in rows if row["type"] == kind]
        if "isPublished" in request.query_params:
            is_wanted = read_flag(request, "isPublished")
            rows = [row for row in rows if row["isPublished"] == is_wanted]
        for sort in reversed(request.query_params.getlist("sort")):
            if sort.lstrip("-") not in EMAIL_SORTS:
                raise invalid(f"{sort!r} is not a sort", where="sort")
            rows.sort(key=lambda row: row[sort.lstrip("-")], reverse=sort.startswith("-"))
        page, paging = page_of(request, rows, None, most=100, default=10)
        return {"total": len(rows), "results": [shown(request, row) for row in page], **paging}

    def one_email(self, request: Request) -> dict[str, Any]:
        """Answer GET /marketing/v3/emails/{id}."""
        refuse_unknown(
            request, "archived", "includeStats", "workflowNames", "marketingCampaignNames"
        )
        for row in self.marketing.emails(self.clock.now_us):
            if row["id"] == request.path_params["id"] and not read_flag(request, "archived"):
                return shown(request, row)
        raise missing("Email not found")

    def workflows(self, request: Request) -> dict[str, Any]:
        """Answer GET /automation/v4/flows."""
        refuse_unknown(request, "limit", "after")
        rows = self.marketing.workflows()
        page, paging = page_of(request, rows, None, most=100, default=100)
        return {"results": page, **paging}

    def workflow_emails(self, request: Request) -> dict[str, Any]:
        """Answer GET /automation/v4/flows/email-campaigns."""
        refuse_unknown(request, "limit", "after", "flowId")
        rows = self.marketing.workflow_emails()
        if wanted := request.query_params.getlist("flowId"):
            rows = [row for row in rows if row["flowId"] in wanted]
        page, paging = page_of(request, rows, None, most=100, default=100)
        return {"results": page, **paging}


def shown(request: Request, row: dict[str, Any]) -> dict[str, Any]:
    """Return an e-mail with what was asked for beside itself."""
    left_out = set()
    if not read_flag(request, "includeStats"):
        left_out.add("stats")
    if not read_flag(request, "workflowNames"):
        left_out.add("workflowNames")
    if not read_flag(request, "marketingCampaignNames"):
        left_out.add("campaignName")
    return {name: value for name, value in row.items() if name not in left_out}

"""Calls of HubSpot's older versions, which other people's clients still make.

Times are milliseconds here. Of engagements, lists, forms and types of subscriptions the account
has none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request

from marketing_analytics.simulate.emulation.control import SimulatedClock
from marketing_analytics.simulate.platforms.hubspot import definitions
from marketing_analytics.simulate.platforms.hubspot.marketing import (
    EMAIL_CAMPAIGN_IDS,
    EMAIL_IDS,
    Marketing,
)
from marketing_analytics.simulate.platforms.hubspot.objects import hubspot_time
from marketing_analytics.simulate.platforms.hubspot.parameters import read_number, refuse_unknown
from marketing_analytics.simulate.platforms.hubspot.refusals import invalid, missing

PORTAL_ID, APP_ID = 1_000_001, 113
MOST_EVENTS = 1_000


class OldCalls:
    """Answers the older calls of one account, which exists since a time."""

    def __init__(self, marketing: Marketing, clock: SimulatedClock, since_us: int) -> None:
        self.marketing = marketing
        self.clock = clock
        self.since_us = since_us

    def routes(self) -> list[tuple[str, str, Callable[..., Any]]]:
        """Return method, path and handler of every call."""
        mail = "/email/public/v1"
        return [
            ("GET", f"{mail}/campaigns", self.sendings),
            ("GET", f"{mail}/campaigns/{{id}}", self.one_sending),
            ("GET", f"{mail}/events", self.events),
            ("GET", f"{mail}/subscriptions", self.subscriptions),
            ("GET", f"{mail}/subscriptions/timeline", self.subscription_changes),
            ("GET", "/marketing-emails/v1/emails/with-statistics", self.emails),
            ("GET", "/automation/v3/workflows", self.workflows),
            ("GET", "/crm-pipelines/v1/pipelines/deals", self.pipelines),
            ("GET", "/properties/v2/{kind}/properties", self.properties),
            ("GET", "/engagements/v1/engagements/paged", self.engagements),
            ("GET", "/engagements/v1/engagements/recent/modified", self.engagements),
            ("GET", "/marketing/v3/forms", self.forms),
            ("POST", "/crm/v3/lists/search", self.lists),
        ]

    def sendings(self, request: Request) -> dict[str, Any]:
        """Answer GET /email/public/v1/campaigns: what was sent, not what is planned."""
        refuse_unknown(request, "limit", "offset")
        rows = [
            {
                "id": EMAIL_CAMPAIGN_IDS + index,
                "appId": APP_ID,
                "appName": "Batch",
                "lastUpdatedTime": mail["created_us"] // 1000,
            }
            for index, mail in enumerate(self.marketing.mails)
            if mail["created_us"] <= self.clock.now_us
        ]
        return paged(request, "campaigns", rows, 500)

    def one_sending(self, request: Request) -> dict[str, Any]:
        """Answer GET /email/public/v1/campaigns/{id}."""
        refuse_unknown(request)
        text = request.path_params["id"]
        index = int(text) - EMAIL_CAMPAIGN_IDS if text.isdigit() else -1
        mails = self.marketing.mails
        if not 0 <= index < len(mails) or mails[index]["created_us"] > self.clock.now_us:
            raise missing("Campaign not found")
        return {
            "id": EMAIL_CAMPAIGN_IDS + index,
            "appId": APP_ID,
            "appName": "Batch",
            "contentId": EMAIL_IDS + index,
            "name": mails[index]["title"],
            "subject": mails[index]["subject"],
            "type": "BATCH_EMAIL",
            "counters": self.marketing.counters(self.clock.now_us)[index],
        }

    def events(self, request: Request) -> dict[str, Any]:
        """Answer GET /email/public/v1/events: what happened to each e-mail, newest last."""
        refuse_unknown(request, "startTimestamp", "endTimestamp", "limit", "offset")
        first_us, last_us = span(request, self.clock.now_us)
        rows = [
            {
                "id": f"{moment_us}-{send}-{kind}",
                "created": moment_us // 1000,
                "type": kind,
                "recipient": address,
                "emailCampaignId": EMAIL_CAMPAIGN_IDS + mail,
                "appId": APP_ID,
                "appName": "Batch",
                "portalId": PORTAL_ID,
                # left out of the account's reports as that of a machine
                "filteredEvent": is_machine,
            }
            for moment_us, send, mail, address, kind, is_machine in self.marketing.happened()
            if first_us <= moment_us <= last_us
        ]
        return paged(request, "events", rows, MOST_EVENTS)

    def subscription_changes(self, request: Request) -> dict[str, Any]:
        """Answer GET /email/public/v1/subscriptions/timeline: who left, and when."""
        refuse_unknown(request, "startTimestamp", "endTimestamp", "limit", "offset")
        first_us, last_us = span(request, self.clock.now_us)
        rows = [
            {
                "timestamp": moment_us // 1000,
                "portalId": PORTAL_ID,
                "recipient": address,
                "changes": [
                    {
                        "timestamp": moment_us // 1000,
                        "source": "SOURCE_RECIPIENT",
                        "portalId": PORTAL_ID,
                        "change": "UNSUBSCRIBED",
                        "changeType": "PORTAL_STATUS",
                    }
                ],
            }
            for moment_us, address in self.marketing.left()
            if first_us <= moment_us <= last_us
        ]
        return paged(request, "timeline", rows, MOST_EVENTS)

    def subscriptions(self, request: Request) -> dict[str, Any]:
        """Answer GET /email/public/v1/subscriptions."""
        refuse_unknown(request)
        return {"subscriptionDefinitions": []}

    def emails(self, request: Request) -> dict[str, Any]:
        """Answer GET /marketing-emails/v1/emails/with-statistics."""
        refuse_unknown(request, "limit", "offset")
        now_us = self.clock.now_us
        rows = [
            {
                "id": int(row["id"]),
                "name": row["name"],
                "subject": row["subject"],
                "state": row["state"],
                "created": mail["created_us"] // 1000,
                "updated": mail["created_us"] // 1000,
                "publishDate": mail["sent_us"] // 1000,
                "stats": {n: row["stats"][n] for n in ("counters", "ratios", "deviceBreakdown")},
            }
            for mail, row in zip(self.marketing.mails, self.marketing.emails(now_us), strict=False)
        ]
        limit, offset = read_number(request, "limit", 10), read_number(request, "offset", 0)
        page = rows[offset : offset + limit]
        return {"objects": page, "total": len(rows), "limit": limit, "offset": offset}

    def workflows(self, request: Request) -> dict[str, Any]:
        """Answer GET /automation/v3/workflows."""
        refuse_unknown(request)
        rows = [
            {
                "id": int(row["id"]),
                "name": row["name"],
                "type": "PROPERTY_ANCHOR",
                "enabled": row["isEnabled"],
                "insertedAt": flow["created_us"] // 1000,
                "updatedAt": flow["created_us"] // 1000,
                "personaTagIds": [],
                "contactListIds": {"enrolled": 0, "active": 0, "completed": 0, "succeeded": 0},
            }
            for flow, row in zip(self.marketing.flows, self.marketing.workflows(), strict=True)
        ]
        return {"workflows": rows}

    def pipelines(self, request: Request) -> dict[str, Any]:
        """Answer GET /crm-pipelines/v1/pipelines/deals."""
        refuse_unknown(request)
        since = self.since_us // 1000
        stages = [
            {
                "stageId": stage.stage_id,
                "label": stage.label,
                "displayOrder": position,
                "active": True,
                "metadata": {"isClosed": stage.is_closed, "probability": stage.probability},
                "createdAt": since,
                "updatedAt": since,
            }
            for position, stage in enumerate(definitions.STAGES)
        ]
        pipeline = {
            "pipelineId": definitions.PIPELINE_ID,
            "label": "Sales Pipeline",
            "displayOrder": 0,
            "active": True,
            "objectType": "DEAL",
            "objectTypeId": "0-3",
        }
        return {"results": [{**pipeline, "stages": stages, "createdAt": since, "updatedAt": since}]}

    def properties(self, request: Request) -> list[dict[str, Any]]:
        """Answer GET /properties/v2/{kind}/properties: a list without anything around it."""
        kind = definitions.TYPE_NAMES.get(request.path_params["kind"])
        if kind is None:
            raise missing("object type not found")
        refuse_unknown(request)
        return definitions.property_definitions(kind, hubspot_time(self.since_us))

    def engagements(self, request: Request) -> dict[str, Any]:
        """Answer GET /engagements/v1/engagements/paged and /recent/modified."""
        refuse_unknown(request, "count", "limit", "offset", "since")
        return {"results": [], "hasMore": False, "offset": 0, "total": 0}

    def forms(self, request: Request) -> dict[str, Any]:
        """Answer GET /marketing/v3/forms."""
        refuse_unknown(request, "formTypes", "limit", "after", "archived", "properties")
        return {"results": []}

    def lists(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Answer POST /crm/v3/lists/search."""
        refuse_unknown(request)
        known = {"count", "offset", "query", "listIds", "processingTypes", "additionalProperties"}
        if unknown := set(body) - known:
            raise invalid(f'Invalid input JSON: Unrecognized field "{min(unknown)}"')
        return {"lists": [], "hasMore": False, "offset": 0, "total": 0}


def span(request: Request, now_us: int) -> tuple[int, int]:
    """Return the asked span of time in microseconds; it ends now at the latest."""
    first = read_number(request, "startTimestamp", 0) * 1000
    last = read_number(request, "endTimestamp", now_us // 1000) * 1000 + 999
    return first, min(last, now_us)


def paged(request: Request, name: str, rows: list[dict[str, Any]], most: int) -> dict[str, Any]:
    """Return a page with the offset of the next, as older calls do."""
    limit, offset = read_number(request, "limit", 10), read_number(request, "offset", 0)
    if limit > most:
        raise invalid(f"limit must be at most {most}", where="limit")
    end = offset + limit
    has_more = end < len(rows)
    answer = {name: rows[offset:end], "hasMore": has_more}
    # the last page has none, so that clients that go by it end
    return answer | ({"offset": str(end)} if has_more else {})

"""What the shop does not use of SendGrid: Marketing Campaigns, old and new, and templates.

The answers are those of an account that has nothing there, in the documented shapes: lists
without an element, and an export of contacts with a header alone.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

SCOPE = "marketing_campaigns.read"
PAGED = ("page_size", "page_token")
# path: name of the list, whether it tells of its pages, parameters
LISTS: dict[str, tuple[str, bool, tuple[str, ...]]] = {
    "/marketing/lists": ("result", True, PAGED),
    "/marketing/segments/2.0": ("results", True, ("ids", "parent_list_ids", "no_parent_list_id")),
    "/marketing/singlesends": ("result", True, PAGED),
    "/marketing/campaigns": ("result", True, PAGED),
    "/marketing/stats/singlesends": ("results", True, (*PAGED, "singlesend_ids")),
    "/marketing/stats/automations": ("results", True, (*PAGED, "automation_ids")),
    "/contactdb/lists": ("lists", False, ()),
    "/contactdb/segments": ("segments", False, ()),
    "/campaigns": ("result", False, ("limit", "offset")),
}
EXPORT_ID = "00000000-0000-4000-8000-000000000001"
CONTACT_FIELDS = (
    "EMAIL", "FIRST_NAME", "LAST_NAME", "ADDRESS_LINE_1", "ADDRESS_LINE_2", "CITY",
    "STATE_PROVINCE_REGION", "POSTAL_CODE", "COUNTRY", "ALTERNATE_EMAILS", "PHONE_NUMBER",
    "WHATSAPP", "LINE", "FACEBOOK", "UNIQUE_NAME", "CREATED_AT", "UPDATED_AT", "CONTACT_ID",
)  # fmt: skip


def empty(name: str, *, is_paged: bool) -> Callable[[Request], dict[str, Any]]:
    """Return what answers a list without an element."""

    def answer(request: Request) -> dict[str, Any]:
        about = {"_metadata": {"self": str(request.url), "count": 0}} if is_paged else {}
        return {name: [], **about}

    return answer


def templates(request: Request) -> dict[str, Any]:
    """Answer GET /templates; who asks for no page gets the list of before."""
    if "page_size" not in request.query_params:
        return {"templates": []}
    return empty("result", is_paged=True)(request)


def found_recipients(_: Request) -> dict[str, Any]:
    """Answer GET /contactdb/recipients/search."""
    return {"recipients": [], "recipient_count": 0}


def start_export(request: Request) -> dict[str, Any]:
    """Answer POST /marketing/contacts/exports."""
    return {"id": EXPORT_ID, "_metadata": {"self": str(request.url)}}


def export_job(request: Request) -> dict[str, Any]:
    """Answer GET /marketing/contacts/exports/{id}: it is ready at once."""
    root = str(request.base_url).rstrip("/")
    return {
        "id": EXPORT_ID,
        "status": "ready",
        "urls": [f"{root}/_exports/{EXPORT_ID}.csv.gzip"],
        "contact_count": 0,
        "_metadata": {"self": str(request.url)},
    }


async def export_file(_: Request) -> Response:
    """Answer with the file of an export: a signed address, for which no key is asked.

    It tells no type: a client minds the spelling of that header, which cannot be chosen here.
    """
    text = io.StringIO()
    csv.writer(text).writerow(CONTACT_FIELDS)
    return Response(gzip.compress(text.getvalue().encode()))


def export_body_error(body: bytes) -> str:
    """Return what is wrong with the body of an export, empty when it is right."""
    try:
        asked = json.loads(body or b"{}")
    except ValueError:
        return "the body is not JSON"
    known = {"list_ids", "segment_ids", "notifications", "file_type", "max_file_size"}
    unknown = sorted(set(asked) - known) if isinstance(asked, dict) else ["body"]
    return f"{unknown[0]} is not known" if unknown else ""

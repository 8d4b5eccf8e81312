"""Reads every list with Klaviyo's own client; run in its environment. Prints rows by list."""

import json
import sys
from urllib.parse import parse_qs, urlsplit

from klaviyo_api import KlaviyoAPI

host, key = sys.argv[1:]
api = KlaviyoAPI(key, max_retries=3, test_host=host)


def as_dict(answer):
    """Return an answer as plain values, whatever the client made of it."""
    return answer if isinstance(answer, dict) else answer.to_dict()


def read(call, *arguments, **options):
    """Return all rows of a list, and what was included beside them."""
    rows, included, cursor = [], [], None
    while True:
        place = {"page_cursor": cursor} if cursor else {}
        page = as_dict(call(*arguments, **options, **place))
        rows += page["data"]
        included += page.get("included") or []
        following = page["links"].get("next")
        if not following:
            return rows, included
        # it takes cursors out of links itself, but only out of those with https
        [cursor] = parse_qs(urlsplit(following).query)["page[cursor]"]


found = {}
found["accounts"] = as_dict(api.Accounts.get_accounts())["data"]
found["metrics"] = read(api.Metrics.get_metrics)[0]
found["profiles"] = read(
    api.Profiles.get_profiles,
    page_size=20,
    sort="updated",
    additional_fields_profile=["subscriptions"],
    filter="greater-than(updated,2026-01-01T00:00:00Z)",
)[0]
found["events"], beside = read(
    api.Events.get_events,
    page_size=100,
    sort="-datetime",
    include=["metric", "profile"],
    fields_event=["datetime", "event_properties"],
    filter="greater-or-equal(datetime,2026-01-01T00:00:00Z)",
)
found["profiles of events"] = list({row["id"] for row in beside if row["type"] == "profile"})
for channel in ("email", "sms"):
    wanted = f"equals(messages.channel,'{channel}')"
    found[f"{channel} campaigns"], messages = read(
        api.Campaigns.get_campaigns, filter=wanted, include=["campaign-messages"]
    )
    found[f"{channel} messages"] = messages
found["flows"], found["flow actions"] = read(api.Flows.get_flows, include=["flow-actions"])
found["lists"] = read(api.Lists.get_lists)[0]
found["segments"] = read(api.Segments.get_segments)[0]
found["templates"] = read(api.Templates.get_templates)[0]
# inside of one campaign and one flow; the limit of three a second is met and waited for
campaign, flow, profile = (found[n][0]["id"] for n in ("email campaigns", "flows", "profiles"))
found["messages of a campaign"] = as_dict(api.Campaigns.get_messages_for_campaign(campaign))["data"]
found["actions of a flow"] = read(api.Flows.get_actions_for_flow, flow)[0]
found["messages of its actions"] = [
    message
    for action in found["actions of a flow"]
    for message in read(api.Flows.get_messages_for_flow_action, action["id"])[0]
]
found["one profile"] = [as_dict(api.Profiles.get_profile(profile))["data"]]
json.dump({name: len(rows) for name, rows in found.items()}, sys.stdout)

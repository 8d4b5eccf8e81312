"""Reads every list with LinkedIn's own client; run in its environment. Prints rows by list."""

import json
import sys

from linkedin_api.clients.auth.client import AuthClient
from linkedin_api.clients.restli.client import RestliClient

client_id, client_secret, refresh_token, account, first, last = sys.argv[1:]
VERSION = "202606"
METRICS = (
    "dateRange,pivotValues,impressions,clicks,costInLocalCurrency,costInUsd,"
    "externalWebsiteConversions,conversionValueInLocalCurrency"
)
STATUSES = ["ACTIVE", "PAUSED", "DRAFT", "ARCHIVED", "CANCELED", "COMPLETED", "REMOVED"]
auth = AuthClient(client_id=client_id, client_secret=client_secret, redirect_url="")
token = auth.exchange_refresh_token_for_access_token(refresh_token).access_token
api = RestliClient()
account_urn = f"urn:li:sponsoredAccount:{account}"


def find(path, finder, query, keys=None):
    """Return the elements of a finder, which must be answered."""
    answer = api.finder(
        resource_path=path,
        finder_name=finder,
        path_keys=keys,
        query_params=query,
        access_token=token,
        version_string=VERSION,
    )
    assert answer.status_code == 200, (answer.status_code, answer.response.text)
    return answer.elements


def day(text):
    """Return a date as Rest.li has it."""
    year, month, number = map(int, text.split("-"))
    return {"year": year, "month": month, "day": number}


def figures(pivot, **facet):
    """Return the daily figures by a pivot."""
    query = {
        "pivot": {"value": pivot},
        "timeGranularity": {"value": "DAILY"},
        "dateRange": {"start": day(first), "end": day(last)},
        "fields": METRICS,
        **facet,
    }
    return find("/adAnalytics", "analytics", query)


keys = {"id": account}
search = {"search": {"status": {"values": STATUSES}}}
campaigns = find("/adAccounts/{id}/adCampaigns", "search", search, keys)
# so many that the client sends its query in a body
many = [f"urn:li:sponsoredCampaign:{one}" for one in [c["id"] for c in campaigns] + [*range(150)]]
entity = api.get(
    resource_path="/adAccounts/{id}", path_keys=keys, access_token=token, version_string=VERSION
).entity
found = {
    "accounts": len(find("/adAccounts", "search", {})),
    "account": int(entity["id"] == int(account)),
    "campaign_groups": len(find("/adAccounts/{id}/adCampaignGroups", "search", search, keys)),
    "campaigns": len(campaigns),
    "creatives": len(
        find("/adAccounts/{id}/creatives", "criteria", {"intendedStatuses": STATUSES}, keys)
    ),
    "conversions": len(find("/conversions", "account", {"account": account_urn})),
    "users": len(find("/adAccountUsers", "accounts", {"accounts": [account_urn]})),
    "campaign_stats": len(figures("CAMPAIGN", accounts=[account_urn])),
    "creative_stats": len(figures("CREATIVE", accounts=[account_urn])),
    "creative_stats of campaigns": len(figures("CREATIVE", campaigns=many)),
}
print(json.dumps(found))

"""Reads every list with SendGrid's own client; run in its environment. Prints rows by list.

With `verify` it checks signatures instead: lines of JSON with payload, signature and timestamp.
"""

import json
import sys

import sendgrid
from python_http_client.exceptions import BadRequestsError, ForbiddenError, UnauthorizedError


def read_lists(host, key, subuser):
    """Return the rows of every list, of the account and of a subuser."""
    api = sendgrid.SendGridAPIClient(key, host=host, impersonate_subuser=subuser or None).client
    days = {"start_date": "2026-10-01", "end_date": "2026-10-31", "aggregated_by": "day"}

    def read(endpoint, **asked):
        return json.loads(endpoint.get(query_params=asked or None).body)

    def paged(endpoint):
        rows = []
        while page := read(endpoint, limit=3, offset=len(rows)):
            rows += page
        return rows

    categories = [row["category"] for row in paged(api.categories)]
    suppression = api.suppression
    return {
        "days": read(api.stats, **days),
        "months": read(api.stats, **days | {"aggregated_by": "month"}),
        "categories": categories,
        "category days": read(api.categories.stats, **days, categories=categories),
        "bounces": paged(suppression.bounces),
        "blocks": paged(suppression.blocks),
        "invalid_emails": paged(suppression.invalid_emails),
        "spam_reports": paged(suppression.spam_reports),
        "unsubscribes": paged(suppression.unsubscribes),
        "group members": paged(api.asm.suppressions),
        "groups": read(api.asm.groups),
        "scopes": read(api.scopes)["scopes"],
    }


def refused(call):
    """Return the class and the messages of a refusal."""
    try:
        call()
    except (BadRequestsError, ForbiddenError, UnauthorizedError) as error:
        return [type(error).__name__, [one["message"] for one in error.to_dict["errors"]]]
    return None


def refusals(host, key):
    """Return how the client tells of what it may not do."""
    good = sendgrid.SendGridAPIClient(key, host=host).client
    bad = sendgrid.SendGridAPIClient("SG.wrong", host=host).client
    less = sendgrid.SendGridAPIClient(f"{key}-without-stats.read", host=host).client
    asked = {"start_date": "2026-10-01"}
    return {
        "bad key": refused(lambda: bad.stats.get(query_params=asked)),
        "no scope": refused(lambda: less.stats.get(query_params=asked)),
        "no date": refused(lambda: good.stats.get()),
    }


def verify(public_key):
    """Print whether each delivery on the input is signed."""
    checker = sendgrid.EventWebhook(public_key)
    for line in sys.stdin:
        given = json.loads(line)
        print(checker.verify_signature(given["payload"], given["signature"], given["timestamp"]))


if __name__ == "__main__":
    if sys.argv[1] == "verify":
        verify(sys.argv[2])
    else:
        address, api_key = sys.argv[1:3]
        lists = {who: read_lists(address, api_key, who) for who in ("", "shop-eu")}
        print(json.dumps({"lists": lists, "refusals": refusals(address, api_key)}))

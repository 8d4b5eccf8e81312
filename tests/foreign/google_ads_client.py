"""Reads everything with Google's own client; prints rows and sums as JSON.

usage: google_ads_client.py FOLDER ADDRESS < {settings, queries}
"""

import json
import sys

import google_front
from google.ads.googleads.client import GoogleAdsClient
from google.ads.googleads.errors import GoogleAdsException

asked = json.load(sys.stdin)
settings = asked["settings"]
server, address = google_front.serve(sys.argv[2], sys.argv[1])
client = GoogleAdsClient.load_from_dict(
    {
        "developer_token": settings["GOOGLE_ADS_DEVELOPER_TOKEN"],
        "client_id": settings["GOOGLE_ADS_CLIENT_ID"],
        "client_secret": settings["GOOGLE_ADS_CLIENT_SECRET"],
        "refresh_token": settings["GOOGLE_ADS_REFRESH_TOKEN"],
        "login_customer_id": settings["GOOGLE_ADS_LOGIN_CUSTOMER_ID"],
        "endpoint": address,
        "use_proto_plus": True,
    }
)
manager = settings["GOOGLE_ADS_LOGIN_CUSTOMER_ID"]
accessible = client.get_service("CustomerService").list_accessible_customers()
service = client.get_service("GoogleAdsService")


def stream(customer, query):
    """Return the rows of a query."""
    answer = service.search_stream(customer_id=customer, query=query)
    return [row for chunk in answer for row in chunk.results]


tree = stream(
    manager,
    "SELECT customer_client.id, customer_client.status, customer_client.manager "
    "FROM customer_client WHERE customer_client.manager = FALSE "
    "AND customer_client.status = 'ENABLED'",
)
customers = [str(row.customer_client.id) for row in tree]
read = dict.fromkeys(asked["queries"], 0)
micros, conversions, gclids = 0, 0.0, set()
for customer in customers:
    for name, queries in asked["queries"].items():
        for query in queries:
            rows = stream(customer, query)
            paged = list(service.search(customer_id=customer, query=query))
            assert len(rows) == len(paged)
            read[name] += len(rows)
            if name == "campaign_stats":
                micros += sum(row.metrics.cost_micros for row in rows)
                conversions += sum(row.metrics.conversions for row in rows)
            gclids |= {row.click_view.gclid for row in rows if row.click_view.gclid}
errors = {}
for query in asked["refused"]:
    try:
        stream(customers[0], query)
    except GoogleAdsException as error:
        errors[query] = error.failure.errors[0].error_code.query_error.name
print(
    json.dumps(
        {
            "accessible": list(accessible.resource_names),
            "rows": read,
            "cost_micros": micros,
            "conversions": round(conversions, 6),
            "clicks": len(gclids),
            "errors": errors,
        }
    )
)
server.stop(None)

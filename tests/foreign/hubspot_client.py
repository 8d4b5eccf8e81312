"""HubSpot's own client reads all that the emulator serves; run in the client's environment.

Prints the number of records by kind as JSON.
"""

import json
import sys

from hubspot import HubSpot
from hubspot.crm.associations.v4 import BatchInputPublicFetchAssociationsBatchRequest
from hubspot.crm.contacts import PublicObjectSearchRequest

url, token = sys.argv[1:]
# `host` is the client's own option
client = HubSpot(access_token=token, host=url)
crm, emails = client.crm, client.marketing.emails.marketing_emails_api
counts = {}
for kind in ("contacts", "companies", "deals"):
    api = getattr(crm, kind)
    counts[kind] = len(api.get_all())
    counts[f"{kind} archived"] = len(api.get_all(archived=True))
    counts[f"{kind} properties"] = len(crm.properties.core_api.get_all(kind).results)
    request = PublicObjectSearchRequest(
        filter_groups=[],
        sorts=["hs_object_id"],
        properties=["createdate"],
        limit=200,
        after="0",
    )
    counts[f"{kind} found"] = api.search_api.do_search(request).total
deals = [deal.id for deal in crm.deals.get_all()]
for kind in ("contacts", "companies"):
    request = BatchInputPublicFetchAssociationsBatchRequest(inputs=[{"id": one} for one in deals])
    answer = crm.associations.v4.batch_api.get_page("deals", kind, request)
    counts[f"deals with {kind}"] = len(answer.results)
counts["owners"] = len(crm.owners.get_all())
pipelines = crm.pipelines.pipelines_api.get_all("deals").results
counts["stages"] = sum(len(pipeline.stages) for pipeline in pipelines)
page = emails.get_page(limit=100, include_stats=True)
counts["emails"] = len(page.results)
counts["sent"] = sum(email.stats.counters["sent"] for email in page.results)
# no generated class has them: the client's way for such calls
for kind, path in (
    ("campaigns", "/marketing/v3/campaigns"),
    ("workflows", "/automation/v4/flows"),
    ("workflow emails", "/automation/v4/flows/email-campaigns"),
):
    counts[kind] = len(client.api_request({"path": path}).json()["results"])
print(json.dumps(counts))

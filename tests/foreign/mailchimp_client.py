"""Reads every list with Mailchimp's own client; run in its environment. Prints rows by list."""

import io
import json
import sys
import tarfile
import urllib.request

import mailchimp_marketing

[key] = sys.argv[1:]
api = mailchimp_marketing.Client()
api.set_config({"api_key": key, "server": key.rpartition("-")[2]})


def read(call, name, *arguments, **options):
    """Return all rows of a list."""
    rows = []
    while True:
        page = call(*arguments, count=100, offset=len(rows), **options)
        rows += page[name]
        if len(rows) >= page["total_items"]:
            return rows


def read_batch(paths):
    """Return the answers of a batch by path."""
    operations = [{"method": "GET", "path": path, "operation_id": path} for path in paths]
    batch = api.batches.start({"operations": operations})
    while batch["status"] != "finished":
        batch = api.batches.status(batch["id"])
    with urllib.request.urlopen(batch["response_body_url"]) as answer:
        content = answer.read()
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
        files = [tar.extractfile(member) for member in tar if member.isfile()]
        answers = [answer for file in files for answer in json.load(file)]
    assert {answer["status_code"] for answer in answers} == {200}
    return {answer["operation_id"]: json.loads(answer["response"]) for answer in answers}


found = {"ping": [api.ping.get()], "account": [api.root.get_root()]}
found["lists"] = read(api.lists.get_all_lists, "lists")
for audience in found["lists"]:
    list_id = audience["id"]
    assert api.lists.get_list(list_id)["name"] == audience["name"]
    of_list = {
        "members": (api.lists.get_list_members_info, "members", (list_id,)),
        "segments": (api.lists.list_segments, "segments", (list_id,)),
        "growth history": (api.lists.get_list_growth_history, "history", (list_id,)),
        "interest categories": (api.lists.get_list_interest_categories, "categories", (list_id,)),
    }
    for name, (call, field, arguments) in of_list.items():
        found.setdefault(name, []).extend(read(call, field, *arguments))
    for segment in read(api.lists.list_segments, "segments", list_id):
        rows = read(api.lists.get_segment_members_list, "members", list_id, segment["id"])
        found.setdefault("segment members", []).extend(rows)
    found.setdefault("tags", []).extend(api.lists.tag_search(list_id)["tags"])
found["campaigns"] = read(api.campaigns.list, "campaigns")
found["reports"] = read(api.reports.get_all_campaign_reports, "reports")
found["titles"] = read(
    api.reports.get_all_campaign_reports,
    "reports",
    fields=["reports.campaign_title", "total_items"],
)
assert {tuple(row) for row in found["titles"]} == {("campaign_title",)}
for report in found["reports"]:
    campaign_id = report["id"]
    assert api.reports.get_campaign_report(campaign_id)["emails_sent"] == report["emails_sent"]
    of_campaign = {
        "sent to": (api.reports.get_campaign_recipients, "sent_to"),
        "email activity": (api.reports.get_email_activity_for_campaign, "emails"),
        "unsubscribes": (api.reports.get_unsubscribed_list_for_campaign, "unsubscribes"),
        "click details": (api.reports.get_campaign_click_details, "urls_clicked"),
        "open details": (api.reports.get_campaign_open_details, "members"),
    }
    for name, (call, field) in of_campaign.items():
        found.setdefault(name, []).extend(read(call, field, campaign_id))
found["automations"] = read(api.automations.list, "automations")
found["automation emails"] = [
    email
    for flow in found["automations"]
    for email in api.automations.list_all_workflow_emails(flow["id"])["emails"]
]
found["templates"] = read(api.templates.list, "templates")
batched = read_batch(
    ["/lists", *(f"/reports/{row['id']}/unsubscribed" for row in found["reports"])]
)
found["batch of unsubscribes"] = [
    row for path, answer in batched.items() if path != "/lists" for row in answer["unsubscribes"]
]
print(json.dumps({name: len(rows) for name, rows in found.items()}))

"""Run in the environment of facebook-business: reads every list, and prints rows by list."""

import json
import os
import sys
import time

from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.adreportrun import AdReportRun
from facebook_business.adobjects.user import User
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError

account_id, since, until = sys.argv[1:]
api = FacebookAdsApi.init(access_token=os.environ["META_ADS_ACCESS_TOKEN"], crash_log=False)
account = AdAccount(f"act_{account_id}")
everything = {"effective_status": ["ACTIVE", "PAUSED", "ARCHIVED", "DELETED"], "limit": 3}
report = {
    "level": "ad",
    "time_increment": 1,
    "time_range": {"since": since, "until": until},
    "action_attribution_windows": ["1d_click", "7d_click", "28d_click", "1d_view", "1d_ev"],
}
fields = ["ad_id", "impressions", "spend", "actions", "action_values"]


def read_job(more):
    run = account.get_insights(fields=fields, params={**report, **more}, is_async=True)
    while (state := run.api_get())["async_status"] != "Job Completed":
        assert state["async_status"] != "Job Failed", state
        time.sleep(0.01)
    return list(AdReportRun(run["id"]).get_insights(params={"limit": 50}))


def read_batch():
    found = []
    batch = api.new_batch()
    for one in campaigns:
        one.api_get(fields=["name"], batch=batch, success=found.append)
    while batch:
        batch = batch.execute()
    assert [row.json()["name"] for row in found] == [one["name"] for one in campaigns]
    return found


def code_of(call):
    try:
        call()
    except FacebookRequestError as error:
        return error.api_error_code()
    return 0


campaigns = list(account.get_campaigns(fields=["name", "daily_budget"], params=everything))
ad_sets = list(account.get_ad_sets(fields=["name", "campaign_id"], params=everything))
ads = list(account.get_ads(fields=["name", "creative{id,title}"], params=everything))
reports = {
    "insights, no breakdown": {},
    "insights, country": {"breakdowns": ["country"]},
    "insights, age and gender": {"breakdowns": ["age", "gender"]},
    "insights, placement": {"breakdowns": ["publisher_platform", "platform_position"]},
    "insights, device": {"breakdowns": ["impression_device"]},
}
insights = {name: read_job(more) for name, more in reports.items()}
lists = {
    "adaccounts": list(User("me").get_ad_accounts(fields=["name", "currency"])),
    "campaigns": campaigns,
    "adsets": ad_sets,
    "ads": ads,
    "adcreatives": list(account.get_ad_creatives(fields=["name", "object_story_spec"])),
    "adimages": list(account.get_ad_images(fields=["hash", "name"])),
    "advideos": list(account.get_ad_videos(fields=["title"])),
    "customconversions": list(account.get_custom_conversions(fields=["name", "rule"])),
    "customaudiences": list(account.get_custom_audiences(fields=["name"])),
    "activities": list(account.get_activities(fields=["event_type", "event_time"])),
    "ads of a campaign": list(campaigns[0].get_ads(fields=["name"])),
    "campaigns in a batch": read_batch(),
    **insights,
    "insights, at once": list(
        account.get_insights(fields=fields, params={**report, "level": "account", "limit": 2})
    ),
}
spend = {
    name: round(sum(float(row["spend"]) for row in rows), 2) for name, rows in insights.items()
}
errors = {
    "unknown field": code_of(lambda: account.get_ads(fields=["colour"])),
    "bogus status": code_of(lambda: account.get_ads(params={"effective_status": ["FLYING"]})),
    "write": code_of(lambda: account.create_campaign(params={"name": "x"})),
    "unknown object": code_of(lambda: AdAccount("act_1").api_get(fields=["name"])),
}
counts = {name: len(rows) for name, rows in lists.items()}
print(json.dumps({"rows": counts, "spend": spend, "errors": errors}))

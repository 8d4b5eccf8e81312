"""What a report tells of single links and of everyone who opened."""

from __future__ import annotations

from typing import Any

from marketing_analytics.simulate.platforms.mailchimp.records import (
    LANDING_PAGE,
    MailRecords,
    mail_time,
)


def click_details(mails: MailRecords, mail: int, now_us: int) -> list[dict[str, Any]]:
    """Return one row per link of a mail; all mails of the world have the same one."""
    totals = mails.totals(mail, now_us)
    share = 1 if totals["clicks"] else 0
    return [
        {
            "id": f"{mails.mails[mail]['campaign_id']}00",
            "url": LANDING_PAGE,
            "total_clicks": totals["clicks"],
            "click_percentage": share,
            "unique_clicks": totals["unique_clicks"],
            "unique_click_percentage": share,
            "last_click": mail_time(totals["last_click"]),
            "campaign_id": mails.mails[mail]["campaign_id"],
            "_links": [],
        }
    ]


def open_details(mails: MailRecords, mail: int, now_us: int) -> list[dict[str, Any]]:
    """Return one row per recipient with an open, and all of the opens."""
    row = mails.mails[mail]
    found = []
    for send in mails.sends_of(mail, now_us).tolist():
        opens = [
            {
                "timestamp": mail_time(mails.event_us[event]),
                "is_proxy_open": mails.event_is_machine[event],
            }
            for event in mails.events_of(send, now_us)
            if mails.event_action[event] == "open"
        ]
        if opens:
            person = mails.person[send]
            found.append(
                {
                    "campaign_id": row["campaign_id"],
                    "list_id": row["list_id"],
                    "list_is_active": True,
                    "email_id": mails.address_id[person],
                    "email_address": mails.address[person],
                    "merge_fields": {},
                    "vip": False,
                    "opens_count": len(opens),
                    "proxy_excluded_opens_count": sum(not o["is_proxy_open"] for o in opens),
                    "opens": opens,
                    "_links": [],
                }
            )
    return found

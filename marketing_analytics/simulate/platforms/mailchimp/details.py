"""What a report tells of single links and of everyone who opened."""

from __future__ import annotations

from typing import Any

from marketing_analytics.simulate.platforms.mailchimp.records import (
    MailRecords,
    mail_time,
)


def click_details(mails: MailRecords, mail: int, now_us: int) -> list[dict[str, Any]]:
    """Return one row per link of a mail; all mails of the world have the same ones."""
    clicks: dict[str, list[tuple[int, int]]] = {url: [] for url in mails.urls}
    for send in mails.sends_of(mail, now_us).tolist():
        for event in mails.events_of(send, now_us):
            url = mails.event_url[event]
            if url:
                clicks[url].append((send, mails.event_us[event]))
    campaign_id = mails.mails[mail]["campaign_id"]
    total = max(1, sum(len(found) for found in clicks.values()))
    persons = {url: len({send for send, _ in found}) for url, found in clicks.items()}
    unique = max(1, sum(persons.values()))
    return [
        {
            "id": f"{campaign_id}{number:02d}",
            "url": url,
            "total_clicks": len(found),
            "click_percentage": len(found) / total,
            "unique_clicks": persons[url],
            "unique_click_percentage": persons[url] / unique,
            "last_click": mail_time(max((at for _, at in found), default=0)),
            "campaign_id": campaign_id,
            "_links": [],
        }
        for number, (url, found) in enumerate(clicks.items())
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

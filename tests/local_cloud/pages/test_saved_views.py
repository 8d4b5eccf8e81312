"""Filters of the lists under a name."""

import re

from marketing_analytics.local_cloud.store.lists import views

FILTER = "?search=ads&state=error"


def views_in(text):
    found = re.search(r'aria-label="Saved views">(.*?)</nav>', text, re.DOTALL)
    return re.findall(r'<a href="([^"]+)"([^>]*)>([^<]+)</a>', found[1]) if found else []


def save(pages, page, name, query):
    return pages.post(f"/views/{page}", data={"name": name, "query": query})


def test_a_filter_is_saved_shown_above_its_list_and_removed(pages):
    assert "Save view" not in pages.get("/runs").text
    assert "Save view" in pages.get(f"/runs{FILTER}").text
    # what is no filter is not kept
    answer = save(pages, "runs", "  Broken   ads ", f"{FILTER}&page=7&next=//else.where")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/runs{FILTER}")
    text = pages.get(f"/runs{FILTER}").text
    address = "/runs?search=ads&amp;state=error"
    assert views_in(text) == [(address, ' aria-current="true"', "Broken ads")]
    assert "Save view" not in text
    assert views_in(pages.get("/runs").text) == [(address, "", "Broken ads")]
    assert views_in(pages.get("/jobs").text) == []
    # the same name means another filter
    save(pages, "runs", "Broken ads", "?trigger=ci")
    text = pages.get("/runs").text
    assert [href for href, _, _ in views_in(text)] == ["/runs?trigger=ci"]
    remove = re.search(r'action="(/views/\d+/remove)"', text)[1]
    answer = pages.post(remove)
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
    assert views_in(pages.get("/runs").text) == []
    assert pages.post(remove).status_code == 404


def test_a_view_has_a_name_a_filter_and_a_list_and_there_are_not_too_many(pages, monkeypatch):
    monkeypatch.setattr(views, "MAX_VIEWS", 2)
    assert save(pages, "jobs", " ", "?schedule=on").status_code == 409
    assert save(pages, "jobs", "x" * 61, "?schedule=on").status_code == 409
    assert save(pages, "jobs", "all", "?page=2").status_code == 409
    assert save(pages, "audit", "a", "?schedule=on").status_code == 404
    for number in range(2):
        assert save(pages, "jobs", f"view {number}", "?schedule=on").status_code == 303
    answer = save(pages, "jobs", "one more", "?schedule=on")
    assert "at most 2 saved views" in answer.text
    assert save(pages, "jobs", "view 1", "?schedule=off").status_code == 303
    assert len(views_in(pages.get("/jobs").text)) == 2


def test_a_name_stays_text(pages):
    save(pages, "jobs", '"><img src=x>', "?schedule=on")
    text = pages.get("/jobs").text
    assert "<img" not in text
    assert "&lt;img src=x&gt;" in text

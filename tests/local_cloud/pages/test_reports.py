"""The published report is served as it lies, under the guard and the policy of all pages."""

from __future__ import annotations

import os


def published(folder, schema, at):
    """Put a page where the server publishes."""
    pages = folder / "report" / "env_1" / schema
    (pages / "static").mkdir(parents=True)
    (pages / "index.html").write_text(f"<title>{schema}</title>")
    (pages / "static" / "a.js").write_text("1")
    os.utime(pages / "index.html", (at, at))


def test_without_a_report_the_page_says_how_one_comes_to_be(pages):
    answer = pages.get("/report/")
    assert answer.status_code == 200
    assert "marketing-executive-dashboard" in answer.text
    assert pages.get("/report/env_1/none/index.html").status_code == 404


def test_the_first_tab_leads_to_the_report_that_was_built_last(seeded, pages):
    published(seeded.folder, "old", 1_000_000)
    published(seeded.folder, "new", 2_000_000)
    assert 'href="/report/"' in pages.get("/").text
    answer = pages.get("/report/")
    assert answer.headers["location"] == "/report/env_1/new/index.html"
    page = pages.get("/report/env_1/new/index.html")
    assert "<title>new</title>" in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert pages.get("/report/env_1/old/static/a.js").text == "1"


def test_nothing_outside_of_the_reports_is_served(seeded, pages):
    published(seeded.folder, "new", 1_000_000)
    for path in ("/report/../cloud.sqlite", "/report/%2e%2e/cloud.sqlite", "/report//etc/passwd"):
        assert pages.get(path).status_code in (307, 308, 404)
        assert "SQLite" not in pages.get(path, follow_redirects=True).text[:20]


def test_who_must_sign_in_sees_no_report(seeded):
    published(seeded.folder, "new", 1_000_000)
    far = seeded.client(bound_host="0.0.0.0")
    assert far.get("/report/env_1/new/index.html").status_code in (302, 303, 401)

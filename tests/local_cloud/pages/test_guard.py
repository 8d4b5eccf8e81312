"""Who is let in: hosts, origins, sessions; and what every answer carries."""

import hashlib
import time

import pytest

from benchmarks.seeded_pages import TOKEN
from marketing_analytics.local_cloud.pages.pages import local_target
from marketing_analytics.web.guard import SignIn
from marketing_analytics.web.hosts import is_loopback
from marketing_analytics.web.shield import host_name

UNSAFE = ("/jobs/1/run", "/runs/1/cancel", "/logout", "/login")
OWN = "http://127.0.0.1:8580"
FOREIGN = (
    {},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:9999"},
    {"origin": OWN, "sec-fetch-site": "cross-site"},
    {"origin": "https://evil.example", "sec-fetch-site": "same-origin"},
)


@pytest.mark.parametrize("path", UNSAFE)
@pytest.mark.parametrize(
    "headers", FOREIGN, ids=lambda headers: "+".join(headers.values()) or "none"
)
def test_changes_from_elsewhere_are_refused(seeded, path, headers):
    pages = seeded.client()
    pages.headers.pop("sec-fetch-site")
    assert pages.post(path, headers=headers).status_code == 403


@pytest.mark.parametrize(
    "headers", [{"origin": OWN}, {"sec-fetch-site": "same-origin", "origin": OWN}]
)
def test_changes_from_our_own_pages_are_taken(seeded, headers):
    pages = seeded.client()
    pages.headers.pop("sec-fetch-site")
    assert pages.post("/jobs/4/run", headers=headers).status_code == 303


HOSTS = (
    "evil.example", "evil.example:8580", "127.0.0.1.evil.example", "localhost.evil.example",
    "127.0.0.1@evil.example", "evil.example#127.0.0.1", "", "[::2]", "0.0.0.0", "127.0.0.2",
    "localhost:x", "127.0.0.1/evil", "2130706433", "0x7f.1", "local host", "a,127.0.0.1",
)  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_other_host_names_are_refused(pages, host):
    assert pages.get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1:8580", "[::1]:80", "localhost."]
)
def test_names_of_this_machine_are_answered(pages, host):
    assert pages.get("/", headers={"host": host}).status_code == 200


def test_given_host_names_are_answered(seeded):
    pages = seeded.client(allowed_hosts=frozenset({"cloud.internal"}))
    assert pages.get("/login", headers={"host": "cloud.internal:80"}).status_code == 200


@pytest.mark.parametrize(
    ("given", "is_asked"),
    [
        ({}, False),
        ({"bound_host": "::1"}, False),
        ({"allowed_hosts": frozenset({"127.0.0.1"})}, False),
        ({"allowed_hosts": frozenset({"cloud.internal"})}, True),
        ({"bound_host": "0.0.0.0"}, True),
        ({"bound_host": "192.168.1.5"}, True),
    ],
)
def test_strangers_sign_in_whenever_others_can_reach_the_pages(seeded, given, is_asked):
    pages = seeded.client(**given)
    asked = pages.get("/runs", headers={"accept": "text/html"}, follow_redirects=False)
    assert asked.status_code == (303 if is_asked else 200)
    assert asked.headers.get("location", "").startswith("/login") is is_asked


def test_a_server_on_all_addresses_answers_every_well_formed_name(seeded):
    pages = seeded.client(bound_host="0.0.0.0")
    assert pages.get("/login", headers={"host": "cloud.internal"}).status_code == 200
    assert pages.get("/login", headers={"host": "a/b"}).status_code == 421
    closed = seeded.client(bound_host="0.0.0.0", allowed_hosts=frozenset({"cloud.internal"}))
    assert closed.get("/login", headers={"host": "evil.example"}).status_code == 421


def test_every_answer_carries_the_security_headers(seeded):
    pages = seeded.client()
    run = seeded.ids["success"]
    paths = (
        "/",
        "/nope",
        "/static/app.css",
        f"/runs/{run}/steps/4/lines",
        f"/runs/{run}/steps/4/log",
    )
    for path in paths:
        headers = pages.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"], path
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "access-control-allow-origin" not in headers
    refused = pages.get("/", headers={"host": "evil.example"})
    assert "content-security-policy" in refused.headers


def test_large_bodies_are_refused(pages):
    assert pages.post("/jobs/1/run", content=b"x" * 100_000).status_code == 413
    chunks = (b"x" * 10_000 for _ in range(10))
    assert pages.post("/login", content=chunks).status_code == 413


def test_on_loopback_nobody_signs_in(pages):
    assert pages.get("/").status_code == 200
    assert "Sign out" not in pages.get("/").text


def outside(seeded):
    return seeded.client(bound_host="0.0.0.0")


def test_beyond_loopback_pages_ask_for_the_token(seeded):
    pages = outside(seeded)
    answer = pages.get("/runs?state=error")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=%2Fruns%3Fstate%3Derror"
    for path in ("/jobs/1/run", "/runs/1/cancel"):
        assert pages.post(path).status_code == 401
    step = f"/runs/{seeded.ids['success']}/steps/4/lines"
    assert pages.get(step, headers={"accept": "application/json"}).status_code == 401


def test_the_token_is_asked_once_and_not_kept_in_the_cookie(seeded):
    pages = outside(seeded)
    answer = pages.post("/login", data={"token": TOKEN, "next": "/runs"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert TOKEN not in cookie
    assert hashlib.sha256(TOKEN.encode()).hexdigest() not in cookie
    assert pages.get("/runs").status_code == 200
    assert pages.post("/jobs/4/run").status_code == 303


def test_a_revoked_token_ends_its_sessions(seeded):
    pages = outside(seeded)
    pages.post("/login", data={"token": TOKEN})
    assert pages.get("/").status_code == 200
    seeded.change("update tokens set revoked_at = '2026-01-01 00:00:00+00:00'")
    assert pages.get("/").status_code == 303


def test_signing_out_forgets_the_session(seeded):
    pages = outside(seeded)
    pages.post("/login", data={"token": TOKEN})
    assert pages.post("/logout").status_code == 303
    assert pages.get("/").status_code == 303


def test_wrong_tokens_are_refused_and_slowed_down(seeded):
    pages = outside(seeded)
    statuses = [pages.post("/login", data={"token": f"wrong {n}"}).status_code for n in range(11)]
    assert statuses == [401] * 10 + [429]
    assert pages.post("/login", data={"token": TOKEN}).status_code == 429


@pytest.mark.parametrize(
    "cookie", ["", "x", "1.2.3.4", "1.99999999999.aa.bb", "a.b.c.d", "9" * 400]
)
def test_made_up_cookies_are_refused(seeded, cookie):
    pages = outside(seeded)
    assert pages.get("/", headers={"cookie": f"cloud_session={cookie}"}).status_code == 303


def test_an_old_cookie_is_refused(monkeypatch):
    sign_in = SignIn(lambda digest: 1, lambda token_id: hashlib.sha256(b"t").hexdigest())
    cookie = sign_in.cookie_for("t")
    assert sign_in.is_valid(cookie)
    assert not sign_in.is_valid(cookie[:-1] + ("0" if cookie[-1] != "0" else "1"))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 13 * 3600)
    assert not sign_in.is_valid(cookie)


@pytest.mark.parametrize(
    "target", ["//evil", "/\\evil", "https://evil", "evil", "", "/\r\nx: y", "/a\\b"]
)
def test_after_signing_in_nobody_is_sent_elsewhere(target):
    assert local_target(target) == "/"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("127.9.9.9", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.4", False),
        ("cloud.internal", False),
    ],
)
def test_loopback_is_told_from_the_network(host, expected):
    assert is_loopback(host) is expected


def test_a_host_name_is_read_without_its_port():
    assert host_name("[::1]:8580") == "::1"
    assert host_name("A.b:80") == "a.b"
    assert host_name("a:99999") == ""

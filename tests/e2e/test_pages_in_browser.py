"""The pages in a real Chromium: layout, console, live log, actions, scripts off."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from marketing_analytics.local_cloud.store.connection import now_text

pytestmark = [pytest.mark.system, pytest.mark.browser]
LOG_LINES = 100_000


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def paths_of(ids):
    runs = [f"/runs/{ids[name]}" for name in ("success", "failed", "running", "queued", "crashed")]
    return [
        "/",
        "/jobs",
        "/jobs?search=none",
        "/jobs/1",
        "/jobs/1/trigger",
        "/freshness",
        "/runs",
        "/queue",
        "/audit",
        "/webhooks",
        "/drift",
        "/login",
        *runs,
        f"{runs[0]}?view=longest",
        f"{runs[1]}?view=folder&node=stg",
        f"{runs[1]}?view=start",
        *(f"{runs[1]}/{part}" for part in ("nodes", "lineage", "compare")),
        f"{runs[1]}/nodes/model.marketing.fct_attribution",
        f"{runs[1]}/steps/4/events",
    ]


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (360, "light"),
        (1440, "dark"),
        pytest.param(360, "dark", marks=pytest.mark.slow),
        pytest.param(768, "light", marks=pytest.mark.slow),
    ],
)
def test_no_page_overflows_or_complains(site, open_tab, width, scheme):
    tab = open_tab(width, color_scheme=scheme)
    for path in paths_of(site.ids):
        tab.page.goto(site.url + path)
        tab.page.wait_for_timeout(100)
        scroll, room = tab.page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert scroll <= room, path
    assert tab.complaints == []


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1440, "light")])
def test_axe_finds_nothing_serious_on_any_page(site, open_tab, width, scheme):
    source = os.environ.get("AXE_JS", "")
    if not source:
        pytest.skip("AXE_JS does not name axe.min.js; `npm pack axe-core` has it")
    (hook,) = site.find("select id from webhooks")
    # the page's own policy would not let the script in
    tab = open_tab(width, color_scheme=scheme, bypass_csp=True)
    found = []
    more = ["/nowhere", f"/webhooks/{hook}", f"/runs/{site.ids['failed']}/files/4/manifest.json"]
    for path in (*paths_of(site.ids), *more):
        tab.page.goto(site.url + path)
        tab.page.evaluate(Path(source).read_text("utf-8"))
        violations = tab.page.evaluate("axe.run(document).then(found => found.violations)")
        found += [
            (path, violation["id"], violation["nodes"][0]["html"])
            for violation in violations
            if violation["impact"] in ("serious", "critical")
        ]
    assert found == []


@pytest.mark.slow
def test_a_growing_log_is_followed_until_the_run_ends(site, open_tab):
    run = site.ids["running"]
    tab = open_tab()
    tab.page.goto(f"{site.url}/runs/{run}")
    tab.page.wait_for_selector(".virtual .ln")
    assert tab.page.get_attribute("[data-follow]", "aria-pressed") == "true"
    with site.log("running").open("a") as file:
        file.write("12:02:00  a line that came later <b>\n")
    tab.page.wait_for_selector("text=a line that came later <b>", timeout=8_000)
    (site.log("running").parents[1] / "artifacts" / "step_4" / "late.json").write_text("{}")
    now = now_text()
    site.change("update runs set status = 10, finished_at = ? where id = ?", now, run)
    site.change("update run_steps set status = 10, finished_at = ? where run_id = ?", now, run)
    tab.page.wait_for_selector("h1 .badge:has-text('Success')", timeout=8_000)
    until(lambda: tab.page.evaluate("!document.querySelector('[data-live]')"))
    assert "7 files" in tab.page.text_content("#artifacts summary")
    time.sleep(1.5)
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    time.sleep(3)
    assert asked == []
    assert tab.complaints == []


def test_cancel_and_run_again_work_by_pressing(site, open_tab):
    tab = open_tab()
    tab.page.goto(f"{site.url}/runs/{site.ids['queued']}")
    tab.page.click("text=Cancel")
    tab.page.wait_for_selector("h1 .badge:has-text('Cancelled')")
    tab.page.click("text=/^Re-run$/")
    tab.page.wait_for_selector("h1 .badge:has-text('Queued')")
    assert tab.page.url.endswith(f"/runs/{max(site.ids.values()) + 1}")
    tab.page.goto(f"{site.url}/runs/{site.ids['running']}")
    tab.page.click("text=Cancel")
    tab.page.wait_for_selector("text=Cancelling…")
    assert tab.complaints == []


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1440])
def test_lines_are_wrapped_where_they_stand_and_no_line_is_lost(site, open_tab, width):
    text = "".join(f"12:00:00  {n} {'x' * (n * 37 % 700)} end{n}\n" for n in range(1, 5001))
    site.log("success").write_text(text, "utf-8")
    tab = open_tab(width)
    tab.page.goto(f"{site.url}/runs/{site.ids['success']}?step=4&line=2500#log")
    tab.page.wait_for_selector(".ln.at")

    def shown() -> list[int]:
        found = tab.page.evaluate(
            "() => { const box = document.querySelector('[data-virtual]').getBoundingClientRect();"
            " return [...document.querySelectorAll('[data-rows] .ln')].filter(line => {"
            " const at = line.getBoundingClientRect();"
            " return at.bottom > box.top + 2 && at.top < box.bottom - 2; })"
            ".map(line => Number(line.querySelector('a').textContent)); }"
        )
        return [number for number in found if number]

    first = shown()[0]
    tab.page.keyboard.press("w")
    tab.page.wait_for_selector("[data-virtual].wrapped")
    assert shown()[0] == first
    seen = shown()
    for _ in range(15):
        tab.page.eval_on_selector("[data-virtual]", "box => { box.scrollTop += 300; }")
        tab.page.wait_for_timeout(150)
        now = shown()
        assert now == list(range(now[0], now[-1] + 1))
        assert now[0] <= seen[-1] + 1
        seen = now
    assert seen[0] > first
    tab.page.keyboard.press("t")
    tab.page.wait_for_function(
        "() => !document.querySelector('[data-rows] .ln span').textContent.startsWith('12:00')"
    )
    line = tab.page.locator("[data-rows] .ln a").nth(12)
    number = line.inner_text()
    line.click()
    assert f"line={number}#log" in tab.page.url
    assert f"line={number}#log" in tab.page.get_attribute("[data-copyline]", "data-copy")
    tab.page.goto(tab.page.url)
    tab.page.wait_for_selector(f".wrapped .ln.at:has-text('{number}')")
    assert tab.complaints == []


def test_a_log_of_100000_lines_does_not_freeze(site, open_tab):
    lines = [f"12:00:00  line {n}" for n in range(1, LOG_LINES + 1)]
    lines[70_000] = "12:00:00  1 of 3 \x1b[31mERROR\x1b[0m creating the model"
    site.log("success").write_text("\n".join(lines) + "\n", "utf-8")
    tab = open_tab()
    tab.page.goto(f"{site.url}/runs/{site.ids['success']}")
    tab.page.wait_for_selector(".ln.at:has-text('creating the model')")
    assert tab.page.text_content("#logview .a-red") == "ERROR"
    for share in (0.1, 0.9, 0.5, 1.0):
        tab.page.eval_on_selector(
            "[data-virtual]", f"box => box.scrollTop = box.scrollHeight * {share}"
        )
        tab.page.wait_for_function(
            "() => { const rows = [...document.querySelectorAll('.virtual .ln > span')];"
            " return rows.length > 20 && rows.length < 80; }"
        )
    tab.page.wait_for_selector(f".virtual >> text=line {LOG_LINES}")
    tab.page.click("[data-firsterror]")
    tab.page.wait_for_selector(".ln.at:has-text('creating the model')")
    assert tab.page.evaluate("document.querySelectorAll('.virtual .ln').length") < 100
    assert tab.complaints == []


def test_search_level_and_line_links_work(site, open_tab):
    run = site.ids["failed"]
    tab = open_tab()
    tab.page.goto(f"{site.url}/runs/{run}")
    tab.page.wait_for_selector(".virtual .l-error")
    tab.page.select_option("[data-loglevel]", "error")
    tab.page.wait_for_selector("text=2 matching of")
    tab.page.select_option("[data-loglevel]", "")
    tab.page.fill("[data-logsearch]", "STG_SHOP")
    tab.page.wait_for_selector("[data-logstatus]:has-text('matching of')")
    tab.page.fill("[data-logsearch]", "")
    tab.page.goto(f"{site.url}/runs/{run}?step=4&line=120#log")
    tab.page.wait_for_selector(".ln.at > a:text-is('120')")
    assert tab.complaints == []


def test_hostile_names_and_lines_run_nothing(site, open_tab):
    payload = "</script></title>\"'><img src=x onerror=alert(1)><svg/onload=alert(2)>"
    site.change("update jobs set name = ?, description = ?", payload, payload)
    site.change("update runs set cause = ?, schema_name = ?, status_message = ?", *[payload] * 3)
    site.change("update run_nodes set name = name || ?, message = ?", payload, payload)
    site.change("update run_steps set name = ?", payload)
    site.log("failed").write_text(f"ERROR {payload}\n\x1b[31m{payload}\n", "utf-8")
    tab = open_tab()
    for path in paths_of(site.ids):
        tab.page.goto(site.url + path)
        tab.page.wait_for_timeout(200)
    assert tab.complaints == []
    assert tab.page.evaluate("document.querySelectorAll('img').length") == 0


def test_pages_can_be_read_with_scripts_off(site, open_tab):
    tab = open_tab(java_script_enabled=False)
    tab.page.goto(f"{site.url}/runs/{site.ids['failed']}")
    assert tab.page.is_visible("text=fct_attribution")
    assert tab.page.is_visible(".static .ln")
    assert not tab.page.is_visible("[data-logsearch]")
    before = tab.page.text_content(".static .ln")
    # a click returns before the page it leads to is there
    with tab.page.expect_navigation():
        tab.page.click("text=Earlier lines")
    assert tab.page.is_visible(".static .ln")
    assert tab.page.text_content(".static .ln") != before
    tab.page.goto(f"{site.url}/jobs")
    with tab.page.expect_navigation():
        tab.page.click("[aria-label='Run attribution-validation now']")
    assert "Queued" in tab.page.text_content("h1")


def test_keys_lead_around(site, open_tab):
    tab = open_tab()
    tab.page.goto(f"{site.url}/jobs")
    tab.page.keyboard.press("j")
    tab.page.keyboard.press("j")
    assert tab.page.evaluate("document.activeElement.getAttribute('href')") == "/jobs/2"
    tab.page.keyboard.press("k")
    assert tab.page.evaluate("document.activeElement.getAttribute('href')") == "/jobs/1"
    tab.page.keyboard.press("/")
    assert tab.page.evaluate("document.activeElement.name") == "search"
    tab.page.keyboard.press("Escape")
    tab.page.keyboard.press("?")
    assert tab.page.is_visible("#keys")
    tab.page.keyboard.press("Escape")
    tab.page.keyboard.press("g")
    tab.page.keyboard.press("r")
    tab.page.wait_for_url("**/runs")
    for key, place in (("h", "/"), ("f", "/freshness"), ("j", "/jobs"), ("q", "/queue")):
        tab.page.keyboard.press("g")
        tab.page.keyboard.press(key)
        tab.page.wait_for_url(f"{site.url}{place}")
    assert tab.complaints == []


def test_e_and_the_link_of_a_failure_lead_to_its_line_in_the_log(site, open_tab):
    tab = open_tab(360)
    tab.page.goto(f"{site.url}/runs/{site.ids['failed']}")
    tab.page.wait_for_selector(".virtual .l-error")
    is_seen = (
        "() => { const line = document.querySelector('.virtual .ln.at');"
        " if (!line) return false; const box = line.getBoundingClientRect();"
        " return box.top >= 0 && box.bottom <= innerHeight; }"
    )
    tab.page.evaluate("scrollTo(0, 0)")
    tab.page.keyboard.press("e")
    tab.page.wait_for_function(is_seen)
    tab.page.evaluate("scrollTo(0, 0)")
    tab.page.click("[data-line-link]")
    tab.page.wait_for_function(is_seen)
    assert "line=" in tab.page.url
    assert tab.complaints == []


def test_bars_are_marked_while_one_types_and_reached_by_keys(site, open_tab):
    tab = open_tab()
    tab.page.goto(f"{site.url}/runs/{site.ids['failed']}?view=kind&step=4")
    tab.page.locator("[data-nodes]").press_sequentially("STG_")
    marked = tab.page.locator("[data-lanes] a.found")
    names = marked.evaluate_all("bars => bars.map(bar => bar.textContent)")
    assert len(names) > 2
    assert all("stg_" in name for name in names)
    bars = tab.page.locator("[data-lanes] a").count()
    assert tab.page.locator("[data-found]").inner_text() == f"{len(names)} of {bars} marked"
    assert tab.page.url.endswith("?view=kind&step=4&node=STG_")
    folder = tab.page.locator(".lanebar a", has_text="Folder")
    assert "node=STG_" in folder.get_attribute("href")
    marked.first.focus()
    tab.page.keyboard.press("ArrowRight")
    title = tab.page.evaluate("document.activeElement.querySelector('title').textContent")
    assert title == marked.nth(1).locator("title").text_content()
    tab.page.locator("[data-step-link='3']").first.click()
    assert "node=STG_" in tab.page.url
    assert tab.complaints == []


def test_docs_run_in_a_sandbox_that_reaches_nothing(site, open_tab):
    tab = open_tab()
    tab.page.goto(f"{site.url}/runs/{site.ids['success']}/docs")
    tab.page.wait_for_selector("text=docs of 19 nodes")
    assert tab.page.evaluate("origin") == "null"
    reached = "fetch('/api/v2/accounts/').then(() => 'reached', () => 'refused')"
    assert tab.page.evaluate(reached) == "refused"

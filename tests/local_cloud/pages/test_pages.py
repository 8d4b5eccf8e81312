"""Every page answers, says what it should and escapes everything."""

import json
import re
from html.parser import HTMLParser

import pytest

from benchmarks.seeded_pages import seed
from marketing_analytics.cloud_api.attributes import ATTRIBUTES, Attribute, flag
from marketing_analytics.local_cloud import settings as cloud_settings
from marketing_analytics.local_cloud.pages import job_views

PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title><svg onload=alert(1)>",
    "{{ 7 * 7 }}",
    "javascript:alert(1)",
)
PATHS = (
    "/",
    "/jobs",
    "/runs",
    "/queue",
    "/freshness",
    "/runs?page=9",
    "/jobs?search=nothing-fits",
    "/jobs?state=error",
)


@pytest.mark.parametrize("path", PATHS)
def test_pages_answer_on_an_empty_store(empty_pages, path):
    answer = empty_pages.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("path", [*PATHS, "/jobs/1", "/runs?state=active&trigger=api&job=1"])
def test_pages_answer_on_a_full_store(pages, path):
    assert pages.get(path).status_code == 200


@pytest.mark.parametrize("name", ["success", "failed", "running", "queued", "crashed"])
@pytest.mark.parametrize("view", ["", "?view=longest", "?live=1", "?step=2&line=1", "?step=99"])
def test_a_run_in_every_state_has_a_page(seeded, name, view):
    assert seeded.client().get(f"/runs/{seeded.ids[name]}{view}").status_code == 200


def test_the_empty_list_tells_the_command_to_deploy_and_its_five_settings(empty_pages):
    text = empty_pages.get("/jobs").text
    assert "dbt_job_manager.py deploy --config env_file/dev_env.tfvars" in text
    assert all(name in text for name in [*cloud_settings.PURPOSES, "DBTCLOUD_HOST_URL"])


def test_a_job_shows_the_parts_of_its_mark_and_not_the_mark(pages):
    text = pages.get("/jobs/1").text
    assert "[jobs:v1" not in text
    assert re.search(r"branch <b>feature-new-windows</b>", text)
    assert "Every day at 06:00, 12:00 and 18:00 UTC" in text
    assert text.count('<time datetime="', 0, text.index("Settings")) >= 5


def test_a_job_shows_every_attribute_of_the_table(pages, monkeypatch):
    added = flag("reads_stars", "asks the stars first")
    shown = Attribute("wishes", "count", "how many", absent=1, places=("settings.threads",))
    monkeypatch.setattr(job_views, "ATTRIBUTES", (*ATTRIBUTES, added, shown))
    text = pages.get("/jobs/1").text
    for name, words in [("Threads", "4"), ("Timeout", "1 h 00 min"), ("dbt version", "1.12.6")]:
        assert f"<dt>{name}</dt><dd>{words}</dd>" in text
    assert "<dt>Wishes</dt><dd>4</dd>" in text
    unset = text.partition("<dt>Not set</dt><dd>")[2].partition("</dd>")[0].split(", ")
    assert {"generate docs", "run lint", "deferring environment", "reads stars"} <= set(unset)


def test_filters_narrow_the_jobs_and_stay_in_the_form(pages):
    text = pages.get("/jobs?search=ltv").text
    assert "customer-ltv-modeling" in text
    assert "email-marketing-metrics" not in text
    assert 'value="ltv"' in text
    assert "1 of 9" in text


def test_filters_narrow_the_runs(seeded):
    text = seeded.client().get("/runs?state=queued").text
    assert re.findall(r'href="/runs/(\d+)"', text) == [str(seeded.ids["queued"])]
    assert "No run fits" in seeded.client().get("/runs?search=%25").text


def test_runs_are_paged_in_the_address(seeded):
    for _ in range(60):
        seeded.change(
            "insert into runs (account_id, project_id, environment_id, job_id, steps, schema_name,"
            " target_name, threads, status, created_at, updated_at)"
            " select account_id, project_id, environment_id, job_id, steps, schema_name,"
            " target_name, threads, status, created_at, updated_at from runs where id = 1"
        )
    pages = seeded.client()
    assert 'href="?page=2"' in pages.get("/runs").text
    assert "Page 2 of 3" in pages.get("/runs?page=2").text
    assert 'href="?page=2&amp;state=success' in pages.get("/runs?state=success").text


def test_a_waiting_run_says_behind_whom(seeded):
    text = seeded.client().get("/queue").text
    running = seeded.ids["running"]
    assert f'behind run <a href="/runs/{running}">{running}</a> of the same job' in text


def test_only_an_active_run_asks_to_be_followed(seeded):
    pages = seeded.client()
    active, ended = (
        pages.get(f"/runs/{seeded.ids[name]}?live=1") for name in ("running", "success")
    )
    assert 'id="runlive" data-live="1"' in active.text
    assert "data-live=" not in ended.text
    assert (active.headers["x-live"], ended.headers["x-live"]) == ("on", "off")


def test_an_unchanged_page_is_not_sent_again(seeded):
    path = f"/runs/{seeded.ids['crashed']}"
    pages = seeded.client()
    for _ in range(3):  # relative times may change between two looks
        tag = pages.get(path).headers["etag"]
        again = pages.get(path, headers={"if-none-match": tag})
        if again.status_code == 304:
            break
    assert (again.status_code, again.content) == (304, b"")


def test_secret_values_are_masked(seeded):
    from benchmarks.seeded_pages import SECRET

    folder = seeded.folder / "runs" / str(seeded.ids["failed"]) / "steps"
    (folder / "4.log").write_text(f"connecting with {SECRET}\n", "utf-8")
    seeded.change("update run_nodes set message = ? where status = 'error'", (f"bad {SECRET}",))
    pages = seeded.client()
    run = f"/runs/{seeded.ids['failed']}"
    for path in ("/jobs/1", run, f"{run}/steps/4/lines", f"{run}/steps/4/log"):
        answer = pages.get(path)
        assert answer.status_code == 200
        assert SECRET not in answer.text, path
    assert "**********" in pages.get("/jobs/1").text


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_others_wrote_stays_text(seeded, payload):
    seeded.change("update jobs set name = ?, description = ?", (payload, payload))
    seeded.change("update environments set name = ?", (payload,))
    seeded.change(
        "update runs set cause = ?, schema_name = ?, status_message = ?, wait_reason = ?,"
        " cause_category = ?, git_branch = ?",
        (payload,) * 6,
    )
    seeded.change("update run_steps set name = ?, command = ?", (payload, payload))
    seeded.change("update run_nodes set name = name || ?, message = ?", (payload, payload))
    seeded.change("update run_nodes set thread = ?, resource_type = 'x' || ?", (payload, payload))
    folder = seeded.folder / "runs" / str(seeded.ids["failed"]) / "artifacts" / "step_4"
    for name in ("manifest.json", "run_results.json", "sources.json"):
        # in what dbt wrote every text but keys and ids
        (folder / name).write_text(hostile((folder / name).read_text(), payload))
    pages = seeded.client()
    run = f"/runs/{seeded.ids['failed']}"
    log = seeded.folder / "runs" / str(seeded.ids["failed"]) / "steps" / "4.log"
    log.write_text(f"{payload}\n\x1b[31m{payload}\x1b[0m\n\x1b]8;;http://x\x07{payload}\n", "utf-8")
    paths = (
        "/",
        "/jobs",
        "/jobs/1",
        "/jobs/1/trigger",
        "/freshness",
        "/runs",
        "/queue",
        run,
        *(f"{run}/{part}" for part in ("nodes", "lineage", "compare")),
        f"{run}/nodes/model.marketing.fct_attribution",
        f"{run}?live=1",
        f"/runs/{seeded.ids['queued']}",
    )
    for path in (*paths, f"/jobs?search={payload}", f"/runs?search={payload}"):
        text = pages.get(path).text
        assert active_content(text) == [], path
        assert not re.search(r">49<", text), path


def hostile(text, payload):
    """Return JSON with a payload behind every text but an id or a state."""

    def changed(value, key=""):
        if isinstance(value, dict):
            return {name: changed(part, name) for name, part in value.items()}
        if isinstance(value, list):
            return [changed(part, key) for part in value]
        is_kept = key in ("unique_id", "nodes", "status", "resource_type", "attached_node")
        return f"{value}{payload}" if isinstance(value, str) and not is_kept else value

    return json.dumps(changed(json.loads(text)))


class ActiveContent(HTMLParser):
    """Collects what a browser would run."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag in ("img", "iframe", "object", "style", "base"):
            self.found.append(tag)
        if tag == "script" and not given.get("src", "").startswith("/static/"):
            self.found.append("script")
        self.found += [name for name in given if name.startswith("on") or name == "style"]
        href = given.get("href") or given.get("action") or "/"
        if not href.startswith(("/", "?", "#")) or href.startswith("//"):
            self.found.append(href)


def active_content(text):
    parser = ActiveContent()
    parser.feed(text)
    return parser.found


def test_the_check_for_active_content_finds_it():
    bad = "<script>1</script><a href='javascript:x' onclick=y>z</a><img>"
    assert active_content(bad) == ["script", "onclick", "javascript:x", "img"]


def test_pages_hold_no_inline_script_or_style(seeded):
    run = f"/runs/{seeded.ids['failed']}"
    below = [f"{run}/{part}" for part in ("nodes", "lineage", "compare")]
    for path in ("/", "/jobs", "/jobs/1", "/jobs/1/trigger", "/queue", run, *below, "/nope"):
        text = seeded.client().get(path).text
        assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)", text), path
        assert not re.search(r'(?:src|href)="(?:https?:)?//', text), path


def test_pages_stay_small(seeded):
    for path in ("/", "/jobs", "/jobs/1", "/runs", "/queue", f"/runs/{seeded.ids['failed']}"):
        assert len(seeded.client().get(path).content) <= 200_000, path


def test_static_files_are_cached_by_their_hash(pages):
    path = re.search(r'href="(/static/app.css\?v=\w+)"', pages.get("/").text)[1]
    answer = pages.get(path)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert pages.get("/static/../guard.py").status_code == 404
    assert pages.get("/static/%2e%2e/guard.py").status_code == 404


@pytest.mark.parametrize("path", ["/nope", "/runs/999999", "/jobs/999999", f"/runs/{10**30}"])
def test_what_is_not_there_gets_a_designed_404(pages, path):
    answer = pages.get(path)
    assert answer.status_code == 404
    assert "Go to the home page" in answer.text


def test_a_failure_gets_a_reference_and_no_traceback(seeded, caplog, monkeypatch):
    monkeypatch.setattr("marketing_analytics.local_cloud.pages.answering.health_of", None)
    answer = seeded.client().get("/queue")
    assert answer.status_code == 500
    reference = re.search(r"Reference <code>(\w{8})</code>", answer.text)[1]
    assert reference in caplog.text
    assert "Traceback" not in answer.text
    assert "callable" not in answer.text
    monkeypatch.undo()
    # a store that fails is no bug of ours
    seeded.change("drop table run_nodes")
    answer = seeded.client().get(f"/runs/{seeded.ids['success']}")
    assert (answer.status_code, "run_nodes" in answer.text) == (503, False)


@pytest.mark.parametrize(
    "query",
    [
        "page=-1",
        "page=x",
        "page=99999999999",
        "environment='--",
        "job=%00",
        "state=%ff",
        "search=%00%ff",
    ],
)
def test_unreadable_filters_count_as_not_given(pages, query):
    assert pages.get(f"/runs?{query}").status_code == 200
    assert pages.get(f"/jobs?{query}").status_code == 200


def test_run_now_queues_a_run_and_shows_it(seeded):
    answer = seeded.client().post("/jobs/4/run")
    assert answer.status_code == 303
    page = seeded.client().get(answer.headers["location"])
    assert "Queued" in page.text


def test_cancel_asks_for_it_and_says_so(seeded):
    run = f"/runs/{seeded.ids['running']}"
    assert f'action="{run}/cancel"' in seeded.client().get(run).text
    assert seeded.client().post(f"{run}/cancel").status_code == 303
    text = seeded.client().get(run).text
    assert "Cancelling" in text
    assert f'action="{run}/cancel"' not in text


def test_a_refused_action_says_why(seeded):
    seeded.change("update jobs set state = 2 where id = 4")
    answer = seeded.client().post("/jobs/4/run")
    assert answer.status_code == 409
    assert "there is no job 4" in answer.text
    assert seeded.client().post("/jobs/999/run").status_code == 404
    assert seeded.client().post("/runs/999/cancel").status_code == 404


def test_actions_are_never_done_by_get(seeded):
    pages = seeded.client()
    assert pages.get("/jobs/1/run").status_code == 405
    assert pages.get(f"/runs/{seeded.ids['running']}/cancel").status_code == 405


def test_addresses_of_dbt_cloud_lead_to_our_pages(pages):
    answer = pages.get("/deploy/1/projects/1/runs/7/")
    assert answer.headers["location"].endswith("/runs/7")


def test_a_lease_that_ran_out_shows_in_the_engine_health(seeded):
    assert "engine: well" in seeded.client().get("/").text
    seeded.change("update runs set lease_expires_at = '2020-01-01 00:00:00+00:00' where status = 3")
    assert "engine: a run is not renewed since" in seeded.client().get("/").text


def test_the_step_that_a_crashed_run_was_in_is_shown_as_crashed(seeded):
    run = seeded.ids["failed"]
    seeded.change("update runs set is_crashed = 1 where id = ?", (run,))
    seeded.change("update run_steps set status = 30 where run_id = ? and status = 20", (run,))
    text = seeded.client().get(f"/runs/{run}").text
    step = re.search(r'<span class="word">(\w+)</span></span>\s+<span class="name">4\. ', text)
    assert step[1] == "Crashed"


def test_an_address_without_a_page_keeps_the_navigation(pages):
    answer = pages.get("/nowhere", headers={"accept": "text/html"})
    assert answer.status_code == 404
    assert '<nav aria-label="Main">' in answer.text


def test_nobody_signs_in_where_only_this_machine_is_answered(pages):
    answer = pages.get("/login", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.slow
def test_every_page_is_the_same_over_postgresql(new_database, tmp_path, pages_on):
    folder = tmp_path / "shared"
    place = new_database(folder)
    ids = seed(folder, runs=40, lines=120, store=place)
    pages = pages_on(folder, store=place)
    kept = seed(tmp_path / "alone", runs=40, lines=120)
    beside = pages_on(tmp_path / "alone")
    assert ids == kept
    run, job = f"/runs/{ids['failed']}", f"/jobs/{ids['job']}"
    node = f"{run}/nodes/model.marketing.fct_attribution"
    for path in (
        "/", "/jobs", "/jobs?search=email", "/jobs?state=error", job, f"{job}/trigger", "/runs",
        "/runs?state=error&search=email", "/runs?trigger=page", "/queue", run, f"{run}/nodes", node,
        f"{run}/lineage", f"{run}/compare", "/freshness",
    ):  # fmt: skip
        answer, other = pages.get(path), beside.get(path)
        assert (answer.status_code, other.status_code) == (200, 200), path
        links = [re.findall(r'href="([^"]*)"', text) for text in (answer.text, other.text)]
        assert links[0] == links[1], path
        assert len(links[0]) > 5
    assert pages.post(f"{job}/run").status_code == 303

"""The page of a run: every failure with what it takes to see why, and what happened otherwise."""

import json
import re

from marketing_analytics.local_cloud.pages.runs.changes import sample_words
from marketing_analytics.local_cloud.pages.runs.sql import sql_around


def text_of(seeded, name, path=""):
    answer = seeded.client().get(f"/runs/{seeded.ids[name]}{path}")
    assert answer.status_code == 200
    return answer.text


def articles(text):
    pattern = r'<article class="failure" aria-label="([^"]+)">(.*?)</article>'
    return re.findall(pattern, text, re.DOTALL)


def test_every_failure_is_on_the_page_models_before_tests(seeded):
    found = articles(text_of(seeded, "failed"))
    assert [name for name, _ in found] == [
        "model fct_attribution",
        "test unique_stg_google_ads__campaign_stats_id",
    ]
    model, test = (body for _, body in found)
    assert "Binder Error: Referenced column" in model
    assert re.search(r'<div class="ln at"><span class="no">18</span><code>    credit_share,', model)
    assert "models/marts/fct_attribution.sql" in model
    assert re.search(r"step=4&amp;line=\d+#log", model)
    assert "<b>3 failing rows.</b>" in test
    assert "2 of them; texts are masked, 4 more columns" in test
    cells = re.findall(r'<td class="mono">(.*?)</td>', test)
    assert cells[:3] == ["c\u2026 (9)", "**********", "2"]
    assert "--store-failures" in test
    assert "having count(*) &gt; 1" in test


def test_a_model_that_failed_in_no_time_is_on_the_page(seeded):
    seeded.change("update run_nodes set execution_seconds = 0.01 where status = 'error'")
    assert articles(text_of(seeded, "failed"))[0][0] == "model fct_attribution"


def test_of_many_failures_the_first_have_details_and_the_others_a_line(seeded):
    run = seeded.ids["failed"]
    seeded.change(
        "with recursive copies (n) as (select 1 union all select n + 1 from copies where n < 150)"
        " insert into run_nodes (run_id, step_index, unique_id, name, resource_type, status,"
        " started_at, finished_at, execution_seconds, message)"
        " select run_id, step_index, unique_id || n, name || n, 'test', 'fail', started_at,"
        " finished_at, 1, ? from run_nodes, copies where run_id = ? and name = 'dim_channels'",
        ("Got 1 result " * 200, run),
    )
    text = text_of(seeded, "failed")
    assert "1 model and 151 tests failed" in text
    assert len(articles(text)) == 8
    assert "And 44 more" in text
    assert len(text) <= 200_000


def test_where_the_log_tells_of_a_failure_is_found(seeded):
    text = text_of(seeded, "failed")
    line = int(re.search(r'data-line-link="(\d+)"', text)[1])
    log = seeded.folder / "runs" / str(seeded.ids["failed"]) / "steps" / "4.log"
    assert "fct_attribution" in log.read_text().splitlines()[line - 1]
    assert "ERROR" in log.read_text().splitlines()[line - 1]


def test_without_artifacts_the_page_says_what_is_not_there(seeded):
    folder = seeded.folder / "runs" / str(seeded.ids["failed"]) / "artifacts"
    folder.rename(folder.with_name("gone"))
    text = text_of(seeded, "failed")
    assert "The step left no artifacts, so its compiled SQL is not known." in text
    assert len(articles(text)) == 2


def test_secrets_in_compiled_sql_are_masked(seeded):
    from benchmarks.seeded_pages import SECRET

    folder = seeded.folder / "runs" / str(seeded.ids["failed"]) / "artifacts" / "step_4"
    path = folder / "run_results.json"
    path.write_text(path.read_text().replace("from fct_touchpoints", f"from {SECRET}"))
    text = text_of(seeded, "failed")
    assert SECRET not in text
    assert "**********" in text


def test_hostile_artifacts_break_no_page(seeded):
    folder = seeded.folder / "runs" / str(seeded.ids["failed"]) / "artifacts" / "step_4"
    for text in ("[1", "[]", '{"nodes": [{"unique_id": 3}], "results": [1]}', '{"nodes": 1}'):
        (folder / "manifest.json").write_text(text)
        (folder / "run_results.json").write_text(text)
        assert len(articles(text_of(seeded, "failed"))) == 2
    deep = json.dumps({"nodes": {}}) + "[" * 100_000
    (folder / "manifest.json").write_text(deep)
    text_of(seeded, "failed")


def test_a_crashed_run_says_what_happened_and_how_far_it_was(seeded):
    run = seeded.ids["failed"]
    seeded.change(
        "update runs set is_crashed = 1, status_message = ?, heartbeat_at = ? where id = ?",
        ("The server process 71 that ran this died.", "2026-11-01 06:00:00+00:00", run),
    )
    seeded.change("update run_steps set status = 30 where run_id = ? and status = 20", (run,))
    seeded.change(
        "update run_nodes set status = 'cancelled' where run_id = ? and name = 'fct_ad_spend'",
        (run,),
    )
    text = text_of(seeded, "failed")
    story = re.search(r'aria-label="What happened">(.*?)</section>', text, re.DOTALL)[1]
    for words in (
        "This run crashed",
        "The server process 71 that ran this died.",
        "step 4: Invoke dbt with",
        "fct_ad_spend",
        "2026-11-01 06:00:00 UTC",
        "Done. PASS=61",
    ):
        assert words in story


def test_a_step_that_failed_without_a_node_shows_its_last_lines(seeded):
    run = seeded.ids["failed"]
    seeded.change("update run_nodes set status = 'success' where run_id = ?", (run,))
    said = "Invoke dbt with `dbt build --select +tag:attribution` failed: no such package"
    seeded.change("update runs set status_message = ? where id = ?", (said, run))
    text = text_of(seeded, "failed")
    assert text.count("Invoke dbt with `dbt build --select +tag:attribution`") == 2
    assert "Step 4 failed: Invoke dbt with" in text
    assert "no such package" in text
    assert articles(text) == []


def test_a_run_goes_on_where_it_failed_by_pressing(seeded):
    run = seeded.ids["crashed"]
    pages = seeded.client()
    seeded.change("delete from runs where job_id = 4 and id > ?", (run,))
    assert f'action="/runs/{run}/retry"' not in pages.get(f"/runs/{run}").text
    refused = pages.post(f"/runs/{run}/retry")
    assert (refused.status_code, "start a new run" in refused.text) == (409, True)
    # where its job builds
    place = "environment_id = 2, schema_name = 'development_schema'"
    seeded.change(f"update runs set {place} where id = ?", (run,))
    assert f'action="/runs/{run}/retry"' in pages.get(f"/runs/{run}").text
    answer = pages.post(f"/runs/{run}/retry")
    assert answer.status_code == 303
    assert f"Retry of run {run}" in pages.get(answer.headers["location"]).text
    # it is the newest no longer
    assert f'action="/runs/{run}/retry"' not in pages.get(f"/runs/{run}").text
    again = pages.post(f"/runs/{run}/retry")
    assert again.status_code == 409
    assert "only its newest run can go on from there" in again.text
    assert pages.post("/runs/999/retry").status_code == 404


def test_the_log_stands_above_the_timing_and_no_thread_has_a_column(seeded):
    text = text_of(seeded, "failed")
    places = [text.index(f'id="{name}"') for name in ("failures", "steps", "log", "timing")]
    assert places == sorted(places)
    assert "<th>Thread</th>" not in text


def test_the_line_that_an_error_quotes_is_marked():
    code = "with a as (\n  select 1\n)\nselect b\nfrom a\n"
    marked = [line.number for line in sql_around(code, "x\n  LINE 9: select b").lines if line.is_at]
    assert marked == [4]
    assert not any(line.is_at for line in sql_around(code, "LINE 9: nothing like it").lines)
    long = sql_around("\n".join(f"line {n}" for n in range(400)), "LINE 310: line 300...")
    assert (long.total, len(long.lines), long.is_part) == (400, 13, True)


def test_what_a_run_changes_in_production_is_a_table_the_worst_first(seeded):
    text = text_of(seeded, "success")
    assert '<a href="#changes">Compare</a>' in text
    table = text[text.index("Compared with production</h2>") :]
    assert "1 not compared, 1 changed, 1 new, 1 same count, 1 same" in table
    names = re.findall(r"nodes/model\.marketing\.(\w+)", table[: table.index("</table>")])
    assert names == [
        "fct_conversions", "fct_attribution", "fct_ad_spend", "dim_channels", "fct_touchpoints",
    ]  # fmt: skip
    row = re.search(r"fct_attribution</a>(.*?)</tr>", table, re.DOTALL)[1]
    assert "by conversion_id, channel_id" in row
    cells = re.findall(r"<td[^>]*>(.*?)</td>", row)
    assert cells[1:5] == ["48,211 \u2192 48,230", "21", "2", "12,034"]
    assert "new: is_new (boolean)" in row
    assert "other type: channel_id (integer \u2192 varchar)" in row
    assert "values: credit_share in 12,034" in row
    rows = re.findall(r'<div class="mono">([^<]+)</div>', row)
    assert rows == [
        "added: conversion_id 4821, channel_id p\u2026 (6), credit_share 1",
        "changed: conversion_id 17, credit_share 0.5 \u2192 1",
    ]
    assert table.count("Some rows") == 1
    assert "permission denied for schema prod" in table


def test_a_comparison_that_failed_says_why_and_one_that_was_not_asked_for_nothing(seeded):
    folder = seeded.folder / "runs" / str(seeded.ids["failed"]) / "artifacts" / "step_4"
    (folder / "compare_changes.json").write_text('{"error": "<b>no good run</b>", "models": []}')
    assert "&lt;b&gt;no good run&lt;/b&gt;" in text_of(seeded, "failed")
    (folder / "compare_changes.json").unlink()
    text = text_of(seeded, "failed")
    assert "Compared with production" not in text
    assert 'href="#changes"' not in text


def test_nodes_are_grouped_and_marked_by_the_address_alone(seeded):
    text = text_of(seeded, "failed", "?step=4&view=folder&node=FCT_&live=1")
    lanes = text[text.index("data-lanes>") : text.index('class="legend')]
    labels = re.findall(r'role="group" aria-label="([^"]+): \d+ nodes?"', lanes)
    assert "models/staging" in labels
    assert "models/marts" in labels
    bars = re.findall(r'<a href="/runs/\d+/nodes/[^"]+"([^>]*)><title>(\w+)', lanes)
    marked = [name for words, name in bars if 'class="found"' in words]
    assert marked
    assert all("fct_" in name for name in marked)
    assert f"{len(marked)} of {len(bars)} marked" in text
    # those that are marked are where the tab key stops
    assert all("fct_" in name for words, name in bars if "tabindex" not in words)
    # every way on keeps how the lanes are shown
    assert 'href="?step=4&amp;view=kind&amp;node=FCT_#timing"' in text
    assert 'href="?step=3&amp;view=folder&amp;node=FCT_#log"' in text
    assert '<input type="hidden" name="view" value="folder">' in text


def test_without_a_search_each_group_is_one_stop_of_the_tab_key(seeded):
    text = text_of(seeded, "failed", "?view=kind")
    lanes = text[text.index("data-lanes>") : text.index('class="legend')]
    for group in lanes.split('role="group"')[1:]:
        bars = re.findall(r"<a ([^>]*)><title>", group)
        assert ["tabindex" not in words for words in bars] == [True] + [False] * (len(bars) - 1)
    assert 'role="status" data-found></span>' in text
    assert "data-lanes" not in text_of(seeded, "failed", "?view=longest")
    assert '<a href="?#timing" aria-current="true">Thread</a>' in text_of(
        seeded, "failed", "?view=nonsense"
    )


def test_of_a_comparison_that_kept_keys_alone_these_are_shown():
    keys = {"added": [["5", "p\u2026 (6)"], ["6", "null"]], "removed": [["7", "x\u2026 (1)"]]}
    assert sample_words({"sample_keys": keys, "sample_rows": {}}) == [
        "added: 5, p\u2026 (6); 6, null", "removed: 7, x\u2026 (1)",
    ]  # fmt: skip
    hostile = {"sample_rows": {"added": {"a": [1]}, "changed": [3, {"a": {"before": [1]}}]}}
    assert sample_words(hostile) == ["changed: a [1] \u2192 "]

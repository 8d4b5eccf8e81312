"""The pages below a run: all nodes, one node, the lineage, two runs, dbt's docs."""

import json
import re

import pytest

from marketing_analytics.local_cloud.pages.artifacts.manifest import Project, node_of
from marketing_analytics.local_cloud.pages.nodes.lineage import around, layers_of
from marketing_analytics.local_cloud.pages.nodes.views import has_regressed, past_bars
from marketing_analytics.local_cloud.runs.records import PastNode

MODEL = "model.marketing.fct_attribution"


def get(seeded, path, name="failed"):
    answer = seeded.client().get(f"/runs/{seeded.ids[name]}{path}")
    assert answer.status_code == 200
    return answer.text


def folder_of(seeded, name):
    return seeded.folder / "runs" / str(seeded.ids[name]) / "artifacts" / "step_4"


def test_all_nodes_are_listed_the_worst_first_and_filtered(seeded):
    text = get(seeded, "/nodes")
    assert "19 nodes" in text
    first, second = re.findall(r"/nodes/([\w.]+)\">", text)[:2]
    assert first == MODEL
    assert second == "test.marketing.unique_stg_google_ads__campaign_stats_id"
    assert "2 of 19 nodes" in get(seeded, "/nodes?state=error")
    assert "7 of 19 nodes" in get(seeded, "/nodes?kind=tests")
    assert "1 of 19 nodes" in get(seeded, "/nodes?search=dim_")
    assert "No node fits" in get(seeded, "/nodes?search=none")
    assert "This run has not got as far" in get(seeded, "/nodes", "queued")


def test_a_node_shows_its_sql_columns_tests_and_neighbours(seeded):
    text = get(seeded, f"/nodes/{MODEL}")
    for words in (
        "Binder Error: Referenced column",
        'select * from "dev"."ana"."fct_touchpoints"'.replace('"', "&#34;"),
        "{{ ref(&#39;fct_touchpoints&#39;) }}",
        "Its share, 0 to 1; shares of a conversion add up to 1.",
        "models/marts/fct_attribution.sql",
        "/nodes/model.marketing.rpt_channel_attribution",
        "Time over the last 2 runs",
    ):
        assert words in text
    assert re.search(r'<div class="ln at"><span class="no">18</span>', text)
    tested = get(seeded, "/nodes/model.marketing.stg_google_ads__campaign_stats")
    assert "unique_stg_google_ads__campaign_stats_id" in tested
    source = get(seeded, "/nodes/source.marketing.ga4.events")
    assert "Not run" in source
    assert seeded.client().get(f"/runs/{seeded.ids['failed']}/nodes/model.x").status_code == 404


def test_a_time_is_a_regression_against_the_middle_of_those_before():
    assert has_regressed([2.0, 2.1, 1.9], 3.5)
    assert not has_regressed([2.0, 2.1, 1.9], 2.9)
    assert not has_regressed([2.0, 2.1], 9.0)
    assert not has_regressed([0.01, 0.01, 0.01], 0.3)
    past = [
        PastNode(run_id=n, status="success", execution_seconds=s, created_at="2026-11-01 06:00:00")
        for n, s in enumerate((2.0, 2.0, 2.0, 8.0))
    ]
    bars = past_bars(past)
    assert [bar.is_regression for bar in bars] == [False, False, False, True]
    assert bars[-1].place == 29
    assert bars[-1].words.endswith("Success, 8.0 s, slower than before")


def test_the_lineage_has_a_box_a_node_in_the_colour_of_its_state(seeded):
    text = get(seeded, "/lineage")
    assert "16 of 16 nodes" in text
    assert len(re.findall(r'<rect class="box t-', text)) == 16
    assert len(re.findall(r'<rect class="box t-error', text)) == 1
    around_it = get(seeded, f"/lineage?focus={MODEL}&depth=1")
    assert "4 of 16 nodes" in around_it
    assert "focus" in re.search(r'<rect class="(box t-error[^"]*)"', around_it)[1]
    assert "4 of 16 nodes" in get(seeded, "/lineage?search=fct_attribution&depth=1")
    assert "Several names hold" in get(seeded, "/lineage?search=fct_")
    assert "No project to show" in get(seeded, "/lineage", "crashed")


def test_columns_stand_right_of_what_they_read_and_circles_end():
    part = {"resource_type": "model"}
    above = {"a": [], "b": ["a"], "c": ["a", "b"], "d": ["e"], "e": ["d"]}
    nodes = {
        name: node_of({**part, "unique_id": name, "depends_on": {"nodes": parents}})
        for name, parents in above.items()
    }
    children = {"a": ["b", "c"], "b": ["c"], "e": ["d"], "d": ["e"]}
    project = Project(nodes, children)
    layers = layers_of(project, set(above))
    place = {name: column for column, layer in enumerate(layers) for name in layer}
    assert place["a"] < place["b"] < place["c"]
    assert set(place) == set(above)
    assert around(project, "c", 1) == {"a", "b", "c"}
    assert around(project, "d", 5) == {"d", "e"}


def test_two_runs_are_compared(seeded):
    path = folder_of(seeded, "failed") / "manifest.json"
    manifest = json.loads(path.read_text())
    node = manifest["nodes"]["model.marketing.dim_channels"]
    node["raw_code"] += "limit 10\n"
    path.write_text(json.dumps(manifest))
    run = seeded.ids["failed"]
    seeded.change("delete from run_nodes where run_id = ? and name = 'fct_ad_spend'", (run,))
    text = get(seeded, "/compare")
    assert f"Compare run {run} with" in text
    rows = dict(re.findall(r"/nodes/([\w.]+)\".*?data-label=\"Difference\"[^>]*>([^<]+)<", text))
    assert rows["model.marketing.fct_ad_spend"] == "removed"
    assert rows["model.marketing.dim_channels"] == "SQL changed"
    assert rows[MODEL] == "state changed"
    assert rows["model.marketing.fct_conversions"] == "–"
    assert '<span class="no">+</span><code>limit 10</code>' in text
    assert seeded.client().get(f"/runs/{run}/compare?with=999").status_code == 404


def test_docs_are_one_page_in_a_sandbox(seeded):
    from benchmarks.seeded_pages import SECRET

    path = folder_of(seeded, "success") / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["nodes"][MODEL]["description"] = "</script><script>1</script><!--" + SECRET
    path.write_text(json.dumps(manifest))
    answer = seeded.client().get(f"/runs/{seeded.ids['success']}/docs")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none';")
    assert "allow-same-origin" not in policy
    assert "INLINE DATA" not in answer.text
    assert answer.text.count("</script>") == 1
    assert SECRET not in answer.text
    (folder_of(seeded, "success") / "catalog.json").unlink()
    assert seeded.client().get(f"/runs/{seeded.ids['success']}/docs").status_code == 404


@pytest.mark.parametrize("part", ["nodes", "nodes/x", "lineage", "compare", "docs"])
def test_of_a_run_that_is_not_there_nothing_is_shown(pages, part):
    assert pages.get(f"/runs/999/{part}").status_code == 404
    assert pages.get(f"/runs/{10**30}/{part}").status_code == 404


def test_a_huge_lineage_begins_with_what_failed(seeded):
    path = folder_of(seeded, "failed") / "manifest.json"
    manifest = json.loads(path.read_text())
    for place in range(500):
        manifest["nodes"][f"model.marketing.m{place}"] = {
            "unique_id": f"model.marketing.m{place}",
            "name": f"m{place}",
            "resource_type": "model",
            "depends_on": {"nodes": [MODEL]},
        }
    path.write_text(json.dumps(manifest))
    text = get(seeded, "/lineage?depth=5")
    assert "120 of 516 nodes around <b>fct_attribution</b>" in text
    assert len(text) <= 200_000

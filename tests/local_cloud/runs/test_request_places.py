"""A step of a request is asked what it would build, before it builds where it may not."""

from __future__ import annotations

import json

import pytest

from benchmarks.tiny_cloud import BUILD
from marketing_analytics.local_cloud.runs.requests.places import (
    KNOWN,
    LISTING,
    elsewhere_words,
    listing_args,
    making_of,
    stores_failures,
)
from marketing_analytics.local_cloud.runs.requests.schemas import built_elsewhere
from tests.local_cloud.runs.conftest import GITHUB


def test_what_a_request_built_elsewhere_is_found(tmp_path):
    results = tmp_path / "run_results.json"
    named = {
        "model.a": '"env_1"."dbt_cloud_pr_5_12"."a"',
        "model.b": "`shop`.`DBT_CLOUD_PR_5_12_staging`.`b`",
        "model.c": '"env_1"."dbt_cloud_pr_5_123"."c"',
        "seed.d": '"env_1"."production"."d"',
        "model.e": None,
        "test.f": None,
        "function.g": '"env_1"."production"."g"',
        "of_tomorrow.h": '"env_1"."production"."h"',
    }
    found = [
        {"unique_id": name, "status": "success", "relation_name": relation}
        for name, relation in named.items()
    ]
    results.write_text(json.dumps({"results": found}))
    elsewhere = built_elsewhere(results, "dbt_cloud_pr_5_12")
    others = ("model.c", "seed.d", "function.g", "of_tomorrow.h")
    assert elsewhere == [named[name] for name in others]
    assert built_elsewhere(tmp_path / "none.json", "x") == []


@pytest.mark.parametrize(
    ("step", "listing"),
    [
        ("build -s a b+ --full-refresh --threads 4", "--select a b+"),
        ("run --exclude=x -s a+ --state old", "--exclude x --select a+ --state old"),
        ("run -m a b", "--select a b"),
        ("run --models=a", "--select a"),
        ("--state old run", "--state old"),
        ("--threads 4 seed", ""),
        ("test --select a", "--select a"),
        ("test --resource-type unit_test", None),
        ("build --resource-type test", ""),
        ("run --resource-type seed", None),
        ("clone --exclude-resource-types model --exclude x", "--exclude x"),
        ("retry", None),
        ("compile", None),
    ],
)
def test_what_a_step_selects_is_asked_with_its_own_selection(step, listing):
    found = listing_args(step.split())
    assert (" ".join(found[len(LISTING) :]) if found else None) == listing


@pytest.mark.parametrize(
    ("step", "kinds"),
    [
        ("build", "function model of_tomorrow seed snapshot test"),
        ("run -s a", "model of_tomorrow"),
        ("clone", "model of_tomorrow seed snapshot"),
        ("test", "of_tomorrow test"),
        ("build --resource-types=Model --resource-type seed", "model seed"),
        (
            "build --resource-type all --exclude-resource-type test seed",
            "function model of_tomorrow snapshot",
        ),
        ("build --exclude-resource-types model", "function of_tomorrow seed snapshot test"),
    ],
)
def test_a_step_makes_the_kinds_of_its_command_and_those_that_nobody_knows_yet(step, kinds):
    making = making_of(step.split())
    every = (*KNOWN, "of_tomorrow")
    assert sorted(kind for kind in every if making.has(kind)) == kinds.split()


@pytest.mark.parametrize(
    ("step", "variables", "is_storing"),
    [
        ("test", {}, False),
        ("test --store-failures", {}, True),
        ("build --store-failures --no-store-failures", {"DBT_STORE_FAILURES": "1"}, False),
        ("build", {"DBT_STORE_FAILURES": "True"}, True),
        ("build", {"DBT_STORE_FAILURES": "0"}, False),
    ],
)
def test_a_step_or_its_environment_lets_tests_store_what_they_find(step, variables, is_storing):
    assert stores_failures(step.split(), variables) is is_storing


@pytest.mark.parametrize(
    ("says", "is_storing", "is_refused"),
    [(None, False, False), (None, True, True), (True, False, True), (False, True, False)],
)
def test_a_test_builds_where_it_stores_its_failures(tmp_path, says, is_storing, is_refused):
    node = {"unique_id": "test.tiny.a", "resource_type": "test", "relation_name": None}
    events = tmp_path / "places.jsonl"

    def words(schema: str) -> str:
        message = json.dumps({**node, "schema": schema, "config": {"store_failures": says}})
        events.write_text(json.dumps({"info": {"msg": message}}))
        making = making_of(["test"])
        return elsewhere_words(events, "dbt_cloud_pr_5_12", making, is_storing=is_storing)

    assert words("dbt_cloud_pr_5_12_dbt_test__audit") == ""
    assert bool(words("production")) is is_refused


def test_a_step_that_would_build_elsewhere_is_told_before_it_does(tmp_path):
    events = tmp_path / "places.jsonl"
    own = {"resource_type": "model", "relation_name": '"e"."dbt_cloud_pr_5_12"."a"'}
    kinds = dict.fromkeys("bcdefgh", "model") | {"c": "function", "h": "of_tomorrow"}
    others = [
        {"resource_type": kind, "relation_name": f'"e"."production"."{name}"'}
        for name, kind in kinds.items()
    ]
    making = making_of(["build"])
    lines = [{"info": {"msg": json.dumps(one)}} for one in (own, {"relation_name": None}, *others)]
    events.write_text("\n".join(map(json.dumps, lines[:2])) + '\nnoise\n{"info": {"msg": "3"}}\n')
    assert elsewhere_words(events, "dbt_cloud_pr_5_12", making) == ""
    events.write_text("\n".join(map(json.dumps, lines)))
    taken = frozenset({"shop_marts"})
    for schema, is_refused in (("shop", True), ("shop_marts_eu", False)):
        name = "shop_marts" if is_refused else schema
        node = {"resource_type": "model", "relation_name": f"`e`.`{name.upper()}`.`a`"}
        events.write_text(json.dumps({"info": {"msg": json.dumps(node)}}))
        words = elsewhere_words(events, schema, making, taken=taken)
        assert ("`a` would lie where an environment builds" in words) is is_refused
    events.write_text("\n".join(map(json.dumps, lines)))
    words = elsewhere_words(events, "dbt_cloud_pr_5_12", making)
    assert words.startswith('nothing was built: "e"."production"."b", ')
    assert "and 2 more would lie outside of dbt_cloud_pr_5_12" in words


@pytest.mark.slow
def test_real_dbt_builds_nothing_when_the_project_leaves_the_schema_out(cloud, start_engine):
    macro = "{% macro generate_schema_name(name, node) %}production{% endmacro %}\n"
    (cloud.project / "macros").mkdir()
    (cloud.project / "macros" / "names.sql").write_text(macro)
    start_engine(program=())
    job = cloud.job([BUILD])
    row = cloud.wait(cloud.run(job, overrides={GITHUB: 12}), seconds=120)
    assert row.status == 20
    assert f"would lie outside of dbt_cloud_pr_{job}_12" in row.status_message
    assert not (cloud.data_folder / "warehouse" / "env_1.duckdb").exists()
    # a run of no request builds where the project says, and one that may build does
    good = cloud.wait(cloud.run(job), seconds=120)
    assert good.status == 10, good.status_message
    (cloud.project / "macros" / "names.sql").unlink()
    own = cloud.wait(cloud.run(job, overrides={GITHUB: 12}), seconds=120)
    assert own.status == 10, own.status_message


@pytest.mark.slow
def test_real_dbt_is_refused_whatever_it_would_make_elsewhere(cloud, start_engine):
    macro = """{% macro generate_schema_name(name, node) %}
    {{- target.schema if node.name == 'one' else 'production' -}}
    {% endmacro %}"""
    (cloud.project / "functions").mkdir()
    (cloud.project / "functions" / "half.sql").write_text("x / 2")
    (cloud.project / "functions" / "half.yml").write_text(
        "functions:\n  - name: half\n    arguments: [{name: x, data_type: double}]\n"
        "    returns: {data_type: double}\n"
    )
    (cloud.project / "macros").mkdir()
    (cloud.project / "macros" / "names.sql").write_text(macro)
    start_engine(program=())
    job = cloud.job([BUILD])

    def message(*steps: str) -> str:
        overrides = {GITHUB: 12, "steps_override": list(steps)}
        return cloud.wait(cloud.run(job, overrides=overrides), seconds=120).status_message or ""

    assert message("dbt run -m one", "dbt build --select one --resource-type model") == ""
    assert message("dbt test --exclude two") == ""
    assert message("dbt build --select two --resource-type seed") == ""
    assert "could not say what the step selects" in message("dbt run --state nowhere -s state:new")
    steps = ("test --store-failures", "clone --state old", "run -m two", "--state old run")
    for step in (*steps, "build -s half"):
        assert "would lie outside of dbt_cloud_pr" in message(f"dbt {step}"), step

"""Every model keeps the project's conventions: read from the files, no dbt needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2] / "transform"
MODELS = sorted((PROJECT / "models").rglob("*.sql"))
DOMAIN_TAGS = {
    "ads", "attribution", "automation", "campaigns", "customers", "email", "executive", "funnel",
}  # fmt: skip
FORMULAS = {
    "int_attribution__credits", "int_identity__sessions", "fct_attribution", "fct_customer_rfm",
    "fct_campaign_performance", "fct_acquisition_funnel", "fct_customer_value", "fct_touchpoints",
    "fct_email_campaigns", "fct_automation_steps", "rpt_executive_kpis", "int_orders__revenue",
    "rpt_channel_attribution", "rpt_unmapped_traffic", "rpt_attribution_days",
    "rpt_campaign_attribution_days", "int_web__visits", "int_web__traffic",
    "int_web__campaigns", "int_web__sessions", "int_ads__campaigns", "int_ads__daily",
    "int_calendar__exchange_rates", "int_calendar__as_of", "rpt_set_aside_orders",
    "fct_ad_performance", "fct_ad_group_performance", "int_ads__ad_daily", "int_ads__budgets",
    "int_hold_outs__regions", "rpt_hold_outs",
    "rpt_ad_fatigue", "rpt_budget_pacing", "rpt_channel_performance", "rpt_marginal_returns",
    "int_attribution__default_model", "int_consent__addresses",
    "int_email__mails", "int_email__reported", "int_email__sweeps", "int_email__prompt_openers",
    "int_email__events", "int_email__messages", "int_email__activity", "int_email__revenue",
    "int_email__flow_steps", "int_email__flow_uplift", "rpt_email_breakdowns",
    "rpt_email_frequency", "rpt_email_list_months", "rpt_automation_flows",
    "int_journeys__steps", "int_journeys__visits", "int_journeys__coverage",
    "int_markov__transitions", "int_markov__moves", "int_markov__starts", "int_markov__walk_1",
    "int_markov__effects", "int_shapley__effects",
    "fct_path_attribution", "rpt_conversion_paths",
    "int_value__purchases", "int_value__acquisitions", "int_value__histories",
    "int_value__parameters", "int_value__expectations", "int_value__scores",
    "int_value__outcomes", "int_value__shown", "fct_customer_lifetime_value",
    "rpt_lifetime_value", "rpt_lifetime_value_accuracy", "rpt_lifetime_value_calibration",
    "int_segments__cut_offs", "int_segments__visits", "int_segments__orders", "int_segments__rfm",
    "int_segments__features", "int_segments__examples", "int_segments__models",
    "int_segments__scores", "fct_customer_segments", "fct_lookalike_candidates",
}  # fmt: skip


def layer(sql: Path) -> str:
    """Return staging, intermediate or marts."""
    return sql.relative_to(PROJECT / "models").parts[0]


each_model = pytest.mark.parametrize("sql", MODELS, ids=lambda path: path.stem)
each_mart = pytest.mark.parametrize(
    "sql", [path for path in MODELS if layer(path) == "marts"], ids=lambda path: path.stem
)


def properties(sql: Path) -> dict[str, Any]:
    """Return the model's entry in the yml beside it."""
    document = yaml.safe_load(sql.with_suffix(".yml").read_text(encoding="utf-8"))
    (model,) = document["models"]
    assert model["name"] == sql.stem
    return dict(model)


def settings(sql: Path) -> dict[str, Any]:
    """Return what dbt_project.yml sets for the model's folder; tags add up."""
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    level: Any = project["models"]["marketing"]
    found: dict[str, Any] = {"tags": []}
    for folder in sql.relative_to(PROJECT / "models").parts[:-1]:
        level = level.get(folder, {})
        found["tags"] = [*found["tags"], *level.get("+tags", [])]
        found |= {
            key: value for key, value in level.items() if key in {"+contract", "+materialized"}
        }
    return found


@each_model
def test_a_model_says_its_grain_and_describes_every_column(sql: Path) -> None:
    model = properties(sql)
    assert model["description"].startswith("One row per ")
    assert model["columns"]
    assert all(column["description"].strip() for column in model["columns"])


@each_model
def test_a_model_tests_its_key(sql: Path) -> None:
    model = properties(sql)
    (test,) = [test for test in model["data_tests"] if "unique_combination" in test]
    columns = {column["name"] for column in model["columns"]}
    assert set(test["unique_combination"]["arguments"]["columns"]) <= columns


@each_model
def test_a_model_imports_first_and_ends_with_its_last_step(sql: Path) -> None:
    text = re.sub(r"^\s*--.*$", "", sql.read_text(encoding="utf-8"), flags=re.MULTILINE)
    steps = re.findall(r"^(\w+) as \($", text, flags=re.MULTILINE)
    assert text.startswith("with\n")
    assert text.rstrip().endswith(f"\nselect * from {steps[-1]}")
    bodies = re.findall(r"^\w+ as \($(.*?)^\)", text, flags=re.MULTILINE | re.DOTALL)
    imports = ["{{ ref(" in body or "{{ source(" in body for body in bodies]
    assert imports == sorted(imports, reverse=True)


@each_model
def test_a_model_is_tagged_by_layer_or_domain(sql: Path) -> None:
    tags = set(settings(sql)["tags"])
    if layer(sql) == "staging":
        assert tags == {"staging", sql.parent.name}
        assert sql.stem.startswith(f"stg_{sql.parent.name}__")
    else:
        assert tags
        assert tags <= DOMAIN_TAGS


@each_model
def test_no_model_asks_the_clock(sql: Path) -> None:
    text = sql.read_text(encoding="utf-8").lower()
    assert not re.search(r"current_date|current_timestamp|now\(\)|today\(\)", text)


@each_mart
def test_a_mart_is_a_table_with_an_enforced_contract(sql: Path) -> None:
    assert settings(sql)["+contract"] == {"enforced": True}
    # the long form of what stands in a table beside it takes no place of its own
    own = properties(sql).get("config", {}).get("materialized", settings(sql)["+materialized"])
    assert own == ("view" if sql.stem == "fct_attribution" else "table")
    assert sql.stem.split("_")[0] in {"fct", "dim", "rpt"}
    assert all(column["data_type"] for column in properties(sql)["columns"])


def test_every_formula_has_a_unit_test() -> None:
    tested = set()
    for path in (PROJECT / "models").rglob("*__unit_tests.yml"):
        tests = yaml.safe_load(path.read_text(encoding="utf-8"))["unit_tests"]
        assert {test["model"] for test in tests} == {path.name.removesuffix("__unit_tests.yml")}
        tested |= {test["model"] for test in tests}
    assert tested >= FORMULAS


def test_names_fit_into_every_engine() -> None:
    # PostgreSQL cuts names at 63 letters and refuses a unit test of more
    names = [path.stem for path in MODELS]
    for path in (PROJECT / "models").rglob("*__unit_tests.yml"):
        tests = yaml.safe_load(path.read_text(encoding="utf-8"))["unit_tests"]
        names += [test["name"] for test in tests]
    assert [name for name in names if len(name) > 63] == []


def test_every_yml_belongs_to_a_model_or_to_the_sources() -> None:
    for path in (PROJECT / "models").rglob("*.yml"):
        name = path.stem.removesuffix("__unit_tests")
        is_model = path.with_name(f"{name}.sql").exists()
        assert is_model or path.parent.name == "semantic" or name in {"__sources", "exposures"}


def test_every_metric_and_snapshot_is_described() -> None:
    described = 0
    for folder, kind in (("models/semantic", "metrics"), ("snapshots", "snapshots")):
        for path in (PROJECT / folder).glob("*.yml"):
            found = yaml.safe_load(path.read_text(encoding="utf-8"))[kind]
            assert all(one["description"].endswith(".") for one in found)
            described += len(found)
    assert described > 10


@pytest.mark.parametrize("rows", sorted((PROJECT / "seeds").glob("*.csv")), ids=lambda p: p.stem)
def test_a_seed_types_describes_and_keys_its_columns(rows: Path) -> None:
    document = yaml.safe_load(rows.with_suffix(".yml").read_text(encoding="utf-8"))
    (seed,) = document["seeds"]
    header = rows.read_text(encoding="utf-8").splitlines()[0].split(",")
    assert seed["name"] == rows.stem
    assert seed["description"].startswith("One row per ")
    assert [column["name"] for column in seed["columns"]] == header
    assert all(column["description"].strip() for column in seed["columns"])
    assert list(seed["config"]["column_types"]) == header
    assert any("unique_combination" in test for test in seed["data_tests"])


def test_every_source_says_when_it_is_stale() -> None:
    for path in (PROJECT / "models").rglob("__sources.yml"):
        (source,) = yaml.safe_load(path.read_text(encoding="utf-8"))["sources"]
        assert source["config"]["loaded_at_field"] == "_loaded_at"
        assert source["config"]["freshness"] == {
            "warn_after": {"count": 24, "period": "hour"},
            "error_after": {"count": 48, "period": "hour"},
        }


def test_every_place_of_a_source_is_a_variable() -> None:
    for path in (PROJECT / "models").rglob("__sources.yml"):
        (source,) = yaml.safe_load(path.read_text(encoding="utf-8"))["sources"]
        assert "var('raw_databases').get(target.type" in source["database"]
        assert f"var('raw_schemas').get('{source['name']}', " in source["schema"]
        for table in source["tables"]:
            key = f"{source['name']}.{table['name']}"
            assert f"var('raw_tables').get('{key}', '{table['name']}')" in table["identifier"]


def test_every_singular_test_has_a_tag() -> None:
    for path in (PROJECT / "tests").glob("assert_*.sql"):
        tags = re.search(r"tags=\['(\w+)'\]", path.read_text(encoding="utf-8"))
        assert tags
        assert tags[1] in {
            "conservation",
            "reconciliation",
            "consent",
            "customer_consent",
            "business_logic",
        }


def test_personal_columns_end_in_staging() -> None:
    later = [path for path in MODELS if layer(path) != "staging"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in later)
    assert not re.search(r"\b(email_address|user_pseudo_id|user_id|customer_id)\b", text)
    for path in (path for path in MODELS if layer(path) == "staging"):
        outputs = {column["name"] for column in properties(path)["columns"]}
        assert not outputs & {
            "email_address",
            "email",
            "email_id",
            "user_pseudo_id",
            "user_id",
            "customer_id",
        }

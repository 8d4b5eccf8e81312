"""The demo's own arithmetic: order of jobs, reconciliation, summary."""

from __future__ import annotations

import json
import re
import socket
from decimal import Decimal

import click
import pytest
from click.testing import CliRunner

from marketing_analytics.cli import main
from marketing_analytics.core.errors import MachineError
from marketing_analytics.demo import cli
from marketing_analytics.demo.board import Board
from marketing_analytics.demo.figures import (
    MODELS,
    Figures,
    differences,
    expected_figures,
    read_figures,
)
from marketing_analytics.demo.layout import Layout, default_layout
from marketing_analytics.demo.next_steps import demo_command
from marketing_analytics.demo.processes import free_port, sentences_of
from marketing_analytics.demo.report import summary_of
from marketing_analytics.demo.runs import Outcome, first_tick, progress_of
from marketing_analytics.simulate.world.parameters import CUSTOMERS_RANGE, DAYS_RANGE

LEDGER = {
    "orders": {"net_usd": "100.25"},
    "spend": {"meta_ads": {"usd": "40.10"}, "google_ads": {"usd": "9.90"}},
}


def figures(**changes):
    content = {
        "revenue_usd": Decimal("100.25"),
        "attributed_usd": dict.fromkeys(MODELS, Decimal("100.25")),
        "spend_usd": {"meta_ads": Decimal("40.10"), "google_ads": Decimal("9.90")},
        "channels": [],
        "without_spend_usd": {},
        "without_campaign_usd": {},
    }
    return Figures(**{**content, **changes})


def expected():
    return expected_figures(LEDGER, ["google_ads", "meta_ads"])


def test_equal_figures_have_no_differences():
    assert differences(figures(), expected()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"revenue_usd": Decimal("100.26")},
        {"attributed_usd": {**dict.fromkeys(MODELS, Decimal("100.25")), "linear": Decimal(99)}},
        {"attributed_usd": {}},
        {"spend_usd": {"meta_ads": Decimal("40.10")}},
        {"spend_usd": {"meta_ads": Decimal("40.11"), "google_ads": Decimal("9.90")}},
    ],
    ids=["revenue", "one model", "no models", "a platform is missing", "a cent of spend"],
)
def test_a_cent_or_a_missing_figure_is_a_difference(changes):
    assert differences(figures(**changes), expected())


def test_jobs_run_in_the_order_of_their_first_tick_of_the_day():
    crons = [None, "30 11 * * *", "0 6,12,18 * * *", "0 8 * * *"]
    assert sorted(crons, key=first_tick) == [
        "0 6,12,18 * * *",
        "0 8 * * *",
        "30 11 * * *",
        None,
    ]


def test_progress_shows_how_far_dbt_is_in_which_command():
    steps = [
        {"name": "Clone git repository", "started_at": "x", "logs": ""},
        {
            "name": "Invoke dbt with `dbt build`",
            "started_at": "x",
            "logs": "1 of 9 OK\n2 of 9 START",
        },
        {"name": "later", "started_at": None, "logs": None},
    ]
    assert progress_of({"status": 3, "run_steps": steps}) == "running 2 of 9: dbt build"
    assert progress_of({"status": 3, "run_steps": steps[:1]}) == "running: Clone git repository"
    assert progress_of({"status": 1, "run_steps": []}) == "queued"
    waits = {"status": 1, "run_steps": [], "status_message": "behind run 7 of the same job"}
    assert progress_of(waits) == "queued behind run 7 of the same job"


def test_the_board_has_a_line_per_job_that_did_not_end_and_says_what_it_waits_for():
    board = Board(["sync", "refresh", "report"])
    board.say("running: dbt build")
    running, *waiting = board.lines()
    assert re.fullmatch(r"  sync +0 s running: dbt build", running)
    assert [line.split(maxsplit=1) for line in waiting] == [
        ["refresh", "waits for sync"],
        ["report", "waits for refresh"],
    ]
    board.end()
    assert board.lines()[0].endswith("0 s starting")
    board.end()
    board.end()
    assert board.lines() == []


def test_the_summary_has_the_documented_shape():
    outcome = Outcome("campaign-performance", 5, "success", 1.5)
    summary = summary_of(figures(), expected(), [outcome], {"total": 3.14159})
    assert summary["jobs_deployed"] == 1
    assert summary["runs"] == {"campaign-performance": "success"}
    assert summary["revenue_total"] == 100.25
    assert set(summary["attributed_revenue"]) == set(MODELS)
    assert summary["spend"] == {"google_ads": 9.9, "meta_ads": 40.1}
    assert summary["ledger"]["revenue_total"] == 100.25
    assert summary["ledger"]["spend"] == summary["spend"]
    assert summary["seconds"] == {"total": 3.14}


def test_a_step_that_failed_in_json_is_told_in_sentences():
    failed = {"source": "ga4", "errors": [{"message": "no space left", "hint": "free some"}]}
    fine = {"source": "shop", "errors": []}
    said = "error: ga4: no space left\n  help: free some"
    assert sentences_of(json.dumps({"sources": [failed, fine]})) == said
    one = {"error": {"message": "META_ADS_BASE_URL is not set", "hint": None}}
    assert sentences_of(json.dumps(one)) == "error: META_ADS_BASE_URL is not set"
    assert sentences_of("plain words") == "plain words"


def test_a_taken_port_is_not_asked_for_again():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(f"http://127.0.0.1:{port}") == 0
    assert free_port(f"http://127.0.0.1:{port}") == port
    assert free_port(None) == 0


def test_next_steps_name_the_folder_only_when_it_is_not_the_usual_one(tmp_path):
    with click.Context(main, info_name="marketing"):
        assert demo_command(default_layout(), "up") == "marketing demo up"
        assert demo_command(Layout(tmp_path), "down") == f"marketing demo down --dir {tmp_path}"


def test_a_missing_warehouse_is_a_sentence(tmp_path):
    with pytest.raises(MachineError, match="cannot read"):
        read_figures(tmp_path / "none.duckdb")


def test_the_demo_takes_the_sizes_that_the_simulator_takes():
    for given, taken in ((cli.CUSTOMERS, CUSTOMERS_RANGE), (cli.DAYS, DAYS_RANGE)):
        assert (given.min, given.max) == taken


@pytest.mark.parametrize("option", ["--days", "--customers", "--seed"])
def test_a_size_that_no_world_has_is_bad_usage_and_empties_no_folder(tmp_path, option):
    (tmp_path / "summary.json").write_text("{}")
    arguments = ["demo", "run", "--dir", str(tmp_path), option, "-1"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert result.output.count("rror") == 1
    assert "is not in the range" in result.output
    assert (tmp_path / "summary.json").exists()

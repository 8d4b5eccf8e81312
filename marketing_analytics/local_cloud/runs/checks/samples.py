"""A few of the rows that fail a test, asked for when its step has failed.

They are masked by the macro that reads them, so that no log holds more than the artifact: of a text
its first letter and its length, of columns that tell of a person nothing.
"""

from __future__ import annotations

import json
from pathlib import Path

from marketing_analytics.core.plain_files import remove_any
from marketing_analytics.core.written import replace_file
from marketing_analytics.local_cloud.runs.artifacts import part_in
from marketing_analytics.local_cloud.runs.checks.comparison import PROJECT, QUIET, Ask
from marketing_analytics.local_cloud.runs.checks.masking import MAX_COLUMNS, MAX_ROWS, PERSONAL
from marketing_analytics.local_cloud.runs.requests.places import listed
from marketing_analytics.local_cloud.runs.workspace import Workspace

ARTIFACT = "failing_rows.json"
MAX_TESTS = 8
FAILED = frozenset({"fail", "warn"})


def sample_failures(ask: Ask, workspace: Workspace) -> None:
    """Keep a few failing rows of each failed test of a step beside its results.

    What cannot be read is left out: the step has failed already, and says why.
    """
    path = workspace.target / ARTIFACT
    remove_any(path)
    tests = failed_tests(workspace.target / "run_results.json")
    if not tests:
        return
    limits = {"most_rows": MAX_ROWS, "most_columns": MAX_COLUMNS, "personal": PERSONAL}
    args = json.dumps({"tests": tests, **limits})
    heard = ask(["run-operation", "sample_rows", "--args", args, *QUIET], "samples", PROJECT)
    found = [one["sampled"] for one in listed(heard.events) if "sampled" in one]
    if found:
        replace_file(path, json.dumps({one.pop("unique_id"): one for one in found}))


def failed_tests(results: Path) -> list[dict[str, str]]:
    """Return the first tests that failed or warned, each with the statement of its rows."""
    tests = [
        {"unique_id": str(one["unique_id"]), "sql": str(one["compiled_code"])}
        for one in part_in(results, "results") or []
        if one.get("status") in FAILED
        and one.get("compiled_code")
        and str(one.get("unique_id")).startswith("test.")
    ]
    return tests[:MAX_TESTS]

"""What the job of a run asks to be checked, and the flags that select what is compared."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.runs.records import Run

CI = "ci"
DEFAULT_FLAGS = "--select state:modified"
# what may select the models that are compared
SELECTING = frozenset(
    {"--select", "-s", "--models", "--model", "-m", "--exclude", "--selector"}
    | {"--indirect-selection", "--vars"}
)


@dataclass(frozen=True)
class Checks:
    """What a run checks; `is_lint_fatal` is whether a finding of the linter fails the run."""

    has_lint: bool = False
    is_lint_fatal: bool = True
    has_compare: bool = False
    compare_flags: str = DEFAULT_FLAGS


def checks_of(document: Mapping[str, Any], run: Run) -> Checks:
    """Return what a run checks: a run of a CI job, or of a request, as its job says."""
    is_ci = document.get("job_type") == CI or bool(run.request)
    if run.is_closing or not is_ci:
        return Checks()
    flags = document.get("compare_changes_flags")
    return Checks(
        has_lint=bool(document.get("run_lint")),
        is_lint_fatal=document.get("errors_on_lint_failure") is not False,
        has_compare=bool(document.get("run_compare_changes")),
        compare_flags=DEFAULT_FLAGS if flags is None else str(flags),
    )


def selection_of(flags: str) -> list[str]:
    """Return the words of the flags. Raise UserError for one that selects nothing."""
    try:
        words = shlex.split(flags)
    except ValueError as error:
        raise UserError(f"cannot read the flags {flags!r}: {error}") from None
    options = [word.partition("=")[0] for word in words if word.startswith("-")]
    wrong = [option for option in options if option not in SELECTING]
    if wrong or (words and not options) or (words and not words[0].startswith("-")):
        named = wrong[0] if wrong else words[0]
        raise UserError(
            f"{named} does not select what is compared",
            hint=f"allowed: {', '.join(sorted(SELECTING))}; the default is {DEFAULT_FLAGS!r}",
        )
    return words

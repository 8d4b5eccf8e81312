"""What a monitor found: one result a subject."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

# worst first
STATUSES = ("failing", "unknown", "warning", "announced", "moving", "ok")
SEVERITIES = ("page", "ticket", "info")
KINDS = (
    "attribution_drift",
    "campaign_freshness",
    "ltv_accuracy",
    "dashboard_sla",
    "reconciliation",
    "spend_reconciliation",
    "volume",
    "schema",
    "consent_rate",
    "unmapped_channels",
    "budget",
    "job_runs",
)
# what stands for a value that a history of an older version did not keep
UNKEPT: dict[str, Any] = dict.fromkeys(
    ("run_id", "channel_name", "monitor", "subject", "kind", "owner", "runbook", "sentence"), ""
) | {
    "action": "",
    "status": "unknown",
    "severity": "ticket",
    "cause": "new",
    "sequence": 0,
    "attempts": 0,
    "open_attempts": 0,
}
TIMES = ("since_at", "checked_at", "created_at")


@dataclass(frozen=True)
class Result:
    """What one run found about one subject; an empty subject stands for all that are fine."""

    run_id: str
    monitor: str
    kind: str
    subject: str
    status: str
    severity: str
    owner: str
    runbook: str
    value: float | None
    lower_bound: float | None
    upper_bound: float | None
    since_at: datetime
    checked_at: datetime
    sentence: str
    action: str

    @property
    def rank(self) -> int:
        """Return how good it is: 0 is the worst."""
        return STATUSES.index(self.status)

    def as_json(self) -> dict[str, Any]:
        """Return the form of the `--json` output."""
        times = {name: f"{getattr(self, name).isoformat()}Z" for name in ("since_at", "checked_at")}
        return asdict(self) | times


def result_of(row: Mapping[str, Any]) -> Result:
    """Return a row of the history."""
    return Result(**{name: kept(row, name) for name in Result.__dataclass_fields__})


def kept(row: Mapping[str, Any], name: str) -> Any:
    """Return a value of a row of the history, or what stands for it where it was not kept."""
    if row[name] is not None:
        return row[name]
    if name in TIMES:
        return next((row[each] for each in TIMES if row.get(each) is not None), None)
    return UNKEPT.get(name)


def worst(statuses: Iterable[str]) -> str:
    """Return the worst of some statuses; ok where there are none."""
    return min(statuses, key=STATUSES.index, default="ok")

"""What of the marts is published: the tables of a snapshot, each by the statement that reads it.

No row of a snapshot is about one person. A table that the warehouse does not have is left out.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "sql"
# as they are built
WHOLE = (
    "dim_channels",
    "fct_acquisition_funnel",
    "fct_path_attribution",
    "int_calendar__as_of",
    "rpt_ad_fatigue",
    "rpt_budget_pacing",
    "rpt_conversion_paths",
    "rpt_executive_kpis",
    "rpt_lifetime_value",
    "rpt_marginal_returns",
    "stg_ingest__freshness",
    "stg_ingest__loads",
)
# of the schema of the monitors
WATCHED = ("monitor_results", "monitor_runs", "monitor_probes")
# a report of anything at all needs these
NEEDED = ("order_days", "rpt_attribution_days", "campaign_days", "dim_channels")


def statements() -> dict[str, str]:
    """Return the statement of every published table of the marts, by its name."""
    written = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.sql"))}
    return {**{name: f"select * from {name}" for name in WHOLE}, **written}  # noqa: S608


def described() -> list[tuple[str, str, str]]:
    """Return name, sentence and SQL of every table with a statement of its own."""
    found = []
    for path in sorted(FOLDER.glob("*.sql")):
        lines = path.read_text(encoding="utf-8").splitlines()
        body = next(place for place, line in enumerate(lines) if not line.startswith("--"))
        sentence = " ".join(line.removeprefix("-- ") for line in lines[:body])
        found.append((path.stem, sentence[0].upper() + sentence[1:], "\n".join(lines[body:])))
    return found


def watched_statements(schema: str) -> dict[str, str]:
    """Return the same of the monitors' tables, which stand beside the schema of the marts."""
    beside = '"' + f"{schema}_monitor".replace('"', '""') + '"'
    return {name: f"select * from {beside}.{name}" for name in WATCHED}  # noqa: S608

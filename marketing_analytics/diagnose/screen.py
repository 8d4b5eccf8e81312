"""Show what was found: a table of the links, then the first broken one explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marketing_analytics.core.console import Console
from marketing_analytics.diagnose.link import Finding, Row
from marketing_analytics.diagnose.walk import first_broken

SIGNS = {"ok": "ok", "broken": "BROKEN", "unknown": "unknown"}
INDENT = "  "


def document(chain: str, where: str, schema: str, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return what was found for programs."""
    found = first_broken(findings)
    return {
        "schema_version": 1,
        "diagnosis": chain,
        "warehouse": where,
        "schema": schema,
        "first_broken": found.link.name if found else None,
        "links": [finding.as_json() for finding in findings],
    }


def show(console: Console, chain: str, schema: str, findings: Sequence[Finding]) -> None:
    """Print the links, and what to do about the first that is broken."""
    width = max(len(finding.link.name) for finding in findings)
    console.line(f"{chain}, schema {schema}")
    for number, finding in enumerate(findings, 1):
        lead = f"{number:>3}  {finding.link.name:<{width}}  {SIGNS[finding.status]:<7}  "
        console.prose(lead + finding.sentence, indent=" " * len(lead))
    console.line()
    found = first_broken(findings)
    if found is None:
        console.prose(closing(chain, findings))
        return
    console.prose(f"First broken link: {found.link.name}")
    console.prose(f"{INDENT}asked     {found.link.asks}", indent=INDENT + " " * 10)
    console.prose(f"{INDENT}found     {found.sentence}", indent=INDENT + " " * 10)
    console.prose(f"{INDENT}in        {found.link.tables}", indent=INDENT + " " * 10)
    if found.rows:
        console.table(list(found.rows[0]), [texts(row) for row in found.rows])
    console.line("The query:")
    for line in found.query.splitlines():
        console.line(f"{INDENT}{line}")
    console.line()
    console.prose(f"Next: {found.link.action}", indent=" " * 6)
    console.prose(f"Runbook: {found.link.runbook}")


def texts(row: Row) -> list[str]:
    """Return the values of a row for a table."""
    return ["" if value is None else shown(value) for value in row.values()]


def shown(value: Any) -> str:
    """Return a value for a table."""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def closing(chain: str, findings: Sequence[Finding]) -> str:
    """Return the sentence under a table without a broken link."""
    looked = [finding for finding in findings if finding.status == "ok"]
    blind = len(findings) - len(looked)
    more = f"; {blind} could not be looked at, see above" if blind else ""
    return f"{chain}: {len(looked)} of {len(findings)} links hold{more}"

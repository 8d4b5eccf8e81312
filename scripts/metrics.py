"""Write the dictionary of metrics into docs/metrics.md, from the definitions of the report.

Usage: metrics.py [--check]. With --check nothing is written; a page that is behind is named.
"""

from __future__ import annotations

import sys
from pathlib import Path

from marketing_analytics.report.numbers.definitions import METRICS, Metric, measure_sentence

PAGE = Path(__file__).resolve().parents[1] / "docs" / "metrics.md"
BEGIN, END = "<!-- metrics: scripts/metrics.py -->\n", "<!-- /metrics -->\n"
BETTER = {"up": "higher", "down": "lower", "neither": "neither"}


def row_of(metric: Metric) -> str:
    """Return the line of a metric."""
    models = ", ".join(f"`{model}`" for model in metric.models)
    plan = f"`{metric.target}`" if metric.target else ""
    return (
        f"| {metric.label} | `{metric.words}` | {metric.sentence} | {BETTER[metric.better]}"
        f" | {plan} | {models} | [{metric.docs}]({metric.docs}) |"
    )


def dictionary() -> str:
    """Return the tables of metrics and measures."""
    names = dict.fromkeys(name for metric in METRICS for name in metric.measures)
    lines = [
        "| Number | Formula | What it is | Better | Plan | Models | More |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(row_of(metric) for metric in METRICS),
        "",
        "| Measure | What it is |",
        "| --- | --- |",
        *(f"| `{name}` | {measure_sentence(name)} |" for name in names),
    ]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Write the page, or say that it is behind."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    wanted = before + BEGIN + dictionary() + END + after
    if wanted == text:
        return 0
    if "--check" in arguments:
        print(f"{PAGE.name} is behind the definitions: run scripts/metrics.py", file=sys.stderr)
        return 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Write the table of job attributes into the files that cannot import it: Terraform and the docs.

Usage: attributes.py [--check]. With --check nothing is written; a file that is behind is named.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from marketing_analytics.cloud_api import attributes
from marketing_analytics.cloud_api.attributes import REQUIRED, Attribute
from marketing_analytics.cloud_api.limits import MAX_ID

ROOT = Path(__file__).resolve().parents[1]
TYPES = {
    "steps": "list(string)",
    "text": "string",
    "word": "string",
    "cron": "string",
    "count": "number",
    "identifier": "number",
    "flag": "bool",
    "env_vars": "map(string)",
    "tags": "list(string)",
}
AFTER = """object({
      job      = string
      statuses = optional(set(string), ["success"])
    })"""

ANY_LINE = "^[^[:cntrl:]]*[^[:space:][:cntrl:]][^[:cntrl:]]*$"


def cron_field(item: str, alone: str = "") -> str:
    """Return the pattern of one field: items, ranges and steps, or words that stand alone."""
    term = rf"((\*|{item}(-{item})?)(/[1-9][0-9]*)?{alone})"
    return f"{term}(,{term})*"


MONTH = "(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)"
WEEKDAY = "([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)"
# Terraform has no reader of cron: these patterns take the place of `cloud_api/cron.py`
CRON = "(?i)^{}$".format(
    "[[:space:]]+".join(
        [
            cron_field("[0-5]?[0-9]"),
            cron_field("([01]?[0-9]|2[0-3])"),
            cron_field("(0?[1-9]|[12][0-9]|3[01])", "|LW?"),
            cron_field(MONTH),
            cron_field(WEEKDAY, f"|[0-7]L|{WEEKDAY}#[1-5]"),
        ]
    )
)
# only days that none of the months has: 30 and 31 in February, 31 in the short months
NEVER_DUE = (
    "(?i)(3[01](-31)?,?)+[[:space:]]+((0?2|FEB),?)+[[:space:]]+[*]$",
    "(?i)[[:space:]](31,?)+[[:space:]]+((0?[2469]|11|FEB|APR|JUN|SEP|NOV),?)+[[:space:]]+[*]$",
)

Rows = list[tuple[str, str]]


def aligned(rows: Iterable[tuple[str, str]], indent: int) -> list[str]:
    """Return `name = value` lines as `terraform fmt` has them: aligned between longer values."""
    lines: list[str] = []
    group: Rows = []

    def flush() -> None:
        width = max((len(name) for name, _ in group), default=0)
        lines.extend(f"{' ' * indent}{name:<{width}} = {value}" for name, value in group)
        group.clear()

    for name, value in rows:
        if "\n" in value:
            flush()
            lines.append(f"{' ' * indent}{name} = {value}")
        else:
            group.append((name, value))
    flush()
    return lines


def root_types() -> list[str]:
    """Return the members of `var.jobs` in `variables.tf`, with defaults."""
    return aligned(((a.name, optional(a)) for a in attributes.ATTRIBUTES), 4)


def optional(attribute: Attribute) -> str:
    """Return the type of an attribute, optional with its default."""
    kind = TYPES.get(attribute.kind, AFTER)
    if attribute.default is REQUIRED:
        return kind
    if attribute.default is None:
        return f"optional({kind})"
    return f"optional({kind}, {json.dumps(attribute.default)})"


def module_types() -> list[str]:
    """Return the members of `var.jobs` in the module, where every default is filled in."""
    after = AFTER.replace('optional(set(string), ["success"])', "set(string)")
    return aligned(((a.name, TYPES.get(a.kind, after)) for a in attributes.ATTRIBUTES), 4)


def arguments() -> list[str]:
    """Return the arguments of the module's `dbtcloud_job`."""
    plain: Rows = []
    nested: dict[str, Rows] = {}
    for attribute in attributes.ATTRIBUTES:
        for argument in attribute.arguments:
            place, _, expression = argument.partition(" = ")
            outer, _, name = place.rpartition(".")
            row = (name, expression or f"each.value.{attribute.name}")
            (nested.setdefault(outer, []) if outer else plain).append(row)
    plain += [(outer, "\n".join(["{", *aligned(rows, 4), "  }"])) for outer, rows in nested.items()]
    return aligned(plain, 2)


def checks() -> list[str]:
    """Return the validations of `var.jobs` that follow from limits, choices and patterns."""
    lines: list[str] = []
    for attribute in attributes.ATTRIBUTES:
        condition, message = check_of(attribute)
        if condition:
            is_null = f"job.{attribute.name} == null ? true : "
            guard = is_null if attribute.default is None else ""
            lines += [
                "  validation {",
                f"    condition     = alltrue([for job in values(var.jobs) : {guard}{condition}])",
                f"    error_message = {json.dumps(message)}",
                "  }",
                "",
            ]
    return lines[:-1]


def check_of(attribute: Attribute) -> tuple[str, str]:
    """Return the condition on an attribute of `job` and what to say; empty where there is none."""
    name, value = attribute.name, f"job.{attribute.name}"
    if attribute.kind == "text":
        said = f"{name} has at most {attribute.most} characters."
        return f"length(trimspace({value})) <= {attribute.most}", said
    if attribute.kind in ("count", "identifier"):
        bounds = f"{value} >= {attribute.least}"
        said = f"{name} is a whole number from {attribute.least}"
        if attribute.most < MAX_ID:
            bounds, said = f"{bounds} && {value} <= {attribute.most}", f"{said} to {attribute.most}"
        return f"({bounds} && floor({value}) == {value})", f"{said}."
    if attribute.kind == "cron":
        never = "".join(f" && !can(regex({json.dumps(each)}, {value}))" for each in NEVER_DUE)
        ranges = (
            f'alltrue([for ends in regexall("([0-9]+)-([0-9]+)", {value}) : '
            "tonumber(ends[0]) <= tonumber(ends[1])])"
        )
        condition = f"(can(regex({json.dumps(CRON)}, {value})){never} && {ranges})"
        return condition, f"{name} is a cron expression of five fields that comes due."
    if attribute.choices:
        known = json.dumps(attribute.choices)
        return f"contains({known}, {value})", f"{name} is one of {', '.join(attribute.choices)}."
    if attribute.kind == "word":
        pattern = attribute.pattern or ANY_LINE
        said = f"matches {attribute.pattern}" if attribute.pattern else "is one line, not empty"
        return f"can(regex({json.dumps(pattern)}, {value}))", f"{name} {said}."
    return "", ""


def table() -> list[str]:
    """Return the table of `docs/jobs.md`."""
    rows = [f"| `{a.name}` | {default_of(a)} | {a.meaning} |" for a in attributes.ATTRIBUTES]
    return ["| attribute | default | meaning |", "|---|---|---|", *rows]


def default_of(attribute: Attribute) -> str:
    """Return an attribute's default for people."""
    if attribute.default is REQUIRED:
        return "required"
    return "none" if attribute.default is None else f"`{json.dumps(attribute.default)}`"


# file, name of the region, what stands in it
REGIONS: tuple[tuple[str, str, Callable[[], list[str]]], ...] = (
    ("variables.tf", "types", root_types),
    ("variables.tf", "checks", checks),
    ("terraform/modules/jobs/variables.tf", "types", module_types),
    ("terraform/modules/jobs/main.tf", "arguments", arguments),
    ("docs/jobs.md", "table", table),
)


def renewed(text: str, region: str, lines: list[str]) -> str:
    """Return a file's text with the lines of a region replaced.

    A region stands between a line with `attributes: REGION` and the next with `attributes: end`.
    """
    rows = text.split("\n")
    start = next(n for n, row in enumerate(rows) if f"attributes: {region}" in row)
    end = next(n for n, row in enumerate(rows) if n > start and "attributes: end" in row)
    return "\n".join([*rows[: start + 1], *lines, *rows[end:]])


def main(is_check: bool, root: Path = ROOT) -> int:
    """Renew every region, or return 1 and name what is behind."""
    behind = []
    for name, region, lines in REGIONS:
        path = root / name
        old = path.read_text(encoding="utf-8")
        new = renewed(old, region, lines())
        if new == old:
            continue
        behind.append(f"{name} ({region})")
        if not is_check:
            path.write_text(new, encoding="utf-8")
    if behind and is_check:
        print(f"not as the table of attributes says: {', '.join(behind)}")
        print("  help: make attributes")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))

"""Write the JSON schema of job files in JSON (`*.tfvars.json`), from the table of job attributes.

Usage: jobs_schema.py [--check]. With --check nothing is written; a schema that is behind is told.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from marketing_analytics.cloud_api import attributes
from marketing_analytics.cloud_api.attributes import REQUIRED, Attribute
from marketing_analytics.cloud_api.limits import MAX_ID, MAX_STEPS, VARIABLE_PATTERN
from marketing_analytics.cloud_api.names import KEY_PATTERN, TEAM_PATTERN
from marketing_analytics.jobs.forms.lists import JOB_TYPES, SCHEDULE_KEYS, SCHEDULE_TYPES
from marketing_analytics.jobs.reader import STATUSES

TARGET = Path(__file__).resolve().parents[1] / "docs" / "jobs.schema.json"
# a line that says something; Terraform makes a text of numbers and flags
LINE = r"^[^\u0000-\u001f]*[^\s\u0000-\u001f][^\u0000-\u001f]*$"
CRON = r"^\s*[0-9A-Za-z*/,#-]+(\s+[0-9A-Za-z*/,#-]+){4}\s*$"
FLAG = {"enum": [True, False, "true", "false"]}
# what Terraform leaves out at the top of a file in JSON, and nowhere else
REMARK = "//"

Schema = dict[str, Any]


def number(least: int, most: int) -> Schema:
    """Return the schema of a whole number; Terraform takes one in quotes too."""
    bounds = {"minimum": least, **({"maximum": most} if most < MAX_ID else {})}
    return {"type": ["integer", "string"], "pattern": "^[0-9]+$", **bounds}


def text(pattern: str = LINE) -> Schema:
    """Return the schema of a text of one line."""
    return {"type": "string", "pattern": pattern}


def kind_of(attribute: Attribute) -> Schema:
    """Return the schema of an attribute's values."""
    kind = attribute.kind
    if kind in ("count", "identifier"):
        return number(attribute.least, attribute.most)
    if kind == "word" and attribute.choices:
        return {"enum": list(attribute.choices)}
    step = {"type": "string", "pattern": r"^dbt \S"}
    found: dict[str, Schema] = {
        "steps": {"type": "array", "items": step, "minItems": 1, "maxItems": MAX_STEPS},
        "text": {"type": "string", "maxLength": attribute.most},
        "word": text(attribute.pattern or LINE),
        "flag": FLAG,
        "cron": text(CRON),
        "after": after(),
        "tags": {"type": "array", "items": text()},
        "env_vars": {
            "type": "object",
            "propertyNames": {"pattern": VARIABLE_PATTERN},
            "additionalProperties": {"type": ["string", "number", "boolean"]},
        },
    }
    return found[kind]


def after() -> Schema:
    """Return the schema of the job that a job runs after."""
    statuses = {"type": "array", "items": {"enum": list(STATUSES)}, "minItems": 1}
    properties = {"job": text(), "statuses": or_null(statuses)}
    return {
        "type": "object",
        "properties": properties,
        "required": ["job"],
        "additionalProperties": False,
    }


def or_null(schema: Schema) -> Schema:
    """Return the schema of a value that may be null, which is not given."""
    return {"anyOf": [schema, {"type": "null"}]}


def shown(attribute: Attribute) -> Schema:
    """Return the schema of an attribute with what an editor shows of it."""
    schema = kind_of(attribute)
    if attribute.default is REQUIRED:
        return {"description": attribute.meaning, **schema}
    default = attribute.default
    given = list(default) if isinstance(default, tuple) else default
    return {"description": attribute.meaning, "default": given, **or_null(schema)}


def job(properties: Schema, required: list[str]) -> Schema:
    """Return the schema of a job."""
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def schema() -> Schema:
    """Return the schema of a file."""
    table = {attribute.name: shown(attribute) for attribute in attributes.ATTRIBUTES}
    needed = [a.name for a in attributes.ATTRIBUTES if a.default is REQUIRED]
    hour = {"type": ["integer", "string"], "pattern": "^[0-9]+$", "minimum": 0, "maximum": 23}
    day = {"type": ["integer", "string"], "pattern": "^[0-9]+$", "minimum": 0, "maximum": 7}
    in_words = {
        "schedule_type": or_null({"enum": list(SCHEDULE_TYPES)}),
        "schedule_hours": or_null({"type": "array", "items": hour}),
        "schedule_days": or_null({"type": "array", "items": day}),
        "job_type": or_null({"enum": list(JOB_TYPES)}),
    }
    assert set(in_words) == set(SCHEDULE_KEYS)
    by_key = {
        "type": "object",
        "propertyNames": {"pattern": KEY_PATTERN},
        "additionalProperties": job(table, needed),
    }
    listed = {
        "type": "array",
        "minItems": 1,
        "items": job({"name": text(), **table, **in_words}, ["name", *needed]),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Jobs of dbt Cloud in a variable file, docs/jobs.md",
        "type": "object",
        "required": ["jobs"],
        "properties": {
            REMARK: True,
            "team_name": or_null(text(TEAM_PATTERN)),
            "project_id": or_null(number(1, MAX_ID)),
            "environment_id": or_null(number(1, MAX_ID)),
            "dbtcloud_account_id": or_null({"type": ["integer", "string"]}),
            "dbtcloud_host_url": or_null({"type": "string"}),
            "jobs": {"description": "jobs by key, or a list of them", "anyOf": [by_key, listed]},
        },
    }


def main(is_check: bool, target: Path = TARGET) -> int:
    """Write the schema, or return 1 where it is behind."""
    new = json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
    if target.exists() and target.read_text(encoding="utf-8") == new:
        return 0
    if is_check:
        print(f"{target.name} is not as the table of attributes says")
        print("  help: make attributes")
        return 1
    target.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))

"""Read a YAML file of dbt-jobs-as-code: its jobs have the form of dbt Cloud's API.

Anchors are YAML's own. Of Jinja only `{{ name }}` is taken, with the values of --vars-yml: the
rest would need the tool itself.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from marketing_analytics.cloud_api.limits import MAX_ID
from marketing_analytics.core.errors import FileError, MachineError, UserError, reason_of
from marketing_analytics.core.yaml_text import load_yaml
from marketing_analytics.jobs.adopt.links import key_of
from marketing_analytics.jobs.payload import Override
from marketing_analytics.jobs.plan import RemoteJob

MAX_BYTES = 5_000_000
MAX_JOBS = 10_000
NAME = re.compile(r"\{\{-?\s*([A-Za-z_][A-Za-z0-9_]*)\s*-?\}\}")
JINJA = re.compile(r"\{\{|\{%|\{#")
# what the tool writes and what its jobs may carry; more is told
KNOWN = frozenset(
    {
        *("account_id", "project_id", "environment_id", "name", "description", "dbt_version"),
        *("settings", "execution", "schedule", "triggers", "execute_steps", "generate_docs"),
        *("run_generate_sources", "generate_sources", "state", "deactivated", "linked_id", "id"),
        *("deferring_job_definition_id", "deferring_environment_id", "self_deferring"),
        *("run_compare_changes", "compare_changes_flags", "run_lint", "errors_on_lint_failure"),
        *("triggers_on_draft_pr", "job_type", "job_completion_trigger_condition"),
        *("custom_environment_variables", "force_node_selection", "cost_optimization_features"),
        *("run_failure_count", "lifecycle_webhooks", "identifier"),
    }
)


def read_yaml_jobs(path: str, variable_files: Sequence[str]) -> list[tuple[str, RemoteJob]]:
    """Return the jobs of a file by identifier, as if dbt Cloud had answered with them.

    A job without linked_id has a negative number for its id. Raise FileError or UserError.
    """
    yaml = yaml_reader()
    text = rendered(path, read(path), read_variables(yaml, variable_files))
    document = parsed(yaml, path, text)
    jobs = document.get("jobs") if isinstance(document, Mapping) else None
    if not isinstance(jobs, Mapping) or not jobs:
        raise whole(path, "it has no jobs", "it should have jobs: with a job for each identifier")
    if len(jobs) > MAX_JOBS:
        raise whole(path, f"it has {len(jobs)} jobs", f"split it: at most {MAX_JOBS}")
    return [
        (str(name), yaml_job(path, str(name), body, number))
        for number, (name, body) in enumerate(jobs.items(), 1)
    ]


def yaml_reader() -> ModuleType:
    """Return the library that reads YAML, which the deploy tool alone does not need."""
    try:
        return importlib.import_module("yaml")
    except ImportError:
        raise MachineError(
            "reading YAML needs the library PyYAML", hint="pip install pyyaml, then repeat"
        ) from None


def read(path: str) -> str:
    """Return the text of a file."""
    try:
        if Path(path).stat().st_size > MAX_BYTES:
            raise whole(path, "it is too large", f"at most {MAX_BYTES} bytes are read")
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {reason_of(error)}", hint="check the path") from None


def whole(path: str, message: str, hint: str) -> FileError:
    """Return an error about a file as a whole."""
    return FileError(f"{path}: {message}", path=path, line=0, hint=hint)


def read_variables(yaml: ModuleType, paths: Sequence[str]) -> dict[str, str]:
    """Return the variables of files, as Jinja would print them; a later file replaces."""
    found: dict[str, str] = {}
    for path in paths:
        document = parsed(yaml, path, read(path))
        if not isinstance(document, Mapping):
            raise whole(path, "it has no variables", "write name: value")
        for name, value in document.items():
            if isinstance(value, list | dict):
                raise whole(path, f"{name} is more than one value", "write name: value")
            found[str(name)] = "None" if value is None else str(value)
    return found


def rendered(path: str, text: str, variables: Mapping[str, str]) -> str:
    """Return the text with its variables filled in. Raise FileError at any other Jinja."""
    lines = []
    for number, line in enumerate(text.split("\n"), 1):
        for match in NAME.finditer(line):
            if match[1] not in variables:
                raise FileError(
                    f"the variable {match[1]} has no value",
                    path=path,
                    line=number,
                    column=match.start() + 1,
                    source=line,
                    hint="give it in a file: --vars-yml FILE",
                )
        left = NAME.sub("", line)
        if JINJA.search(left):
            at = next(m.start() for m in JINJA.finditer(line) if not NAME.match(line, m.start()))
            raise FileError(
                "Jinja that is more than a variable cannot be read",
                path=path,
                line=number,
                column=at + 1,
                source=line,
                hint="write its result there; only {{ name }} is filled in",
            )
        lines.append(NAME.sub(lambda match: variables[match[1]], line))
    return "\n".join(lines)


def parsed(yaml: ModuleType, path: str, text: str) -> Any:
    """Return the document of a text. Raise FileError at a mistake."""
    try:
        document = load_yaml(text)
    except RecursionError:
        raise whole(path, "it is nested too deeply", "write it flatter") from None
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it is no YAML"
        if mark is None:
            raise whole(path, str(problem), "correct it and repeat") from None
        lines = text.split("\n")
        raise FileError(
            f"this is no YAML: {problem}",
            path=path,
            line=mark.line + 1,
            column=mark.column + 1,
            source=lines[mark.line] if mark.line < len(lines) else "",
            hint="correct it and repeat",
        ) from None
    return document


def yaml_job(path: str, identifier: str, body: Any, number: int) -> RemoteJob:
    """Return one job. Raise FileError when it is not of the form of a job."""
    if not isinstance(body, Mapping):
        raise whole(path, f'job "{identifier}" is no map', "write its attributes below it")
    try:
        data = json.loads(json.dumps({str(k): v for k, v in body.items()}, default=str))
    except (ValueError, TypeError, RecursionError):
        raise whole(path, f'job "{identifier}" holds what no job has', "look at it") from None
    for name in ("project_id", "environment_id", "linked_id", "deferring_environment_id"):
        data[name] = number_of(path, identifier, name, data.get(name))
    for name in ("settings", "execution", "schedule", "triggers"):
        if not isinstance(data.get(name), dict | None):
            raise whole(path, f'{name} of job "{identifier}" is no map', "write name: value")
    steps = data.get("execute_steps")
    if not isinstance(steps, list) or not all(isinstance(step, str) for step in steps):
        raise whole(path, f'job "{identifier}" has no execute_steps', 'write - "dbt build"')
    data["triggers"] = {n: is_true(v) for n, v in (data.get("triggers") or {}).items()}
    data["name"] = str(data.get("name") or identifier)
    # the identifier becomes the key, whatever the name is
    job_id = data["linked_id"] or -number
    data["name"] = f"{data['name']} [[{key_of(identifier)}]]"
    return RemoteJob(job_id, None, data, tuple(overrides_of(path, identifier, data)))


def number_of(path: str, identifier: str, name: str, value: Any) -> int | None:
    """Return an id, which Jinja may have made a text."""
    if value in (None, "", "None"):
        return None
    text = str(value)
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) <= MAX_ID:
        hint = "write the number from the page URL"
        raise whole(path, f'{name} of job "{identifier}" is no id: {value!r}', hint)
    return int(text)


def is_true(value: Any) -> bool:
    """Return a flag, which Jinja may have made a text."""
    return value is True or str(value).lower() == "true"


def overrides_of(path: str, identifier: str, data: Mapping[str, Any]) -> list[Override]:
    """Return the variables of a job: a list of maps of one each."""
    found = []
    for item in data.get("custom_environment_variables") or []:
        if not isinstance(item, Mapping):
            hint = "write - DBT_NAME: value"
            raise whole(path, f'a variable of job "{identifier}" is no map', hint)
        found += [Override(str(name), "" if v is None else str(v), 0) for name, v in item.items()]
    return found


def unknown_fields(job: RemoteJob) -> list[str]:
    """Return the fields of a job that nothing reads."""
    return sorted(name for name in job.data if name not in KNOWN)

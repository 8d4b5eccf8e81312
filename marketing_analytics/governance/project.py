"""What the dbt project says of its tables: personal columns, and how long rows are kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import FileError, UserError, reason_of
from marketing_analytics.core.yaml_text import load_yaml

# columns that tell of a person by their names
PERSONAL_NAME = re.compile(
    r"^(e_?mail|session_id|touchpoint_id)$"
    r"|(^|_)(email_address|phone(_number)?|first_name|last_name|full_name|surname|street"
    r"|ip_address|user_agent|birth\w*|(customer|device|email|phone|member|person|visitor)_key"
    r"|customer_id|user_id|user_pseudo_id|profile_id|contact_id)$"
)


@dataclass(frozen=True)
class Described:
    """A table, model, seed or snapshot as a properties file describes it."""

    path: Path
    name: str
    kind: str
    meta: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def personal(self) -> dict[str, Mapping[str, Any]]:
        """Return the columns that are tagged as personal, with their tags."""
        return {name: meta["personal"] for name, meta in self.columns.items() if "personal" in meta}

    @property
    def untagged(self) -> list[str]:
        """Return the columns that look personal by their names and are not tagged."""
        return [
            name
            for name, meta in self.columns.items()
            if PERSONAL_NAME.search(name) and "personal" not in meta and "not_personal" not in meta
        ]


def described(project: Path) -> list[Described]:
    """Return all that the properties files of a dbt project describe. Raise UserError, FileError.

    Raw tables are named `source.table`.
    """
    if not (project / "dbt_project.yml").is_file():
        raise UserError(f"{project} is no dbt project", hint="name its folder with --project")
    folders = [project / name for name in ("models", "snapshots", "seeds")]
    paths = sorted(path for folder in folders for path in folder.rglob("*.yml"))
    return [one for path in paths for one in described_in(path)]


def described_in(path: Path) -> Iterator[Described]:
    """Yield what one properties file describes."""
    import yaml  # type: ignore[import-untyped]

    try:
        found = load_yaml(path.read_text()) or {}
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {reason_of(error)}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise FileError(f"it is no YAML: {error.problem}", path=path, line=line) from None
    except RecursionError:
        raise FileError("it is nested too deeply", path=path, hint="write it flatter") from None
    for source in found.get("sources") or []:
        for table in source.get("tables") or []:
            yield one_of(path, table, f"{source['name']}.{table['name']}", "source")
    for kind in ("models", "snapshots", "seeds"):
        for node in found.get(kind) or []:
            yield one_of(path, node, node["name"], kind.removesuffix("s"))


def one_of(path: Path, node: Mapping[str, Any], name: str, kind: str) -> Described:
    """Return one described node."""
    columns = {column["name"]: meta_of(column) for column in node.get("columns") or []}
    return Described(path, name, kind, meta_of(node), columns)


def meta_of(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the meta of a node or a column."""
    meta: Mapping[str, Any] = (node.get("config") or {}).get("meta") or {}
    return meta

"""What a project says of itself and of its packages, as far as a run has to know it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from marketing_analytics.core.yaml_text import load_yaml

NAMES = ("packages.yml", "dependencies.yml")
TARGET = "target"


def read_yaml(path: Path) -> dict[str, Any] | None:
    """Return a YAML object, {} for a file that is not there, None for what dbt explains better."""
    import yaml  # type: ignore[import-untyped]

    try:
        content = load_yaml(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return None
    return content if isinstance(content, dict) else {}


def has_packages(project: Path) -> bool:
    """Return whether the project names packages to install."""
    for name in NAMES:
        content = read_yaml(project / name)
        if content is None or content.get("packages") or content.get("projects"):
            return True
    return False


def target_path(project: Path) -> str:
    """Return the folder that dbt fills when somebody runs the project by hand."""
    found = (read_yaml(project / "dbt_project.yml") or {}).get("target-path")
    is_plain = isinstance(found, str) and found.strip() and "{{" not in found
    return str(found) if is_plain else TARGET


def local_packages(project: Path) -> list[Path]:
    """Return the folders of the local packages that lie outside of a project, theirs included."""
    found: list[Path] = []
    waiting = [project]
    while waiting:
        folder = waiting.pop()
        for package in packages_of(folder):
            is_known = package in found or package.is_relative_to(project)
            if package.is_dir() and not is_known:
                found.append(package)
                waiting.append(package)
    return found


def packages_of(folder: Path) -> list[Path]:
    """Return the folders of the local packages that a project names itself."""
    named: list[Any] = []
    for name in NAMES:
        packages = (read_yaml(folder / name) or {}).get("packages")
        named += packages if isinstance(packages, list) else []
    paths = [one.get("local") for one in named if isinstance(one, dict)]
    return [(folder / path).resolve() for path in paths if isinstance(path, str) and path]

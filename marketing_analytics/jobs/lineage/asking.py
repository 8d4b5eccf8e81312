"""Ask dbt what the steps of jobs work on, in a process of its own; answers are kept.

dbt needs seconds for an answer, which depends on the manifest and the steps alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from marketing_analytics.core.errors import MachineError, UserError
from marketing_analytics.core.written import replace_file
from marketing_analytics.jobs.lineage.manifest import Found, last_words
from marketing_analytics.jobs.lineage.project import Project, project_of

# a change of what is kept or how it is found out is a new number
FORM = 1
ASK_SECONDS = 300
MAX_KEPT = 20
PACKAGE_ROOT = Path(__file__).resolve().parents[3]


def project_at(found: Found, steps: Iterable[str]) -> Project:
    """Return what steps work on, as dbt says.

    Raise UserError for a manifest that dbt cannot read, ModuleNotFoundError without dbt.
    """
    steps = sorted(set(steps))
    kept, digest = kept_at(found.manifest, steps), digest_of(found, steps)
    if known := read_kept(kept, digest):
        return known
    text = ask(found, steps)
    keep(kept, json.dumps({"digest": digest, "project": json.loads(text)}))
    return project_of(json.loads(text))


def kept_at(manifest: Path, steps: list[str]) -> Path:
    """Return where the answer for a manifest and the steps of job files is kept."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    asked = json.dumps([str(manifest.resolve()), steps])
    name = hashlib.sha256(asked.encode()).hexdigest()[:16]
    return Path(home) / "marketing" / "lineage" / f"{name}.json"


def digest_of(found: Found, steps: list[str]) -> str:
    """Return what an answer depends on, in short."""
    parts = [found.manifest.read_bytes(), json.dumps([FORM, steps]).encode()]
    if found.project_file:
        parts.append(found.project_file.read_bytes())
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def read_kept(path: Path, digest: str) -> Project | None:
    """Return the answer that was kept for the same question, or None."""
    try:
        kept = json.loads(path.read_bytes())
        return project_of(kept["project"]) if kept["digest"] == digest else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def keep(path: Path, text: str) -> None:
    """Keep an answer; where that is not possible, dbt is asked again the next time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, text)
        by_age = sorted(path.parent.glob("*.json"), key=lambda kept: kept.stat().st_mtime)
        for old in by_age[:-MAX_KEPT]:
            old.unlink(missing_ok=True)
    except (OSError, MachineError):
        return


def ask(found: Found, steps: list[str]) -> str:
    """Return dbt's answer as JSON."""
    request = {
        "manifest": str(found.manifest.resolve()),
        "project_file": str(found.project_file.resolve()) if found.project_file else None,
        "steps": steps,
    }
    # what is set for dbt on this machine is not set where the job runs
    env = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
    paths = [str(PACKAGE_ROOT), *filter(None, [env.get("PYTHONPATH")])]
    command = [sys.executable, "-m", "marketing_analytics.jobs.lineage.selection"]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(request),
            capture_output=True,
            text=True,
            env={**env, "PYTHONPATH": os.pathsep.join(paths)},
            timeout=ASK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise MachineError(
            f"dbt did not answer within {ASK_SECONDS} s", hint="try again on an idle machine"
        ) from None
    if done.returncode == 0:
        return done.stdout
    said = last_words(done.stderr)
    if "No module named 'dbt" in said:
        raise ModuleNotFoundError("dbt", name="dbt")
    raise UserError(f"dbt cannot read {found.manifest}: {said}", hint="make a new one: `dbt parse`")

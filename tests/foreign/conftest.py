"""Clients that others wrote, unmodified, each in an environment of its own, and what they face.

`requirements/foreign/<name>.in` names a client; `make lock` pins it. The environments are kept in
`.venv-foreign/` from one run to the next.
"""

import subprocess
from pathlib import Path

import pytest

from tests.ingest.conftest import emulators, ledger, shared_emulators, world

__all__ = ["emulators", "ledger", "shared_emulators", "world"]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def client():
    """Return a function: name of a requirements file -> the `bin` folder of its environment."""

    def environment(name):
        folder = ROOT / ".venv-foreign" / name
        asked = ROOT / "requirements" / "foreign" / f"{name}.txt"
        is_fresh = (folder / "installed").exists() and (
            (folder / "installed").stat().st_mtime > asked.stat().st_mtime
        )
        if not is_fresh:
            subprocess.run(
                ["scripts/install.sh", str(folder), str(asked)], cwd=ROOT, check=True, timeout=600
            )
        return folder / "bin"

    return environment

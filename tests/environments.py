"""Environments of clients that others wrote: each has its own, pinned by `make lock`.

`requirements/foreign/<name>.in` names a client. The environments are kept in `.venv-foreign/` from
one run to the next.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def environment_of(name):
    """Return the `bin` folder of a client's environment; make it when it is not there or old.

    Skip the test where the client needs a Python that this machine lacks.
    """
    folder = ROOT / ".venv-foreign" / name
    asked = ROOT / "requirements" / "foreign" / f"{name}.txt"
    installed = folder / "installed"
    if not installed.exists() or installed.stat().st_mtime <= asked.stat().st_mtime:
        subprocess.run(
            ["scripts/install.sh", str(folder), str(asked)],
            cwd=ROOT,
            env=os.environ | {"PYTHON": python_for(asked.with_suffix(".in"))},
            check=True,
            timeout=600,
        )
    return folder / "bin"


def python_for(asked):
    """Return a Python that a requirements file is for: ours, unless it names a newer one."""
    found = re.search(r"^# python (\d+\.\d+)$", asked.read_text(), re.MULTILINE)
    if found is None:
        return sys.executable
    places = [shutil.which(f"python{found[1]}"), os.environ.get("NEWER_PYTHON")]
    places += sorted(Path.home().glob(f".pyenv/versions/{found[1]}.*/bin/python"))
    for place in filter(None, places):
        told = subprocess.run([place, "--version"], capture_output=True, text=True, check=False)
        if told.stdout.startswith(f"Python {found[1]}."):
            return str(place)
    pytest.skip(f"{asked.stem} needs Python {found[1]}; NEWER_PYTHON may name one")

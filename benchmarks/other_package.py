"""An environment of its own for a package that a benchmark measures ours against."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

UV = Path(sys.executable).with_name("uv")


def is_installed(folder: Path, packages: Sequence[str]) -> bool:
    """Install packages into an environment, once; tell whether they are there."""
    if not (folder / "installed").exists():
        python = str(folder / "bin" / "python")
        steps = (
            ["venv", "-q", str(folder)],
            ["pip", "install", "-q", "--python", python, *packages],
        )
        for step in steps:
            if subprocess.run([UV, *step], check=False).returncode:
                return False
        (folder / "installed").touch()
    return True

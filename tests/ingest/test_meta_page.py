"""The page on connecting a Meta account, followed command by command, against the emulator."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .commands import NOW, QUICK, clean_environment

pytestmark = [pytest.mark.slow, pytest.mark.system]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "platforms" / "meta_ads.md"
COMMANDS = re.findall(r"^```bash\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def follow(shared_emulators, tmp_path):
    """Return a function that runs commands of the page at a moment: exit code and what it said."""
    own = {"META_ADS_BASE_URL": shared_emulators.settings["META_ADS_BASE_URL"]}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    def follows(commands, now=NOW):
        settings = QUICK | own | {"PATH": path, "MARKETING_NOW": now}
        done = subprocess.run(
            ["bash", "-ec", commands],
            cwd=tmp_path,
            env=clean_environment(**settings),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return follows


def test_the_page_leads_to_the_first_rows_and_through_a_broken_token(
    follow, shared_emulators, tmp_path
):
    _, write_settings, run, query = COMMANDS
    assert follow(write_settings)[0] == 0
    file = tmp_path / "meta_ads.env"
    assert file.stat().st_mode & 0o077 == 0
    empty = file.read_text()
    code, said = follow(run)
    assert (code, "META_ADS_ACCESS_TOKEN" in said) == (2, True)

    token = shared_emulators.settings["META_ADS_ACCESS_TOKEN"]
    filled = empty.replace("META_ADS_ACCESS_TOKEN=", f"META_ADS_ACCESS_TOKEN={token}")
    file.write_text(f"{filled}INGEST_SINCE=2026-10-01\n")
    code, said = follow(run)
    assert (code, "meta_ads   ok" in said) == (0, True), said
    code, said = follow(query)
    assert (code, "US Prospecting Lookalike" in said) == (0, True), said

    file.write_text(file.read_text().replace(token, "revoked"))
    code, said = follow(run)
    assert (code, "set META_ADS_ACCESS_TOKEN" in said, "code 190" in said) == (4, True, True)
    assert follow(query)[0] == 0

    file.write_text(file.read_text().replace("revoked", token))
    code, said = follow(run, now="2026-11-08T06:00:00Z")
    assert (code, "2026-11-08" in said) == (0, True), said

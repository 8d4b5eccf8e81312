"""Keep version, changelog and tag together.

`python scripts/release.py check` compares them; `cut 1.2.0` turns what is unreleased into 1.2.0.
Between releases the version ends in .dev0 and the changelog starts with Unreleased.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSION_FILE = "marketing_analytics/__init__.py"
CHANGELOG = "CHANGELOG.md"
NUMBER = r"\d+\.\d+\.\d+"
VERSION = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)
HEADING = re.compile(r"^## \[(.+?)\]", re.MULTILINE)


def disagreements(version: str, headings: list[str], tags: list[str]) -> list[str]:
    """Return in sentences where version, changelog headings and tags of this commit differ."""
    released = [heading for heading in headings if heading != "Unreleased"]
    found = []
    if re.fullmatch(NUMBER, version):
        if released[:1] != [version]:
            newest = released[0] if released else "none"
            found.append(f"version is {version}, the newest changelog section is {newest}")
    elif not re.fullmatch(rf"{NUMBER}\.dev0", version):
        found.append(f"version is {version}; write 1.2.0, or 1.2.0.dev0 between releases")
    elif headings[:1] != ["Unreleased"]:
        found.append(f"version is {version}, so the changelog must start with Unreleased")
    found += [f"tag {tag} is not v{version}" for tag in tags if tag != f"v{version}"]
    return found


def version_tags(root: Path) -> list[str]:
    """Return the tags of the checked-out commit that look like versions."""
    command = ["git", "-C", str(root), "tag", "--points-at", "HEAD", "v*"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    return listed.stdout.split()


def check(root: Path) -> list[str]:
    """Return where version, changelog and tag of a checkout disagree."""
    version = VERSION.findall((root / VERSION_FILE).read_text("utf-8"))
    headings = HEADING.findall((root / CHANGELOG).read_text("utf-8"))
    return disagreements(version[0] if version else "missing", headings, version_tags(root))


def cut(root: Path, number: str, today: str) -> None:
    """Write a version number into the package and over what the changelog has unreleased."""
    changelog = (root / CHANGELOG).read_text("utf-8")
    if not re.fullmatch(NUMBER, number):
        sys.exit(f"error: {number} is not a version\n  help: write it like 1.2.0")
    if HEADING.findall(changelog)[:1] != ["Unreleased"]:
        sys.exit(f"error: {CHANGELOG} has nothing unreleased\n  help: add ## [Unreleased]")
    heading = f"## [{number}] - {today}"
    (root / CHANGELOG).write_text(changelog.replace("## [Unreleased]", heading, 1), "utf-8")
    package = (root / VERSION_FILE).read_text("utf-8")
    (root / VERSION_FILE).write_text(VERSION.sub(f'__version__ = "{number}"', package), "utf-8")


def main() -> int:
    """Check or cut a release; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="compare version, changelog and tag")
    commands.add_parser("cut", help="write a version").add_argument("number")
    asked = parser.parse_args()
    if asked.command == "cut":
        cut(ROOT, asked.number, f"{datetime.now(UTC):%Y-%m-%d}")
    found = check(ROOT)
    for sentence in found:
        print(f"error: {sentence}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""Build the pages of a snapshot: a folder of files that need no server.

Data of a build stand in a folder of their own; the pages that name it are put in place last, each
in one step. Whoever has an earlier page open still finds its data: some builds are kept.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from marketing_analytics.core.console import Console
from marketing_analytics.core.locks import file_lock
from marketing_analytics.core.written import replace_file, sync_all, sync_folder, writing
from marketing_analytics.report.data.attribution import defaults_of
from marketing_analytics.report.pages.contents import PAGES
from marketing_analytics.report.pages.notes import noted, without_note
from marketing_analytics.report.pages.rendering import NO_LINKS, Links, Rendering
from marketing_analytics.report.pages.static import static_files
from marketing_analytics.report.snapshots.snapshot import Snapshot, opened
from marketing_analytics.web.words import plural

ABOUT = "report.json"
BUILDS = "builds"
KEPT_BUILDS = 5
LOCK_WAIT_SECONDS = 120.0
# what a page could take for its own, or a script for the end of a line
UNSAFE = {b"<": b"\\u003c", "\u2028".encode(): b"\\u2028"}


@dataclass
class Build:
    """One build of a folder: what it has written so far."""

    out: Path
    snapshot: Snapshot
    build_id: str
    built_at: datetime
    headline: str = ""
    unsynced: list[Path] = field(default_factory=list)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Return where its data go."""
        return self.out / BUILDS / self.build_id

    def write(self, path: Path, content: str | bytes) -> None:
        """Write a file in one step, and remember what it holds."""
        data = content.encode() if isinstance(content, str) else content
        replace_file(path, data)
        self.remember(path, data)

    def share(self) -> dict[str, str]:
        """Write what pages share and is not there yet, and return its addresses by name."""
        (self.out / "static").mkdir(exist_ok=True)
        files = static_files()
        for address, data in files.values():
            if (self.out / address).exists():
                self.remember(self.out / address, data)
            else:
                self.write(self.out / address, data)
        return {name: address for name, (address, _) in files.items()}

    def remember(self, path: Path, data: bytes) -> None:
        """Name a file that belongs to the build."""
        name = path.relative_to(self.out).as_posix()
        self.files[name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}

    def write_data(self, name: str, value: Any) -> None:
        """Write a data file: a script, since pages from a disk may load nothing else."""
        data = orjson.dumps(value, default=float)
        for unsafe, escaped in UNSAFE.items():
            data = data.replace(unsafe, escaped)
        self.keep(self.folder / f"{name}.js", b'report.add("%s",%s)\n' % (name.encode(), data))

    def keep(self, path: Path, data: bytes) -> None:
        """Write a file that no page names yet; `sync` follows for all of them."""
        path.write_bytes(data)
        self.unsynced.append(path)
        self.remember(path, data)

    def sync(self) -> None:
        """Make what was kept outlive a loss of power."""
        sync_all(self.unsynced)
        for folder in {path.parent for path in self.unsynced}:
            sync_folder(folder)

    def about(self) -> dict[str, Any]:
        """Return what `report.json` says."""
        return {
            "schema_version": 1,
            "build_id": self.build_id,
            "built_at": self.built_at.isoformat(timespec="seconds"),
            "snapshot_id": self.snapshot.about["snapshot_id"],
            "snapshot_at": self.snapshot.about["snapshot_at"],
            "data_to": str(self.snapshot.last_day),
            "headline": self.headline,
            "missing": self.snapshot.about["missing"],
            "files": self.files,
        }


def build_command(console: Console, snapshots: Path, out: Path, links: Links) -> None:
    """Build the pages, and say where they are."""
    about = build(snapshots, out, links)
    if console.is_json:
        console.json(about)
        return
    size = sum(file["bytes"] for file in about["files"].values())
    console.prose(
        f"report of {about['data_to']}: {plural(len(about['files']), 'file')}, {size / 1e6:.1f} MB,"
        f" {out / 'index.html'}"
    )


def build(snapshots: Path, out: Path, links: Links = NO_LINKS) -> dict[str, Any]:
    """Build the current snapshot into a folder and return what `report.json` says.

    Whatever is raised, the pages that were there stay up, with a note of it.
    """
    with (
        file_lock(
            out / ".lock",
            taken=f"another process builds {out}",
            timeout_seconds=LOCK_WAIT_SECONDS,
        ),
        noted(out),
        writing(out),
        opened(snapshots) as snapshot,
    ):
        at = datetime.now(UTC)
        made = Build(out, snapshot, f"{at:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}", at)
        write_all(made, links)
    return made.about()


def write_all(made: Build, links: Links) -> None:
    """Write data, then pages, then what `report.json` says; then forget old builds."""
    try:
        # all pages are rendered before the first is replaced
        pages = prepared(made, links)
    except BaseException:
        shutil.rmtree(made.folder, ignore_errors=True)
        raise
    for name, text in pages.items():
        made.write(made.out / name, text)
    replace_file(made.out / ABOUT, json.dumps(made.about(), indent=2) + "\n")
    forget_old(made.out, made.build_id)


def prepared(made: Build, links: Links) -> dict[str, str]:
    """Write the data and what pages share, and return the pages by their file."""
    made.folder.mkdir(parents=True)
    defaults = defaults_of(made.snapshot)
    for page in PAGES:
        for name, value in page.data(made.snapshot, defaults):
            made.write_data(name, value)
    rendering = Rendering(made.snapshot, made.about(), defaults, made.share(), links)
    made.sync()
    made.headline = rendering.overview["sentences"][0]
    return {page.file: without_note(rendering.page(page)) for page in PAGES}


def forget_old(out: Path, newest: str) -> None:
    """Remove the data of all builds but the last ones."""
    others = sorted(path for path in (out / BUILDS).iterdir() if path.name != newest)
    for path in others[: -(KEPT_BUILDS - 1)]:
        shutil.rmtree(path, ignore_errors=True)

"""The report stays readable while it is rebuilt and the builder is killed: a reader in a loop.

    python -m benchmarks.report_kills --kills 200

A process publishes and builds over and over and is killed with SIGKILL at random moments, so that
every other of its rebuilds dies. A reader loads a page all the time, with all that the page names,
and compares each file with what the page's own build has listed.
"""

from __future__ import annotations

import argparse
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.small_marts import write_marts

NAMED = re.compile(r'(?:src|href)="((?:static|builds)/[^"]+)"')
REBUILDER = """
import sys
from pathlib import Path
from marketing_analytics.report.build import build
from marketing_analytics.report.snapshots.publish import publish
from marketing_analytics.warehouse.marts import Marts
folder = Path(sys.argv[1])
while True:
    publish(Marts(str(folder / "shop.duckdb")), folder / "snapshots")
    build(folder / "snapshots", folder / "pages")
    print("built", flush=True)
"""


@dataclass
class Reader(threading.Thread):
    """Loads pages until it is told to stop, and keeps what was broken."""

    pages: Path
    loads: int = 0
    broken: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        """Load one page after the other."""
        while not self.is_over.is_set():
            for path in sorted(self.pages.glob("*.html")):
                self.load(path)
            time.sleep(0.01)

    def load(self, path: Path) -> None:
        """Load a page and everything it names."""
        text = path.read_text(encoding="utf-8")
        if not text.endswith("</html>"):
            self.broken.append(f"{path.name} is cut off")
        for name in NAMED.findall(text):
            try:
                data = (self.pages / name).read_bytes()
            except OSError:
                self.broken.append(f"{path.name}: {name} is not there")
                continue
            if name.startswith("builds/") and not data.endswith(b")\n"):
                self.broken.append(f"{path.name}: {name} is cut off")
        self.loads += 1


def killed_rebuilds(folder: Path, kills: int, seed: int) -> tuple[Reader, int]:
    """Rebuild with kills while somebody reads; return the reader and how many builds were whole."""
    write_marts(folder / "shop.duckdb")
    chance, whole, reader = random.Random(seed), 0, Reader(folder / "pages")
    started = time.monotonic()
    first = start(folder)
    first.stdout.readline()  # type: ignore[union-attr]
    # kills come as often before the end of a build as after it
    longest = 2 * (time.monotonic() - started)
    stop(first)
    reader.start()
    for _ in range(kills):
        process = start(folder)
        time.sleep(chance.uniform(0, longest))
        whole += stop(process)
    reader.is_over.set()
    reader.join()
    return reader, whole


def start(folder: Path) -> subprocess.Popen[str]:
    """Start rebuilding."""
    command = [sys.executable, "-c", REBUILDER, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def stop(process: subprocess.Popen[str]) -> int:
    """Kill the process and return how many of its builds were whole."""
    process.send_signal(signal.SIGKILL)
    said, _ = process.communicate()
    return said.count("built")


def main() -> int:
    """Print the figure; return 1 when a load was broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        reader, whole = killed_rebuilds(Path(folder), arguments.kills, arguments.seed)
    print(
        f"  {arguments.kills} kills at random moments, {whole} builds whole between them:"
        f" {reader.loads:,} loads, {len(reader.broken)} broken"
    )
    for line in reader.broken[:5]:
        print(f"    {line}")
    return 1 if reader.broken else 0


if __name__ == "__main__":
    sys.exit(main())

"""The pages of a report in Chromium: bytes of the first load, first paint, shift, findings of axe.

    python -m benchmarks.report_pages --pages var/demo/report [--axe axe.min.js]

axe-core is fetched with npm where no file is given; without npm that part is left out, and said.
First paint is of a quiet machine or of none: other work on it is in the figure.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

CHROMIUM = "/usr/bin/chromium"
WIDTHS = (360, 820, 1440, 1920)
MAX_GZIPPED_BYTES, MAX_PAINT_MS, MAX_SHIFT = 400_000, 1000.0, 0.1
SERIOUS = ("serious", "critical")
WATCH = """
new PerformanceObserver((list) => {
  for (const entry of list.getEntries())
    if (!entry.hadRecentInput) window.shifted = (window.shifted || 0) + entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
PAINT = """
() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null
"""


def axe_file(given: Path | None, folder: Path) -> Path | None:
    """Return axe-core as a file: the given one, or fetched; None where there is no npm."""
    if given is not None or shutil.which("npm") is None:
        return given
    command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), "axe-core"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        return None
    return folder / "node_modules" / "axe-core" / "axe.min.js"


def gzipped(paths: set[Path]) -> int:
    """Return how many bytes the files have when each is sent compressed."""
    return sum(len(gzip.compress(path.read_bytes(), 9)) for path in paths)


def findings(page: Any, axe: Path) -> list[str]:
    """Return the serious findings on a page."""
    page.evaluate(axe.read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']} ({len(one['nodes'])}): {one['nodes'][0]['target'][0]}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
    ]


def look_at(browser: Any, path: Path, width: int, scheme: str, axe: Path | None) -> dict[str, Any]:
    """Return the figures of a page at a width, and its faults."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    page, asked, faults = context.new_page(), set(), []
    failed: list[str] = []
    page.on("request", lambda request: asked.add(Path(unquote(urlsplit(request.url).path))))
    page.on("pageerror", lambda error: faults.append(f"script: {error}"))
    page.on("requestfailed", lambda request: failed.append(f"{request.failure}: {request.url}"))
    page.add_init_script(WATCH)
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready]")
    # what the first view needs; the rest is asked for when it is scrolled to
    first = {one for one in asked if one.is_file()}
    page.wait_for_timeout(600)
    paint, shift = page.evaluate(PAINT), page.evaluate("() => window.shifted || 0")
    if page.evaluate("() => document.documentElement.scrollWidth") > width:
        faults.append("wider than the screen")
    text = page.inner_text("body")
    faults += [
        f"shows {word}" for word in ("NaN", "undefined", "Infinity", "[object") if word in text
    ]
    # axe asks for style sheets in ways that a page from a disk may not
    faults += failed
    if axe is not None:
        faults += findings(page, axe)
    context.close()
    return {"bytes": gzipped(first), "paint_ms": paint, "shift": shift, "faults": faults}


def main() -> int:
    """Print the figures; return 1 when one is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=Path, default=Path("var/demo/report"))
    parser.add_argument("--axe", type=Path)
    arguments = parser.parse_args()
    from playwright.sync_api import sync_playwright

    is_good = True
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        axe = axe_file(arguments.axe, Path(folder))
        print("  axe-core is at hand" if axe else "  no axe-core: its findings are left out")
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        for path in sorted(arguments.pages.resolve().glob("*.html")):
            for scheme in ("light", "dark"):
                for width in WIDTHS:
                    seen = look_at(browser, path, width, scheme, axe)
                    print(
                        f"  {path.stem:<12} {width:>5} {scheme:<5} first load"
                        f" {seen['bytes'] / 1000:.0f} kB gzipped, paint {seen['paint_ms']:.0f} ms,"
                        f" shift {seen['shift']:.3f}"
                    )
                    for fault in seen["faults"]:
                        print(f"      {fault}")
                    is_good &= not seen["faults"] and seen["bytes"] <= MAX_GZIPPED_BYTES
                    is_good &= seen["paint_ms"] <= MAX_PAINT_MS and seen["shift"] <= MAX_SHIFT
        browser.close()
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())

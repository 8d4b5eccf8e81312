"""Draw the README's picture of the report: the first screen of the pages that the demo left.

make demo && python -m benchmarks.report_picture
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

CHROMIUM = "/usr/bin/chromium"
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "report.png"
WIDTH, HEIGHT = 1280, 900
MAX_BYTES = 200_000


def main() -> int:
    """Write the picture; return 1 when it is too large."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=Path, default=Path("var/demo/report"))
    parser.add_argument("--out", type=Path, default=PICTURE)
    arguments = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto((arguments.pages.resolve() / "index.html").as_uri())
        page.wait_for_selector("body[data-shown]")
        page.wait_for_timeout(1000)
        page.screenshot(path=str(arguments.out))
        browser.close()
    size = arguments.out.stat().st_size
    print(f"  {arguments.out.name}: {size / 1000:.0f} kB")
    return 0 if size <= MAX_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())

"""What to do after the demo: commands that can be pasted where the demo was started."""

from __future__ import annotations

import shlex
from pathlib import Path

from marketing_analytics.core.commands import from_root
from marketing_analytics.core.console import Console
from marketing_analytics.demo.layout import JOB_FILE, REPOSITORY, Layout, default_layout


def demo_command(layout: Layout, word: str) -> str:
    """Return the command line of `demo up` or `demo down` for this folder."""
    option = "" if layout == default_layout() else f" --dir {pasteable(layout.root)}"
    return from_root(f"demo {word}{option}")


def pasteable(path: Path) -> str:
    """Return a path, from here where it lies below, quoted for a shell."""
    is_below = path.is_relative_to(Path.cwd())
    return shlex.quote(str(path.relative_to(Path.cwd()) if is_below else path))


def next_steps(layout: Layout) -> list[tuple[str, list[str]]]:
    """Return three steps, each with its commands."""
    # beside the demo, which the next one empties
    account = pasteable(layout.root.with_name("meta_ads.env"))
    plan = from_root(f"jobs plan --config {pasteable(REPOSITORY / JOB_FILE)}")
    return [
        ("open the pages: this prints their address", [demo_command(layout, "up")]),
        (
            f"change a job in {JOB_FILE}, then see what deploy would do",
            [f"(set -a; . {pasteable(layout.settings)}; {plan})"],
        ),
        (
            f"connect an account: fill in {account}, which the first command writes",
            [
                f"{from_root('ingest settings --source meta_ads')} | tee {account}",
                from_root(f"ingest run --source meta_ads --env-file {account}"),
            ],
        ),
    ]


def print_next_steps(console: Console, layout: Layout) -> None:
    """Print the steps, commands on lines of their own."""
    console.line("\nNext:")
    for number, (what, commands) in enumerate(next_steps(layout), 1):
        console.prose(f"{number}. {what}", indent="   ")
        for command in commands:
            console.line(f"   {command}")
    console.line()


def print_report(console: Console, layout: Layout, headline: str) -> None:
    """Print where the report is, and what it says first."""
    console.line(f"report: {pasteable(layout.report / 'index.html')}")
    console.prose(headline, indent="  ")
    console.line()

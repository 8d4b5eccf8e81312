"""`marketing report`: publish the marts, build the pages."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from marketing_analytics.core.commands import Group
from marketing_analytics.warehouse.options import of_marts

FOLDER = click.Path(path_type=Path, file_okay=False)
SNAPSHOTS = click.option(
    "--snapshots",
    type=FOLDER,
    default=Path("var/report/snapshots"),
    show_default=True,
    envvar="MARKETING_SNAPSHOTS",
    help="Folder of the published snapshots.",
)
AS_JSON = click.option("--json", "is_json", is_flag=True, help="Print the result as JSON.")


@click.group(name="report", cls=Group, help="Publish the marts, build the pages, send the mail.")
def group() -> None:
    """Hold the subcommands."""


@group.command(
    examples=[
        "--warehouse var/demo/cloud/warehouse/env_1.duckdb",
        "--warehouse postgresql://reader@warehouse/marts --schema analytics",
    ]
)
@of_marts
@SNAPSHOTS
@AS_JSON
def publish(
    warehouse: str | None,
    schema: str | None,
    raw_database: Path | None,
    snapshots: Path,
    is_json: bool,
) -> None:
    """Copy what a report needs of the marts into a new snapshot."""
    from marketing_analytics.core.console import Console, run_guarded
    from marketing_analytics.report.snapshots.publish import publish_command
    from marketing_analytics.warehouse.marts import marts_of

    console = Console(is_json=is_json)

    def body() -> None:
        publish_command(console, marts_of(warehouse, schema, raw_database), snapshots)

    sys.exit(run_guarded(body, console))


OUT = click.option(
    "--out",
    type=FOLDER,
    default=Path("var/report/pages"),
    show_default=True,
    envvar="MARKETING_REPORT",
    help="Folder of the pages.",
)
DOCS_URL = click.option(
    "--docs-url", default="", metavar="URL", help="Where docs/ is read, for links from numbers."
)
HOME_URL = click.option(
    "--home-url", default="", metavar="URL", help="Where jobs and runs are, for a link there."
)


@group.command(examples=["", "--out public"])
@SNAPSHOTS
@OUT
@DOCS_URL
@HOME_URL
@AS_JSON
def build(snapshots: Path, out: Path, docs_url: str, home_url: str, is_json: bool) -> None:
    """Build the pages of the current snapshot.

    A build that fails leaves the last pages up, with a note of what is wrong.
    """
    from marketing_analytics.core.console import Console, run_guarded
    from marketing_analytics.report.build import build_command
    from marketing_analytics.report.pages.rendering import Links

    console = Console(is_json=is_json)
    sys.exit(
        run_guarded(
            lambda: build_command(console, snapshots, out, Links(docs_url, home_url)), console
        )
    )


@group.command(
    examples=[
        "--warehouse var/demo/cloud/warehouse/env_1.duckdb",
        "--out public --schema analytics",
    ]
)
@of_marts
@SNAPSHOTS
@OUT
@DOCS_URL
@HOME_URL
@AS_JSON
def refresh(
    warehouse: str | None,
    schema: str | None,
    raw_database: Path | None,
    snapshots: Path,
    out: Path,
    docs_url: str,
    home_url: str,
    is_json: bool,
) -> None:
    """Publish a snapshot and build its pages, after a good run.

    Whatever fails, the last pages stay up, with a note of what is wrong.
    """
    from marketing_analytics.core.console import Console, run_guarded
    from marketing_analytics.report.build import build_command
    from marketing_analytics.report.pages.notes import noted
    from marketing_analytics.report.pages.rendering import Links
    from marketing_analytics.report.snapshots.publish import publish_command
    from marketing_analytics.warehouse.marts import marts_of

    console = Console(is_json=is_json)

    def body() -> None:
        with noted(out):
            publish_command(console, marts_of(warehouse, schema, raw_database), snapshots)
        build_command(console, snapshots, out, Links(docs_url, home_url))

    sys.exit(run_guarded(body, console))


@group.command(examples=["--to-file mail.html", "--to cmo@example.com --from report@example.com"])
@SNAPSHOTS
@click.option("--to", multiple=True, metavar="ADDRESS", help="Recipient; can be repeated.")
@click.option("--from", "sender", default="", metavar="ADDRESS", help="Sender.")
@click.option("--report-url", default="", metavar="URL", help="Where the pages are, for a link.")
@click.option(
    "--to-file",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write it for a look.",
)
def mail(
    snapshots: Path, to: tuple[str, ...], sender: str, report_url: str, file: Path | None
) -> None:
    """Send the overview as an e-mail, or write it to a file.

    The server is that of MARKETING_SMTP_URL.
    """
    from marketing_analytics.core.console import Console, run_guarded
    from marketing_analytics.report.mail import mail_command

    console = Console()
    sys.exit(
        run_guarded(lambda: mail_command(console, snapshots, to, sender, report_url, file), console)
    )

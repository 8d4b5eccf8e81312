"""`marketing monitor notices | send | silence | acknowledge | test-channel`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from marketing_analytics.core.commands import Command, Group
from marketing_analytics.core.console import Console, run_guarded
from marketing_analytics.monitor.options import AS_JSON, CONFIG, of_place

if TYPE_CHECKING:
    from marketing_analytics.monitor.alerts.notices import Channel


def add_commands(group: Group) -> None:
    """Add the commands to `marketing monitor`."""
    for command in (notices, send, silence, acknowledge, test_channel):
        group.add_command(command)


def channels_in(config: Path | None) -> list[Channel]:
    """Return the channels of monitors.yml."""
    from marketing_analytics.monitor.alerts.settings import channels_of
    from marketing_analytics.monitor.settings import read_settings

    return channels_of(read_settings(config).section("alerts"))


@click.command(cls=Command, examples=["", "--waiting --json"])
@click.option("--waiting", "is_waiting", is_flag=True, help="Only what is not delivered.")
@of_place
@AS_JSON
def notices(
    is_waiting: bool, warehouse: str | None, schema: str | None, raw_database: str | None,
    is_json: bool,
) -> None:  # fmt: skip
    """List what was told, and what waits to be delivered."""
    console = Console(is_json=is_json)

    def body() -> None:
        from marketing_analytics.core import clock
        from marketing_analytics.monitor.alerts.outbox import kept_notices, mutes_in
        from marketing_analytics.monitor.alerts.show import notice_json, print_notices
        from marketing_analytics.monitor.place import place_of

        place = place_of(warehouse, schema, raw_database)
        kept = kept_notices(place, is_waiting=is_waiting)
        if is_json:
            found = [notice_json(notice) for notice in kept]
            console.json({"schema_version": 1, "notices": found})
        else:
            now = clock.now().replace(tzinfo=None)
            print_notices(console, kept, mutes_in(place, now))

    sys.exit(run_guarded(body, console))


@click.command(cls=Command, examples=["", "--json"])
@of_place
@CONFIG
@AS_JSON
def send(
    warehouse: str | None, schema: str | None, raw_database: str | None,
    config: Path | None, is_json: bool,
) -> None:  # fmt: skip
    """Deliver what is kept for the channels.

    What the monitors found since the last time is decided on first. Exit code 1: something could
    not be delivered; it is kept.
    """
    console = Console(is_json=is_json)

    def body() -> int:
        from marketing_analytics.monitor.alerts.delivery import tell
        from marketing_analytics.monitor.alerts.show import print_deliveries
        from marketing_analytics.monitor.place import place_of

        done = tell(place_of(warehouse, schema, raw_database), channels_in(config))
        if is_json:
            console.json({"schema_version": 1, "deliveries": [each.as_json() for each in done]})
        else:
            print_deliveries(console, done)
            if not done:
                console.line("nothing to tell")
        return 1 if any(delivery.error for delivery in done) else 0

    sys.exit(run_guarded(body, console))


@click.command(
    cls=Command,
    examples=[
        "campaign_freshness --subject 'meta_ads/*' --for 2d --reason 'the account is moved'",
        "budget --until 2026-12-01T06:00:00Z --reason 'agreed with finance'",
        "volume --from 2026-12-24T00:00:00Z --for 3d --reason 'the shop is closed'",
    ],
)
@click.argument("monitor")
@click.option(
    "--subject",
    default="*",
    show_default=True,
    help="What is silenced; one that ends in * silences all that begin so.",
)
@click.option("--from", "since", metavar="TIME", help="When it begins, in UTC [default: now].")
@click.option("--until", metavar="TIME", help="When it ends, in UTC.")
@click.option("--for", "length", metavar="DURATION", help="How long: 30m, 26h, 2d.")
@click.option("--reason", required=True, help="Why; whoever looks for an alert reads it.")
@click.option("--by", metavar="NAME", help="Who [default: the name of the login].")
@of_place
@AS_JSON
def silence(
    monitor: str, subject: str, since: str | None, until: str | None, length: str | None,
    reason: str, by: str | None, warehouse: str | None, schema: str | None,
    raw_database: str | None, is_json: bool,
) -> None:  # fmt: skip
    """Tell nothing of MONITOR, or of '*', until a time.

    What is still wrong then is told.
    """
    console = Console(is_json=is_json)

    def body() -> None:
        from marketing_analytics.monitor.alerts.muting import add_silence, span_of
        from marketing_analytics.monitor.place import place_of

        place = place_of(warehouse, schema, raw_database)
        added = add_silence(place, monitor, subject, span_of(since, until, length), reason, by)
        if is_json:
            console.json({"schema_version": 1, "silence": vars(added)})
        console.prose(added.sentence())

    sys.exit(run_guarded(body, console))


@click.command(cls=Command, examples=["budget", "campaign_freshness --subject meta_ads/1 --by ada"])
@click.argument("monitor")
@click.option("--subject", help="Which problem [default: all that go on].")
@click.option("--by", metavar="NAME", help="Who [default: the name of the login].")
@of_place
@AS_JSON
def acknowledge(
    monitor: str, subject: str | None, by: str | None,
    warehouse: str | None, schema: str | None, raw_database: str | None, is_json: bool,
) -> None:  # fmt: skip
    """Take on the problems of MONITOR: they are told no more.

    Their end is told, and so is a problem that begins later.
    """
    console = Console(is_json=is_json)

    def body() -> None:
        from marketing_analytics.monitor.alerts.muting import acknowledge_problems
        from marketing_analytics.monitor.place import place_of

        place = place_of(warehouse, schema, raw_database)
        taken = acknowledge_problems(place, monitor, subject, by)
        if is_json:
            found = [vars(each) for each in taken]
            console.json({"schema_version": 1, "acknowledgements": found})
        for each in taken:
            console.prose(f"{each.acknowledged_by} has taken on {monitor} {each.subject}".rstrip())

    sys.exit(run_guarded(body, console))


@click.command(name="test-channel", cls=Command, examples=["team", "team --json"])
@click.argument("name")
@CONFIG
@AS_JSON
def test_channel(name: str, config: Path | None, is_json: bool) -> None:
    """Send a test message to channel NAME now.

    Exit code 1: it was not taken.
    """
    console = Console(is_json=is_json)

    def body() -> None:
        from marketing_analytics.monitor.alerts.delivery import send_test

        send_test(channels_in(config), name)
        if is_json:
            console.json({"schema_version": 1, "channel": name, "is_delivered": True})
        console.line(f"{name} took the test message")

    sys.exit(run_guarded(body, console))

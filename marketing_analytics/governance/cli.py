"""`marketing privacy`: the rights of persons."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from marketing_analytics.core.commands import Group
from marketing_analytics.core.console import Console, run_guarded
from marketing_analytics.core.errors import EXIT_FAILED, EXIT_OK, UserError

if TYPE_CHECKING:
    from marketing_analytics.governance.audit import Audit
    from marketing_analytics.governance.erase import Report

RAW_DATABASE = click.option(
    "--raw-database",
    metavar="PATH",
    help="DuckDB file or PostgreSQL address (default: MARKETING_RAW_DATABASE, var/raw.duckdb).",
)
PATH = click.Path(path_type=Path)
ENV_FILE = click.option("--env-file", type=PATH, metavar="FILE", help="Settings.")
DATA = click.option(
    "--data",
    multiple=True,
    type=PATH,
    metavar="PATH",
    help="Folder with files of the warehouse, logs, artifacts (default: that of the raw database).",
)
EXCEPT = click.option(
    "--except", "left_out", multiple=True, type=PATH, metavar="PATH", help="Leave this alone."
)
JSON = click.option("--json", "is_json", is_flag=True, help="Print the result as JSON.")
PROJECT = click.option(
    "--project",
    type=PATH,
    default=Path("transform"),
    show_default=True,
    metavar="FOLDER",
    help="The dbt project.",
)
ONE = click.argument("person", metavar="PERSON")
PERSON = click.argument("persons", metavar="PERSON...", nargs=-1, required=True)
# of what is left; --json has all
MOST_SHOWN = 20


@click.group(name="privacy", cls=Group)
def group() -> None:
    """Erase and export persons, keep what they refuse, map their data.

    PERSON is an e-mail address, a customer id, device:ID, or - for a line each on stdin.
    """


@group.command(examples=["ann@example.com --yes", "- --yes --data var --except var/world"])
@PERSON
@RAW_DATABASE
@ENV_FILE
@DATA
@EXCEPT
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@JSON
def erase(
    persons: tuple[str, ...],
    raw_database: str | None,
    env_file: Path | None,
    data: tuple[Path, ...],
    left_out: tuple[Path, ...],
    is_sure: bool,
    is_json: bool,
) -> None:
    """Erase persons from all that is stored, and prove it.

    All bytes are searched: exit code 1 when a mark of them is left. A call that was killed is
    finished by the next.
    """
    console = Console(is_json=is_json)

    def body() -> int:
        from marketing_analytics.governance import erase as erasing
        from marketing_analytics.governance.request import asked_with, persons_in, where_of

        asked = asked_with(raw_database, env_file)
        where = where_of(asked, data, left_out)
        given = persons_in(persons)
        confirm(console, f"{len(given):,} persons would be erased", is_sure)
        return show_erased(console, erasing.erase(where, asked.key, given))

    sys.exit(run_guarded(body, console))


@group.command(examples=["ann@example.com --out ann.json", "C0000017"])
@ONE
@RAW_DATABASE
@ENV_FILE
@click.option("--out", type=PATH, metavar="FILE", help="Write here, readable by its owner alone.")
def export(person: str, raw_database: str | None, env_file: Path | None, out: Path | None) -> None:
    """Print all rows of a person, for herself.

    JSON with the plain values: the answer to a request for access.
    """
    console = Console()

    def body() -> None:
        import json

        from marketing_analytics.governance import export as exporting
        from marketing_analytics.governance.request import asked_with, persons_in

        asked = asked_with(raw_database, env_file)
        (given,) = persons_in([person])[:1] or [""]
        found = exporting.export(asked.place, asked.key, given, asked.wait_seconds)
        text = json.dumps(found, indent=2, default=str, ensure_ascii=False)
        if out is None:
            console.line(text)
            return
        exporting.write(out, text + "\n")
        tables = len(found["tables"])
        console.line(f"{found['row_count']:,} rows of {tables:,} tables are in {out}")

    sys.exit(run_guarded(body, console))


@group.command(
    examples=["ann@example.com --purpose analytics", "C0000017 --purpose profiling --undo"]
)
@ONE
@click.option(
    "--purpose",
    "purposes",
    multiple=True,
    required=True,
    type=click.Choice(["analytics", "marketing", "profiling"]),
    help="What is refused.",
)
@click.option("--undo", is_flag=True, help="The person takes the refusal back.")
@RAW_DATABASE
@ENV_FILE
def optout(
    person: str,
    purposes: tuple[str, ...],
    undo: bool,
    raw_database: str | None,
    env_file: Path | None,
) -> None:
    """Keep what a person refuses; the next dbt run obeys."""
    console = Console()

    def body() -> None:
        from marketing_analytics.governance.refuse import decide
        from marketing_analytics.governance.request import asked_with, persons_in

        asked = asked_with(raw_database, env_file)
        (given,) = persons_in([person])[:1] or [""]
        decided = decide(
            asked.place,
            asked.key,
            given,
            purposes,
            is_granted=undo,
            wait_seconds=asked.wait_seconds,
        )
        did = "granted" if undo else "refused"
        what = f"{did} {', '.join(purposes)} under {len(decided.keys)} pseudonyms"
        console.line(f"{what}; next: dbt build")
        for receipt in () if undo else decided.exports:
            console.line(f"HANDED ON {receipt}: export it again, and replace it there")

    sys.exit(run_guarded(body, console))


@group.command(examples=["", "--json --data var --except var/world"])
@RAW_DATABASE
@ENV_FILE
@DATA
@EXCEPT
@PROJECT
@JSON
def audit(
    raw_database: str | None,
    env_file: Path | None,
    data: tuple[Path, ...],
    left_out: tuple[Path, ...],
    project: Path,
    is_json: bool,
) -> None:
    """Show who is where, and what should not be.

    Plain addresses, untagged columns, rows kept too long: exit code 1.
    """
    console = Console(is_json=is_json)

    def body() -> int:
        from marketing_analytics.governance import audit as auditing
        from marketing_analytics.governance.request import asked_with, where_of

        where = where_of(asked_with(raw_database, env_file), data, left_out)
        return show_audit(console, auditing.audit(where, project))

    sys.exit(run_guarded(body, console))


@group.command(examples=["--dry-run", "--yes"])
@RAW_DATABASE
@ENV_FILE
@PROJECT
@click.option("--dry-run", is_flag=True, help="Show what would go, delete nothing.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@JSON
def retain(
    raw_database: str | None,
    env_file: Path | None,
    project: Path,
    dry_run: bool,
    is_sure: bool,
    is_json: bool,
) -> None:
    """Delete raw rows that are older than the dbt project allows."""
    console = Console(is_json=is_json)

    def body() -> None:
        from marketing_analytics.governance import retain as retaining
        from marketing_analytics.governance.request import asked_with, where_of

        asked = asked_with(raw_database, env_file)
        found = retaining.overdue(asked.place, project, asked.wait_seconds)
        if found and not dry_run:
            confirm(console, f"{sum(one.rows for one in found):,} rows would be deleted", is_sure)
            found = retaining.retain(where_of(asked, (), ()), project)
        if is_json:
            rows = [vars(one) for one in found]
            console.json({"schema_version": 1, "is_dry_run": dry_run, "deleted": rows})
            return
        for one in found:
            verb = "would be deleted" if dry_run else "deleted"
            console.line(f"{one.table}: {one.rows:,} rows from before {one.before} {verb}")
        if not found:
            console.line("no row is older than it may be")

    sys.exit(run_guarded(body, console))


@group.command(examples=["", "--target transform/target --json"])
@click.option(
    "--target",
    type=PATH,
    default=Path("transform/target"),
    show_default=True,
    metavar="FOLDER",
    help="Where dbt wrote its manifest.",
)
@JSON
def inventory(target: Path, is_json: bool) -> None:
    """Print which raw columns personal ones are made of."""
    console = Console(is_json=is_json)

    def body() -> None:
        from marketing_analytics.governance.inventory import inventory as lines_of
        from marketing_analytics.governance.inventory import read_manifest

        found = lines_of(read_manifest(target))
        if is_json:
            console.json({"schema_version": 1, "lines": [line.as_json() for line in found]})
            return
        console.table(
            ["raw column", "column", "kind", "purpose"],
            [
                [line.source, line.column, line.kind, line.purpose + " ?" * line.is_by_name]
                for line in found
            ],
        )
        if any(line.is_by_name for line in found):
            console.line("? the SQL could not be followed: a parent has a column of that name")

    sys.exit(run_guarded(body, console))


@group.group("keys", cls=Group)
def keys_group() -> None:
    """Change the key of the pseudonyms."""


@keys_group.command(examples=["", "--data var"])
@RAW_DATABASE
@ENV_FILE
@DATA
@EXCEPT
def rotate(
    raw_database: str | None,
    env_file: Path | None,
    data: tuple[Path, ...],
    left_out: tuple[Path, ...],
) -> None:
    """Make all pseudonyms anew with a new key; joins stay.

    MARKETING_PSEUDONYM_KEY is the new one; MARKETING_PSEUDONYM_RETIRED_KEYS holds that before. A
    call that was killed is finished by the next one.
    """
    console = Console()

    def body() -> None:
        from marketing_analytics.governance import rotate as rotating
        from marketing_analytics.governance.request import asked_with, where_of

        asked = asked_with(raw_database, env_file, is_new_key=True)
        done = rotating.rotate(where_of(asked, data, left_out), asked.key, asked.retired)
        console.line(f"{done.pseudonym_count:,} pseudonyms in {len(done.columns):,} columns")
        for table in done.dropped:
            console.line(f"dropped {table}: the next dbt run builds it anew")
        if done.needs_old_key:
            console.prose(
                "persons were erased under the old key: keep it in "
                "MARKETING_PSEUDONYM_RETIRED_KEYS, or they would be loaded again"
            )

    sys.exit(run_guarded(body, console))


def show_audit(console: Console, found: Audit) -> int:
    """Print what was found; return the exit code."""
    code = EXIT_OK if found.is_clean else EXIT_FAILED
    if console.is_json:
        console.json({**found.as_json(), "exit_code": code})
        return code
    console.table(
        ["column", "pseudonyms"],
        [[name, f"{count:,}"] for name, count in found.persons.items()],
        right=(1,),
    )
    for name, count in found.addresses.items():
        console.line(f"PLAIN {name}: {count:,} values with an e-mail address")
    for name in found.untagged:
        console.line(f"UNTAGGED {name}")
    for one in found.overdue:
        console.line(f"OVERDUE {one.table}: {one.rows:,} rows from before {one.before}")
    for receipt in found.exports:
        erased = f"; {receipt.erased_count:,} erased since" * (receipt.erased_count > 0)
        console.line(f"HANDED ON {receipt}{erased}")
    if found.is_clean:
        console.line("no plain address, no untagged column, no row older than it may be")
    return code


def confirm(console: Console, what: str, is_sure: bool) -> None:
    """Ask on a terminal. Raise UserError when nobody can answer or the answer is no."""
    if is_sure:
        return
    if console.is_json or not (sys.stdin.isatty() and console.is_terminal):
        raise UserError(
            f"{what} and nobody is here to ask; nothing was done", hint="pass --yes to do it"
        )
    if input(f"{what}. Go on? [y/N] ").strip().lower() not in ("y", "yes"):
        raise UserError("not confirmed; nothing was done", hint="answer y, or pass --yes")


def show_erased(console: Console, report: Report) -> int:
    """Print what was erased, and what is left; return the exit code."""
    code = EXIT_FAILED if report.scan.left else EXIT_OK
    if console.is_json:
        console.json({**report.as_json(), "exit_code": code})
        return code
    if report.deleted:
        console.table(
            ["where", "rows deleted"],
            [[place, f"{count:,}"] for place, count in report.deleted.items()],
            right=(1,),
        )
    for receipt, count in report.exports.items():
        console.line(f"HANDED ON {receipt}: {count:,} of them; take them out there")
    for path in report.cleaned:
        console.line(f"cleaned {path}")
    console.line(f"written anew: {len(report.rewritten):,} databases or tables")
    scan = report.scan
    console.prose(
        f"searched {scan.bytes:,} bytes of {scan.files:,} files and {scan.values:,} values "
        f"for {report.mark_count:,} marks; {report.shared_count:,} values that others have too "
        "prove nothing and were not looked for"
    )
    for left in scan.left[:MOST_SHOWN]:
        console.line(f"LEFT {left.kind}: {left.place}")
    if scan.left:
        console.line(f"{len(scan.left):,} places still hold a mark")
    else:
        console.line("no mark is left; the next dbt run builds the totals without these persons")
    return code

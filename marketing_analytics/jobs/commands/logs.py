"""`logs`, `artifacts` and `history`: look at what runs did."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from marketing_analytics.core.commands import Command
from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import EXIT_OK
from marketing_analytics.jobs.commands.completion import complete_keys
from marketing_analytics.jobs.commands.options import connect, execute, load_place, options

if TYPE_CHECKING:
    from marketing_analytics.cloud_api.client import CloudClient
    from marketing_analytics.jobs.runs.choose import Place
    from marketing_analytics.jobs.settings import Settings


@click.command(cls=Command, examples=["15 --follow", "campaign-performance --step 4"])
@click.argument("word", metavar="RUN|KEY", shell_complete=complete_keys)
@click.option("--step", type=click.IntRange(1), help="Only this step.")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends.")
@options(has_shared=True, has_environment=True)
def logs(word: str, step: int | None, follow: bool, **flags: Any) -> None:
    """Show the logs of a run, or of a job's last one."""
    from marketing_analytics.jobs.runs.choose import is_run_id
    from marketing_analytics.jobs.runs.follow import follow_run, print_logs

    def body(console: Console) -> int:
        settings, place = load_place(console, flags, needs_scope=not is_run_id(word))
        with connect(settings, console) as client:
            if follow:
                run_id = look_at(client, settings, place, word, console)["id"]
                return follow_run(client, int(run_id), console)
            found = look_at(client, settings, place, word, console, "run_steps", "debug_logs")
            print_logs(found, console, step)
        return EXIT_OK

    execute(flags["is_json"], body)


def look_at(
    client: CloudClient,
    settings: Settings,
    place: Place,
    word: str,
    console: Console,
    *related: str,
) -> dict[str, Any]:
    """Return the run that a word means; of somebody else's it is said whose it is."""
    from marketing_analytics.jobs.runs.choose import run_of, whose

    run_id = run_of(client, place, word)
    found = client.run(run_id, "job", *related)
    stranger = whose(found, settings, place)
    if stranger:
        console.note(f"note: run {run_id} is {stranger}")
    return {"id": run_id, **found}


@click.command(
    cls=Command, examples=["15", "campaign-performance --get run_results.json --out results.json"]
)
@click.argument("word", metavar="RUN|KEY", shell_complete=complete_keys)
@click.option("--step", type=click.IntRange(1), help="Of this step; default is the last one.")
@click.option(
    "--get", "patterns", multiple=True, metavar="PATH", help="Save this one; *.json takes several."
)
@click.option("--out", metavar="PATH", help="File or folder to save to; - is the screen.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
@options(has_shared=True, has_environment=True)
def artifacts(
    word: str,
    step: int | None,
    patterns: tuple[str, ...],
    out: str | None,
    force: bool,
    **flags: Any,
) -> None:
    """List the files that a run left, or save some of them."""
    from marketing_analytics.jobs.runs.choose import is_run_id

    if (out or force) and not patterns:
        raise click.UsageError("--out and --force need --get")

    def body(console: Console) -> int:
        settings, place = load_place(console, flags, needs_scope=not is_run_id(word))
        with connect(settings, console) as client:
            run_id = int(look_at(client, settings, place, word, console)["id"])
            names = client.artifacts(run_id, step)
            if not patterns:
                return list_artifacts(console, client, run_id, names, step)
            return save_artifacts(console, client, run_id, names, step, patterns, out, force)

    execute(flags["is_json"], body)


def list_artifacts(
    console: Console, client: CloudClient, run_id: int, names: list[str], step: int | None
) -> int:
    """Print the artifacts of a run; TSV where nobody watches."""
    from marketing_analytics.core.signs import visible
    from marketing_analytics.jobs.render import SCHEMA_VERSION
    from marketing_analytics.jobs.runs.artifacts import MAX_SIZES, size_words, sizes_of

    sizes = sizes_of(client, run_id, names, step)
    if console.is_json:
        listed = [{"path": name, "bytes": sizes.get(name)} for name in names]
        document = {"schema_version": SCHEMA_VERSION, "run_id": run_id, "step": step}
        console.json({**document, "artifacts": listed})
    elif not names:
        console.line(f"run {run_id} left no artifacts")
    elif console.is_terminal:
        rows = [[visible(name), size_words(sizes.get(name))] for name in names]
        console.table(("path", "size"), rows, right=(1,), expendable=(1,))
    else:
        bytes_of = {name: "" if sizes.get(name) is None else str(sizes[name]) for name in names}
        console.tsv(("path", "bytes"), [[name, bytes_of[name]] for name in names])
    if len(names) > MAX_SIZES:
        console.note(f"sizes are shown of the first {MAX_SIZES} of {len(names)} files")
    return EXIT_OK


def save_artifacts(
    console: Console,
    client: CloudClient,
    run_id: int,
    names: list[str],
    step: int | None,
    patterns: tuple[str, ...],
    out: str | None,
    is_forced: bool,
) -> int:
    """Save the artifacts that patterns name, and say where they are."""
    from marketing_analytics.core.errors import UserError
    from marketing_analytics.jobs.render import SCHEMA_VERSION
    from marketing_analytics.jobs.runs.artifacts import (
        chosen,
        save,
        size_words,
        targets,
        to_stdout,
    )

    found = chosen(names, patterns, run_id)
    if out == "-":
        if len(found) > 1 or console.is_json:
            raise UserError("--out - takes one artifact and no --json", hint="name a folder")
        to_stdout(client, run_id, found[0], step)
        return EXIT_OK
    places = targets(found, out)
    sizes = save(client, run_id, places, step, is_forced=is_forced)
    for name, size in sizes.items():
        console.line(f"{places[name]}: {size_words(size)}")
    if console.is_json:
        saved = [
            {"path": name, "file": str(places[name]), "bytes": size} for name, size in sizes.items()
        ]
        console.json({"schema_version": SCHEMA_VERSION, "run_id": run_id, "saved": saved})
    return EXIT_OK


@click.command(cls=Command, examples=["campaign-performance --limit 50", "--all --shared"])
@click.argument("word", metavar="[KEY]", required=False, shell_complete=complete_keys)
@click.option("--all", "is_all", is_flag=True, help="Of every job of the branch, or of --shared.")
@click.option(
    "--limit",
    type=click.IntRange(1, 500),
    default=20,
    show_default=True,
    metavar="N",
    help="Runs of each job.",
)
@options(has_shared=True, has_environment=True)
def history(word: str | None, is_all: bool, limit: int, **flags: Any) -> None:
    """Show how the last runs of a job ended and how long they took."""
    from marketing_analytics.jobs.runs.choose import choose_jobs, jobs_in
    from marketing_analytics.jobs.runs.history import (
        histories_json,
        histories_of,
        history_of,
        print_histories,
        print_history,
    )

    if bool(word) == is_all:
        raise click.UsageError("name a job, or pass --all")

    def body(console: Console) -> int:
        settings, place = load_place(console, flags)
        with connect(settings, console) as client:
            if word:
                [job] = choose_jobs(client, place, [word])
                found = [history_of(client, job, limit)]
            else:
                jobs = jobs_in(client, place)
                found = histories_of(client, jobs, settings.project_id, limit)
        if console.is_json:
            console.json(histories_json(found))
        elif word:
            print_history(console, found[0], datetime.now(UTC))
        elif found:
            print_histories(console, found, datetime.now(UTC))
        else:
            console.line(f"there are no jobs for {place.describe()}")
        return EXIT_OK

    execute(flags["is_json"], body)

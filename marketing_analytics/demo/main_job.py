"""The main job: from a simulated world to attributed revenue, through every real part."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from marketing_analytics.core import clock
from marketing_analytics.core.console import Console
from marketing_analytics.core.env_file import read_env_file
from marketing_analytics.core.errors import PlatformError
from marketing_analytics.demo import report
from marketing_analytics.demo.board import Board, line_of
from marketing_analytics.demo.figures import differences, expected_figures, read_figures
from marketing_analytics.demo.layout import (
    JOB_FILE,
    REPOSITORY,
    Layout,
    cloud_settings,
    write_settings,
)
from marketing_analytics.demo.processes import Background, free_port, run
from marketing_analytics.demo.runs import Cloud, Outcome, require_success


@dataclass(frozen=True)
class World:
    """The size of the simulated world."""

    seed: int
    customers: int
    days: int


@dataclass
class Demo:
    """One pass of the main job over a folder."""

    layout: Layout
    world: World
    console: Console
    job_file: str = JOB_FILE
    seconds: dict[str, float] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)
    # what the report says first
    headline: str = ""

    def __post_init__(self) -> None:
        self.background = Background(self.layout)
        self.settings = cloud_settings(self.layout)

    def run(self) -> str:
        """Do everything, and return the closing line. Raise PlatformError where it stops."""
        started = time.monotonic()
        self.build_world()
        self.start_emulators()
        # it imports dbt while the sources are read
        self.start_cloud()
        self.ingest()
        deployed = self.deploy()
        outcomes = self.run_jobs()
        self.headline = str(self.layout.link_report()["headline"])
        return self.reconcile(outcomes, deployed, started)

    def resume(self) -> None:
        """Start emulators and server again on what an earlier demo left."""
        running = self.background.running()
        if "emulators" not in running:
            self.start_emulators()
        if "cloud" not in running:
            self.start_cloud()

    @contextmanager
    def step(self, name: str, doing: str) -> Iterator[list[str]]:
        """Time a step and print one line for it; append to the list what it did."""
        started = time.monotonic()
        done: list[str] = []

        def line(text: str) -> str:
            return f"{name:<10} {time.monotonic() - started:6.1f} s  {text}"

        with self.console.progress(lambda: [line(f"{doing} ...")]):
            yield done
        self.seconds[name] = time.monotonic() - started
        self.console.prose(line(", ".join(done)), indent="  ")

    def build_world(self) -> None:
        """Build the simulated world."""
        world, layout = self.world, self.layout
        arguments = ["simulate", "build", "--seed", str(world.seed), "--out", str(layout.world)]
        size = ["--customers", str(world.customers), "--days", str(world.days)]
        with self.step("world", "building customers, campaigns and orders") as done:
            run([*arguments, *size], {})
            ledger = layout.ledger()
            done.append(f"{world.customers:,} customers, {world.days} days, seed {world.seed}")
            done.append(f"{ledger['orders']['count']:,} orders")

    def start_emulators(self) -> None:
        """Start the platform emulators on free ports."""
        layout = self.layout
        arguments = ["simulate", "serve", "--world", str(layout.world)]
        arguments += ["--endpoints", str(layout.connections)]
        with self.step("emulators", "starting") as done:
            self.background.start("emulators", arguments, {}, layout.connections)
            names = read_env_file(layout.connections)
            served = [name.removesuffix("_BASE_URL") for name in names if "_BASE_URL" in name]
            done.append(f"{', '.join(served).lower()} answer")

    def ingest(self) -> None:
        """Sync every source into the raw database."""
        settings = {**self.settings, **read_env_file(self.layout.connections)}
        with self.step("ingest", "syncing every source") as done:
            result = json.loads(run(["ingest", "run", "--json"], settings))
            self.sources = [source["source"] for source in result["sources"]]
            rows = sum(source["rows"] for source in result["sources"])
            done.append(f"{rows:,} rows from {len(self.sources)} sources")

    def start_cloud(self) -> None:
        """Start the local dbt Cloud on a free port and write the settings for a shell."""
        layout = self.layout
        ready = layout.cloud / "server.json"
        port = str(free_port(self.settings.get("DBTCLOUD_HOST_URL")))
        arguments = ["cloud", "serve", "--port", port, "--data-dir", str(layout.cloud)]
        # what stands here is shown, committed or not
        arguments += ["--project-dir", str(REPOSITORY / "transform"), "--dirty"]
        arguments += ["--raw-database", str(layout.raw_database)]
        with self.step("cloud", "starting the local dbt Cloud") as done:
            # to the monitors it is the morning after the last day of the world
            settings = {**self.settings, clock.SETTING: layout.world_parameters()["as_of"]}
            self.background.start("cloud", arguments, settings, ready)
            url = json.loads(ready.read_text())["url"]
            self.settings["DBTCLOUD_HOST_URL"] = url
            write_settings(layout, self.settings)
            done.append(url)

    def deploy(self) -> int:
        """Deploy the branch jobs over REST and return how many there are."""
        with self.step("deploy", f"deploying {self.job_file}") as done:
            run(["jobs", "deploy", "--config", self.job_file, "--json"], self.settings)
            jobs = Cloud(self.settings["DBTCLOUD_HOST_URL"], self.settings).jobs()
            done.append(f"{len(jobs)} jobs from {self.job_file}")
        return len(jobs)

    def run_jobs(self) -> list[Outcome]:
        """Run every job in schedule order; all must succeed."""
        cloud = Cloud(self.settings["DBTCLOUD_HOST_URL"], self.settings)
        jobs = cloud.jobs()
        outcomes: list[Outcome] = []
        board = Board([job.key for job in jobs])
        started = time.monotonic()
        with self.console.progress(board.lines):
            for job in jobs:
                outcome = cloud.run(job, board.say)
                board.end()
                word = "ok" if outcome.status == "success" else outcome.status
                self.console.line(line_of(job.key, outcome.seconds, word))
                outcomes.append(outcome)
                require_success(outcomes, cloud)
        self.seconds["runs"] = time.monotonic() - started
        return outcomes

    def reconcile(self, outcomes: list[Outcome], deployed: int, started: float) -> str:
        """Compare the marts with the ledger, print the table and write the summary."""
        figures = read_figures(self.layout.warehouse)
        expected = expected_figures(self.layout.ledger(), self.sources)
        report.print_channels(self.console, figures)
        self.seconds["total"] = time.monotonic() - started
        summary = report.summary_of(figures, expected, outcomes, self.seconds)
        report.write_summary(self.layout.summary, summary)
        wrong = differences(figures, expected)
        if wrong:
            raise PlatformError("the marts do not match the world\n  " + "\n  ".join(wrong))
        models = len(expected.attributed_usd)
        return (
            f"demo ok: {deployed} jobs, revenue {report.money(figures.revenue_usd)} USD"
            f" equals the ledger under {models} models, spend of"
            f" {len(expected.spend_usd)} platforms equals it too, {self.seconds['total']:.0f} s"
        )

"""A month, day by day: sync, jobs, report and monitors, with one incident that they find."""

from __future__ import annotations

import json
import shutil
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from marketing_analytics.core.console import Console
from marketing_analytics.core.env_file import read_env_file
from marketing_analytics.core.errors import MachineError, PlatformError
from marketing_analytics.demo.copies import Copies
from marketing_analytics.demo.figures import LOCK_WAIT_SECONDS, schema_of
from marketing_analytics.demo.main_job import Demo
from marketing_analytics.demo.runs import Cloud, Job, require_success
from marketing_analytics.warehouse.duckdb import connect

JOB_FILE = "marketing_analytics/demo/replay.tfvars"
SYNC_FILE = "marketing_analytics/demo/replay_sync.toml"
# no zone of an account is in its next day then
EVENING = "T21:59:59Z"
INCIDENT_DAYS = 3
# visits of the weeks before say which campaign's loss would hurt
LOOKED_BACK_DAYS = 14
# findings of a day that are told
MOST_TOLD = 2
INDENT = " " * 12
# a word for the line of its day, and what was found
Look = tuple[str, list[str]]
BUSIEST = """
select sessions.campaign_id, max(campaigns.campaign_name) as campaign_name
from {schema}.int_web__sessions as sessions
inner join {schema}.dim_campaigns as campaigns on sessions.campaign_id = campaigns.campaign_id
where sessions.platform = 'meta_ads' and sessions.session_date > ?
group by sessions.campaign_id order by count(*) desc, sessions.campaign_id limit 1
"""
FIGURES = """
select
    (select sum(spend_usd) from {schema}.fct_ad_spend where report_date = ?),
    (select sum(revenue_usd) from {schema}.fct_conversions where conversion_date = ?)
"""


@dataclass(frozen=True)
class Incident:
    """Days of a campaign that Meta Ads does not tell, and when it tells them after all."""

    campaign_id: str
    campaign_name: str
    first_day: date

    @property
    def last_day(self) -> date:
        """Return the last day that is not told."""
        return self.first_day + timedelta(days=INCIDENT_DAYS - 1)

    @property
    def mended_day(self) -> date:
        """Return the day on which all days are told again."""
        return self.last_day + timedelta(days=1)

    def is_told_by(self, name: str, sentence: str) -> bool:
        """Return whether a finding speaks of its campaign."""
        return self.campaign_id in name or self.campaign_name in sentence


@dataclass
class Story:
    """What was found of the incident, and when."""

    incident: Incident | None = None
    found: dict[str, date] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Loaded:
    """A day whose sync has ended."""

    rows: int
    seconds: float


@dataclass
class DayTold:
    """What is told of a day, and what still looks at its marts or makes pages of them."""

    day: date
    incident: Incident | None
    notes: list[str]
    words: list[str] = field(default_factory=list)
    looks: list[Future[Look]] = field(default_factory=list)
    pages: Future[Look] | None = None


@dataclass
class Replay:
    """A replay of the last days of a world, on a demo that is set up."""

    demo: Demo
    days: int
    console: Console
    story: Story = field(default_factory=Story)
    told: DayTold | None = None
    commands: Copies = field(default_factory=Copies)

    def run(self) -> str:
        """Replay the days and return the closing line. Raise PlatformError where it stops."""
        started = time.monotonic()
        self.demo.build_world()
        self.demo.start_emulators()
        end = date.fromisoformat(self.demo.layout.world_parameters()["end_date"])
        days = [end - timedelta(days=back) for back in reversed(range(self.days))]
        self.start(days[0] - timedelta(days=1))
        planted = days[min(16, len(days) // 2)]
        self.console.line()
        # while a day is built, the next one is loaded, and the pages of the last one are made
        with ThreadPoolExecutor(max_workers=4) as pool:
            coming, loading = self.tamper(days[0], planted), pool.submit(self.load, days[0])
            for next_day in [*days[1:], None]:
                loaded = loading.result()
                self.let_go(pool)
                self.hand_over()
                built = coming
                if next_day is not None:
                    coming = self.tamper(next_day, planted)
                    loading = pool.submit(self.load, next_day)
                self.replay(built, loaded)
                self.tell()
                self.look(built, pool)
            self.let_go(pool)
            self.tell()
        page = self.demo.layout.root / "report" / "index.html"
        if page.exists():
            self.console.line(f"\nthe report of {days[-1]}: {page}")
        return self.closing(days, time.monotonic() - started)

    def start(self, eve: date) -> None:
        """Load and build what was before the first day."""
        demo = self.demo
        # jobs look for it
        connect(demo.layout.raw_database).close()
        demo.start_cloud()
        demo.deploy()
        self.cloud = Cloud(demo.settings["DBTCLOUD_HOST_URL"], demo.settings)
        self.jobs = {job.key: job for job in self.cloud.jobs()}
        # dbt reads the project while the sources are read
        with demo.step("history", "loading what was before") as done, ThreadPoolExecutor() as pool:
            seeded = pool.submit(self.build, self.jobs["replay-seed"])
            done.append(f"{self.load(eve).rows:,} rows until {eve}")
            done.append(f"seeds in {seeded.result():.1f} s")
        self.hand_over()
        with demo.step("marts", "building") as done:
            done.append(f"built in {self.build(self.jobs['replay-start']):.1f} s")
        self.schema = self.read_schema()
        self.rooms = [name for name in ("report", "monitor") if self.has_command(name)]
        absent = {"report", "monitor"} - set(self.rooms)
        if absent:
            self.console.line(f"  without {' and '.join(sorted(absent))}: no such command yet")

    def replay(self, told: DayTold, loaded: Loaded) -> None:
        """Build a day that is loaded."""
        seconds = self.build(self.jobs["replay-day"])
        spend, revenue = self.figures(told.day)
        told.words += [f"sync {loaded.seconds:4.1f} s {loaded.rows:6,} rows"]
        told.words += [f"job {seconds:4.1f} s", f"spend {spend:6,.0f} revenue {revenue:6,.0f} USD"]

    def look(self, told: DayTold, pool: Executor) -> None:
        """Begin to look at a day that is built."""
        settings = self.settings(told.day)
        if "report" in self.rooms:
            told.looks.append(pool.submit(self.publish, settings))
        if "monitor" in self.rooms:
            told.looks.append(pool.submit(self.watch, told.day, settings, told.incident))
        self.told = told

    def let_go(self, pool: Executor) -> None:
        """Wait for who reads the marts of the last day; begin to make its pages."""
        if self.told is None:
            return
        for look in self.told.looks:
            word, notes = look.result()
            self.told.words.append(word)
            self.told.notes.extend(notes)
        if "report" in self.rooms:
            self.told.pages = pool.submit(self.make_pages, self.settings(self.told.day))

    def tell(self) -> None:
        """Wait for the pages of the last day; print its line and what was found."""
        last, self.told = self.told, None
        if last is None:
            return
        if last.pages is not None:
            word, notes = last.pages.result()
            last.words.append(word)
            last.notes.extend(notes)
        self.console.line(f"{last.day:%a} {last.day:%d %b}  {' · '.join(last.words)}")
        for note in last.notes:
            self.console.prose(f"{INDENT}{note}", indent=INDENT + "  ")

    def tamper(self, day: date, planted: date) -> DayTold:
        """Plant the incident on its day, and mend it later; return what is to be told of it."""
        notes = self.plant(day) if day == planted else []
        incident = self.story.incident
        if incident is not None and day == incident.mended_day:
            self.control("withhold", {})
            notes = ["mended: Meta Ads tells these days after all; the sync reads them again"]
        return DayTold(day, incident, notes)

    def plant(self, day: date) -> list[str]:
        """Let Meta Ads forget the campaign that visits show most; return what is to be told."""
        with self.marts() as connection:
            query = BUSIEST.format(schema=self.schema)
            since = day - timedelta(days=LOOKED_BACK_DAYS)
            campaign_id, name = connection.execute(query, [since]).fetchone()
        self.story.incident = Incident(campaign_id, name, day)
        until = self.story.incident.last_day
        body = {"campaign_id": campaign_id, "since": str(day), "until": str(until)}
        self.control("withhold", body)
        return [f'planted: Meta Ads does not tell the days of "{name}" until {until:%d %b}']

    @property
    def loading(self) -> Path:
        """The raw database that syncs write; who reads has the copy of a whole day."""
        return self.demo.layout.root / "loading" / self.demo.layout.raw_database.name

    def folder(self, day: date) -> Path:
        """Return where the files of a day are: who looks at one day is left alone by the next."""
        return self.demo.layout.root / "days" / str(day.toordinal() % 2)

    def load(self, day: date) -> Loaded:
        """Let the world be as it was on the evening of a day, and load what is new."""
        began = time.monotonic()
        words = ["simulate", "day", "--world", str(self.demo.layout.world), "--date", str(day)]
        self.commands.run([*words, "--out", str(self.folder(day))], {})
        self.control("clock", {"now": f"{day}{EVENING}"})
        loading = {"MARKETING_RAW_DATABASE": str(self.loading)}
        words = ["ingest", "run", "--config", SYNC_FILE, "--json"]
        result = json.loads(self.commands.run(words, self.settings(day) | loading))
        rows = sum(source["rows"] for source in result["sources"])
        return Loaded(rows, time.monotonic() - began)

    def hand_over(self) -> None:
        """Give what is loaded to those who read it, so that the next load does not hold them up."""
        for written in self.loading.parent.glob("*.duckdb"):
            read = self.demo.layout.raw_database.with_name(written.name)
            part = read.with_suffix(".part")
            shutil.copyfile(written, part)
            part.replace(read)

    def control(self, name: str, body: dict[str, Any]) -> None:
        """Ask the emulators for something. Raise MachineError when they do not do it."""
        base = read_env_file(self.demo.layout.connections)["META_ADS_BASE_URL"]
        url = str(httpx.URL(base).copy_with(path=f"/_control/{name}"))
        try:
            httpx.post(url, json=body, timeout=30).raise_for_status()
        except httpx.HTTPError as error:
            raise MachineError(f"the emulators do not answer: {error}") from None

    def settings_of_day(self, day: date) -> dict[str, str]:
        """Return the settings that differ from one day to the next."""
        return {
            "GA4_EXPORT_PATH": str(self.folder(day) / "ga4"),
            "SHOP_DATABASE_URL": f"sqlite:///{self.folder(day) / 'shop.sqlite'}",
            "MARKETING_NOW": f"{day}{EVENING}",
        }

    def settings(self, day: date) -> dict[str, str]:
        """Return the settings of every command on a day."""
        layout = self.demo.layout
        return {
            **self.demo.settings,
            **read_env_file(layout.connections),
            **self.settings_of_day(day),
            "MARKETING_WAREHOUSE": str(layout.warehouse),
            "MARKETING_SCHEMA": getattr(self, "schema", ""),
            "MARKETING_SNAPSHOTS": str(layout.root / "snapshots"),
            "MARKETING_REPORT": str(layout.root / "report"),
        }

    def build(self, job: Job) -> float:
        """Run a job; return its seconds. Raise PlatformError when it does not succeed."""
        outcome = self.cloud.run(job, lambda _: None)
        require_success([outcome], self.cloud)
        return outcome.seconds

    def publish(self, settings: dict[str, str]) -> Look:
        """Publish a snapshot for the report."""
        return self.report("publish", "published", settings)

    def make_pages(self, settings: dict[str, str]) -> Look:
        """Make the pages of the newest snapshot."""
        return self.report("build", "report built", settings)

    def report(self, command: str, done: str, settings: dict[str, str]) -> Look:
        """Run a command of the report."""
        try:
            self.commands.run(["report", command], settings)
        except PlatformError as error:
            # the last good one stays up, and the month goes on; a reason is told once
            reason = next((x for x in error.message.splitlines() if x.startswith("error: ")), "")
            is_new = reason not in self.story.told
            self.story.told.add(reason)
            notes = [f"report: {reason.removeprefix('error: ')}"] if is_new else []
            return f"not {done}", notes
        return done, []

    def watch(self, day: date, settings: dict[str, str], incident: Incident | None) -> Look:
        """Run the monitors, and the diagnosis while the incident is there; note what is new."""
        answer = self.commands.run(["monitor", "run", "--json"], settings, accepted=(0, 1))
        results = json.loads(answer)["results"]
        failing = {
            f"{result['monitor']} {result['subject']}".strip(): result["sentence"]
            for result in results
            if result["status"] == "failing"
        }
        new = [name for name in failing if name not in self.story.failing]
        notes = [f"monitor {name}: {failing[name]}" for name in new[:MOST_TOLD]]
        if incident is not None:
            first = next((name for name in new if incident.is_told_by(name, failing[name])), None)
            if first is not None:
                self.story.found.setdefault(f"the monitor {first.split()[0]}", day)
            notes += self.diagnose(day, settings, incident)
        self.story.failing = set(failing)
        count = len({result["monitor"] for result in results})
        word = f"{len(failing)} findings of {count} monitors" if failing else f"{count} monitors ok"
        return word, notes

    def diagnose(self, day: date, settings: dict[str, str], incident: Incident) -> list[str]:
        """Walk the chain of ROI; return its first broken link."""
        answer = self.commands.run(["diagnose", "roi", "--json"], settings, accepted=(0, 1))
        document = json.loads(answer)
        broken = document["first_broken"]
        if broken is None:
            if day >= incident.mended_day:
                self.story.found.setdefault("mended", day)
            return []
        link = next(link for link in document["links"] if link["link"] == broken)
        if incident.is_told_by("", link["sentence"]):
            self.story.found.setdefault("`diagnose roi`", day)
        return [f"diagnose roi: {broken} is broken: {link['sentence']}"]

    def marts(self) -> Any:
        """Return a connection that reads the marts."""
        return connect(
            self.demo.layout.warehouse, is_read_only=True, wait_seconds=LOCK_WAIT_SECONDS
        )

    def read_schema(self) -> str:
        """Return the schema of the marts."""
        with self.marts() as connection:
            return schema_of(connection, "fct_campaign_performance")

    def figures(self, day: date) -> tuple[Decimal, Decimal]:
        """Return spend and revenue of a day."""
        with self.marts() as connection:
            row = connection.execute(FIGURES.format(schema=self.schema), [day, day]).fetchone()
        return Decimal(row[0] or 0), Decimal(row[1] or 0)

    def closing(self, days: list[date], seconds: float) -> str:
        """Return what a newcomer should have seen."""
        incident, found = self.story.incident, dict(self.story.found)
        text = f"replay ok: {len(days)} days in {seconds:.0f} s"
        if incident is None:
            return text
        mended = found.pop("mended", None)
        by = " and ".join(f"{who} on {when:%d %b}" for who, when in found.items())
        text += f"; spend of {incident.campaign_name} was lost from {incident.first_day:%d %b},"
        text += f" found by {by}" if by else " found by nobody"
        return text + (f", whole again on {mended:%d %b}" if mended else "")

    def has_command(self, name: str) -> bool:
        """Return whether `marketing` has a group."""
        try:
            self.commands.run([name, "--help"], {})
        except PlatformError:
            return False
        return True

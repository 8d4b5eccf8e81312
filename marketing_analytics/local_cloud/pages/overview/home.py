"""The home page: what failed, what runs, what waits and why, what is next, how it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from marketing_analytics.cloud_api.states import Status
from marketing_analytics.core.redaction import redact
from marketing_analytics.local_cloud.pages.naming import JobName, job_name
from marketing_analytics.local_cloud.pages.overview.freshness import Board, boards
from marketing_analytics.local_cloud.pages.reads import Reads
from marketing_analytics.local_cloud.pages.runs.lists import QueueLine, queue_of
from marketing_analytics.local_cloud.pages.states import State, run_state
from marketing_analytics.local_cloud.store.overview import (
    FailedNode,
    FailingJob,
    HourOfRuns,
    NextTick,
    NodeCount,
    UsualRun,
    ended_since,
    failed_nodes,
    failing_jobs,
    list_next_ticks,
    node_counts,
    usual_run,
)
from marketing_analytics.web.words import duration_words, parse_time

MAX_FAILING = 8
MAX_ACTIVE = 12
MAX_NEXT = 6
HOURS = 24
DAYS = 7
# a tick that began later than this was not on time
LATE_SECONDS = 300.0
CHART_HEIGHT = 44
NO_REASON = "It left no reason here; its log may tell."


@dataclass(frozen=True)
class FailingLine:
    """A job that fails now: since how many runs, and the first thing that failed."""

    job_id: int
    job: JobName
    run_id: int
    state: State
    failed_at: datetime | None
    in_a_row: int
    cause: str
    message: str


@dataclass(frozen=True)
class RunningLine:
    """A run that goes on; `percent` is how far it is, by nodes or by time, None when unknown."""

    queue: QueueLine
    progress: str
    percent: int | None
    is_slow: bool


@dataclass(frozen=True)
class NextLine:
    """A job that starts next."""

    job_id: int
    job: JobName
    at: datetime | None


@dataclass(frozen=True)
class HourBar:
    """One hour of the chart; heights are pixels, the bad ones stand below the good ones."""

    place: int
    good: int
    bad: int
    words: str


@dataclass(frozen=True)
class Record:
    """How the last days went: of all runs that were good or bad, and of all ticks."""

    good: int
    judged: int
    on_time: int
    ticks: int

    @property
    def good_words(self) -> str:
        """Return the share of good runs."""
        return percent_words(self.good, self.judged)

    @property
    def on_time_words(self) -> str:
        """Return the share of ticks that began in time."""
        return percent_words(self.on_time, self.ticks)


@dataclass(frozen=True)
class Home:
    """Everything the home page shows."""

    failing: list[FailingLine]
    failing_total: int
    running: list[RunningLine]
    waiting: list[QueueLine]
    running_total: int
    waiting_total: int
    slots: int
    next: list[NextLine]
    bars: list[HourBar]
    day: Record
    week: Record
    boards: list[Board]


def home_of(reads: Reads, data_dir: Path, now: datetime) -> Home:
    """Return the home page of an account."""
    jobs = failing_jobs(reads.connection, reads.account_id, MAX_FAILING)
    queue = queue_of(reads, now)
    running = [line for line in queue.lines if not line.is_waiting]
    waiting = [line for line in queue.lines if line.is_waiting]
    hours = ended_since(
        reads.connection, reads.account_id, now - timedelta(days=DAYS), LATE_SECONDS
    )
    since = f"{now - timedelta(hours=HOURS - 1):%Y-%m-%d %H}"
    day = [hour for hour in hours if hour.hour >= since]
    ticks = list_next_ticks(reads.connection, reads.account_id, MAX_NEXT)
    return Home(
        failing=failing_lines(reads, jobs),
        failing_total=jobs[0].total_count if jobs else 0,
        running=running_lines(reads, running[:MAX_ACTIVE], now),
        waiting=waiting[:MAX_ACTIVE],
        running_total=len(running),
        waiting_total=len(waiting),
        slots=queue.slots,
        next=[next_line(tick) for tick in ticks],
        bars=hour_bars(day, now),
        day=record_of(day),
        week=record_of(hours),
        boards=boards(reads, data_dir),
    )


def failing_lines(reads: Reads, jobs: Sequence[FailingJob]) -> list[FailingLine]:
    """Return the failing jobs, each with the first node that failed."""
    first: dict[int, FailedNode] = {}
    for node in failed_nodes(reads.connection, [job.run_id for job in jobs]):
        first.setdefault(node.run_id, node)
    secrets = reads.secrets()
    return [failing_line(job, first.get(job.run_id), secrets) for job in jobs]


def failing_line(job: FailingJob, node: FailedNode | None, secrets: Sequence[str]) -> FailingLine:
    """Return one failing job."""
    cause = f"{node.resource_type.replace('_', ' ')} {node.name}" if node else ""
    message = (node.message if node else None) or job.status_message or NO_REASON
    return FailingLine(
        job_id=job.id,
        job=job_name(job.name, job.description),
        run_id=job.run_id,
        state=run_state(Status.ERROR, is_crashed=job.is_crashed, is_timed_out=job.is_timed_out),
        failed_at=parse_time(job.finished_at),
        in_a_row=job.failures_in_a_row,
        cause=cause,
        message=telling_line(redact(message, secrets)),
    )


def telling_line(message: str) -> str:
    """Return the line of a message that says most: the one after dbt's own heading."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    is_heading = len(lines) > 1 and " in " in lines[0] and "Error" in lines[0].split(" in ")[0]
    return lines[1 if is_heading else 0][:200] if lines else ""


def running_lines(reads: Reads, lines: Sequence[QueueLine], now: datetime) -> list[RunningLine]:
    """Return the runs that go on, each with how far it is."""
    counts = node_counts(reads.connection, [line.run.run_id for line in lines])
    usual = {line.run.job_id: usual_run(reads.connection, line.run.job_id) for line in lines}
    return [
        running_line(line, counts.get(line.run.run_id), usual[line.run.job_id], now)
        for line in lines
    ]


def running_line(
    line: QueueLine, count: NodeCount | None, usual: UsualRun, now: datetime
) -> RunningLine:
    """Return one run that goes on."""
    started = line.run.started_at
    seconds = (now - started).total_seconds() if started else 0.0
    done, of = (count.done if count else 0), (usual.nodes or 0)
    said = [f"{done} of {of} nodes" if of >= done and of else f"{done} nodes" if count else ""]
    share = done / of if of >= done and of else None
    if usual.seconds:
        said.append(f"usually {duration_words(usual.seconds)}")
        share = min(0.99, seconds / usual.seconds) if share is None else share
    return RunningLine(
        queue=line,
        progress=", ".join(filter(None, said)),
        percent=None if share is None else round(100 * share),
        is_slow=bool(usual.seconds) and seconds > 1.5 * (usual.seconds or 0),
    )


def next_line(tick: NextTick) -> NextLine:
    """Return one job that starts next."""
    return NextLine(tick.id, job_name(tick.name, tick.description), parse_time(tick.next_run_at))


def hour_bars(hours: Sequence[HourOfRuns], now: datetime) -> list[HourBar]:
    """Return a bar for each of the last hours, the newest at the right."""
    starts = [now - timedelta(hours=HOURS - 1 - place) for place in range(HOURS)]
    counts = []
    for start in starts:
        own = [hour for hour in hours if hour.hour == f"{start:%Y-%m-%d %H}"]
        good = sum(hour.runs for hour in own if hour.status is Status.SUCCESS)
        bad = sum(hour.runs for hour in own if hour.status is Status.ERROR)
        counts.append((good, bad))
    most = max((good + bad for good, bad in counts), default=0) or 1
    return [
        HourBar(
            place=place,
            good=height_of(good, most),
            bad=height_of(bad, most),
            words=f"{start:%H}:00 UTC: {good} good, {bad} failed",
        )
        for place, (start, (good, bad)) in enumerate(zip(starts, counts, strict=True))
    ]


def height_of(count: int, most: int) -> int:
    """Return the height of a part of a bar; one run can be seen beside a thousand."""
    return max(3, round(CHART_HEIGHT * count / most)) if count else 0


def record_of(hours: Sequence[HourOfRuns]) -> Record:
    """Return how runs went; cancelled ones are neither good nor bad."""
    good = sum(hour.runs for hour in hours if hour.status is Status.SUCCESS)
    bad = sum(hour.runs for hour in hours if hour.status is Status.ERROR)
    return Record(
        good=good,
        judged=good + bad,
        on_time=sum(hour.ticks_on_time for hour in hours),
        ticks=sum(hour.ticks for hour in hours),
    )


def percent_words(part: int, whole: int) -> str:
    """Return a share in percent; all is only said of all."""
    if not whole:
        return "–"
    share = 100 * part / whole
    return "100 %" if part == whole else f"{min(share, 99.9):.1f} %"

"""A store full of jobs and runs for looking at the pages: used by their tests and figures.

python -m benchmarks.seeded_pages FOLDER [--runs 400] [--port 8700]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.seeded_artifacts import PARENTS, write_artifacts, write_changes
from benchmarks.seeded_records import seed_records, write_drift
from marketing_analytics.cloud_api.states import ENDED, Status
from marketing_analytics.local_cloud.pages.mount import build_ui
from marketing_analytics.local_cloud.pages.records.drift import JobFiles
from marketing_analytics.local_cloud.pages.settings import UiSettings
from marketing_analytics.local_cloud.runs.requests.again import retry_run
from marketing_analytics.local_cloud.runs.store import create_run, request_cancel
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    Place,
    open_connection,
    time_text,
    transaction,
)
from marketing_analytics.local_cloud.store.schema import open_store
from marketing_analytics.local_cloud.webhooks.store import send_again

ACCOUNT_ID = 1
TOKEN = "dbtc_seeded_pages_token"
SECRET = "hunter2-very-secret"
JOBS = (
    ("ad-platform-sync", "0 6,12,18 * * *", "dbt source freshness"),
    ("attribution-daily-refresh", "0 8 * * *", "dbt build --select +tag:attribution"),
    ("campaign-performance", "0 9 * * *", "dbt build --select +tag:ads"),
    ("customer-acquisition-funnel", "0 10 * * *", "dbt build --select +tag:funnel"),
    ("email-marketing-metrics", "0 11 * * *", "dbt build --select +tag:email"),
    ("automation-flows", "30 11 * * *", "dbt build --select +tag:automation"),
    ("customer-ltv-modeling", "0 12 * * 1-5", "dbt build --select +tag:customers"),
    ("marketing-executive-dashboard", "0 13 * * *", "dbt build --select +tag:executive"),
    ("attribution-validation", "", "dbt test --select tag:attribution"),
)
MODELS = tuple(PARENTS)


def insert(connection: Connection, table: str, **values: Any) -> int:
    """Insert one row and return its id, 0 where it has none."""
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    text = f"insert into {table} ({names}) values ({marks})"
    if table == "run_nodes":
        connection.execute(text, values)
        return 0
    return int(connection.execute(f"{text} returning id", values).fetchone()[0])


def seed_account(connection: Connection, now: datetime) -> None:
    """Create account, token, project and two environments."""
    at = time_text(now - timedelta(days=30))
    stamps = {"created_at": at, "updated_at": at}
    insert(connection, "accounts", id=ACCOUNT_ID, name="local", run_slots=2, **stamps)
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    insert(
        connection,
        "tokens",
        id=1,
        account_id=1,
        name="first",
        token_sha256=digest,
        created_at=at,
    )
    insert(
        connection,
        "projects",
        id=1,
        account_id=1,
        name="marketing",
        source_path="transform",
        **stamps,
    )
    for number, name in enumerate(("Development", "Staging"), start=1):
        insert(
            connection,
            "environments",
            id=number,
            account_id=1,
            project_id=1,
            name=name,
            schema_name=f"{name.lower()}_schema",
            **stamps,
        )


def seed_job(
    connection: Connection,
    name: str,
    *,
    description: str = "",
    cron: str = "",
    steps: tuple[str, ...] = ("dbt build",),
    environment_id: int = 1,
    next_run_at: str | None = None,
) -> int:
    """Create a job and return its id."""
    at = time_text(datetime.now(UTC) - timedelta(days=20))
    payload = {
        "execute_steps": list(steps),
        "settings": {"threads": 4, "target_name": "default"},
        "execution": {"timeout_seconds": 3600},
        "triggers": {"schedule": bool(cron), "github_webhook": False},
        "run_generate_sources": True,
        "generate_docs": False,
        "dbt_version": "1.12.6",
        "schedule": {"cron": cron or "0 0 * * *"},
    }
    return insert(
        connection,
        "jobs",
        account_id=1,
        project_id=1,
        environment_id=environment_id,
        name=name,
        description=description,
        payload=json.dumps(payload),
        cron=cron or None,
        is_scheduled=int(bool(cron)),
        next_run_at=next_run_at,
        created_at=at,
        updated_at=at,
    )


def seed_jobs(connection: Connection, now: datetime) -> list[int]:
    """Create the jobs of one branch, with their variables."""
    ids = []
    for place, (key, cron, step) in enumerate(JOBS):
        mark = f"[jobs:v1 marketing-team/feature-new-windows/ana/{key}]"
        ids.append(
            seed_job(
                connection,
                f"marketing-team-feature-new-windows-ana-{key}",
                description=f"Refreshes what {key} needs {mark}",
                cron=cron,
                steps=(step, "dbt test --select tag:critical"),
                environment_id=1 + place % 2,
                next_run_at=time_text(now + timedelta(hours=1 + place)) if cron else None,
            )
        )
    at = time_text(now)
    for name, value, job_id in (
        ("DBT_SCHEMA", "development_schema", None),
        ("DBT_SCHEMA", "ana_feature_new_windows", ids[0]),
        ("DBT_ENV_SECRET_WAREHOUSE", SECRET, None),
    ):
        insert(
            connection,
            "environment_variables",
            account_id=1,
            project_id=1,
            job_id=job_id,
            name=name,
            value=value,
            created_at=at,
            updated_at=at,
        )
    return ids


def seed_run(
    connection: Connection, job_id: int, created: datetime, status: int, **given: Any
) -> int:
    """Create a run; one that ended took `seconds`."""
    seconds = given.pop("seconds", 60.0)
    started = created + timedelta(seconds=given.pop("waited", 2.0))
    has_started, has_ended = status != Status.QUEUED, status in ENDED
    values = {
        "account_id": 1,
        "project_id": 1,
        "environment_id": 1,
        "job_id": job_id,
        "status": status,
        "cause": "Started by the schedule",
        "cause_category": "scheduled",
        "steps": '["dbt build"]',
        "schema_name": "ana_feature_new_windows",
        "target_name": "default",
        "threads": 4,
        "dbt_version": "1.12.6",
        "git_sha": "5f3a9c1d7e2b",
        "created_at": time_text(created),
        "updated_at": time_text(created),
        "started_at": time_text(started) if has_started else None,
        "finished_at": time_text(started + timedelta(seconds=seconds)) if has_ended else None,
        "scheduled_for": None if given.get("cause_category") else time_text(created),
        **given,
    }
    return insert(connection, "runs", **values)


def seed_runs(connection: Connection, job_ids: list[int], count: int, now: datetime) -> None:
    """Create `count` ended runs, oldest first, one in nine of them not good."""
    dice = random.Random(7)
    for place in range(count):
        created = now - timedelta(minutes=20 * (count - place))
        status = dice.choices(sorted(ENDED), (80, 12, 8))[0]
        seed_run(
            connection,
            job_ids[place % len(job_ids)],
            created,
            status,
            environment_id=1 + place % 2,
            seconds=dice.uniform(8, 240),
            waited=dice.uniform(0.2, 9),
            **({"cause_category": how} if (how := dice.choice(("", "", "api", "ui"))) else {}),
        )


def seed_many(place: Place, *, jobs: int, runs: int) -> None:
    """Add jobs of many branches and their ended runs, in turn, to a store."""
    dice, now = random.Random(11), datetime.now(UTC)
    with closing(open_connection(place)) as connection, transaction(connection):
        ids = [
            seed_job(
                connection,
                f"team-{place % 97}-feature-{place % 13}-job-{place}",
                cron="0 6 * * *" if place % 2 else "",
                environment_id=1 + place % 2,
                next_run_at=time_text(now + timedelta(hours=6)) if place % 2 else None,
            )
            for place in range(jobs)
        ]
        seed_runs(connection, dice.sample(ids, len(ids)), runs, now - timedelta(minutes=30))


def seed_steps(
    connection: Connection,
    data_dir: Path,
    run_id: int,
    begin: datetime,
    *,
    lines: int = 400,
    is_failed: bool = False,
    is_running: bool = False,
) -> None:
    """Create four steps with logs, and the nodes of the last one."""
    names = (
        ("Clone git repository", None),
        ("Create Profile from Connection DuckDB", None),
        ("Invoke dbt with `dbt deps`", "dbt deps"),
        ("Invoke dbt with `dbt build --select +tag:attribution`", "dbt build"),
    )
    folder = data_dir / "runs" / str(run_id) / "steps"
    folder.mkdir(parents=True, exist_ok=True)
    for index, (name, command) in enumerate(names, start=1):
        is_last = index == len(names)
        started = begin + timedelta(seconds=1.5 * (index - 1))
        finished = begin + timedelta(seconds=60 if is_last else 1.5 * index)
        status = Status.ERROR if is_last and is_failed else Status.SUCCESS
        status = Status.RUNNING if is_last and is_running else status
        insert(
            connection,
            "run_steps",
            run_id=run_id,
            step_index=index,
            name=name,
            command=command,
            status=status,
            log_path=f"runs/{run_id}/steps/{index}.log",
            created_at=time_text(started),
            started_at=time_text(started),
            finished_at=None if is_last and is_running else time_text(finished),
        )
        text = log_text(lines, is_failed=is_failed) if is_last else f"12:00:0{index}  {name}\n"
        (folder / f"{index}.log").write_text(text, "utf-8")
        if is_last:
            (folder / f"{index}.jsonl").write_text(events_text(is_failed=is_failed), "utf-8")
    nodes = seed_nodes(connection, run_id, begin + timedelta(seconds=5), is_failed, is_running)
    artifacts = data_dir / "runs" / str(run_id) / "artifacts" / "step_4"
    write_artifacts(artifacts, nodes, begin)
    if not is_failed and not is_running:
        write_changes(artifacts)
    (artifacts / "compiled" / "models").mkdir(parents=True, exist_ok=True)
    (artifacts / "compiled" / "models" / "fct_attribution.sql").write_text("select 1", "utf-8")


def seed_nodes(
    connection: Connection, run_id: int, begin: datetime, is_failed: bool, is_running: bool
) -> list[dict[str, Any]]:
    """Create model and test nodes on four threads; return their rows."""
    rows = []
    dice = random.Random(run_id)
    free = [0.0, 0.0, 0.0, 0.0]
    tests = [f"unique_{name}_id" for name in MODELS[:7]]
    for place, name in enumerate((*MODELS, *tests)):
        thread = free.index(min(free))
        seconds = dice.uniform(0.05, 2) if place >= len(MODELS) else dice.uniform(0.4, 17)
        start = begin + timedelta(seconds=free[thread])
        free[thread] += seconds + 0.1
        is_test = place >= len(MODELS)
        status = "pass" if is_test else "success"
        message = None
        if is_failed and name == "fct_attribution":
            status = "error"
            message = (
                "Runtime Error in model fct_attribution (models/marts/attribution/"
                'fct_attribution.sql)\n  Binder Error: Referenced column "credit_share" not found '
                'in FROM clause!\n  Candidate bindings: "share", "credit"\n\n'
                "  LINE 20:     credit_share,\n               ^"
            )
        if is_failed and name == tests[1]:
            status, message = "fail", "Got 3 results, configured to fail if != 0"
        is_open = is_running and place >= len(MODELS) - 2
        kind = "test" if is_test else "model"
        row = {
            "run_id": run_id,
            "step_index": 4,
            "unique_id": f"{kind}.marketing.{name}",
            "name": name,
            "resource_type": kind,
            "status": "started" if is_open else status,
            "thread": f"Thread-{thread + 1}",
            "started_at": time_text(start),
            "finished_at": None if is_open else time_text(start + timedelta(seconds=seconds)),
            "execution_seconds": None if is_open else seconds,
            "message": message,
        }
        insert(connection, "run_nodes", **row)
        rows.append(row)
        if is_open and place > len(MODELS):
            break
    return rows


def log_text(lines: int, *, is_failed: bool = False) -> str:
    """Return a log as dbt writes it, with colours, and an error two thirds down."""
    made = ["12:00:05  Running with dbt=1.12.6", "12:00:06  Found 62 models, 140 data tests"]
    for place in range(lines):
        name = MODELS[place % len(MODELS)]
        if is_failed and place == lines * 2 // 3:
            made.append(
                f"12:00:40  {place} of {lines} \x1b[31mERROR\x1b[0m creating fct_attribution"
            )
            made.append("12:00:40    Runtime Error in model fct_attribution")
        elif place % 97 == 50:
            made.append(f"12:00:20  [\x1b[33mWARNING\x1b[0m]: {name} has no freshness check")
        else:
            ok = f"\x1b[32mOK\x1b[0m created sql table model {name} [\x1b[32mOK\x1b[0m in 0.31s]"
            made.append(f"12:00:{place % 60:02d}  {place} of {lines} {ok}")
    made.append("12:01:00  Done. PASS=61 WARN=1 ERROR=0 SKIP=0 TOTAL=62")
    return "\n".join(made) + "\n"


def events_text(*, is_failed: bool = False) -> str:
    """Return the events of a step as dbt writes them: one a line."""
    made = []
    for place, name in enumerate(MODELS):
        is_wrong = is_failed and name == "fct_attribution"
        unique_id = f"model.marketing.{name}"
        info = {
            "category": "",
            "level": "error" if is_wrong else "info",
            "msg": f"{place + 1} of {len(MODELS)} {'ERROR' if is_wrong else 'OK'} {name}, {SECRET}",
            "name": "LogModelResult",
            "thread": f"Thread-{place % 4 + 1}",
            "ts": f"2026-11-01T12:00:{place:02d}.123456Z",
        }
        data = {"node_info": {"node_name": name, "unique_id": unique_id}, "execution_time": 0.31}
        made.append(json.dumps({"info": info, "data": data}))
    return "\n".join([*made, "no event", '{"info": 7}']) + "\n"


def seed(
    data_dir: Path, *, runs: int = 400, lines: int = 400, store: Place | None = None
) -> dict[str, int]:
    """Create a full store in a new folder; return the ids of runs worth looking at."""
    data_dir.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    connection = open_store(store or data_dir / "cloud.sqlite")
    with transaction(connection):
        seed_account(connection, now)
        jobs = seed_jobs(connection, now)
        seed_runs(connection, jobs[:-1], runs, now - timedelta(minutes=30))
        kept = {}
        begin = now - timedelta(minutes=25)
        for word, status in (("success", Status.SUCCESS), ("failed", Status.ERROR)):
            times = {"seconds": 60, "waited": 1, "scheduled_for": None}
            kept[word] = seed_run(connection, jobs[1], begin, status, has_artifacts=1, **times)
            is_failed = status is Status.ERROR
            seed_steps(connection, data_dir, kept[word], begin, lines=lines, is_failed=is_failed)
        begin = now - timedelta(seconds=40)
        kept["running"] = seed_run(
            connection, jobs[2], begin, Status.RUNNING, heartbeat_at=time_text(now), has_artifacts=1
        )
        seed_steps(connection, data_dir, kept["running"], begin, is_running=True)
        reason = f"behind run {kept['running']} of the same job"
        kept["queued"] = seed_run(
            connection,
            jobs[2],
            now - timedelta(seconds=20),
            Status.QUEUED,
            waits_for=json.dumps([kept["running"]]),
            wait_reason=reason,
            cause_category="api",
            cause="Started over the API",
        )
        kept["crashed"] = seed_run(
            connection,
            jobs[3],
            now - timedelta(minutes=9),
            Status.ERROR,
            is_crashed=1,
            status_message="The server was stopped while this run was active.",
        )
        kept["job"] = jobs[0]
        seed_records(connection, kept, requests=60)
    connection.close()
    write_drift(data_dir, jobs[1], now)
    return kept


@dataclass(frozen=True)
class StoreActions:
    """The actions of the pages on a store that no engine looks at."""

    database: Place

    def run_job(self, job_id: int, overrides: Mapping[str, Any] | None = None) -> int:
        """Queue a run of a job and return its id."""
        with closing(open_connection(self.database)) as connection:
            return create_run(connection, job_id, cause_category="ui", overrides=overrides).id

    def retry_run(self, run_id: int) -> int:
        """Queue a run that goes on where another failed and return its id."""
        with closing(open_connection(self.database)) as connection:
            return retry_run(connection, run_id)

    def cancel_run(self, run_id: int) -> None:
        """Ask for a run to be cancelled."""
        with closing(open_connection(self.database)) as connection:
            request_cancel(connection, run_id)

    def send_again(self, delivery_id: str) -> None:
        """Queue a delivery of a webhook once more."""
        with closing(open_connection(self.database)) as connection:
            send_again(connection, delivery_id)


def settings_of(data_dir: Path, store: Place | None = None, **given: Any) -> UiSettings:
    """Return the settings of pages on a seeded folder."""
    database = store or data_dir / "cloud.sqlite"
    files = JobFiles((Path("env_file/dev_env.tfvars"),), (Path("env_file/prod_env.tfvars"),))
    more = {"job_files": files, **given}
    return UiSettings(database, data_dir, ACCOUNT_ID, StoreActions(database), **more)


def main() -> None:
    """Seed a folder and serve the pages alone."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--lines", type=int, default=400)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--host", default="127.0.0.1")
    asked = parser.parse_args()
    if asked.folder is None:
        print("name a folder to serve the pages from")
        return
    import uvicorn

    if not (asked.folder / "cloud.sqlite").exists():
        print(seed(asked.folder, runs=asked.runs, lines=asked.lines))
    pages = build_ui(settings_of(asked.folder, bound_host=asked.host))
    uvicorn.run(pages, host=asked.host, port=asked.port, log_level="warning")


if __name__ == "__main__":
    main()

"""Count what deploys do amid faults, races, remote edits and kills; every seed can be repeated.

Each trial starts from its number: a line of a failure names it, and `--seed N --deploys 1` runs
it again. All runs on the real API of the local dbt Cloud over HTTP.
Usage: python -m benchmarks.jobs_faults [--deploys 500] [--races 200] [--edits 1000] [--kills 5]
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.jobs_as_code import settings_of
from marketing_analytics.cloud_api import answers as answers_module
from marketing_analytics.cloud_api import pace as pace_module
from marketing_analytics.jobs.guards import lease as lease_module

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

# tests have no types
some_jobs: Any = import_module("tests.jobs.conftest").some_jobs
faulty: Any = import_module("tests.jobs.faulty_cloud")

SHARE = 0.3
MOST_TRIES = 20
# the requests of a deploy of 3 jobs with a variable each
BOUNDARIES = 15
EDITS_AT_A_TIME = 25
FIELDS = ("execute_steps", "settings", "generate_docs", "schedule", "variable", "delete")


@contextmanager
def cloud_in(folder: Path) -> Iterator[Any]:
    """Run a server with an empty store."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        cloud = faulty.FaultyCloud(Path(place))
        try:
            yield cloud
        finally:
            cloud.close()


def write(folder: Path, text: str) -> Path:
    """Write a job file."""
    path = folder / "jobs.tfvars"
    path.write_text(text, "utf-8")
    return path


def faulty_deploy(folder: Path, seed: int) -> str:
    """Deploy under faults until it succeeds, and return what is wrong then, or nothing."""
    rng = random.Random(seed)
    count = rng.randint(1, 12)
    config = write(folder, some_jobs(count))
    with cloud_in(folder) as cloud:
        cloud.fail_randomly(seed, SHARE)
        for _ in range(MOST_TRIES):
            if faulty.deploy_from(cloud.url, config, "m")[0] == 0:
                break
        else:
            return f"not done after {MOST_TRIES} deploys"
        cloud.random_faults = None
        names = [job["name"] for job in cloud.active()]
        if len(names) != len(set(names)):
            return f"{len(names)} jobs, {len(set(names))} names"
        if len(names) != count or len(cloud.overrides) != count:
            return f"{len(names)} jobs and {len(cloud.overrides)} variables of {count}"
        code, said = faulty.deploy_from(cloud.url, config, "m")
        return "" if code == 0 and not said else f"not the same: {said}"


def one_race(folder: Path, seed: int) -> str:
    """Let 2 to 5 machines deploy at once, and return what is wrong then, or nothing."""
    rng = random.Random(seed)
    machines, count = rng.randint(2, 5), rng.randint(1, 5)
    config = write(folder, some_jobs(count))
    with cloud_in(folder) as cloud:
        cloud.latency_seconds = rng.choice([0.0, 0.001, 0.005])
        wait_seconds = rng.choice([0, 120])
        codes = faulty.race(cloud.url, config, machines, wait_seconds)
        jobs = len(cloud.active())
        if jobs != count or codes[0] != 0:
            return f"{machines} machines made {jobs} jobs of {count}, exit codes {codes}"
        allowed = {0, 3} if wait_seconds else {0, 3, 4}
        return "" if set(codes) <= allowed else f"exit codes {codes}"


def edit(cloud: Any, job: dict[str, Any], rng: random.Random) -> str:
    """Edit a job as a person would, and return what was edited."""
    what = rng.choice(FIELDS)
    if what == "execute_steps":
        cloud.change_job(job, execute_steps=[f"dbt run --select m{rng.random()}"])
    elif what == "settings":
        cloud.change_job(job, settings={"threads": rng.randint(9, 200), "target_name": "default"})
    elif what == "generate_docs":
        cloud.change_job(job, generate_docs=True)
    elif what == "schedule":
        cron = f"{rng.randint(0, 59)} {rng.randint(0, 23)} * * 1"
        cloud.change_job(
            job,
            schedule={"date": {"type": "custom_cron", "cron": cron}},
            triggers={**job["triggers"], "schedule": True},
        )
    elif what == "variable":
        sql = "update environment_variables set value = 'by hand' where job_id = :id"
        cloud.run_sql(sql, id=job["id"])
    else:
        cloud.ask("DELETE", f"{faulty.JOBS}{job['id']}/")
    return what


def edits(folder: Path, seed: int, count: int) -> tuple[int, int, int]:
    """Edit jobs between plan and write; return how many were edited, noticed and overwritten."""
    rng = random.Random(seed)
    with cloud_in(folder) as cloud:
        faulty.deploy_from(cloud.url, write(folder, some_jobs(count + 1)), "m")
        before = cloud.active()[:count]
        seen: dict[int, Any] = {}
        original = cloud.answer

        def answer(method: str, path: str, *rest: Any) -> Any:
            found = original(method, path, *rest)
            if method == "GET" and path.startswith(faulty.JOBS):
                cloud.answer = original
                for job in before:
                    edit(cloud, job, rng)
                seen.update({job["id"]: job for job in cloud.active()})
            return found

        cloud.answer = answer
        changed = write(folder, some_jobs(count + 1, ", threads = 8"))
        _, said = faulty.deploy_from(cloud.url, changed, "m")
        now = {job["id"]: job for job in cloud.active()}
        ids = {job["id"] for job in before}
        overwritten = sum(seen.get(job_id) != now.get(job_id) for job_id in ids)
        return count, len(re.findall(r"^  stale ", said, re.MULTILINE)), overwritten


def kill_at(folder: Path, seed: int) -> str:
    """Kill a deploy at a request, deploy again, and return what is wrong then, or nothing."""
    position = seed % BOUNDARIES
    config = write(folder, some_jobs(3))
    with cloud_in(folder) as cloud:
        # the owner of the jobs that the tests' client makes
        environment = {
            **os.environ,
            **settings_of(cloud.url),
            "CI_COMMIT_REF_SLUG": "feature-x",
            "GITLAB_USER_LOGIN": "anna",
            "TMPDIR": str(folder),
        }
        command = [sys.executable, str(ROOT / "scripts" / "dbt_job_manager.py"), "deploy"]
        original = cloud.answer
        is_before = random.Random(seed).random() < 0.5
        asked = threading.Event()

        def answer(*arguments: Any) -> Any:
            is_due = len(cloud.requests) > position
            if is_due and is_before:
                process.kill()
            found = original(*arguments)
            if is_due and not is_before:
                process.kill()
            asked.set()
            return found

        cloud.answer = answer
        process = subprocess.Popen(
            [*command, "--config", str(config)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        process.wait(120)
        cloud.wait_until_idle()
        cloud.answer = original
        code, said = faulty.deploy_from(cloud.url, config, "m")
        jobs, variables = len(cloud.active()), len(cloud.overrides)
        if code or jobs != 3 or variables != 3:
            return f"at {position}: exit code {code}, {jobs} jobs, {variables} variables: {said}"
        return ""


def report(name: str, wrong: dict[int, str], count: int) -> bool:
    """Print how many trials went well; return whether all did."""
    print(f"{name}: {count - len(wrong)} of {count}", flush=True)
    for seed, what in wrong.items():
        print(f"  seed {seed}: {what}")
    return not wrong


def trials(name: str, act: Callable[[Path, int], str], folder: Path, seeds: range) -> bool:
    """Run trials by their seed and report them."""
    found = {seed: act(folder, seed) for seed in seeds}
    return report(name, {seed: wrong for seed, wrong in found.items() if wrong}, len(seeds))


def all_edits(folder: Path, seed: int, count: int) -> bool:
    """Edit so many jobs and print how many edits were noticed; return whether all were."""
    totals: Counter[str] = Counter()
    while totals["edited"] < count:
        size = min(EDITS_AT_A_TIME, count - totals["edited"])
        edited, noticed, overwritten = edits(folder, seed + totals["edited"], size)
        totals += Counter(edited=edited, noticed=noticed, overwritten=overwritten)
    print(
        f"remote edits between plan and write, seeds from {seed}: {totals['edited']}, "
        f"{totals['noticed']} noticed, {totals['overwritten']} overwritten",
        flush=True,
    )
    return totals["noticed"] == totals["edited"] and not totals["overwritten"]


def main() -> int:
    """Run everything; return 1 when anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--deploys", type=int, default=500)
    parser.add_argument("--races", type=int, default=200)
    parser.add_argument("--edits", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=5, help="at each request boundary")
    given = parser.parse_args()
    # waits are real, only shorter
    pace_module.CALL_BURST = 100_000
    answers_module.COOLDOWN_SECONDS = 0.01
    lease_module.POLL_SECONDS = 0.02
    seeds = given.seed
    met = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"seeds from {seeds}")
        for title, act, count in (
            ("deploys at 30 % faults that converge, each job once", faulty_deploy, given.deploys),
            ("races of 2 to 5 machines that made each job once", one_race, given.races),
            ("deploys killed that the next one finished", kill_at, given.kills * BOUNDARIES),
        ):
            if count:
                met.append(trials(title, act, folder, range(seeds, seeds + count)))
        if given.edits:
            met.append(all_edits(folder, seeds, given.edits))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())

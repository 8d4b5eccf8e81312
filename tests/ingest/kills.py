"""Run the command in a process that is killed at a moment that a seed decides.

Children are forked from a server that has imported everything, so that a kill costs no start.
"""

import multiprocessing
import os
import random
import signal
import threading
import time
from importlib import import_module

PHASES = {
    "reading": "marketing_analytics.ingest.engine.job.Job._append",
    "extract": "dlt.pipeline.pipeline.Pipeline.extract",
    "normalize": "dlt.pipeline.pipeline.Pipeline.normalize",
    "load": "dlt.pipeline.pipeline.Pipeline.load",
    # its rows are in the database, and dlt does not know it
    "end of job": "dlt.common.storages.load_package.PackageStorage.save_pending_transition",
    "end of load": "dlt.load.load.Load.complete_package",
    "seen": "marketing_analytics.ingest.raw.database.RawDatabase._without_unchanged",
}
# about as long as a phase takes
MOST_SECONDS = 0.15
# so few rows that a source is loaded in several packages
PACKAGE_ROWS = 60
REFRESH_SECONDS = 0.001

server = multiprocessing.get_context("forkserver")
server.set_forkserver_preload(
    ["tests.ingest.kills", "tests.ingest.commands", "dlt.load.load", "dlt.pipeline.pipeline"]
)


def killed_run(phase, seed, arguments, settings):
    """Run ingestion until its kill; return the exit code of its process."""
    return ended(server.Process(target=run, args=(phase, seed, arguments, settings)))


def killed_when_stored(table, arguments, settings):
    """Run ingestion until rows are stored that dlt does not know of yet; return the exit code."""
    return ended(server.Process(target=run_until, args=(table, arguments, settings)))


def ended(process):
    process.start()
    process.join(120)
    if process.is_alive():
        process.kill()
        raise AssertionError("the run neither ended nor was killed")
    return process.exitcode


def run(phase, seed, arguments, settings):
    """Run ingestion with a phase that kills the process."""
    from .commands import ingest

    in_small_packages()
    if phase != "seen":
        load_all()
    place_kill(PHASES[phase], random.Random(f"{phase}/{seed}"))
    done = ingest(*arguments, **settings)
    os._exit(done.code)


def run_until(table, arguments, settings):
    """Run ingestion; kill it before dlt notes the end of a job of `table`."""
    from dlt.common.storages.load_package import PackageStorage

    from .commands import ingest

    note = PackageStorage.save_pending_transition

    def killed(self, load_id, file_name, *state):
        if file_name.startswith(f"{table}."):
            os.kill(os.getpid(), signal.SIGKILL)
        return note(self, load_id, file_name, *state)

    PackageStorage.save_pending_transition = killed
    load_all()
    done = ingest(*arguments, **settings)
    os._exit(done.code)


def in_small_packages():
    """Load after every few rows."""
    from marketing_analytics.ingest import run as running

    running.PACKAGE_ROWS = PACKAGE_ROWS
    running.REFRESH_SECONDS = REFRESH_SECONDS


def load_all():
    """Let dlt load also what is stored as it is."""
    from marketing_analytics.ingest.raw import unchanged

    unchanged.MOST_ROWS = 0


def place_kill(target, dice):
    """Let a call of `target` kill this process: one of the first, during it or when it ends."""
    module, kind, name = target.rsplit(".", 2)
    owner = getattr(import_module(module), kind)
    work = getattr(owner, name)
    nth, seconds = dice.randrange(3), dice.choice([0, dice.uniform(0, MOST_SECONDS)])
    calls = []
    # the last moment of a run is one of its moments
    end_of_run(owner)

    def wrapped(*args, **kwargs):
        calls.append(1)
        if len(calls) == nth + 1:
            if not seconds:
                os.kill(os.getpid(), signal.SIGKILL)
            threading.Thread(target=kill_in, args=(seconds,), daemon=True).start()
        return work(*args, **kwargs)

    setattr(owner, name, wrapped)


def kill_in(seconds):
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)


def end_of_run(owner):
    """Kill where a run got past its chosen call: it had fewer of them."""
    from marketing_analytics.ingest import run as running

    report = running.Run.results

    def results(self):
        report(self)
        os.kill(os.getpid(), signal.SIGKILL)

    running.Run.results = results

"""The program that becomes the dbt process of a run.

The server starts it once. It imports dbt, and makes a copy of itself for each run that is asked for
on a socket. A copy reads requests from stdin (one JSON line each: args, environment, folder; null
to leave), runs each as `dbt` would, and answers on stdout with dbt's own output and one end mark.
It dies with its parent: by a parent-death signal (Linux), and because its stdin ends.

Started by path with -P, so this file imports nothing of ours before it is asked to run something.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import dataclasses
import gc
import json
import os
import queue
import signal
import socket
import sys
import tempfile
import threading
import traceback
import typing
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

END_MARK = "\x1emarketing-step-end"
PR_SET_PDEATHSIG = 1
ORPHANED = 71
# the one request that is none of dbt's
LINT = "lint"
MESSAGE_BYTES = 4096
NOT_COPIED = -1
# takes the arguments of one command, returns its exit code
Runs = Callable[[Sequence[str]], int]


def copy_on_request(control: int, parent: int, load: Callable[[], Runs]) -> NoReturn:
    """Make a copy that serves a run for each that is asked for, until the socket ends.

    A copy that has ended keeps its pid until the server asks how it ended.
    """
    die_with(parent)
    run = loaded(load)
    with socket.socket(fileno=control) as asked:
        while True:
            message, pipes, _, _ = socket.recv_fds(asked, MESSAGE_BYTES, 2)
            if not message:
                os._exit(ORPHANED)
            request = json.loads(message)
            if "ended" in request:
                _, status = os.waitpid(request["ended"], 0)
                answer = os.waitstatus_to_exitcode(status)
            else:
                answer = copy(asked, pipes, request["nonce"], run)
            asked.sendall(f"{answer}\n".encode())


def loaded(load: Callable[[], Runs]) -> Runs:
    """Return how to run a command; where nothing can be imported, each run says why."""
    try:
        return load()
    except Exception:
        reason = traceback.format_exc()

    def fail(_: Sequence[str]) -> int:
        print(reason, flush=True)  # noqa: T201
        return 1

    return fail


def copy(asked: socket.socket, pipes: Sequence[int], nonce: str, run: Runs) -> int:
    """Make a copy in a process group of its own, on the pipes given; return its pid.

    NOT_COPIED where the machine has no more processes: those that run go on.
    """
    parent = os.getpid()
    try:
        pid = os.fork()
    except OSError:
        pid = NOT_COPIED
    if pid == 0:
        asked.close()
        for number, pipe in zip((0, 1, 2), (pipes[0], pipes[1], pipes[1]), strict=True):
            os.dup2(pipe, number)
        for pipe in pipes:
            os.close(pipe)
        serve(nonce, parent, run)
    # before the server knows the pid, so that a signal to its group finds it
    if pid != NOT_COPIED:
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
    for pipe in pipes:
        os.close(pipe)
    return pid


def serve(nonce: str, parent: int, run: Runs) -> NoReturn:
    """Be the process of a run: do requests until stdin ends."""
    die_with(parent)
    # a server that a script started with `&` ignores it and hands that on; a cancel needs it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    requests: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    threading.Thread(target=read_requests, args=(requests,), daemon=True).start()
    is_confined = False
    while True:
        request = requests.get()
        if request is None:
            leave()
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        # a folder of its own may have come with the environment
        tempfile.tempdir = None
        if "writable" in request and not is_confined:
            confine(request["writable"], request["readable"])
            is_confined = True
        code = run(request["args"])
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(1, f"\n{END_MARK} {nonce} {code}\n".encode())


def confine(writable: Sequence[str], readable: Sequence[str]) -> None:
    """Give up all other files; late, since what was copied did not know its run."""
    from marketing_analytics.local_cloud.runs.confinement import landlock

    landlock.confine(writable, readable)


def load_dbt() -> Runs:
    """Import dbt before the first request comes; return how to run a command.

    What is imported stays. The collector would look through it again and again: during the import
    for a tenth of its time, and in each full collection of a build.
    """
    gc.disable()
    run = import_dbt()
    gc.freeze()
    gc.enable()
    return run


def import_dbt() -> Runs:
    """Import what most commands need; return how to run one."""
    from dbt.cli.main import cli

    # dbt imports the adapter and its tasks only when it needs them, and works its schemas out then
    with contextlib.suppress(ImportError, AttributeError, NameError):
        import dbt.task.build
        import dbt.task.deps  # noqa: F401
        import duckdb

        # its connection of its own has a thread, which no copy would have
        duckdb.default_connection().close()
        from dbt.adapters.duckdb import DuckDBCredentials
        from dbt.contracts.graph.manifest import Manifest, WritableManifest
        from dbt.contracts.project import Configuration, Project, ProjectFlags
        from dbt_common.events.functions import reset_metadata_vars

        for contract in (ProjectFlags, Project, Configuration, DuckDBCredentials):
            contract.json_schema()
        for document in (Manifest, WritableManifest):
            compile_parts_of(document)
        # what was looked up in this environment, for parts that were made
        reset_metadata_vars()
        pass_over_unheard()
    return lambda args: run_linter(args[1:]) if args[0] == LINT else run_dbt(cli, args)


def compile_parts_of(document: Any) -> None:
    """Have dbt compile how the parts of a document are read and written.

    It does so when a class is first asked, even in vain, which takes most of a second of each run.
    """
    for kind in classes_of(document, set()):
        with contextlib.suppress(Exception):
            kind.from_dict({})
        with contextlib.suppress(Exception):
            object.__new__(kind).to_dict(omit_none=False)


def classes_of(kind: Any, seen: set[Any]) -> Iterator[Any]:
    """Yield the classes of records that the fields of a class name, itself first."""
    for part in typing.get_args(kind):
        yield from classes_of(part, seen)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind not in seen:
        seen.add(kind)
        yield kind
        for part in typing.get_type_hints(kind).values():
            yield from classes_of(part, seen)


def pass_over_unheard() -> None:
    """Have dbt drop what its log leaves out before it writes that as JSON, not after.

    That is nine events in ten, among them the SQL of every statement.
    """
    from dbt.events import logging
    from dbt_common.events.base_types import EventLevel

    make = logging.get_stdout_config
    unheard = (EventLevel.DEBUG, EventLevel.TEST)

    def make_heard(*args: Any, **kwargs: Any) -> Any:
        config = make(*args, **kwargs)
        if config.level not in unheard:
            is_wanted = config.filter
            config.filter = lambda event: event.info.level not in unheard and is_wanted(event)
        return config

    logging.get_stdout_config = make_heard


def leave() -> NoReturn:
    """Close what dbt holds open and go; a full shutdown would trip over the reading thread."""
    atexit._run_exitfuncs()
    os._exit(0)


def die_with(parent: int) -> None:
    """Ask the kernel to kill this process when its parent dies; leave if it is dead already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(ORPHANED)


def read_requests(requests: queue.SimpleQueue[dict[str, Any] | None]) -> None:
    """Pass on the requests; when stdin ends the parent is gone, and so are we."""
    for line in sys.stdin.buffer:
        requests.put(json.loads(line))
    os._exit(ORPHANED)


def run_linter(files: Sequence[str]) -> int:
    """Lint files in this process, which may reach no more than the run; return the exit code."""
    from marketing_analytics.local_cloud.runs.checks.linter import lint

    try:
        return lint(files)
    except KeyboardInterrupt:
        return 2


def run_dbt(cli: Any, args: Sequence[str]) -> int:
    """Run one dbt command in this process and return the exit code that `dbt` would have had."""
    try:
        cli.main(args=list(args), prog_name="dbt")
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except KeyboardInterrupt:
        print("Interrupted.", flush=True)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    copy_on_request(int(sys.argv[1]), int(sys.argv[2]), load_dbt)

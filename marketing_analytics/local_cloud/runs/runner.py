"""Work one claimed run off, step by step, in a thread of its own.

Every write to the store checks the fencing token. The thread looks at three flags while dbt works:
cancel requested, lease lost, server stopping. Its process is a copy of the engine's template.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from marketing_analytics.cloud_api.names import owner_of
from marketing_analytics.cloud_api.states import Status
from marketing_analytics.core.errors import PlatformError, is_bug
from marketing_analytics.core.plain_files import remove_tree
from marketing_analytics.core.redaction import redact, secrets_of
from marketing_analytics.local_cloud.runs.artifacts import make_room, own_folder
from marketing_analytics.local_cloud.runs.checks.asked import Checks, checks_of
from marketing_analytics.local_cloud.runs.checks.comparison import (
    Comparison,
    Heard,
    apart,
    comparing,
)
from marketing_analytics.local_cloud.runs.checks.lint import (
    linting,
    linting_of,
    require_linter,
)
from marketing_analytics.local_cloud.runs.checks.samples import sample_failures
from marketing_analytics.local_cloud.runs.child.dialogue import Dialogue, Request
from marketing_analytics.local_cloud.runs.child.process import DbtProcess
from marketing_analytics.local_cloud.runs.code.packages import has_packages
from marketing_analytics.local_cloud.runs.code.prepare import (
    Preparation,
    confine,
    reach_of,
    readable_of,
)
from marketing_analytics.local_cloud.runs.code.remotes import Mirrors
from marketing_analytics.local_cloud.runs.code.settings import RunnerSettings
from marketing_analytics.local_cloud.runs.code.site import DUCKDB, connection_name, profile_of
from marketing_analytics.local_cloud.runs.keeping import keep_step
from marketing_analytics.local_cloud.runs.moves import (
    FencedError,
    Move,
    RefusedMoveError,
    StopRunError,
    check_token,
    first_cause,
    move_run,
)
from marketing_analytics.local_cloud.runs.progress import (
    add_steps,
    end_step,
    save_nodes,
    start_step,
    step_log_path,
)
from marketing_analytics.local_cloud.runs.publish import PUBLISHING, publish_report
from marketing_analytics.local_cloud.runs.queue import Lease, RunFlags
from marketing_analytics.local_cloud.runs.requests import places
from marketing_analytics.local_cloud.runs.requests.deferral import defer, go_on, save_deferred
from marketing_analytics.local_cloud.runs.requests.overriding import taken_schemas
from marketing_analytics.local_cloud.runs.requests.schemas import elsewhere_words
from marketing_analytics.local_cloud.runs.steps import (
    COMPILE_ONLY,
    DEPS,
    Kind,
    More,
    Step,
    StepLog,
    nodes_of_results,
    parse_command,
    plan_steps,
    subcommand_of,
    why_failed,
)
from marketing_analytics.local_cloud.runs.store import (
    CANCELLED_BY_USER,
    end_run,
    mark_artifacts,
    require_run,
    save_commit,
)
from marketing_analytics.local_cloud.runs.workspace import (
    Workspace,
    profile_text,
    run_environment,
    step_variables,
    write_profile,
)
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    Value,
    open_connection,
    transaction,
)
from marketing_analytics.local_cloud.store.environments import get_site
from marketing_analytics.local_cloud.store.jobs import get_job
from marketing_analytics.local_cloud.webhooks.store import STARTED, tell
from marketing_analytics.warehouse.duckdb import no_raw_database, wait_for_writer

STOPPED = "The server was stopped while this run was going on."
log = logging.getLogger(__name__)


class Runner:
    """One run: holds its lease, its dbt process and its own connection to the store."""

    def __init__(
        self,
        settings: RunnerSettings,
        lease: Lease,
        start_process: Callable[[], DbtProcess],
        mirrors: Mirrors,
    ) -> None:
        self.settings = settings
        self.mirrors = mirrors
        self.lease = lease
        self.flags = RunFlags()
        self.dialogue = Dialogue(start_process, settings, self._check_flags)
        self.is_done = threading.Event()
        self.secrets: list[str] = []
        self.checks = Checks()

    def run(self) -> None:
        """Work the run off; whatever happens, the dbt process is gone afterwards."""
        try:
            self.dialogue.start()
            self.connection = open_connection(
                self.settings.store, patience_seconds=self.settings.store_patience_seconds
            )
            with contextlib.closing(self.connection):
                self._run_to_end()
        except FencedError as error:
            log.warning("%s", error.message, extra={"action": "run_lost"})
        except Exception as error:
            # the lease runs out, and the reaper ends the run
            log.warning(
                "run %s broke off: %s",
                self.lease.run_id,
                first_cause(error),
                exc_info=is_bug(error),
                extra={"action": "run_broke_off"},
            )
        finally:
            self.dialogue.close()
            own = own_folder(self.settings.data_folder, self.lease.run_id)
            remove_tree(own)
            self.is_done.set()

    def _run_to_end(self) -> None:
        try:
            self._begin()
            self._run_steps()
        except StopRunError as stop:
            move = Move.CANCEL if stop.status is Status.CANCELLED else Move.FINISH
            self._end(move, stop.status, stop.message, is_timed_out=stop.is_timed_out)
        except (PlatformError, OSError, sqlite3.Error) as error:
            if isinstance(error, FencedError | RefusedMoveError):
                raise
            text = error.message if isinstance(error, PlatformError) else str(error)
            self._end(Move.FINISH, Status.ERROR, text)
        else:
            self._end(Move.FINISH, Status.SUCCESS, None)

    def _begin(self) -> None:
        self.claimed = require_run(self.connection, self.lease.run_id)
        self.workspace = Workspace(
            self.settings.data_folder,
            self.claimed.id,
            self.claimed.environment_id,
            self.claimed.schema_name,
        )
        self.steps = plan_steps(
            self.claimed.commands,
            has_freshness=self.claimed.run_source_freshness,
            has_docs=self.claimed.generate_docs,
            more=self._more_steps(),
            connection=connection_name(
                self.connection, get_site(self.connection, self.claimed.environment_id)
            ),
        )
        process: dict[str, Value] = {
            "process_id": self.dialogue.process.pid,
            "process_started_at": self.dialogue.process.started,
        }
        with transaction(self.connection):
            move_run(
                self.connection,
                self.claimed.id,
                Move.BEGIN,
                token=self.lease.token,
                values=process,
            )
            add_steps(self.connection, self.settings.data_folder, self.claimed.id, self.steps)
            tell(self.connection, self.claimed.id, STARTED)
        self.claimed = require_run(self.connection, self.lease.run_id)
        self._began_at = time.monotonic()
        make_room(self.settings.data_folder, self.claimed.id)

    def _more_steps(self) -> More:
        """Return what the job of the run wants beside its commands."""
        job = get_job(self.connection, self.claimed.job_id, is_any_state=True)
        if job is None:
            return More()
        self.checks = checks_of(job.document, self.claimed)
        owner = None if self.claimed.request else owner_of(job.description)
        is_publishing = owner is not None and owner.key in self.settings.publish.jobs
        return More(linting(self.checks), comparing(self.checks), [PUBLISHING] * is_publishing)

    @contextlib.contextmanager
    def _write(self) -> Iterator[Connection]:
        """Open a transaction that is refused when the run is no longer ours."""
        with transaction(self.connection) as connection:
            check_token(connection, self.lease.run_id, self.lease.token)
            yield connection

    def _end(
        self, move: Move, status: Status, message: str | None, *, is_timed_out: bool = False
    ) -> None:
        # first the process: who sees the run ended may open the warehouse file
        self.dialogue.finish()
        with transaction(self.connection):
            end_run(
                self.connection,
                self.lease.run_id,
                move,
                status=status,
                message=redact(message, self.secrets) if message else None,
                token=self.lease.token,
                is_timed_out=is_timed_out,
            )

    def _run_steps(self) -> None:
        # until the commit is known
        self.environment = self.settings.base_environment
        self.secrets = secrets_of(self.environment)
        failed: Step | None = None
        for step in self.steps:
            self._check_flags()
            # docs still come after a failed command in dbt Cloud only when nothing failed
            status, error = self._run_step(step)
            if status is Status.ERROR and not step.is_advisory:
                failed, reason = step, error
                break
        if failed is not None:
            self._explain_skipped(failed)
            raise StopRunError(Status.ERROR, f"{failed.name} failed: {reason}"[:2000])

    def _explain_skipped(self, failed: Step) -> None:
        for step in self.steps[failed.index :]:
            log = self._open_log(step)
            log.write(f"Skipped, because step {failed.index} failed: {failed.name}")
            log.close()

    def _run_step(self, step: Step) -> tuple[Status, str]:
        """Run one step between two writes of its row; return its status and why it failed."""
        with self._write():
            start_step(self.connection, self.lease.run_id, step.index)
        with contextlib.closing(self._open_log(step)) as log:
            try:
                error = self._do(step, log)
            except PlatformError as refused:
                if isinstance(refused, FencedError):
                    raise
                error = refused.message
                log.write(refused.render())
            except StopRunError as stop:
                log.write(stop.message)
                self._end_step(step, Status.CANCELLED, log)
                raise
            status = Status.ERROR if error else Status.SUCCESS
            self._end_step(step, status, log)
        return status, error

    def _do(self, step: Step, log: StepLog) -> str:
        """Do what a step is for; return why it failed, "" when it did not."""
        if step.kind is Kind.CLONE:
            return self._prepare_code(log)
        if step.kind is Kind.PROFILE:
            return self._write_profile(log)
        works = {Kind.DBT: self._run_command, Kind.LINT: self._lint, Kind.COMPARE: self._compare}
        return works[step.kind](step, log) if step.kind in works else self._publish(log)

    def _open_log(self, step: Step) -> StepLog:
        path = step_log_path(self.settings.data_folder, self.lease.run_id, step.index)
        return StepLog(path, nonce=self.dialogue.process.nonce, secrets=self.secrets)

    def _end_step(self, step: Step, status: Status, log: StepLog) -> None:
        """Keep the artifacts of a step, then close its row: who sees it ended can read them."""
        kept = False
        if step.is_of_dbt:
            is_last = not any(later.is_of_dbt for later in self.steps[step.index :])
            if is_last:
                # a thread of it could go on writing to what is kept
                self.dialogue.finish()
            given = self.environment, self.secrets
            kept = keep_step(self.workspace, step.index, *given, log.write, is_last=is_last)
        with self._write() as connection:
            if kept:
                mark_artifacts(connection, self.lease.run_id)
            end_step(connection, self.lease.run_id, step.index, status)

    def _prepare_code(self, log: StepLog) -> str:
        """Fill the folder of the run with its code, and say what that is."""
        started = time.monotonic()
        settings = self.settings
        preparation = Preparation(settings.data_folder, settings.raw_database, settings.code)
        self.workspace, found = preparation.check_out(
            self.connection, self.claimed, self.workspace, self.mirrors, self._check_flags
        )
        self.checkout = found
        for sentence in found.sentences:
            log.write(sentence)
        log.write(f"The code is there after {time.monotonic() - started:.2f} s.")
        if asked := self.claimed.dbt_version:
            log.write(f"This server runs the dbt it has; {asked} was asked for.")
        with self._write() as connection:
            commit = self.lease.run_id, found.sha, found.branch
            save_commit(connection, *commit, has_changes=found.has_changes)
        self.claimed = require_run(self.connection, self.lease.run_id)
        said, other_id = defer(
            self.connection, self.claimed, self.settings.data_folder, self.workspace.state
        )
        if said:
            log.write(said)
        if other_id is not None:
            with self._write() as connection:
                save_deferred(connection, self.lease.run_id, other_id)
            self.claimed = require_run(self.connection, self.lease.run_id)
        return ""

    def _write_profile(self, log: StepLog) -> str:
        raw = self.settings.raw_database
        site = get_site(self.connection, self.claimed.environment_id)
        deferred = self.workspace.file_of(self.claimed.deferring_environment_id)
        profile = profile_of(
            self.connection,
            self.claimed,
            site,
            warehouse=self.workspace.warehouse,
            raw_database=raw,
            deferred=deferred,
        )
        profile = confine(profile, self.settings.access, self.workspace, (raw, deferred))
        text = profile_text(self.claimed.target_name, profile.output)
        write_profile(self.workspace, text)
        self.adapter = str(profile.output.get("type"))
        self.environment = run_environment(
            self.connection,
            self.claimed,
            self.workspace,
            base=self.settings.base_environment,
            more=profile.variables,
        )
        self.secrets = secrets_of(self.environment)
        log.write(redact(text.rstrip(), self.secrets))
        if profile.is_duckdb and raw is not None and not raw.exists():
            log.write(f"{no_raw_database(raw)}; it is not attached.")
        return ""

    def _run_command(self, step: Step, log: StepLog) -> str:
        """Run one dbt command and return why it failed, "" when it did not."""
        args = parse_command(step.command or "", target_name=self.claimed.target_name)
        if step == next((one for one in self.steps if one.is_own), None):
            folders = self.settings.data_folder, self.workspace.run
            args = go_on(self.connection, self.claimed, args, *folders, log.write)
        if step.index == DEPS and not has_packages(self.workspace.project):
            log.write("The project names no packages: nothing to install.")
            return ""
        self._wait_for_raw(step, log)
        if why := self._would_build_elsewhere(step, args):
            log.write(why)
            return why
        started_at = time.time()
        self.dialogue.ask(self._request(step, args), log, lambda log: self._save_nodes(step, log))
        path = self.workspace.target / "run_results.json"
        results = nodes_of_results(path, started_at, secrets=self.secrets)
        if results and subcommand_of(args) not in COMPILE_ONLY:
            with self._write() as connection:
                save_nodes(connection, self.lease.run_id, step.index, results)
        why = why_failed(log, self.settings.raw_database, self.dialogue.process.end_in_words)
        if why and results and self.dialogue.is_idle:
            sample_failures(partial(self._ask_aside, step), self.workspace)
        if not why and self.claimed.request:
            why = elsewhere_words(path, self.claimed.schema_name)
            log.write(why)
        return why

    def _request(self, step: Step, args: Sequence[str], project: Path | None = None) -> Request:
        """Return what the process is asked, in the project of the run or in another one."""
        variables, writable = reach_of(self.workspace, self.settings.access)
        given = {**self.environment, **step_variables(self.workspace, step.index), **variables}
        given = apart(given, project) if project else given
        space = self.workspace
        readable = readable_of(space, self.settings.raw_database)
        written = space.target, space.own / "debug"
        return Request(
            args, given, project or space.project, space.run, writable, readable, written
        )

    def _ask_aside(
        self, step: Step, args: Sequence[str], name: str, project: Path | None = None
    ) -> Heard:
        """Let dbt run a command that is not told in the log of its step."""
        path = self.workspace.run / f"{name}_{step.index}.log"
        log = StepLog(path, nonce=self.dialogue.process.nonce, secrets=self.secrets)
        with contextlib.closing(log):
            self.dialogue.ask(self._request(step, args, project), log)
            why = why_failed(log, self.settings.raw_database, self.dialogue.process.end_in_words)
        return Heard(path.with_suffix(".jsonl"), why)

    def _would_build_elsewhere(self, step: Step, args: Sequence[str]) -> str:
        """Return why a run of a request may not build what a step selects, "" when it may."""
        if not self.claimed.request:
            return ""
        schema, folder = self.claimed.schema_name, self.settings.data_folder
        taken = taken_schemas(self.connection, self.claimed, folder)
        if schema.lower() in taken:
            return f"nothing was built: {schema} {places.TAKEN_WORDS}"
        listing = places.listing_args(args)
        if not listing:
            return ""
        heard = self._ask_aside(step, listing, "places")
        if heard.error:
            return f"nothing was built: dbt could not say what the step selects: {heard.error}"
        stored, making = places.stores_failures(args, self.environment), places.making_of(args)
        return places.elsewhere_words(heard.events, schema, making, is_storing=stored, taken=taken)

    def _lint(self, step: Step, log: StepLog) -> str:
        """Lint what differs from the state of production; return what was found."""
        require_linter()
        other_id = self.claimed.deferring_run_id
        other = require_run(self.connection, other_id) if other_id else None
        wanted = linting_of(self.checkout, self.workspace, other, self.adapter)
        log.write(f"To be linted with sqlfluff: {wanted.why}.")
        request = self._request(step, wanted.args)
        seen = {**request.environment, **wanted.environment}
        self.dialogue.ask(replace(request, environment=seen), log)
        return why_failed(log, None, self.dialogue.process.end_in_words)

    def _compare(self, step: Step, log: StepLog) -> str:
        """Compare what was built with production; return why that failed."""
        ask, flags = partial(self._ask_aside, step), self.checks.compare_flags
        return Comparison(ask, self.workspace, self.claimed, flags, log.write).make()

    def _publish(self, log: StepLog) -> str:
        # dbt lets go of the warehouse file first
        self.dialogue.process.finish(self.settings.finish_seconds)
        return publish_report(
            self.workspace,
            self.settings.publish,
            self.settings.raw_database,
            self.settings.base_environment,
            say=log.write,
            check=self._check_flags,
        )

    def _wait_for_raw(self, step: Step, log: StepLog) -> None:
        """Wait while an ingestion writes the raw database; dbt would fail at once."""
        raw = self.settings.raw_database
        if raw is not None and step.index != DEPS and self.adapter == DUCKDB:
            seconds = self.settings.raw_wait_seconds
            wait_for_writer(raw, seconds, say=log.write, check=self._check_flags)

    def _save_nodes(self, step: Step, log: StepLog) -> None:
        nodes = log.take_changed_nodes()
        if nodes:
            with self._write() as connection:
                save_nodes(connection, self.lease.run_id, step.index, nodes)

    def _check_flags(self) -> None:
        """Raise when the run must end now."""
        if self.flags.is_lost.is_set():
            raise FencedError(f"run {self.lease.run_id} is no longer held by this worker")
        if self.flags.is_cancelled.is_set():
            run = require_run(self.connection, self.lease.run_id)
            raise StopRunError(Status.CANCELLED, run.cancel_reason or CANCELLED_BY_USER)
        limit = self.claimed.timeout_seconds
        if limit and self._seconds_running() > limit:
            message = (
                f"This run timed out: it took longer than the job's timeout of {limit} seconds."
            )
            raise StopRunError(Status.CANCELLED, message, is_timed_out=True)
        if self.flags.is_stopping.is_set():
            raise StopRunError(Status.ERROR, STOPPED)

    def _seconds_running(self) -> float:
        # a clock that is set forward or back is not the run's fault
        return time.monotonic() - self._began_at

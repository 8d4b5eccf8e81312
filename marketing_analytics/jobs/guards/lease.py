"""One deploy of a scope at a time over all machines: a lease in dbt Cloud itself.

dbt Cloud has no locks. Each deploy that creates or deletes jobs creates a variable of the project
with a name of its own, the claim, then reads all claims of its scope: the oldest, which is the
one with the lowest id, holds the lease. Who writes first and reads afterwards sees every claim
that is older than his own, so that two cannot both find theirs the oldest. A claim ends when its
holder deletes it, when its time is over, or when its process died on this machine.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from marketing_analytics.cloud_api.client import CloudClient
from marketing_analytics.cloud_api.names import Scope
from marketing_analytics.core.errors import LockedError, RemoteError, TerminalError
from marketing_analytics.jobs.plan import Plan
from marketing_analytics.jobs.versions import time_of

PREFIX = "DBT_JOBS_DEPLOY_LEASE_"
# longer than dbt Cloud's pause after too many calls, in which nobody can renew
LASTS = timedelta(minutes=10)
RENEW_AFTER = timedelta(minutes=3)
POLL_SECONDS = 2.0
# statuses of a dbt Cloud, or a token, that has no variables to write
NOT_FOR_US = (403, 404, 405)


@dataclass(frozen=True)
class Claim:
    """Who deploys, since when, and until when that is to be believed."""

    variable_id: int
    name: str
    holder: str
    machine: str
    process: int
    since: datetime
    until: datetime

    def is_over(self, now: datetime) -> bool:
        """Return whether nobody holds this any more."""
        is_here = self.machine == this_machine()
        return now >= self.until or (is_here and not is_alive(self.process))


class Lease:
    """The lease of a scope; `names` are the project's variables as they were read on taking it."""

    def __init__(self, client: CloudClient, scope: Scope, holder: str) -> None:
        self.client = client
        self.scope = scope
        self.holder = f"{holder}@{socket.gethostname()}"
        self.prefix = prefix_of(scope)
        self.name = f"{self.prefix}{secrets.token_hex(6).upper()}"
        self.names: set[str] = set()
        self.since = self.until = client.now()
        self.variable_id = 0
        # somebody else deployed meanwhile, so that a plan made before is an old one
        self.has_waited = False

    def take(self, wait_seconds: float, tell: Callable[[str], None]) -> None:
        """Claim the lease and wait for it. Raise LockedError when it stays taken."""
        give_up_at = time.monotonic() + wait_seconds
        self.since = self.client.now()
        self.until = self.since + LASTS
        self.client.create_variable(self.name, self.value())
        while holder := self.older():
            if time.monotonic() >= give_up_at:
                raise LockedError(
                    f"{holder.holder} deploys {self.scope.describe()} since "
                    f"{holder.since:%Y-%m-%d %H:%M:%S} UTC; nothing was changed",
                    hint="repeat the command with --wait SECONDS; if that deploy is dead, its "
                    f"lease ends at {holder.until:%H:%M:%S} UTC",
                )
            if not self.has_waited:
                tell(f"waiting: {holder.holder} deploys since {holder.since:%H:%M:%S} UTC")
                self.has_waited = True
            left = max(0.1, give_up_at - time.monotonic())
            self.client.pace.rest(min(POLL_SECONDS, left))
            self.keep()

    def older(self) -> Claim | None:
        """Return the claim that holds the lease instead of ours; claims that are over go."""
        variables = self.client.variables()
        claims = sorted(claims_of(variables, self.prefix), key=lambda claim: claim.variable_id)
        mine = next((claim for claim in claims if claim.name == self.name), None)
        if mine is None:
            raise self.lost()
        self.variable_id = mine.variable_id
        self.names = {name for name in variables if not name.startswith(PREFIX)}
        for claim in claims:
            if claim.name == self.name:
                return None
            if not claim.is_over(self.client.now()):
                return claim
            self.client.delete_variable(claim.name)
        return None

    def keep(self) -> None:
        """Renew the lease when some of its time is over. Raise LockedError when it is lost."""
        now = self.client.now()
        if now < self.until - LASTS + RENEW_AFTER:
            return
        if now >= self.until:
            # others may have taken it as over
            raise self.lost()
        self.until = now + LASTS
        try:
            self.client.change_variable(self.name, self.variable_id, self.value())
        except TerminalError:
            raise self.lost() from None

    def release(self) -> None:
        """Give the lease back; what cannot be given back ends by itself."""
        with contextlib.suppress(RemoteError):
            self.client.delete_variable(self.name)

    def value(self) -> str:
        """Return what others read."""
        return json.dumps(
            {
                "holder": self.holder,
                "machine": this_machine(),
                "process": os.getpid(),
                "since": self.since.isoformat(timespec="seconds"),
                "until": self.until.isoformat(timespec="seconds"),
            }
        )

    def lost(self) -> LockedError:
        """Return the error for a lease that somebody else may have by now."""
        return LockedError(
            f"the lease of {self.scope.describe()} was lost: it took too long, or it was deleted",
            hint="repeat the command: it goes on where it stopped",
        )


def prefix_of(scope: Scope) -> str:
    """Return how the claims of a scope begin."""
    digest = hashlib.sha256(f"{scope}".encode()).hexdigest()[:12].upper()
    return f"{PREFIX}{digest}_"


@contextlib.contextmanager
def lease_for(
    client: CloudClient,
    plan: Plan,
    holder: str,
    wait_seconds: float,
    tell: Callable[[str], None],
) -> Iterator[Lease | None]:
    """Hold the scope's lease, or none where the plan makes and deletes no job.

    Two deploys that only change jobs cannot make two of one, and each of their writes is
    compared with what is there just before.
    """
    if not plan.is_compared or all(change.action == "update" for change in plan.changes):
        yield None
        return
    lease = Lease(client, plan.scope, holder)
    try:
        try:
            lease.take(wait_seconds, tell)
        except TerminalError as error:
            if error.status_code not in NOT_FOR_US:
                raise
            tell(f"there is no lease against a second deploy: {error.message}")
            yield None
            return
        yield lease
    finally:
        lease.release()


def claims_of(variables: Mapping[str, Mapping[str, Any]], prefix: str) -> Iterator[Claim]:
    """Yield the claims among a project's variables; what cannot be read is none."""
    for name, places in variables.items():
        entry = places.get("project")
        if not name.startswith(prefix) or not isinstance(entry, Mapping):
            continue
        with contextlib.suppress(ValueError, KeyError, TypeError):
            value = json.loads(entry["value"])
            since, until = time_of(value["since"]), time_of(value["until"])
            if since and until:
                yield Claim(
                    int(entry["id"]),
                    name,
                    str(value["holder"]),
                    str(value["machine"]),
                    int(value["process"]),
                    since,
                    until,
                )


def this_machine() -> str:
    """Return a name for where process numbers of ours mean something."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]


def is_alive(process: int) -> bool:
    """Return whether a process of this machine runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True

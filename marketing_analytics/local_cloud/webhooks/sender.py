"""Send what is due: signed as dbt Cloud signs, to a judged address, without redirects."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import json
import logging
import queue
import socket
import ssl
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing

from marketing_analytics.core.errors import PlatformError, is_bug
from marketing_analytics.local_cloud.store.access.sealing import Seal, seal_of
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    Place,
    open_connection,
    transaction,
)
from marketing_analytics.local_cloud.webhooks.addresses import Target, read_target, resolve
from marketing_analytics.local_cloud.webhooks.store import (
    DueDelivery,
    drop_old_deliveries,
    due_deliveries,
    save_attempt,
    take_delivery,
)

TIMEOUT_SECONDS = 10.0
MAX_SECONDS = 30.0
MAX_ANSWER_BYTES = 64 * 1024
MAX_PROBLEM_LENGTH = 300
MAX_AT_ONCE = 8
# all of them together, and the answer, take less time than a delivery is taken for
MAX_ADDRESSES = 4
POLL_SECONDS = 1.0
# while something is being sent
QUICK_SECONDS = 0.1
CLEAN_SECONDS = 3600.0
# less than a delivery is taken for: nobody else sends it meanwhile
SAVE_SECONDS = 30.0
# a delivery, the status of the answer, what went wrong
Outcome = tuple[DueDelivery, int, str]
log = logging.getLogger(__name__)


def signature_of(secret: str, body: bytes) -> str:
    """Return what the Authorization header of a delivery holds: the HMAC-SHA256 of its body."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def connect(addresses: Sequence[str], port: int) -> socket.socket:
    """Return a connection to the first address that takes one. Raise OSError when none does."""
    *others, last = addresses[:MAX_ADDRESSES]
    for address in others:
        with contextlib.suppress(OSError):
            return socket.create_connection((address, port), TIMEOUT_SECONDS)
    return socket.create_connection((last, port), TIMEOUT_SECONDS)


@contextlib.contextmanager
def ended_in_time(connected: socket.socket) -> Iterator[None]:
    """End a connection after MAX_SECONDS; one that answers byte by byte meets no other limit."""
    # its own: TLS takes the first one over
    watched, is_over = connected.dup(), threading.Event()

    def end() -> None:
        # first: who reads learns of the end before this thread has ended
        is_over.set()
        with contextlib.suppress(OSError):
            watched.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(MAX_SECONDS, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        if not is_over.is_set():
            raise
        raise TimeoutError(f"it took longer than {MAX_SECONDS:g} s") from error
    finally:
        timer.cancel()
        watched.close()


def post(target: Target, addresses: Sequence[str], body: bytes, signature: str) -> int:
    """Send a body to one of the addresses of a host and return the status of the answer."""
    connection: http.client.HTTPConnection
    if target.scheme == "https":
        connection = http.client.HTTPSConnection(target.host, target.port, timeout=TIMEOUT_SECONDS)
    else:
        connection = http.client.HTTPConnection(target.host, target.port, timeout=TIMEOUT_SECONDS)
    # to addresses that were judged: the name could mean others by now
    with closing(connection), connect(addresses, target.port) as plain, ended_in_time(plain):
        connection.sock = plain
        if target.scheme == "https":
            context = ssl.create_default_context()
            connection.sock = context.wrap_socket(plain, server_hostname=target.host)
        headers = {
            "Authorization": signature,
            "Content-Type": "application/json",
            "User-Agent": "local-dbt-cloud",
        }
        connection.request("POST", target.path, body, headers)
        answer = connection.getresponse()
        with contextlib.suppress(OSError, http.client.HTTPException):
            # it has been received, whatever comes of the rest
            answer.read(MAX_ANSWER_BYTES)
        return answer.status


def attempt(url: str, body: str, secret: str, allowed: Collection[str] = ()) -> tuple[int, str]:
    """Send a delivery once; return the status (0 without an answer) and what went wrong, or ""."""
    data = body.encode()
    try:
        target = read_target(url, allowed)
        addresses = resolve(target, allowed)
        status = post(target, addresses, data, signature_of(secret, data))
    except PlatformError as error:
        return 0, error.message
    except (OSError, ValueError, http.client.HTTPException) as error:
        # some errors say what the receiver wrote
        return 0, f"no answer: {error}"[:MAX_PROBLEM_LENGTH]
    # a redirect is no delivery: where it leads was not judged
    return status, "" if 200 <= status < 300 else f"the receiver answered {status}"


class Sender:
    """A thread that has what is due sent, with a connection of its own to the store.

    Each webhook is told one thing at a time, in a thread: a receiver that is slow keeps no other
    one waiting.
    """

    def __init__(self, store: Place, allowed: Collection[str] = ()) -> None:
        self.store = store
        self.allowed = allowed
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="webhooks", daemon=True)
        self._cleaned_at = -CLEAN_SECONDS
        self._looked_at = -POLL_SECONDS
        self._busy: set[str] = set()
        # attempts that were made and could not be noted yet, with the end of trying to
        self._unsaved: list[tuple[float, Outcome]] = []
        # those of them that the log knows of
        self._told: set[str] = set()
        self._done: queue.SimpleQueue[Outcome] = queue.SimpleQueue()

    def start(self) -> None:
        """Start sending."""
        self._thread.start()

    def stop(self) -> None:
        """Send no more; an attempt that is under way is forgotten and made again later."""
        self._stopping.set()
        self._thread.join(POLL_SECONDS)

    def _loop(self) -> None:
        with closing(open_connection(self.store)) as connection:
            is_last = False
            while not is_last:
                is_last = self._stopping.wait(QUICK_SECONDS if self._busy else POLL_SECONDS)
                try:
                    has_ended = self._note_outcomes(connection)
                    if not is_last and (has_ended or self._is_due()):
                        self._begin_due(connection)
                except Exception as error:
                    log.warning(
                        "webhooks failed: %s",
                        error,
                        exc_info=is_bug(error),
                        extra={"action": "webhooks_failed"},
                    )

    def _is_due(self) -> bool:
        """Return whether to look for more, though no attempt ended: it costs when much waits."""
        return time.monotonic() - self._looked_at >= POLL_SECONDS

    def _note_outcomes(self, connection: Connection) -> bool:
        """Note how attempts went, also at the end: what was received is not sent again."""
        has_ended = not self._done.empty()
        while not self._done.empty():
            self._unsaved.append((time.monotonic() + SAVE_SECONDS, self._done.get()))
        self._unsaved = [
            (until, outcome)
            for until, outcome in self._unsaved
            if not self._is_settled(connection, outcome, until)
        ]
        return has_ended

    def _is_settled(self, connection: Connection, outcome: Outcome, until: float) -> bool:
        """Note how an attempt went; False when that failed and is to be tried again.

        Its webhook is told nothing else meanwhile.
        """
        delivery, status, problem = outcome
        try:
            with transaction(connection):
                save_attempt(connection, delivery, status, problem)
        except Exception as error:
            is_last = time.monotonic() >= until
            words = "and it may be sent again" if is_last else "yet"
            if is_last or delivery.id not in self._told:
                self._told.add(delivery.id)
                log.warning(
                    "how delivery %s went cannot be noted %s: %s",
                    delivery.id,
                    words,
                    error,
                    exc_info=is_bug(error),
                    extra={"action": "attempt_not_noted"},
                )
            if not is_last:
                return False
        self._told.discard(delivery.id)
        self._busy.discard(delivery.webhook_id)
        return True

    def _begin_due(self, connection: Connection) -> None:
        self._looked_at = time.monotonic()
        for delivery in due_deliveries(connection):
            is_free = delivery.webhook_id not in self._busy and len(self._busy) < MAX_AT_ONCE
            if is_free and take_delivery(connection, delivery):
                self._begin(delivery, seal_of(connection))
        if time.monotonic() - self._cleaned_at >= CLEAN_SECONDS:
            self._cleaned_at = time.monotonic()
            drop_old_deliveries(connection)

    def _begin(self, delivery: DueDelivery, seal: Seal) -> None:
        """Make an attempt in a thread of its own, which does not know the store."""

        def send() -> None:
            outcome = 0, "it could not be sent"
            try:
                secret = seal.open(delivery.secret)
                outcome = attempt(url_of(delivery), delivery.body, secret, self.allowed)
            except PlatformError as error:
                outcome = 0, error.message
            finally:
                self._done.put((delivery, *outcome))

        threading.Thread(target=send, name="webhook", daemon=True).start()
        # only now: where no thread can start, the webhook is not busy for ever
        self._busy.add(delivery.webhook_id)


def url_of(delivery: DueDelivery) -> str:
    """Return where a delivery goes."""
    return str(json.loads(delivery.payload)["client_url"])

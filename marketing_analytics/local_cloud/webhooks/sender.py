"""Send what is due: signed as dbt Cloud signs, to a judged address, without redirects."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Collection
from contextlib import closing

from marketing_analytics.core.errors import PlatformError, is_bug
from marketing_analytics.local_cloud.store.access.sealing import seal_of
from marketing_analytics.local_cloud.store.connection import Place, open_connection, transaction
from marketing_analytics.local_cloud.webhooks.addresses import Target, read_target, resolve
from marketing_analytics.local_cloud.webhooks.store import (
    DueDelivery,
    drop_old_deliveries,
    due_deliveries,
    save_attempt,
    take_delivery,
)

TIMEOUT_SECONDS = 10.0
MAX_ANSWER_BYTES = 64 * 1024
POLL_SECONDS = 1.0
CLEAN_SECONDS = 3600.0
log = logging.getLogger(__name__)


def signature_of(secret: str, body: bytes) -> str:
    """Return what the Authorization header of a delivery holds: the HMAC-SHA256 of its body."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def post(target: Target, address: str, body: bytes, signature: str) -> int:
    """Send a body to one address of a host and return the status of the answer."""
    connection: http.client.HTTPConnection
    if target.scheme == "https":
        connection = http.client.HTTPSConnection(target.host, target.port, timeout=TIMEOUT_SECONDS)
    else:
        connection = http.client.HTTPConnection(target.host, target.port, timeout=TIMEOUT_SECONDS)
    with closing(connection):
        # to the address that was judged: the name could mean another one by now
        plain = socket.create_connection((address, target.port), TIMEOUT_SECONDS)
        try:
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
            answer.read(MAX_ANSWER_BYTES)
            return answer.status
        except BaseException:
            plain.close()
            raise


def attempt(url: str, body: str, secret: str, allowed: Collection[str] = ()) -> tuple[int, str]:
    """Send a delivery once; return the status (0 without an answer) and what went wrong, or ""."""
    data = body.encode()
    try:
        target = read_target(url, allowed)
        address = resolve(target, allowed)
        status = post(target, address, data, signature_of(secret, data))
    except PlatformError as error:
        return 0, error.message
    except (OSError, http.client.HTTPException) as error:
        return 0, f"no answer: {error}"
    # a redirect is no delivery: where it leads was not judged
    return status, "" if 200 <= status < 300 else f"the receiver answered {status}"


class Sender:
    """A thread that sends what is due, with a connection of its own."""

    def __init__(self, store: Place, allowed: Collection[str] = ()) -> None:
        self.store = store
        self.allowed = allowed
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="webhooks", daemon=True)
        self._cleaned_at = -CLEAN_SECONDS

    def start(self) -> None:
        """Start sending."""
        self._thread.start()

    def stop(self) -> None:
        """Send no more; an attempt that is under way is forgotten and made again later."""
        self._stopping.set()
        self._thread.join(POLL_SECONDS)

    def _loop(self) -> None:
        with closing(open_connection(self.store)) as connection:
            while not self._stopping.wait(POLL_SECONDS):
                try:
                    for delivery in due_deliveries(connection):
                        if self._stopping.is_set():
                            return
                        if not take_delivery(connection, delivery):
                            continue
                        secret = seal_of(connection).open(delivery.secret)
                        status, problem = attempt(
                            url_of(delivery), delivery.body, secret, self.allowed
                        )
                        with transaction(connection):
                            save_attempt(connection, delivery, status, problem)
                    if time.monotonic() - self._cleaned_at >= CLEAN_SECONDS:
                        self._cleaned_at = time.monotonic()
                        drop_old_deliveries(connection)
                except Exception as error:
                    log.warning(
                        "webhooks failed: %s",
                        error,
                        exc_info=is_bug(error),
                        extra={"action": "webhooks_failed"},
                    )


def url_of(delivery: DueDelivery) -> str:
    """Return where a delivery goes."""
    return str(json.loads(delivery.payload)["client_url"])

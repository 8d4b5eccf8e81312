"""Requests and answers over connections that stay open, on the standard library's http.client.

It is here because a command that makes one call should not wait for an HTTP library to load:
httpx takes 0.25 s of the processor, this takes 0.03 s. Answers are bounded in bytes, after they
are unpacked, and in time; redirects are not followed; proxies and certificates are those that
httpx would take.
"""

from __future__ import annotations

import http.client
import json
import os
import select
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlencode, urlsplit

from marketing_analytics.core.errors import (
    AmbiguousError,
    MachineError,
    TerminalError,
    TransientError,
    full_disk,
)

if TYPE_CHECKING:
    import ssl

CONNECT_SECONDS = 10.0
# between two packets, and for a whole answer
READ_SECONDS = 60.0
ANSWER_SECONDS = 300.0
MAX_ANSWER_BYTES = 16 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True)
class Response:
    """An answer with its whole body, unpacked; names of headers are in lower case."""

    status_code: int
    reason_phrase: str
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_success(self) -> bool:
        """Return whether the request was carried out."""
        return 200 <= self.status_code < 300

    @property
    def is_redirect(self) -> bool:
        """Return whether the server wants the request to go elsewhere."""
        return 300 <= self.status_code < 400 and "location" in self.headers


class Transport:
    """Connections to one server; may be used by several threads."""

    def __init__(self, host_url: str, headers: Mapping[str, str]) -> None:
        self.host_url = host_url
        self.parts = urlsplit(host_url)
        self.headers = {"Accept-Encoding": "gzip", "User-Agent": "marketing-jobs", **headers}
        self.proxy = proxy_of(self.parts)
        if self.proxy is not None and self.parts.scheme == "http":
            self.headers |= proxy_headers(self.proxy)
        self.idle: list[http.client.HTTPConnection] = []
        self.lock = threading.Lock()
        self.context: ssl.SSLContext | None = None

    def close(self) -> None:
        """Close the connections that nobody uses."""
        with self.lock:
            while self.idle:
                self.idle.pop().close()

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> Response:
        """Return the answer to a request.

        Raise TransientError when the request was not sent, AmbiguousError when its answer is
        lost, TerminalError when the answer is too large or the certificate is not trusted.
        """
        headers = dict(self.headers)
        sent = None
        if body is not None:
            sent = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
            headers["Content-Type"] = "application/json"
        return self.exchange(
            method,
            self.target(path, params),
            sent,
            headers,
            lambda answer: read_body(answer, path, max_bytes),
        )

    def download(
        self, path: str, params: Mapping[str, str], file: IO[bytes] | None, max_bytes: int
    ) -> Response:
        """Return an answer whose body is written to a file, or is not read when that is None.

        Raise what `send` raises. The body of an error is in the answer.
        """

        def read(answer: http.client.HTTPResponse) -> bytes:
            if not 200 <= answer.status < 300:
                return read_body(answer, path, MAX_ANSWER_BYTES)
            if file is not None:
                file.seek(0)
                file.truncate()
                for part in unpacked(answer, path, max_bytes):
                    keep(file, part)
            return b""

        # so that the length is that of the file
        headers = {**self.headers, "Accept": "*/*", "Accept-Encoding": "identity"}
        return self.exchange("GET", self.target(path, params), None, headers, read)

    def exchange(
        self,
        method: str,
        target: str,
        sent: bytes | None,
        headers: Mapping[str, str],
        read: Callable[[http.client.HTTPResponse], bytes],
    ) -> Response:
        """Return the answer to a request; `read` gives its content."""
        connection = self.connection()
        try:
            connection.request(method, target, sent, headers)
            answer = connection.getresponse()
            content = read(answer)
        except (http.client.HTTPException, OSError, zlib.error) as error:
            connection.close()
            raise self.lost(error) from None
        except BaseException:
            connection.close()
            raise
        if answer.will_close or not answer.isclosed():
            # what was not read would stand before the next answer
            connection.close()
        else:
            with self.lock:
                self.idle.append(connection)
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Response(answer.status, answer.reason, found, content)

    def target(self, path: str, params: Mapping[str, str] | None) -> str:
        """Return what stands in the first line of a request."""
        query = f"?{urlencode(params)}" if params else ""
        is_plain = self.proxy is not None and self.parts.scheme == "http"
        lead = self.host_url if is_plain else self.parts.path
        return f"{lead}{path}{query}"

    def connection(self) -> http.client.HTTPConnection:
        """Return a connection that is open."""
        while True:
            with self.lock:
                found = self.idle.pop() if self.idle else None
            if found is None:
                return self.connect()
            if is_quiet(found):
                return found
            found.close()

    def connect(self) -> http.client.HTTPConnection:
        """Return a new connection. Raise TransientError when the server cannot be reached."""
        connection = self.new_connection()
        try:
            connection.connect()
        except (http.client.HTTPException, OSError, ValueError) as error:
            connection.close()
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise untrusted(self.host_url, str(error)) from None
            raise TransientError(
                f"cannot reach {self.host_url}: {reason_of(error)}",
                hint="check the address and that the server is running",
            ) from None
        connection.sock.settimeout(READ_SECONDS)
        return connection

    def new_connection(self) -> http.client.HTTPConnection:
        """Return a connection that is not open yet, to the server or to the proxy before it."""
        place = self.proxy or self.parts
        host, port = place.hostname or "", place.port
        if self.parts.scheme != "https":
            return http.client.HTTPConnection(host, port, timeout=CONNECT_SECONDS)
        if self.context is None:
            self.context = certificates()
        connection = http.client.HTTPSConnection(
            host, port, timeout=CONNECT_SECONDS, context=self.context
        )
        if self.proxy is not None:
            connection.set_tunnel(
                self.parts.hostname or "", self.parts.port or 443, proxy_headers(self.proxy)
            )
        return connection

    def lost(self, error: Exception) -> AmbiguousError:
        """Return the error for an answer that did not come."""
        return AmbiguousError(
            f"the answer of {self.host_url} was lost: {reason_of(error)}",
            hint="the request may have been carried out",
        )


def keep(file: IO[bytes], part: bytes) -> None:
    """Write a part of a body. Raise MachineError: a full disk is no lost answer."""
    try:
        file.write(part)
    except OSError as error:
        raise full_disk(error) or MachineError(f"cannot write: {error.strerror}") from None


def is_quiet(connection: http.client.HTTPConnection) -> bool:
    """Return whether a connection waits for a request: one with something to read was ended."""
    if connection.sock is None:
        return False
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return not poll.poll(0)


def read_body(answer: http.client.HTTPResponse, path: str, max_bytes: int) -> bytes:
    """Return the whole body. Raise what `unpacked` raises."""
    return b"".join(unpacked(answer, path, max_bytes))


def unpacked(answer: http.client.HTTPResponse, path: str, max_bytes: int) -> Iterator[bytes]:
    """Yield a body. Raise TerminalError beyond a size, TimeoutError beyond a time."""
    packing = (answer.getheader("Content-Encoding") or "identity").lower()
    if packing not in ("identity", "gzip"):
        raise TerminalError(f"the answer to {path} is packed: {packing}")
    unpack = zlib.decompressobj(GZIP) if packing == "gzip" else None
    until = time.monotonic() + ANSWER_SECONDS
    size, has_begun = 0, False
    for part in packets(answer):
        plain = part if unpack is None else unpack.decompress(part, max_bytes - size + 1)
        size, has_begun = size + len(plain), True
        if size > max_bytes or (unpack is not None and unpack.unconsumed_tail):
            raise TerminalError(
                f"the answer to {path} is larger than {max_bytes // 2**20} MiB",
                hint="nothing that is asked for is so large: look at what answers there",
                status_code=answer.status,
            )
        if time.monotonic() > until:
            raise TimeoutError(f"it was not complete after {ANSWER_SECONDS:.0f} s")
        yield plain
    if unpack is not None and has_begun and not unpack.eof:
        raise http.client.IncompleteRead(b"")


def packets(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """Yield a body as it comes: what waits for a full buffer would wait for a body that drips."""
    if answer.chunked:
        while part := answer.read1(CHUNK_BYTES):
            yield part
        return
    left = answer.length
    while left != 0:
        part = answer.fp.read1(min(CHUNK_BYTES, left or CHUNK_BYTES))
        if not part and left:
            raise http.client.IncompleteRead(b"", left)
        if not part:
            break
        left = None if left is None else left - len(part)
        yield part
    answer.close()


def reason_of(error: Exception) -> str:
    """Return a short reason, also where the library gives an empty text."""
    if isinstance(error, http.client.IncompleteRead):
        return "it ended too early"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__


def untrusted(host: str, reason: str) -> TerminalError:
    """Return the error for a certificate that nobody we trust has signed."""
    said = reason.partition("CERTIFICATE_VERIFY_FAILED]")[2].partition(" (_ssl")[0].strip()
    return TerminalError(
        f"the certificate of {host} is not trusted: {said}",
        hint="export SSL_CERT_FILE=FILE with the certificate of the server or of its signer",
    )


def certificates() -> ssl.SSLContext:
    """Return the authorities to believe: SSL_CERT_FILE, SSL_CERT_DIR, else those of certifi."""
    import ssl

    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if not file and not folder:
        import certifi

        file = certifi.where()
    return ssl.create_default_context(cafile=file or None, capath=folder or None)


def proxy_of(parts: SplitResult) -> SplitResult | None:
    """Return the proxy of an address by HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY."""
    is_set = any(name.lower().endswith("_proxy") and os.environ[name] for name in os.environ)
    if not is_set and sys.platform == "linux":
        return None
    from urllib.request import getproxies, proxy_bypass

    known = getproxies()
    found = known.get(parts.scheme) or known.get("all")
    if not found or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxy = urlsplit(found if "://" in found else f"http://{found}")
    if proxy.scheme != "http" or not proxy.hostname:
        raise TerminalError(
            f"the proxy of {parts.scheme} addresses is not one of http",
            hint="set HTTPS_PROXY=http://host:port, or NO_PROXY for this host",
        )
    return proxy


def proxy_headers(proxy: SplitResult) -> dict[str, str]:
    """Return the headers that open a proxy."""
    if not proxy.username:
        return {}
    from base64 import b64encode

    opened = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(opened.encode()).decode()}"}

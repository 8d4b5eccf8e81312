"""A real HTTP server that gives the answers of a list, in the documented shapes."""

import json
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import httpx

# of headers of answers: not passed on
OF_A_CONNECTION = {
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "server",
    "transfer-encoding",
}


class Answer:
    """One answer; `cut` sends half of it and hangs up, `is_dropped` hangs up without a word."""

    def __init__(self, body, status=200, headers=None, cut=False, is_dropped=False):
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.status = status
        given = {name.title(): value for name, value in (headers or {}).items()}
        self.headers = {"Content-Type": "application/json"} | given
        self.cut = cut
        self.is_dropped = is_dropped


class Asked:
    """One request as it came in."""

    def __init__(self, handler):
        split = urlsplit(handler.path)
        self.method = handler.command
        self.target = handler.path
        self.path = split.path
        self.query = {name: values[0] for name, values in parse_qs(split.query).items()}
        self.headers = dict(handler.headers)
        length = int(handler.headers.get("Content-Length") or 0)
        self.body = handler.rfile.read(length).decode()

    def forwarded(self):
        """Return the headers for another server; those of the connection are its own."""
        own = {"host", "connection", "content-length", "accept-encoding"}
        return {name: value for name, value in self.headers.items() if name.lower() not in own}


class QuietServer(ThreadingHTTPServer):
    """A server that does not print when a client hangs up."""

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serve(answer):
    """Serve `answer(asked) -> Answer`; yield the address and the list of requests."""
    requests = []
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # an answer is sent as one piece: two would wait 40 ms for an acknowledgement in between
        wbufsize = -1

        def log_message(self, *args):
            pass

        def do_GET(self):
            asked = Asked(self)
            with lock:
                requests.append(asked)
                given = answer(asked)
            if given.is_dropped:
                self.close_connection = True
                return
            self.send_response(given.status)
            for name, value in given.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()
            self.wfile.write(given.body[: len(given.body) // 2] if given.cut else given.body)
            self.close_connection = given.cut

        do_POST = do_GET  # noqa: N815

    server = QuietServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()


def in_order(*answers):
    """Return an answer function that gives one after the other, then the last for ever."""
    left = list(answers)

    def answer(asked):
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


@contextmanager
def between(settings, source, change, before=lambda asked: None):
    """Serve an emulator through `change(asked, answer) -> Answer`; yield the settings for it.

    `before` is called with a request that is about to be passed on.
    """
    base_url = f"{source.upper()}_BASE_URL"
    address = urlsplit(settings[base_url])

    def answer(asked):
        before(asked)
        came = client.request(
            asked.method, asked.target, headers=asked.forwarded(), content=asked.body
        )
        # the next page, too, is asked for here
        headers = {
            name: value.replace(origin, url)
            for name, value in came.headers.items()
            if name not in OF_A_CONNECTION
        }
        return change(asked, Answer(came.content, came.status_code, headers))

    origin = f"{address.scheme}://{address.netloc}"
    with httpx.Client(base_url=origin, timeout=30) as client, serve(answer) as (url, _):
        yield settings | {base_url: url + address.path}

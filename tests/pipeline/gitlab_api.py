"""A small GitLab: notes, issues and Terraform states of one project, as its API documents them."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "glpat-token-of-the-tests-01"
BOT, HUMAN = 501, 7
PROJECT = "77"
NOTES = re.compile(rf"/projects/{PROJECT}/merge_requests/(\d+)/notes(?:/(\d+))?")
ISSUES = re.compile(rf"/projects/{PROJECT}/issues(?:/(\d+))?")


class GitLabApi:
    """A running server; `notes` by merge request and `issues` are what it holds."""

    def __init__(self):
        self.notes, self.issues, self.calls, self.faults = {}, [], [], []
        self.numbers = iter(range(1, 10_000))
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self.server.states, self.server.locks = {}, {}
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/v4"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def add_note(self, merge_request, body, author=HUMAN):
        """Write a note as somebody and return it."""
        note = {"id": next(self.numbers), "body": body, "author": {"id": author}, "system": False}
        self.notes.setdefault(merge_request, []).append(note)
        return note

    def bodies(self, merge_request):
        """Return what stands below a merge request."""
        return [note["body"] for note in self.notes.get(merge_request, [])]

    def answer(self, method, path, query, body):
        """Return status and data of an answer."""
        if path == "/user":
            return 200, {"id": BOT}
        if found := re.fullmatch(
            rf"/projects/{PROJECT}/merge_requests/(\d+)/notes(?:/(\d+))?", path
        ):
            return self.answer_notes(method, *found.groups(), query, body)
        if found := re.fullmatch(rf"/projects/{PROJECT}/issues(?:/(\d+))?", path):
            return self.answer_issues(method, found[1], query, body)
        return 404, {"message": "404 Project Not Found"}

    def answer_notes(self, method, merge_request, number, query, body):
        notes = self.notes.setdefault(merge_request, [])
        if method == "GET":
            return 200, page_of(notes, query)
        if method == "POST":
            return 201, self.add_note(merge_request, body["body"], BOT)
        (note,) = [note for note in notes if note["id"] == int(number)]
        if note["author"]["id"] != BOT:
            return 403, {"message": "403 Forbidden"}
        if method == "DELETE":
            notes.remove(note)
            return 204, {}
        note["body"] = body["body"]
        return 200, note

    def answer_issues(self, method, iid, query, body):
        if method == "GET":
            state, word = query["state"][0], query["search"][0]
            found = [i for i in self.issues if i["state"] == state and word in i["description"]]
            return 200, page_of(found, query)
        if method == "POST":
            self.issues.append(
                {**body, "iid": len(self.issues) + 1, "state": "opened", "author": {"id": BOT}}
            )
            return 201, self.issues[-1]
        issue = self.issues[int(iid) - 1]
        if body.pop("state_event", None) == "close":
            issue["state"] = "closed"
        issue.update(body)
        return 200, issue


class StateHandler(BaseHTTPRequestHandler):
    """Keeps Terraform states with their locks, as GitLab does: GET, POST, lock and unlock."""

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_GET(self):
        state = self.server.states.get(self.path)
        self.answer(404 if state is None else 200, state or b"")

    def do_POST(self):
        path, _, query = self.path.partition("?")
        if not path.endswith("/lock"):
            assert json.loads(self.server.locks[path])["ID"] == query.removeprefix("ID=")
            self.server.states[path] = self.body()
            self.answer(200)
            return
        lock = self.server.locks.setdefault(path.removesuffix("/lock"), body := self.body())
        self.answer(200 if lock is body else 423, lock)

    def do_DELETE(self):
        self.body()
        self.server.locks.pop(self.path.removesuffix("/lock"))
        self.answer(200)

    def log_message(self, *arguments):
        """Say nothing."""


def page_of(items, query):
    """Return one page; the newest item comes first unless the caller asks otherwise."""
    ordered = items if query.get("sort") == ["asc"] else items[::-1]
    size, page = int(query.get("per_page", ["20"])[0]), int(query.get("page", ["1"])[0])
    return ordered[(page - 1) * size : page * size]


def handler_of(gitlab):
    """Return the class that answers connections."""

    class Handler(StateHandler):
        def do(self):
            if "/terraform/state/" in self.path:
                return getattr(StateHandler, f"do_{self.command}")(self)
            parts = urlsplit(self.path)
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
            gitlab.calls.append((self.command, parts.path.removeprefix("/api/v4")))
            fault = gitlab.faults.pop(0) if gitlab.faults else None
            status, data = 401, {"message": "401 Unauthorized"}
            if isinstance(fault, int):
                status, data = fault, {"message": "later"}
            elif self.headers.get("PRIVATE-TOKEN") == TOKEN:
                path = parts.path.removeprefix("/api/v4")
                status, data = gitlab.answer(self.command, path, parse_qs(parts.query), body)
            if fault == "lost":
                self.close_connection = True
                return None
            text = b"" if status == 204 else json.dumps(data).encode()
            return StateHandler.answer(self, status, text)

        do_GET = do_POST = do_PUT = do_DELETE = do  # noqa: N815

    return Handler

"""Batches: many reads in one request, whose answers come as an archive."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from marketing_analytics.simulate.platforms.mailchimp.answers import (
    invalid,
    method_not_allowed,
    resource_missing,
)

MOST_OPEN = 500

# path below /3.0 and parameters -> status and body of a GET
Ask = Callable[[str, dict[str, Any]], tuple[int, str]]


@dataclass
class Batch:
    """A batch that was submitted, and since it was asked for its answers."""

    batch_id: str
    operations: list[dict[str, Any]]
    submitted_at: str
    answers: list[dict[str, Any]] | None = None

    def as_json(self, address: str) -> dict[str, Any]:
        """Return its state; `address` is where the archive is found."""
        answers = self.answers or []
        is_done = self.answers is not None
        return {
            "id": self.batch_id,
            "status": "finished" if is_done else "pending",
            "total_operations": len(self.operations),
            "finished_operations": len(answers),
            "errored_operations": sum(answer["status_code"] >= 400 for answer in answers),
            "submitted_at": self.submitted_at,
            "completed_at": self.submitted_at if is_done else "",
            "response_body_url": address if is_done else "",
            "_links": [],
        }

    def archive(self) -> bytes:
        """Return the answers as a tar.gz of JSON files."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            text = json.dumps(self.answers or []).encode()
            member = tarfile.TarInfo(f"{self.batch_id}/0.json")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
        return buffer.getvalue()


class Batches:
    """All batches; one is run when it is asked for the first time."""

    def __init__(self, ask: Ask, secret: str) -> None:
        self.ask = ask
        self.secret = secret
        self.by_id: dict[str, Batch] = {}

    def key_of(self, batch_id: str) -> str:
        """Return what only the address of an archive holds."""
        return hashlib.sha256(f"{self.secret} {batch_id}".encode()).hexdigest()[:32]

    def as_json(self, batch_id: str, base_url: str) -> dict[str, Any]:
        """Return the state of a batch, with the address of its archive below `base_url`."""
        path = f"batch-results/{batch_id}.tar.gz?key={self.key_of(batch_id)}"
        return self.find(batch_id).as_json(base_url + path)

    def submit(self, body: Any, at: str) -> Batch:
        """Take a batch. Raise ProblemError for one that is none."""
        operations = body.get("operations") if isinstance(body, dict) else None
        if not isinstance(operations, list) or not all(isinstance(o, dict) for o in operations):
            raise invalid("operations", "Required fields were not provided: operations")
        for operation in operations:
            if missing := {"method", "path"} - operation.keys():
                raise invalid(min(missing), "This value should not be blank.")
        if sum(batch.answers is None for batch in self.by_id.values()) >= MOST_OPEN:
            raise invalid("operations", f"There may be no more than {MOST_OPEN} pending batches.")
        batch = Batch(f"{len(self.by_id) + 1:010x}", operations, at)
        self.by_id[batch.batch_id] = batch
        return batch

    def find(self, batch_id: str) -> Batch:
        """Return a batch, run by now. Raise ProblemError when there is none."""
        batch = self.by_id.get(batch_id)
        if batch is None:
            raise resource_missing()
        if batch.answers is None:
            batch.answers = [self.answer(operation) for operation in batch.operations]
        return batch

    def answer(self, operation: dict[str, Any]) -> dict[str, Any]:
        """Run one operation; only reads are known here."""
        if operation["method"] == "GET":
            status, text = self.ask(str(operation["path"]), operation.get("params") or {})
        else:
            problem = method_not_allowed()
            status, text = problem.status, json.dumps(problem.body)
        return {
            "status_code": status,
            "operation_id": operation.get("operation_id", ""),
            "response": text,
        }

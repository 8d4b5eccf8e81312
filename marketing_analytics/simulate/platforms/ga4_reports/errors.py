"""Refusals of the Data API, in the shape of google.rpc.Status."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

SCHEMA_PAGE = "https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema"
STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
}
RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"


class ReportError(Exception):
    """A request that is refused."""

    def __init__(
        self, status: int, message: str, details: list[dict[str, Any]] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"code": status, "message": message, "status": STATUS_NAMES[status]}
        if details:
            self.error["details"] = details

    def answer(self) -> Response:
        """Return the HTTP answer."""
        return JSONResponse({"error": self.error}, status_code=self.status)


def invalid(message: str) -> ReportError:
    """Return the refusal of an argument."""
    return ReportError(400, message)


def not_served(what: str) -> ReportError:
    """Return the refusal of what the API has and the emulator has not."""
    return ReportError(501, f"{what} is not served by this emulator.")


def unknown_field(name: str, where: str = "") -> ReportError:
    """Return the refusal of a key that the API does not have."""
    place = f' at "{where}"' if where else ""
    message = f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.'
    violation: dict[str, Any] = {"description": message}
    if where:
        violation["field"] = where
    return ReportError(400, message, [{"@type": BAD_REQUEST, "fieldViolations": [violation]}])


def exhausted(bucket: str, retry_after_seconds: float | None = None) -> ReportError:
    """Return the refusal of a quota that is used up."""
    message = f"Exhausted property tokens {bucket}. These quota tokens will return later."
    details = []
    if retry_after_seconds is not None:
        details = [{"@type": RETRY_INFO, "retryDelay": f"{round(retry_after_seconds)}s"}]
    return ReportError(429, message, details)

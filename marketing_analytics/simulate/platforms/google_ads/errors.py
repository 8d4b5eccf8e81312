"""The error bodies of Google Ads, of Google's own front, and of its token server."""

from __future__ import annotations

import time
from typing import Any

from starlette.responses import JSONResponse, Response

FAILURE = "type.googleapis.com/google.ads.googleads.v26.errors.GoogleAdsFailure"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
}


class FrontError(Exception):
    """An answer in the shape of google.rpc.Status: what is refused before Google Ads sees it."""

    def __init__(self, status: int, message: str, details: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        error: dict[str, Any] = {
            "code": status,
            "message": message,
            "status": STATUS_NAMES[status],
        }
        if details:
            error["details"] = list(details)
        self.body = {"error": error}

    def answer(self, *, in_array: bool) -> Response:
        """Return the HTTP answer; searchStream wraps it into an array."""
        return JSONResponse([self.body] if in_array else self.body, status_code=self.status)


class GoogleError(FrontError):
    """The same with a GoogleAdsFailure."""

    def __init__(
        self, status: int, kind: str, name: str, message: str, details: dict[str, Any] | None = None
    ) -> None:
        error = {"errorCode": {kind: name}, "message": message}
        if details:
            error["details"] = details
        failure = {"@type": FAILURE, "errors": [error], "requestId": request_id()}
        usual = "Request contains an invalid argument." if status == 400 else message
        super().__init__(status, usual, (failure,))


def request_id() -> str:
    """Return an id that differs per request."""
    return f"sim{time.monotonic_ns():x}"


def bad_payload(reason: str) -> FrontError:
    """Return the error of a body or a parameter that the protocol does not know."""
    message = f"Invalid JSON payload received. {reason}"
    return FrontError(
        400, message, ({"@type": BAD_REQUEST, "fieldViolations": [{"description": message}]},)
    )


def not_found() -> FrontError:
    """Return the error of a path or a method that does not exist."""
    return FrontError(404, "Method not found.")


def expired() -> GoogleError:
    """Return the error of an access token past its hour."""
    message = "Request had expired authentication credentials."
    return GoogleError(401, "authenticationError", "OAUTH_TOKEN_EXPIRED", message)


def too_many_requests(retry_after: float | None) -> GoogleError:
    """Return the error of a used-up quota."""
    quota = {
        "rateScope": "DEVELOPER",
        "rateName": "Number of operations for basic access",
        "retryDelay": f"{round(1 if retry_after is None else retry_after)}s",
    }
    message = "Too many requests. Retry in the advertised time."
    return GoogleError(
        429, "quotaError", "RESOURCE_EXHAUSTED", message, {"quotaErrorDetails": quota}
    )


def oauth_error(name: str, description: str, status: int = 400) -> Response:
    """Return an error of the token endpoint."""
    return JSONResponse({"error": name, "error_description": description}, status_code=status)


def token_refusal(kind: str) -> Response:
    """Return the token endpoint's answer to an injected fault."""
    if kind == "expired_token":
        return oauth_error("invalid_grant", "Token has been expired or revoked.")
    if kind == "status_429":
        return oauth_error("rate_limit_exceeded", "Too many requests.", 429)
    return oauth_error("internal_failure", "Please try again.", 500)

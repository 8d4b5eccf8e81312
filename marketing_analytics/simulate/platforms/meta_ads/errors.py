"""Meta's error shape, and the errors that several parts give.

Codes: developers.facebook.com/docs/graph-api/guides/error-handling, and of the Marketing API
.../insights/error-codes.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from starlette.responses import JSONResponse


class MetaError(Exception):
    """An answer in Meta's error shape."""

    def __init__(
        self,
        message: str,
        *,
        code: int,
        subcode: int = 0,
        kind: str = "OAuthException",
        is_transient: bool = False,
        status: int = 400,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {
            "message": message,
            "type": kind,
            "code": code,
            "is_transient": is_transient,
            "fbtrace_id": "AsimulatedTraceId0000",
        }
        if subcode:
            self.body["error_subcode"] = subcode

    def answer(self) -> JSONResponse:
        """Return the HTTP answer."""
        return JSONResponse({"error": self.body}, status_code=self.status)


def bad_parameter(message: str) -> MetaError:
    """Return the error of a parameter that is not understood."""
    return MetaError(f"(#100) {message}", code=100)


def not_one_of(name: str, value: object, known: Collection[str]) -> MetaError:
    """Return the error of a value that is none of those an enumeration has."""
    return bad_parameter(
        f"Param {name} must be one of {{{', '.join(known)}}} - got {str(value)[:80]!r}."
    )


def unknown_object(name: str, method: str = "get") -> MetaError:
    """Return the error of an object that is not there or not visible."""
    message = (
        f"Unsupported {method} request. Object with ID '{name}' does not exist, cannot be loaded "
        "due to missing permissions, or does not support this operation."
    )
    return MetaError(message, code=100, subcode=33, kind="GraphMethodException")


def unknown_edge(edge: str, kind: str) -> MetaError:
    """Return the error of a list that an object does not have."""
    return bad_parameter(f"Tried accessing nonexisting field ({edge}) on node type ({kind})")


def token_error(message: str, subcode: int) -> MetaError:
    """Return a refused token."""
    return MetaError(message, code=190, subcode=subcode)

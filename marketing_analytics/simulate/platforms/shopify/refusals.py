"""Refusals as Shopify words them: a text, or texts by parameter."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response


class RefusedError(Exception):
    """An answer of `{"errors": ...}`."""

    def __init__(self, status: int, errors: Any) -> None:
        super().__init__(str(errors))
        self.status = status
        self.errors = errors

    def answer(self) -> Response:
        """Return the HTTP answer."""
        return JSONResponse({"errors": self.errors}, self.status)


def not_found() -> RefusedError:
    """Return the refusal of a path without a resource."""
    return RefusedError(404, "Not Found")


def invalid(parameter: str, words: str = "Invalid value.") -> RefusedError:
    """Return the refusal of a parameter."""
    return RefusedError(400, {parameter: words})

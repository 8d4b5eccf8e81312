"""Answers in dbt Cloud's envelope: `{"status", "data", "extra"}`, and errors of that shape."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

JSON = "application/json"
SUCCESS_TEXT = "Success!"
INVALID_REQUEST = "The request was invalid. Please double check the provided data and try again."
NOT_FOUND = (
    "The requested resource was not found. Please check that you have the proper permissions."
)


class ApiError(Exception):
    """An answer that is an error; `data` is null or a dict of messages by field."""

    def __init__(
        self,
        status_code: int,
        user_message: str,
        data: Mapping[str, Any] | None = None,
        *,
        developer_message: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(user_message)
        self.status_code = status_code
        self.user_message = user_message
        self.developer_message = developer_message
        self.data = data
        self.headers = headers or {}


def not_found() -> ApiError:
    """Return the error for what is missing or not visible; clients rely on its code."""
    return ApiError(404, NOT_FOUND)


def invalid(data: Mapping[str, Any]) -> ApiError:
    """Return the validation error with messages nested by field."""
    return ApiError(400, INVALID_REQUEST, data)


def invalid_at(message: str, *path: str) -> ApiError:
    """Return the validation error for one field."""
    data: Any = message
    for key in reversed(path):
        data = {key: data}
    return invalid(data)


def status_of(code: int, user_message: str, developer_message: str = "") -> dict[str, Any]:
    """Return the status part of an envelope."""
    return {
        "code": code,
        "is_success": code < 400,
        "user_message": user_message,
        "developer_message": developer_message,
    }


def one(data: Any, status_code: int = 200, *, message: str = SUCCESS_TEXT) -> Response:
    """Return one object in an envelope."""
    return enveloped(status_of(status_code, message), data)


def many(
    data: list[Any], total_count: int, filters: Mapping[str, Any], order_by: str = "id"
) -> Response:
    """Return a list in an envelope; `filters` holds limit and offset as numbers."""
    return many_dumped([dump_text(item) for item in data], total_count, filters, order_by)


def many_dumped(
    items: Sequence[str], total_count: int, filters: Mapping[str, Any], order_by: str
) -> Response:
    """Return a list of items that are JSON already."""
    extra = {
        "filters": filters,
        "order_by": order_by,
        "pagination": {"count": len(items), "total_count": total_count},
    }
    text = f'{{"status":{SUCCESS},"data":[{",".join(items)}],"extra":{dump_text(extra)}}}'
    return Response(text, media_type=JSON)


def failed(error: ApiError) -> Response:
    """Return an error in an envelope."""
    status = status_of(error.status_code, error.user_message, error.developer_message)
    return enveloped(status, error.data, error.headers)


def enveloped(
    status: Mapping[str, Any], data: Any, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer of a status part and data."""
    text = dump_text({"status": status, "data": data})
    return Response(text, status["code"], headers, media_type=JSON)


def dump_text(value: Any) -> str:
    """Return JSON without blanks; ASCII only, so that every text can be sent."""
    return json.dumps(value, separators=(",", ":"))


SUCCESS = dump_text(status_of(200, SUCCESS_TEXT))

"""Read the parameters of a Graph API request: what is unknown or malformed is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from starlette.requests import Request

from marketing_analytics.simulate.platforms.meta_ads.errors import MetaError, bad_parameter

Parameters = Mapping[str, str]
# asked fields, each with what is asked of the object it holds
Fields = dict[str, "Fields"]

# understood by every request; `locale` only translates messages
EVERYWHERE = ("access_token", "locale", "pretty", "method")
PAGING = ("limit", "after", "before", "summary")


async def read_parameters(request: Request) -> dict[str, str]:
    """Return query and body parameters; lists and objects stay JSON text. Raise MetaError."""
    parameters = dict(request.query_params)
    if request.method == "POST":
        if request.headers.get("content-type", "").startswith("application/json"):
            try:
                values = dict(json.loads(await request.body() or b"{}"))
            except (ValueError, TypeError):
                raise bad_parameter("The body is not a JSON object.") from None
            parameters |= {k: v if isinstance(v, str) else json.dumps(v) for k, v in values.items()}
        else:
            form = await request.form()
            parameters |= {k: str(v) for k, v in form.items()}
    return parameters


def check_known(parameters: Parameters, known: Collection[str]) -> None:
    """Raise MetaError for a parameter that the request does not have."""
    if "appsecret_proof" in parameters:
        raise bad_parameter("Invalid appsecret_proof provided in the API argument")
    unknown = sorted(set(parameters) - set(known) - set(EVERYWHERE))
    if unknown:
        raise bad_parameter(f"Unknown parameter {unknown[0]}")


def read_json(parameters: Parameters, name: str) -> Any:
    """Return a JSON parameter, None when absent. Raise MetaError."""
    text = parameters.get(name)
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        raise bad_parameter(f"Param {name} must be valid JSON.") from None


def read_texts(parameters: Parameters, name: str) -> list[str]:
    """Return a parameter that is a JSON list of texts, empty when absent. Raise MetaError."""
    value = read_json(parameters, name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise bad_parameter(f"Param {name} must be an array.")
    return value


def read_names(parameters: Parameters, name: str) -> list[str]:
    """Return a list of names, as JSON or separated by commas. Raise MetaError."""
    text = parameters.get(name, "")
    if text.lstrip().startswith(("[", '"', "{")):
        return read_texts(parameters, name)
    return [part.strip() for part in text.split(",") if part.strip()]


def read_flag(parameters: Parameters, name: str) -> bool:
    """Return a boolean parameter, False when absent. Raise MetaError."""
    text = parameters.get(name, "false").lower()
    if text not in {"true", "false", "1", "0"}:
        raise bad_parameter(f"Param {name} must be a boolean")
    return text in {"true", "1"}


def read_limit(parameters: Parameters, default: int) -> int:
    """Return the page size. Raise MetaError."""
    text = parameters.get("limit", str(default))
    if not text.isdigit() or int(text) == 0:
        raise bad_parameter(f"Param limit must be a positive number, got {text[:80]}")
    return int(text)


def read_day(value: Any) -> date:
    """Return a day. Raise MetaError."""
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise bad_parameter("Must be a date representation in the format YYYY-MM-DD") from None


def read_fields(
    parameters: Parameters, known: Collection[str], *, default: tuple[str, ...]
) -> Fields:
    """Return the asked fields. Raise MetaError for one that does not exist."""
    text = parameters.get("fields", "")
    if text.startswith("["):
        text = ",".join(read_texts(parameters, "fields"))
    fields = parse_fields(text) or {name: {} for name in default}
    for name in fields:
        if name not in known:
            raise bad_parameter(f"{name} is not valid for fields param.")
    return fields


def parse_fields(text: str) -> Fields:
    """Return the fields of `a,b{c,d}`. Raise MetaError."""
    root: Fields = {}
    levels = [root]
    name = ""
    last: Fields = root
    for character in text + ",":
        if character in ",{}":
            if name.strip():
                last = levels[-1].setdefault(name.strip(), {})
            name = ""
            if character == "{":
                levels.append(last)
            elif character == "}":
                levels.pop()
                if not levels:
                    break
        else:
            name += character
    if len(levels) != 1:
        raise MetaError("Syntax error in the fields param: braces do not match.", code=2_500)
    return root


def write_cursor(position: int) -> str:
    """Return an opaque cursor."""
    return base64.urlsafe_b64encode(f"at:{position}".encode()).decode()


def read_cursor(text: str, name: str) -> int:
    """Return the position of a cursor. Raise MetaError."""
    try:
        return int(base64.urlsafe_b64decode(text.encode()).decode().removeprefix("at:"))
    except (ValueError, UnicodeError):
        raise bad_parameter(f"Invalid cursor for param {name}") from None

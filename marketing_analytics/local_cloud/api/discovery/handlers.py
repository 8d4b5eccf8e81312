"""One query of the Discovery API: read it, count what it asks for, answer it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from marketing_analytics.local_cloud.api.answers import JSON, ApiError, dump_text
from marketing_analytics.local_cloud.api.call import Call

if TYPE_CHECKING:
    from graphql import DocumentNode, GraphQLSchema

PATHS = ("graphql", "beta/graphql")
NOT_BUILT = "The local dbt Cloud does not build it; docs/local-dbt-cloud.md says what it does."
MAX_INTEGER = 2**63 - 1
MAX_DIGITS = len(str(MAX_INTEGER))


def is_discovery(path: str) -> bool:
    """Return whether a path is that of the Discovery API."""
    return path.strip("/") in PATHS


def answer(call: Call) -> Response:
    """Answer a query of the Discovery API; errors are those of GraphQL, with status 200."""
    body = call.body()
    query, variables = body.get("query"), body.get("variables") or {}
    name = body.get("operationName")
    if not isinstance(query, str) or not isinstance(variables, dict):
        raise ApiError(400, "The body needs a query, and variables as an object.")
    return Response(dump_text(execute(call, query, variables, name)), media_type=JSON)


def failed(error: ApiError) -> Response:
    """Return an answer that is no answer to a query, in the shape of GraphQL's errors."""
    text = dump_text({"errors": [{"message": error.user_message}], "data": None})
    return Response(text, error.status_code, dict(error.headers), media_type=JSON)


def execute(call: Call, query: str, variables: dict[str, Any], name: Any) -> dict[str, Any]:
    """Return data and errors of a query."""
    import graphql

    from marketing_analytics.local_cloud.api.discovery.resolvers import Root

    try:
        document = read(query, variables)
    except graphql.GraphQLError as error:
        return {"errors": [error.formatted], "data": None}
    if isinstance(document, list):
        return {"errors": document, "data": None}
    done = graphql.execute_sync(
        schema(),
        document,
        root_value=Root(call),
        variable_values=variables,
        operation_name=name if isinstance(name, str) else None,
    )
    shown: dict[str, Any] = {"data": done.data}
    if done.errors:
        raise_bug(done.errors)
        shown["errors"] = [error.formatted for error in done.errors]
    return shown


def raise_bug(errors: Sequence[Any]) -> None:
    """Raise what is a bug of ours: the shield answers it with a reference, without its text."""
    import graphql

    for error in errors:
        cause = error.original_error
        if cause is not None and not isinstance(cause, graphql.GraphQLError):
            raise cause


def read(query: str, variables: dict[str, Any]) -> DocumentNode | list[Any]:
    """Return the document of a query, or what is wrong with it. Raise GraphQLError."""
    import graphql

    from marketing_analytics.local_cloud.api.discovery.limits import MAX_TOKENS, Bill

    try:
        document = graphql.parse(query, max_tokens=MAX_TOKENS)
    except RecursionError:
        raise graphql.GraphQLError("The query is nested too deep to be read.") from None
    # before the validation, which compares every field with every other
    Bill(document, variables)
    wrong = graphql.validate(schema(), document)
    return [explained(error.formatted) for error in wrong] if wrong else document


def explained(error: Any) -> dict[str, Any]:
    """Return an error with a sentence more where a field is not there."""
    message = str(error["message"])
    if message.startswith("Cannot query field"):
        message = f"{message} {NOT_BUILT}"
    return {**error, "message": message}


@cache
def schema() -> GraphQLSchema:
    """Return the schema; numbers of 64 bits and objects are scalars of their own."""
    import graphql

    text = (Path(__file__).parent / "schema.graphql").read_text("utf-8")
    built = graphql.build_schema(text)
    # a schema that is read from text has scalars that take everything; the third name is 3.3's
    vars(built.type_map["BigInt"]).update(
        parse_value=whole_number,
        parse_literal=lambda node, _variables=None: whole_number(getattr(node, "value", "")),
        coerce_input_value=whole_number,
    )
    return built


def whole_number(value: Any) -> int:
    """Return a number of 64 bits, also from its text. Raise GraphQLError."""
    import graphql

    text = str(value)
    is_number = not isinstance(value, bool | float) and text.isascii() and text.isdigit()
    if not is_number or len(text) > MAX_DIGITS or int(text) > MAX_INTEGER:
        raise graphql.GraphQLError(f"BigInt cannot represent {text[:40]!r}.")
    return int(text)

"""How much one query may ask for: so deep, so many fields, so many values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)

MAX_DEPTH = 15
MAX_FIELDS = 1_000
# fields times the length of the pages that they are on
MAX_VALUES = 200_000
MAX_TOKENS = 8_000
MAX_PAGE = 500
DEFAULT_PAGE = 100


class Bill:
    """What a document asks for, counted as it is walked. Raise GraphQLError when it is too much."""

    def __init__(self, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self.fragments = {
            one.name.value: one
            for one in document.definitions
            if isinstance(one, FragmentDefinitionNode)
        }
        self.variables: Mapping[str, Any] = {}
        self.fields = 0
        self.values = 0
        for one in document.definitions:
            if isinstance(one, OperationDefinitionNode):
                self.variables = {**defaults_of(one), **variables}
                self.count(one.selection_set, depth=1, spreads=0, times=1)

    def count(self, chosen: SelectionSetNode, *, depth: int, spreads: int, times: int) -> None:
        """Count what is selected `times` times at a depth, within so many fragments."""
        if max(depth, spreads) > MAX_DEPTH:
            raise GraphQLError(f"The query is nested more than {MAX_DEPTH} deep.")
        for one in chosen.selections:
            # fragments too: a few that name each other often last for ever without a field
            self.fields += 1
            if self.fields > MAX_FIELDS:
                raise GraphQLError(f"The query asks for more than {MAX_FIELDS} fields.")
            if isinstance(one, FieldNode):
                self.count_field(one, depth, spreads, times)
            elif inner := self.fragment_of(one):
                # how many there are within each other ends a circle
                self.count(inner, depth=depth, spreads=spreads + 1, times=times)

    def fragment_of(self, spread: SelectionNode) -> SelectionSetNode | None:
        """Return what a fragment selects, None for one that is not there."""
        if isinstance(spread, FragmentSpreadNode):
            fragment = self.fragments.get(spread.name.value)
            return fragment.selection_set if fragment else None
        inner: SelectionSetNode | None = getattr(spread, "selection_set", None)
        return inner

    def count_field(self, field: FieldNode, depth: int, spreads: int, times: int) -> None:
        """Count a field and what is below it."""
        self.values += times
        if self.values > MAX_VALUES:
            raise GraphQLError(
                f"The query may give more than {MAX_VALUES} values: ask for shorter pages."
            )
        if field.selection_set:
            times *= self.page_of(field)
            self.count(field.selection_set, depth=depth + 1, spreads=spreads, times=times)

    def page_of(self, field: FieldNode) -> int:
        """Return how many nodes a field may give, 1 for one without pages."""
        for argument in field.arguments or ():
            if argument.name.value == "first":
                return self.number_of(argument.value)
        return 1

    def number_of(self, value: Any) -> int:
        """Return the length of a page as it is asked for."""
        if isinstance(value, IntValueNode):
            return max(1, int(value.value))
        given = self.variables.get(value.name.value) if isinstance(value, VariableNode) else None
        is_number = isinstance(given, int) and not isinstance(given, bool)
        return max(1, given) if is_number and given else DEFAULT_PAGE


def defaults_of(operation: OperationDefinitionNode) -> dict[str, Any]:
    """Return the numbers that an operation says for variables which are not given."""
    return {
        one.variable.name.value: int(one.default_value.value)
        for one in operation.variable_definitions or ()
        if isinstance(one.default_value, IntValueNode)
    }

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
        self.variables = variables
        self.fields = 0
        self.values = 0
        for one in document.definitions:
            if isinstance(one, OperationDefinitionNode):
                self.count(one.selection_set, depth=1, times=1)

    def count(self, chosen: SelectionSetNode, *, depth: int, times: int) -> None:
        """Count what is selected `times` times at a depth."""
        if depth > MAX_DEPTH:
            raise GraphQLError(f"The query is nested more than {MAX_DEPTH} deep.")
        for one in chosen.selections:
            if isinstance(one, FieldNode):
                self.count_field(one, depth, times)
            elif isinstance(one, FragmentSpreadNode):
                # the depth ends a circle
                if fragment := self.fragments.get(one.name.value):
                    self.count(fragment.selection_set, depth=depth + 1, times=times)
            else:
                inner = getattr(one, "selection_set", None)
                if inner is not None:
                    self.count(inner, depth=depth + 1, times=times)

    def count_field(self, field: FieldNode, depth: int, times: int) -> None:
        """Count a field and what is below it."""
        self.fields += 1
        self.values += times
        if self.fields > MAX_FIELDS:
            raise GraphQLError(f"The query asks for more than {MAX_FIELDS} fields.")
        if self.values > MAX_VALUES:
            raise GraphQLError(
                f"The query may give more than {MAX_VALUES} values: ask for shorter pages."
            )
        if field.selection_set:
            self.count(field.selection_set, depth=depth + 1, times=times * self.page_of(field))

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

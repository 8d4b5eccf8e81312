"""What lists share: filters echoed in the words of the real API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marketing_analytics.local_cloud.store.pages import Filter

STATE_WORDS: dict[object, str] = {1: "active", 2: "deleted", None: "all"}


def show_filters(filters: Mapping[str, Filter]) -> dict[str, Any]:
    """Return the filters in force; lists are shown under `name__in`, single values as such."""
    shown: dict[str, Any] = {}
    for name, value in filters.items():
        if isinstance(value, list) and len(value) == 1:
            shown[name] = value[0]
        elif isinstance(value, list):
            shown[f"{name}__in"] = value
        else:
            shown[name] = value
    return {**shown, "state": STATE_WORDS[filters["state"]]}

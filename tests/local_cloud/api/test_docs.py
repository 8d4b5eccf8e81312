"""The page about the local dbt Cloud names every operation that is served, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from marketing_analytics.local_cloud.api.operations import SERVED, read_unbuilt


def test_every_operation_is_described(repository: Path) -> None:
    text = (repository / "docs" / "local-dbt-cloud.md").read_text("utf-8")
    described = set(re.findall(r"^\| `([A-Z]+)` \| `/api/(\S+)/` \| \S", text, re.MULTILINE))
    assert described == {(route.method, route.path) for route in SERVED}
    assert f"{len(SERVED)} operations are served" in text
    assert f"The other {len(read_unbuilt())} of" in text


def test_no_operation_is_both_served_and_unbuilt() -> None:
    def form(path: str) -> str:
        return re.sub(r"\{[^}]*\}", "{}", path)

    served = [(route.method, form(route.path)) for route in SERVED]
    unbuilt = [(route.method, form(route.path)) for route in read_unbuilt()]
    assert len(set(served + unbuilt)) == len(served) + len(unbuilt)

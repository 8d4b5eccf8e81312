"""Which path goes to which handler. Slashes at the end do not matter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from marketing_analytics.local_cloud.api.answers import Answer
from marketing_analytics.local_cloud.api.call import Call

Handler = Callable[[Call], Answer]
MAX_ID_DIGITS = 19


@dataclass(frozen=True)
class Route:
    """A method and a path such as `v2/accounts/{account_id}/jobs/{job_id}`.

    `{name}` is a number, `{name:text}` one part, `{rest}` everything that follows.
    """

    method: str
    path: str
    handler: Handler


@dataclass
class Match:
    """A route that fits a path."""

    route: Route
    ids: dict[str, int] = field(default_factory=dict)
    rest: str = ""


class RouteTable:
    """Routes by number of path parts, version and collection: a look-up compares only a few."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = list(routes)
        self._closed: dict[tuple[int, str, str], list[tuple[Route, list[str]]]] = {}
        self._open: list[tuple[Route, list[str]]] = []
        for route in self.routes:
            parts = route.path.split("/")
            if parts[-1] == "{rest}":
                self._open.append((route, parts[:-1]))
            else:
                self._closed.setdefault(place_of(parts), []).append((route, parts))

    def matches(self, path: str) -> list[Match]:
        """Return every route whose path fits, whatever its method."""
        parts = path.strip("/").split("/")
        length, version, collection = place_of(parts)
        found = []
        for place in {(length, version, collection), (length, version, "")}:
            for route, expected in self._closed.get(place, ()):
                match = fit(route, expected, parts)
                if match:
                    found.append(match)
        return found or self.open_matches(parts)

    def open_matches(self, parts: list[str]) -> list[Match]:
        """Return the routes that take everything that follows."""
        found = []
        for route, expected in self._open:
            if len(parts) > len(expected):
                match = fit(route, expected, parts[: len(expected)])
                if match:
                    match.rest = "/".join(parts[len(expected) :])
                    found.append(match)
        return found


def place_of(parts: list[str]) -> tuple[int, str, str]:
    """Return where routes of this form are kept: length, `v2`, `jobs` (empty for a variable)."""
    collection = parts[3] if len(parts) > 3 else ""
    return len(parts), parts[0], "" if collection.startswith("{") else collection


def fit(route: Route, expected: list[str], parts: list[str]) -> Match | None:
    """Return the match of one route, or None."""
    ids: dict[str, int] = {}
    for name, part in zip(expected, parts, strict=True):
        if name == part:
            continue
        if not name.startswith("{"):
            return None
        if name.endswith(":text}"):
            continue
        if not part.isascii() or not part.isdigit():
            return None
        # more digits than any id has: a number all the same, of nothing
        ids[name[1:-1]] = int(part) if len(part) <= MAX_ID_DIGITS else 10**MAX_ID_DIGITS
    return Match(route, ids)

"""Hold back an answer that has far fewer rows than what it would replace.

A platform that answers with nothing looks like one on which nothing happened. So the rows that
are loaded stay until the next read says the same, or a person accepts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from marketing_analytics.ingest.engine.tables import DoubtfulError, Part, Table

# what platforms take back is a row or a day; what goes wrong is most of the rows
MOST_LOST_SHARE = 0.5
# of so few rows a share says nothing
FEW_ROWS = 20


class ShrunkError(DoubtfulError):
    """An answer is far smaller than what is loaded."""


@dataclass
class Guard:
    """What is loaded, by table and part, and the smaller counts that an earlier read saw.

    `held` is part of a source's state: table, part in words, rows seen.
    """

    loaded: Mapping[str, Mapping[Part, int]] = field(default_factory=dict)
    is_accepting: bool = False

    def has(self, table: Table, parts: Iterable[Part]) -> bool:
        """Return whether rows of any of these parts are loaded."""
        loaded = self.loaded.get(table.name, {})
        return any(part in loaded for part in parts)

    def check(
        self,
        table: Table,
        parts: Iterable[Part],
        found: Mapping[Part, int],
        held: dict[str, dict[str, int]],
    ) -> None:
        """Raise ShrunkError when the rows of some parts shrank too much for the first time."""
        loaded = self.loaded.get(table.name, {})
        before = {part: loaded[part] for part in parts if part in loaded}
        now = {part: found.get(part, 0) for part in before}
        total, left = sum(before.values()), sum(now.values())
        shrunk = {words_of(part): now[part] for part in before if now[part] < before[part]}
        seen = held.get(table.name, {})
        is_small = total < FEW_ROWS or total - left <= MOST_LOST_SHARE * total
        if is_small or self.is_accepting or all(seen.get(k) == n for k, n in shrunk.items()):
            for words in map(words_of, before):
                seen.pop(words, None)
            return
        held.setdefault(table.name, {}).update(shrunk)
        raise ShrunkError(
            f"{table.name} of {span_of(before)} came with {left:,} rows instead of {total:,}; "
            "the old ones stay",
            hint="run again: a second answer like this is believed; or pass --accept-shrinkage",
        )


def words_of(part: Part) -> str:
    """Return a part as text, for the state."""
    return " ".join(map(str, part))


def span_of(parts: Iterable[Part]) -> str:
    """Return the first and the last part in words."""
    ordered = sorted(map(words_of, parts))
    if ordered == [""]:
        return "the whole table"
    return ordered[0] if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}"

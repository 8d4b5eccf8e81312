"""What tells of a person in bytes: identifiers and names, as they are and plainly hashed."""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from marketing_analytics.ingest.engine.persons import normal

# shorter ones are found everywhere and prove nothing
LEAST_BYTES = 6
# what is looked at in one go
CHUNK_BYTES = 1 << 22
HASHES = ("md5", "sha1", "sha256")
WORD = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789_")


@dataclass(frozen=True)
class Mark:
    """Bytes in small letters, what they are of a person, and whether they count as a word only."""

    pattern: bytes
    kind: str
    is_word: bool = False


def marks_of(kind: str, value: str, *, is_word: bool = False) -> list[Mark]:
    """Return the marks of a value: as it is, as it is compared, in addresses, and hashed."""
    texts = {value, normal(kind, value), value.strip().lower()}
    if kind == "phone":
        texts |= {f"+{normal(kind, value)}"}
    found: dict[bytes, Mark] = {}
    for text in sorted(texts):
        plain = text.encode()
        written = {plain, quote(text, safe="").encode()}
        encoded = {hashlib.new(name, plain, usedforsecurity=False).hexdigest() for name in HASHES}
        encoded.add(base64.b64encode(plain).decode().rstrip("="))
        for pattern in written:
            found[pattern.lower()] = Mark(pattern.lower(), kind, is_word)
        for hashed in encoded:
            pattern = hashed.lower().encode()
            found.setdefault(pattern, Mark(pattern, f"{kind}, encoded or hashed"))
    return [mark for mark in found.values() if len(mark.pattern) >= LEAST_BYTES]


@dataclass(frozen=True)
class Search:
    """Finds many marks in bytes at once."""

    marks: tuple[Mark, ...]

    @cached_property
    def _by_start(self) -> dict[int, list[Mark]]:
        found = defaultdict(list)
        for mark in self.marks:
            found[int.from_bytes(mark.pattern[:LEAST_BYTES], "little")].append(mark)
        return dict(found)

    @cached_property
    def _starts(self) -> Any:
        """Return the first six bytes of all marks, and which pairs of bytes begin one."""
        import numpy as np

        starts = np.array(sorted(self._by_start), np.uint64)
        pairs = np.zeros(1 << 16, np.bool_)
        pairs[(starts & np.uint64(0xFFFF)).astype(np.int64)] = True
        return starts, pairs

    def found_in(self, data: bytes) -> Iterator[tuple[int, Mark]]:
        """Yield the place of every mark in some bytes."""
        overlap = max((len(mark.pattern) for mark in self.marks), default=0) + 1
        for begin in range(0, len(data), CHUNK_BYTES):
            first = max(0, begin - 1)
            chunk = data[first : begin + CHUNK_BYTES + overlap].lower()
            for place, mark in self._found_in_chunk(chunk):
                if begin <= first + place < begin + CHUNK_BYTES:
                    yield first + place, mark

    def _found_in_chunk(self, chunk: bytes) -> Iterator[tuple[int, Mark]]:
        import numpy as np

        if len(chunk) < LEAST_BYTES or not self.marks:
            return
        starts, pairs = self._starts
        each = np.frombuffer(chunk, np.uint8)
        last = len(each) - LEAST_BYTES + 1
        low = each[:last].astype(np.uint16) | (each[1 : last + 1].astype(np.uint16) << 8)
        places = np.flatnonzero(pairs[low])
        begun = np.zeros(len(places), np.uint64)
        for offset in range(LEAST_BYTES):
            begun |= each[places + offset].astype(np.uint64) << np.uint64(8 * offset)
        nearest = np.minimum(np.searchsorted(starts, begun), len(starts) - 1)
        for place in places[starts[nearest] == begun].tolist():
            start = int.from_bytes(chunk[place : place + LEAST_BYTES], "little")
            for mark in self._by_start[start]:
                if chunk.startswith(mark.pattern, place) and stands(chunk, place, mark):
                    yield place, mark

    def among(self, values: Sequence[str]) -> dict[str, Mark]:
        """Return those of some values that hold a mark, with one of their marks."""
        import numpy as np

        # no mark begins in one value and ends in the next
        encoded = [f"{value}\n".encode() for value in values]
        ends = np.cumsum([len(value) for value in encoded])
        found: dict[str, Mark] = {}
        for place, mark in self.found_in(b"".join(encoded)):
            index = int(np.searchsorted(ends, place, side="right"))
            found.setdefault(values[index], mark)
        return found


def stands(chunk: bytes, place: int, mark: Mark) -> bool:
    """Return whether what was found counts: of a word only what is one by itself."""
    if not mark.is_word:
        return True
    end = place + len(mark.pattern)
    before = chunk[place - 1] if place else 0
    after = chunk[end] if end < len(chunk) else 0
    return before not in WORD and after not in WORD


def search_of(marks: Iterable[Mark]) -> Search:
    """Return the search for some marks, each once."""
    return Search(tuple({mark.pattern: mark for mark in marks}.values()))

"""Windows into step logs: read by byte range, so that a log of any size costs the same.

An index remembers the byte offset of every 512th line and grows with the file.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from marketing_analytics.core.plain_files import open_plain, read_plain
from marketing_analytics.core.redaction import redact
from marketing_analytics.local_cloud.pages.logs.ansi import Piece, pieces_of, plain

STRIDE_LINES = 512
CHUNK_BYTES = 1 << 20
MAX_WINDOW_LINES = 1_000
MAX_WINDOW_BYTES = 512 * 1024
MAX_MATCHES = 1_000
KEPT_INDEXES = 64
MAX_READ_BYTES = 16 * 1024  # of one line

# words of dbt's text and json logs; a summary like `ERROR=0` is not an error
# each way begins with a literal, which makes the search ten times faster; a word may follow a
# colour code, whose last letter is no word boundary
ERROR_LINE = re.compile(
    rb"\[error *\]"
    rb"|ERROR(?:(?<!\wERROR)|(?<=\dmERROR))\b(?!=)"
    rb"|FAIL(?:(?<!\wFAIL)|(?<=\dmFAIL))(?:ED)?\b(?!=)"
    rb"|Error(?= in |:|$)|Failure in |Traceback \(most recent",
    re.MULTILINE,
)
ERROR_WORDS = (b"ERROR", b"FAIL", b"Error", b"[error", b"Failure in ", b"Traceback (")
WARN_LINE = re.compile(rb"\[warn *\]|WARN(?:(?<!\wWARN)|(?<=\dmWARN))(?:ING)?\b(?!=)")
DEBUG_LINE = re.compile(rb"\[debug *\]|^\S* *DEBUG\b")


@dataclass
class Line:
    """One line: its number from 1, its level and its coloured pieces."""

    number: int
    level: str
    pieces: list[Piece]


@dataclass
class Window:
    """Some lines of a log and what is known of the whole."""

    lines: list[Line] = field(default_factory=list)
    total_lines: int = 0
    size_bytes: int = 0
    first_error: int | None = None
    matches: int | None = None
    has_more: bool = False


def level_of(line: bytes) -> str:
    """Return `error`, `warn`, `debug` or `info`."""
    if ERROR_LINE.search(line):
        return "error"
    if WARN_LINE.search(line):
        return "warn"
    return "debug" if DEBUG_LINE.search(line) else "info"


class LogIndex:
    """Line offsets of one growing file; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._reset()

    def _reset(self) -> None:
        self.offsets = [0]
        self.full_lines = 0
        self.indexed_bytes = 0
        self.size_bytes = 0
        self.first_error: int | None = None

    @property
    def total_lines(self) -> int:
        """Return the number of lines, an unfinished last one included."""
        return self.full_lines + (self.size_bytes > self.indexed_bytes)

    def refresh(self) -> None:
        """Read what was appended since the last look; start over when the file was replaced."""
        with self._lock:
            size = self.path.stat().st_size
            if size < self.size_bytes:
                self._reset()
            if size > self.indexed_bytes:
                self._extend(size)
            self.size_bytes = size

    def _extend(self, size: int) -> None:
        with open_plain(self.path) as file:
            file.seek(self.indexed_bytes)
            rest = b""
            while self.indexed_bytes + len(rest) < size:
                chunk = file.read(min(CHUNK_BYTES, size - self.indexed_bytes - len(rest)))
                if not chunk:
                    break
                end = chunk.rfind(b"\n") + 1
                if end:
                    self._add(rest + chunk[:end])
                    rest = chunk[end:]
                else:
                    rest += chunk

    def _add(self, block: bytes) -> None:
        if self.first_error is None:
            match = first_error_in(block)
            if match is not None:
                self.first_error = self.full_lines + block.count(b"\n", 0, match) + 1
        # where each line ends; the piece after the last line break is empty
        ends = list(accumulate(len(line) + 1 for line in block.split(b"\n")[:-1]))
        first = STRIDE_LINES - self.full_lines % STRIDE_LINES
        base = self.indexed_bytes
        self.offsets += [base + end for end in ends[first - 1 :: STRIDE_LINES]]
        self.full_lines += len(ends)
        self.indexed_bytes += len(block)

    def offset_before(self, line: int) -> tuple[int, int]:
        """Return (line from 0, byte offset) of the nearest remembered line at or before `line`."""
        place = min(line // STRIDE_LINES, len(self.offsets) - 1)
        return place * STRIDE_LINES, self.offsets[place]


def first_error_in(block: bytes) -> int | None:
    """Return where the first error of a block is, or None."""
    # looking for plain words first is thirty times faster, and most blocks hold none
    if not any(word in block for word in ERROR_WORDS):
        return None
    match = ERROR_LINE.search(block)
    return match.start() if match else None


class LogReader:
    """Reads windows, matches and whole logs; keeps the indexes of recently read files."""

    def __init__(self) -> None:
        self._indexes: OrderedDict[Path, LogIndex] = OrderedDict()
        self._lock = threading.Lock()

    def _index(self, path: Path) -> LogIndex:
        with self._lock:
            index = self._indexes.pop(path, None) or LogIndex(path)
            self._indexes[path] = index
            while len(self._indexes) > KEPT_INDEXES:
                self._indexes.popitem(last=False)
        index.refresh()
        return index

    def window(self, path: Path, first: int, count: int, secrets: Iterable[str] = ()) -> Window:
        """Return up to `count` lines from line `first` (from 1; negative counts from the end)."""
        if not path.is_file():
            return Window()
        index = self._index(path)
        start = max(0, index.total_lines + first if first < 0 else first - 1)
        wanted = min(count, MAX_WINDOW_LINES)
        raw = list(lines_from(path, index, start, wanted))
        lines = [line_of(start + place + 1, text, secrets) for place, text in enumerate(raw)]
        return Window(
            lines=lines,
            total_lines=index.total_lines,
            size_bytes=index.size_bytes,
            first_error=index.first_error,
            has_more=start + len(lines) < index.total_lines,
        )

    def matching(self, path: Path, text: str, level: str, secrets: Iterable[str] = ()) -> Window:
        """Return the lines that contain `text` (any case) and have at least this level."""
        if not path.is_file():
            return Window()
        index = self._index(path)
        found = Window(
            total_lines=index.total_lines,
            size_bytes=index.size_bytes,
            first_error=index.first_error,
            matches=0,
        )
        for number, raw in enumerate(read_lines(path, 0), start=1):
            line = line_if_matching(number, raw, text.lower(), level, secrets)
            if line is None:
                continue
            if len(found.lines) >= MAX_MATCHES:
                found.has_more = True
                break
            found.lines.append(line)
        found.matches = len(found.lines)
        return found

    def error_places(self, path: Path, names: Collection[str]) -> dict[str, int]:
        """Return the first line that tells an error of each of these names; others are left out."""
        try:
            # logs are capped when they are written
            data = read_plain(path) if names else b""
        except OSError:
            return {}
        places = ((name, error_place(data, name.encode())) for name in names)
        return {
            name: data.count(b"\n", 0, place) + 1 for name, place in places if place is not None
        }

    def stream(self, path: Path, secrets: Iterable[str] = ()) -> Iterator[bytes]:
        """Yield the whole log in blocks of lines, known secrets masked."""
        known = list(secrets)
        block: list[str] = []
        size = 0
        for raw in read_lines(path, 0):
            block.append(raw.decode("utf-8", "replace"))
            size += len(raw)
            if size >= CHUNK_BYTES:
                yield redact("\n".join(block) + "\n", known).encode()
                block, size = [], 0
        if block:
            yield redact("\n".join(block) + "\n", known).encode()


def error_place(data: bytes, name: bytes) -> int | None:
    """Return where a log names something in a line that tells an error, or None."""
    for match in re.finditer(rb"(?<!\w)" + re.escape(name) + rb"(?!\w)", data):
        start = data.rfind(b"\n", 0, match.start()) + 1
        end = data.find(b"\n", match.end())
        if level_of(data[start : end if end >= 0 else len(data)]) == "error":
            return start
    return None


def is_wanted_level(level: str, floor: str) -> bool:
    """Return whether a line's level passes the filter; `info` hides debug lines."""
    order = ("debug", "info", "warn", "error")
    return floor not in order or order.index(level) >= order.index(floor)


def line_if_matching(
    number: int, raw: bytes, text: str, level: str, secrets: Iterable[str]
) -> Line | None:
    """Return a line that has the text and the level, or None."""
    if level and not is_wanted_level(level_of(raw), level):
        return None
    if text:
        shown = redact(plain(raw.decode("utf-8", "replace")), secrets)
        if text not in shown.lower():
            return None
    return line_of(number, raw, secrets)


def lines_from(path: Path, index: LogIndex, start: int, count: int) -> Iterator[bytes]:
    """Yield up to `count` lines from line `start` (from 0), and not many more bytes than fit."""
    known, offset = index.offset_before(start)
    size = 0
    for place, line in enumerate(read_lines(path, offset), start=known):
        if place < start:
            continue
        # at least one line, however long, so that a reader always gets on
        if place >= start + count or size > MAX_WINDOW_BYTES:
            return
        size += min(len(line), 4 * 4_000)
        yield line


def read_lines(path: Path, offset: int) -> Iterator[bytes]:
    """Yield the lines of a file from a byte offset on."""
    with open_plain(path) as file:
        file.seek(offset)
        for line in file:
            yield line.rstrip(b"\r\n")


def line_of(number: int, raw: bytes, secrets: Iterable[str]) -> Line:
    """Return a line as shown, known secrets masked."""
    # masked before it is cut for show, so that no part of a secret stays at the edge
    shown = raw[:MAX_READ_BYTES]
    text = redact(shown.decode("utf-8", "replace"), secrets)
    return Line(number, level_of(shown), pieces_of(text, unread=len(raw) - len(shown)))

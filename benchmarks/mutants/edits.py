"""Where a line of SQL can be made wrong, and how: edits of a model's or macro's text, by kind.

At the level of text, so that Jinja stays as it is. What an edit cannot see (is it still SQL, does
it change what is compiled) is found out when dbt builds it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Edit:
    """One change of a text: what stands from `start` to `end` becomes `after`."""

    kind: str
    start: int
    end: int
    after: str

    def apply(self, text: str) -> str:
        """Return the text with the change."""
        return text[: self.start] + self.after + text[self.end :]


# comments, statements of Jinja, and texts of one line outside of its expressions
HIDDEN = re.compile(r"\{#.*?#\}|\{%.*?%\}|--[^\n]*", re.DOTALL)
EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
TEXT = re.compile(r"'[^'\n]*'")

# pattern -> replacement; each match is a site
SWAPS: dict[str, list[tuple[str, str]]] = {
    "operator": [
        (r"(?<= )<=(?= |\n)", "<"),
        (r"(?<= )<(?= |\n)", "<="),
        (r"(?<= )>=(?= |\n)", ">"),
        (r"(?<= )>(?= |\n)", ">="),
        (r"(?<= )(?:<>|!=)(?= |\n)", "="),
        (r"(?<= )=(?= |\n)", "<>"),
        (r"(?<= )\+(?= |\n)", "-"),
        (r"(?<=[\w)'} ] )-(?= )", "+"),
        (r"(?<=[\w)'} ] )(?<!select )\*(?= )", "/"),
        (r"(?<= )/(?= )", "*"),
        (r"(?<= )is not null\b", "is null"),
        (r"(?<= )is null\b", "is not null"),
        (r"\bnot (?!null|in\b|like\b|exists\b|between\b)", ""),
        (r"\bnot in\b", "in"),
        (r"\bor\b", "and"),
        (r"(?<!preceding )\band\b(?! current)", "or"),
    ],
    "join": [
        (r"\bleft join\b", "inner join"),
        (r"\binner join\b", "left join"),
    ],
    "window": [
        (r"\blead\(", "lag("),
        (r"\blag\(", "lead("),
        (r"\bfirst_value\(", "last_value("),
        (r"\bcume_dist\(", "percent_rank("),
        (r"\brows between unbounded preceding\b", "rows between 1 preceding"),
    ],
    "aggregate": [
        (r"\bsum\(", "max("),
        (r"\bmax\(", "min("),
        (r"\bmin\(", "max("),
        (r"\bmin_by\(", "max_by("),
        (r"\bmax_by\(", "min_by("),
        (r"\bcount\(\*\)", "count(distinct 1)"),
        (r"\bcount\((?!\*|distinct)", "count(distinct "),
        (r"\bcount\(distinct ", "count("),
        (r"\bselect distinct\b", "select"),
    ],
    "rounding": [
        # fewer digits of no value are none
        (r"(?<=decimal\(18, )(?<!null as decimal\(18, )2(?=\))", "1"),
        (r"(?<=decimal\(18, )(?<!null as decimal\(18, )[46](?=\))", "2"),
        (r"(?<=decimal\(18, )12(?=\))", "6"),
        (r"\bfloor\(", "ceil("),
        (r"\bceil\(", "floor("),
        (r"\bround\(", "floor("),
        (r"(?<=', )4(?=\) \}\})", "2"),
        (r"\blower\(", "upper("),
        (r"\bleast\(", "greatest("),
        (r"\bgreatest\(", "least("),
        (r"\babs\(", "("),
    ],
}
NUMBER = re.compile(r"(?<![\w.'%:])\d+(?![\w.'%])")
TYPE = re.compile(r"(?:decimal\(|type_decimal\(|timestamp\()[\d, ]*$")
# which number stands for what is counted is the same
COUNTED = re.compile(
    r"\bcount\(\s*case\s+when\b(?:(?!\bthen\b|\bend\b).)*\bthen (\d+)\s+end\s*\)", re.DOTALL
)
CLAUSE_END = re.compile(r"\n[ \t]*\n|\n\s*(?:group by|having|order by|qualify)\b|\n?[ \t]*\{%|\Z")


def edits(text: str) -> list[Edit]:
    """Return every way in which the text can be made wrong."""
    shown = HIDDEN.sub(_blank, text)
    plain = _without_texts(shown)
    ways: tuple[Callable[[str, str], Iterator[Edit]], ...] = (
        _swaps, _filters, _windows, _defaults, _cases, _constants,
    )  # fmt: skip
    found = {edit for way in ways for edit in way(shown, plain)}
    return sorted(found, key=lambda edit: (edit.start, edit.end, edit.after, edit.kind))


def _blank(match: re.Match[str]) -> str:
    """Return as many blanks, and the line breaks."""
    return re.sub(r"[^\n]", " ", match[0])


def _without_texts(shown: str) -> str:
    """Blank the texts outside of Jinja's expressions: what stands there is data, not SQL."""
    inside = [match.span() for match in EXPRESSION.finditer(shown)]

    def blank(match: re.Match[str]) -> str:
        is_code = any(start <= match.start() < end for start, end in inside)
        return match[0] if is_code else "'" + " " * (len(match[0]) - 2) + "'"

    return TEXT.sub(blank, shown)


def _swaps(_: str, plain: str) -> Iterator[Edit]:
    """Take one word or sign for another."""
    for kind, pairs in SWAPS.items():
        for pattern, after in pairs:
            for match in re.finditer(pattern, plain):
                if after != "or" or not _is_between(plain, match.start()):
                    yield Edit(kind, *match.span(), after)


def _is_between(plain: str, start: int) -> bool:
    """Tell the `and` of `between` from the one that joins conditions."""
    return re.search(r"\bbetween [^\n]*$", plain[:start]) is not None


def _filters(shown: str, plain: str) -> Iterator[Edit]:
    """Drop or negate filters, drop conditions."""
    for match in re.finditer(r"\b(?:where|having)\s", plain):
        end = CLAUSE_END.search(plain, match.end())
        condition = shown[match.end() : end.start() if end else None].rstrip()
        if condition and condition.count("(") == condition.count(")"):
            span = match.end(), match.end() + len(condition)
            yield Edit("filter", *span, "1 = 1")
            yield Edit("filter", *span, f"not ({condition})")
    for match in re.finditer(r"\n[ \t]*and [^\n]*", plain):
        if match[0].count("(") == match[0].count(")"):
            yield Edit("filter", *match.span(), "")


def _windows(shown: str, plain: str) -> Iterator[Edit]:
    """Turn windows around, or take another partition."""
    for match in re.finditer(r"\bover \(", plain):
        end = _closing(plain, match.end())
        yield from _order(shown, plain, match.end(), end)
        part = re.search(r"\bpartition by\s+", plain[match.end() : end])
        if part:
            start = match.end() + part.end()
            stop = re.search(r"\s*(?:\border by\b|\Z)", plain[start:end])
            keys = _parts(plain, start, start + (stop.start() if stop else 0))
            first, last = keys[0], keys[-1]
            if len(keys) == 1:
                yield Edit("window", *first, "1")
            else:
                yield Edit("window", keys[-2][1], last[1], "")


def _order(shown: str, plain: str, begin: int, end: int) -> Iterator[Edit]:
    """Turn the first key of an order around."""
    order = re.search(r"\border by\s+", plain[begin:end])
    if not order:
        return
    start = begin + order.end()
    stop = re.search(r"\s*(?:\brows\b|\Z)", plain[start:end])
    keys = _parts(plain, start, start + (stop.start() if stop else 0))
    first = shown[keys[0][0] : keys[0][1]]
    word = re.sub(r"\s+(?:asc|desc)$", "", first)
    yield Edit("window", *keys[0], word if first.endswith(" desc") else f"{word} desc")


def _defaults(shown: str, plain: str) -> Iterator[Edit]:
    """Take another default where a value is missing, or none."""
    for match in re.finditer(r"\bcoalesce\(", plain):
        end = _closing(plain, match.end())
        spans = _parts(plain, match.end(), end)
        values = [shown[start:stop] for start, stop in spans]
        if len(values) < 2:
            continue
        other = _other_literal(values[-1])
        if other:
            yield Edit("default", *spans[-1], other)
        else:
            yield Edit("default", spans[0][0], spans[1][1], f"{values[1]}, {values[0]}")
        yield Edit("default", match.start(), end + 1, f"({values[0]})")


def _other_literal(value: str) -> str | None:
    """Return another value of a number, a text or a boolean as it is written."""
    if value.isdigit():
        return str(int(value) + 1)
    if re.fullmatch(r"'[^']*'", value):
        return value[:-1] + "x'"
    return {"true": "false", "false": "true"}.get(value)


def _cases(shown: str, plain: str) -> Iterator[Edit]:
    """Let two branches change their results; drop the first one."""
    for match in re.finditer(r"\bcase\b", plain):
        marks = _branches(plain, match.end())
        results = [(start, stop) for word, start, stop in marks if word in {"then", "else"}]
        values = [shown[start:stop].strip() for start, stop in results]
        for (one, two), (a, b) in zip(pairwise(results), pairwise(values), strict=True):
            between = shown[one[1] : two[0]]
            yield Edit("case", one[0], two[1], f" {b} {between.strip()} {a} ")
        whens = [start for word, start, _ in marks if word == "when"]
        if len(whens) > 1:
            yield Edit("case", whens[0], whens[1], " ")


def _branches(plain: str, begin: int) -> list[tuple[str, int, int]]:
    """Return the words of a case with the span of what follows each, up to its end."""
    depth, words = 0, []
    for match in re.finditer(r"\b(case|end|when|then|else)\b", plain[begin:]):
        word = match[1]
        if depth == 0 and word != "case":
            words.append((word, begin + match.start(), begin + match.end()))
            if word == "end":
                break
        depth += {"case": 1, "end": -1}.get(word, 0)
    return [(word, stop, after) for (word, _, stop), (_, after, _) in pairwise(words)]


def _constants(shown: str, plain: str) -> Iterator[Edit]:
    """Make numbers one higher, texts one letter longer."""
    counted = {match.start(1) for match in COUNTED.finditer(plain)}
    for match in NUMBER.finditer(plain):
        if not TYPE.search(plain[: match.start()]) and match.start() not in counted:
            yield Edit("constant", *match.span(), str(int(match[0]) + 1))
    for match in TEXT.finditer(shown):
        if plain[match.start() : match.end()].strip(" '") == "" and match[0].strip("' "):
            yield Edit("constant", *match.span(), match[0][:-1] + "x'")


def _closing(plain: str, begin: int) -> int:
    """Return where the bracket closes that was opened before `begin`."""
    depth = 1
    for place in range(begin, len(plain)):
        depth += {"(": 1, ")": -1}.get(plain[place], 0)
        if depth == 0:
            return place
    return len(plain)


def _parts(plain: str, begin: int, end: int) -> list[tuple[int, int]]:
    """Return the spans of what stands between commas, brackets left whole."""
    cuts, depth = [begin - 1], 0
    for place in range(begin, end):
        depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(plain[place], 0)
        if depth == 0 and plain[place] == ",":
            cuts.append(place)
    cuts.append(end)
    spans = []
    for start, stop in pairwise(cuts):
        part = plain[start + 1 : stop]
        left = len(part) - len(part.lstrip())
        spans.append((start + 1 + left, start + 1 + len(part.rstrip())))
    return spans

"""Keep secrets out of everything that is printed, logged, stored or served."""

from __future__ import annotations

import difflib
import functools
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote, unquote

MASK = "**********"
WORDS = "token|secret|password|passwd|api_?key|credential|private_?key"
SECRET_NAME = re.compile(rf"({WORDS})", re.IGNORECASE)
# a value given by name, as in `--vars '{password: ...}'`; flags, short numbers, templates are none
GIVEN = re.compile(
    rf"(?:{WORDS})[\w-]{{0,40}}['\"]?\s{{0,9}}[:=]\s{{0,9}}['\"]?"
    r"(?!true\b|false\b|\d{1,5}(?![\w.-])|[\s'\"{},])",
    re.IGNORECASE,
)
# what is a secret wherever it stands; group 1 and 2 stay. No job file may hold one. Beside each is
# what a text must have, in lower case, to match: to look for that costs a tenth
SHAPES = tuple(
    (tuple(words.split()), re.compile(shape))
    for words, shape in (
        (
            "-----begin",
            r"()-----BEGIN [A-Z ]*PRIVATE KEY(?:-----[A-Za-z0-9+/=\s]*)?()",
        ),
        (
            "dbtc_ dbtu_ glpat- ghp_ gho_ ghu_ ghs_ ghr_ xox sk- akia",
            r"()\b(?:dbt[cu]_|glpat-|gh[pousr]_|xox[baprs]-|sk-|AKIA)[A-Za-z0-9_-]{12,}()",
        ),
        ("eyj", r"()\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*()"),
        ("bearer", r"(?i)(\bbearer\s+)[A-Za-z0-9._~+/=-]{16,}()"),
        (
            "token= key= secret= sig=",
            r"(?i)([?&](?:access_token|token|key|api_key|client_secret|sig)=)[^&\s\"']+()",
        ),
        # it starts at `://`: a scheme in front would cost the square of a long line's length
        # what stands in pointed brackets is an example
        ("://", r"(://[^/\s:@]*:)(?!<\w+>@)[^@/\s]+(@)"),
    )
)
# prose has these words too, so that they are masked but not refused
HEADER = (
    ("bearer", "token", "basic"),
    re.compile(r"(?i)(\b(?:bearer|token|basic)\s+)[A-Za-z0-9._~+/=-]{8,}()"),
)
# the password of an address; an error of a driver may tell it alone
PASSWORD = re.compile(r"://[^/\s:@]*:([^@/\s]+)@")
# shorter ones are words, such as true, that stand in every log
MIN_SECRET_LENGTH = 6
# secrets that came from a file, not from the environment
read_secrets: set[str] = set()


def is_secret_name(name: str) -> bool:
    """Return whether a setting of this name holds a secret."""
    return bool(SECRET_NAME.search(name)) or name.startswith("DBT_ENV_SECRET")


@functools.lru_cache(4096)
def is_meant_secret(name: str) -> bool:
    """Return whether a name is one of a secret, or one with a slip in it, such as `dbt_tokn`."""
    known = [word for word in WORDS.split("|") if "?" not in word]
    parts = re.split(r"[_-]", name.lower())
    return is_secret_name(name) or any(
        difflib.get_close_matches(part, known, n=1, cutoff=0.85) for part in parts
    )


def gives_secret(text: str) -> bool:
    """Return whether a text gives a value to something that is a secret by its name."""
    return bool(GIVEN.search(text))


def is_masked(name: str) -> bool:
    """Return whether the value of a setting is not shown.

    Every key is masked; a job file may hold one, such as DBT_SURROGATE_KEY, that is no secret.
    """
    return is_secret_name(name) or name.upper().endswith("_KEY")


def remember(secret: str) -> None:
    """Keep a secret that was read from a file out of what this process prints from now on."""
    read_secrets.add(secret)


def secrets_of(environment: Mapping[str, str] | None = None) -> list[str]:
    """Return the values of the secret settings in an environment, longest first.

    Without one it is the environment of this process, and the secrets that it read from files.
    """
    source = os.environ if environment is None else environment
    settings = list(source.items())
    if environment is None:
        settings += [("SECRET", value) for value in read_secrets]
    return masked_values(settings)


def masked_values(settings: Iterable[tuple[str, str]]) -> list[str]:
    """Return the values that are masked wherever they stand, longest first.

    They are those of secrets by their names, and the passwords in addresses; each line of one that
    has several, and each as Python, JSON and an address tell it.
    """
    return list(values_of(tuple(settings)))


# whatever is printed asks for them, line by line
@functools.lru_cache(8)
def values_of(settings: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """Return what `masked_values` does."""
    plain: set[str] = set()
    for name, value in settings:
        plain |= {value} if is_masked(name) else passwords_in(value)
    values = {form for value in plain for form in forms_of(value)}
    long = (value for value in values if len(value) >= MIN_SECRET_LENGTH)
    return tuple(sorted(long, key=len, reverse=True))


def forms_of(secret: str) -> set[str]:
    """Return how a secret may stand in a text: whole, by line, printed, and escaped."""
    if len(secret) < MIN_SECRET_LENGTH:
        return {secret}
    lines = {line.strip() for line in secret.splitlines()}
    printed = printed_forms(secret)
    # a log tells as JSON what Python printed
    escaped = {
        json.dumps(form, ensure_ascii=is_ascii)[1:-1]
        for form in (secret, *printed)
        for is_ascii in (True, False)
    }
    return {secret, quote(secret, safe="", errors="surrogateescape")} | lines | printed | escaped


def printed_forms(secret: str) -> set[str]:
    """Return how Python prints a text by `repr` and `ascii`, and its bytes.

    Which quotes are escaped is up to the whole text in which it stands.
    """
    encoded = secret.encode("utf-8", "surrogateescape")
    printed = {
        "".join(repr(character)[1:-1] for character in secret),
        "".join(ascii(character)[1:-1] for character in secret),
        "".join(repr(bytes([byte]))[2:-1] for byte in encoded),
    }
    printed |= {form.replace("'", "\\'") for form in printed}
    return printed | {form.replace('"', '\\"') for form in printed}


def passwords_in(text: str) -> set[str]:
    """Return the passwords of the addresses in a text, as written and as meant."""
    written = set(PASSWORD.findall(text))
    return written | {unquote(password) for password in written}


def has_secret(text: str) -> bool:
    """Return whether a part of the text has the shape of a secret."""
    return any(shape.search(text) for shape in shapes_in(text))


def starred(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` with a star for every character of a secret, so that columns stay."""
    for secret in secrets:
        text = text.replace(secret, "*" * len(secret))
    for shape in shapes_in(text):
        text = shape.sub(with_stars, text)
    return text


def with_stars(match: re.Match[str]) -> str:
    """Return stars between the two groups of a shape."""
    return f"{match[1]}{'*' * (match.start(2) - match.end(1))}{match[2]}"


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` with known secret values and secret-shaped parts masked."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, MASK)
    for shape in shapes_in(text, (*SHAPES, HEADER)):
        text = shape.sub(rf"\1{MASK}\2", text)
    return text


def redact_lines(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text with each of its lines masked, as `redact` does it.

    Few texts have anything to mask, and to see that of all lines at once costs a fifth.
    """
    wanted = [secret for secret in secrets if secret]
    if not any(secret in text for secret in wanted) and not shapes_in(text, (*SHAPES, HEADER)):
        return text
    return "\n".join(redact(line, wanted) for line in text.split("\n"))


def shapes_in(
    text: str, shapes: Iterable[tuple[Sequence[str], re.Pattern[str]]] = SHAPES
) -> list[re.Pattern[str]]:
    """Return the shapes that a part of the text may have; of most texts none."""
    folded = text.casefold()
    return [shape for words, shape in shapes if any(word in folded for word in words)]

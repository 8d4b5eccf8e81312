"""Recognise secrets, which have no place in a job file."""

from __future__ import annotations

import re

from marketing_analytics.core.errors import FileError
from marketing_analytics.core.redaction import is_secret_name

_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\b(?:dbt[cu]_|glpat-|gh[pousr]_|xox[baprs]-|sk-|AKIA)[A-Za-z0-9_-]{12,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\."
    r"|\b[Bb]earer [A-Za-z0-9._~+/=-]{16,}"
    r"|\w[\w+.-]*://[^/\s:@]*:[^@/\s]+@"
)
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')


def secret_reason(name: str, text: str) -> str:
    """Return why a name or a text looks like a secret, or an empty text."""
    if name and is_secret_name(name):
        return "its name"
    return "its form" if text and _SHAPES.search(text) else ""


def without_texts(error: FileError) -> FileError:
    """Return an error whose source line shows stars in place of texts: logs are read by many."""
    error.source = _TEXT.sub(lambda match: f'"{"*" * (len(match[0]) - 2)}"', error.source)
    return error

"""Show what cannot be seen: control and direction characters, which could rewrite a terminal."""

from __future__ import annotations

import re

UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """Return the text with control and direction characters shown as signs."""
    return UNSAFE.sub(sign, text)


def sign(match: re.Match[str]) -> str:
    """Return a visible sign for one that cannot be seen."""
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"⟨U+{code:04X}⟩"

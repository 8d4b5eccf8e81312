"""Identifiers as ad platforms compare them, before they are hashed.

Sources, read in November 2026: Meta's "Customer Information Parameters"
(developers.facebook.com/docs/marketing-api/conversions-api), Google's "Format user data"
(developers.google.com/data-manager/api/get-started/formatting: the dots of a Gmail address go, what
follows a plus stays) and "Format your customer data file" (support.google.com/google-ads, answer
7659867), LinkedIn's "Requirements for contact targeting lists" (linkedin.com/help, a1489764).
"""

from __future__ import annotations

import csv
import hashlib
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]+")
GMAIL = ("gmail.com", "googlemail.com")
# what is dialled after the number
EXTENSION = re.compile(r"\s*(ext|x|#|;).*", re.IGNORECASE)
# an optional zero inside of an international number
OPTIONAL_ZERO = re.compile(r"\(\s*0\s*\)")
LEAST_DIGITS, MOST_DIGITS = 8, 15


@dataclass(frozen=True)
class Country:
    """How a country is written, and how its phones are called from abroad."""

    code: str
    calling_code: str
    trunk_prefix: str


@cache
def countries() -> dict[str, Country]:
    """Return countries by code and by name, in small letters."""
    text = files(__package__).joinpath("countries.csv").read_text("utf-8")
    found: dict[str, Country] = {}
    for row in csv.DictReader(text.splitlines()):
        country = Country(row["code"], row["calling_code"], row["trunk_prefix"])
        found |= {row["code"].lower(): country, row["name"].lower(): country}
    return found


def country_of(text: str | None) -> Country | None:
    """Return the country of a code or an English name; None for one that is not listed."""
    return countries().get((text or "").strip().lower())


def email(text: str) -> str:
    """Return an address without case and without spaces around it; "" for what is none."""
    plain = unicodedata.normalize("NFC", text).strip().lower()
    return plain if ADDRESS.fullmatch(plain) else ""


def email_for_google(text: str) -> str:
    """Return an address as Google compares it: no space anywhere, no dot in the name of a Gmail."""
    plain = email("".join(text.split()))
    name, _, domain = plain.partition("@")
    return f"{name.replace('.', '')}@{domain}" if domain in GMAIL else plain


def phone(text: str, country: Country | None) -> str:
    """Return a number as in E.164, with its plus; "" where its country is not known."""
    written = OPTIONAL_ZERO.sub("", EXTENSION.sub("", unicodedata.normalize("NFKC", text).strip()))
    digits = "".join(one for one in written if one.isdecimal())
    if written.startswith("+"):
        return checked(digits)
    if digits.startswith("00"):
        return checked(digits[2:])
    if country is None:
        return ""
    trunk, code = country.trunk_prefix, country.calling_code
    if trunk and digits.startswith(trunk):
        return checked(code + digits.removeprefix(trunk))
    is_international = trunk and digits.startswith(code) and len(digits) > LEAST_DIGITS
    return checked(digits if is_international else code + digits)


def checked(digits: str) -> str:
    """Return digits with their plus; "" for what no number looks like."""
    is_number = LEAST_DIGITS <= len(digits) <= MOST_DIGITS and not digits.startswith("0")
    return f"+{digits}" if is_number else ""


def name_for_meta(text: str) -> str:
    """Return a name in small letters without punctuation, in its own script."""
    plain = unicodedata.normalize("NFC", text).lower()
    kept = "".join(one for one in plain if unicodedata.category(one)[0] not in "PS")
    return " ".join(kept.split())


def sha256(text: str) -> str:
    """Return the hash that platforms compare, in hexadecimal; "" for nothing."""
    return hashlib.sha256(text.encode()).hexdigest() if text else ""

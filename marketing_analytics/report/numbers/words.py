"""Numbers as people read them; scripts of the pages write the same."""

from __future__ import annotations

import math
import re
from datetime import date

DASH = "–"
MINUS = "−"
PLATFORMS = {
    "linkedin": "LinkedIn", "tiktok": "TikTok", "hubspot": "HubSpot", "sendgrid": "SendGrid",
    "ga4": "GA4",
}  # fmt: skip
# how many decimals amounts below 100 have (ISO 4217), where it is not two; words.js has the same
DECIMALS = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0,
    "RWF": 0, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}  # fmt: skip
# a change of less than this share is none
STEADY = 0.0005
NUMBER_AND_UNIT = re.compile(r"(?<=\d) (?=%|[A-Z]{3}\b)|(?<=[↑↓→]) (?=[+−\d])")


def number(value: float, decimals: int = 0) -> str:
    """Return a number with thousands separators and a real minus."""
    # halves go up, as in the scripts of the pages: Python's own rounding does otherwise
    rounded = math.floor(abs(value) * 10**decimals + 0.5) / 10**decimals
    text = f"{rounded:,.{decimals}f}"
    is_zero = not text.strip("0.,")
    return text if value >= 0 or is_zero else MINUS + text


def money(amount: float | None, currency: str) -> str:
    """Return an amount in its currency, in whole units from 100 on."""
    if amount is None:
        return DASH
    return f"{number(amount, 0 if abs(amount) >= 100 else DECIMALS.get(currency, 2))} {currency}"


def shown(value: float | None, unit: str, currency: str = "") -> str:
    """Return a value in its unit: money (`usd`) in its currency, ratios with two decimals.

    Raise ValueError for money whose currency is not told.
    """
    if unit == "usd":
        if not currency:
            raise ValueError("an amount is of a currency")
        return money(value, currency)
    if value is None:
        return DASH
    if unit == "share":
        return f"{number(value * 100, 1)} %"
    return number(value, 2) if unit == "ratio" else number(value)


def change(now: float | None, before: float | None) -> float | None:
    """Return the change as a share of what was; None where there was nothing."""
    return None if now is None or not before else (now - before) / abs(before)


def change_words(share: float | None) -> str:
    """Return a change with its direction as a sign and an arrow."""
    if share is None:
        return DASH
    if abs(share) < STEADY:
        return "→ 0.0 %"
    arrow, sign = ("↑", "+") if share > 0 else ("↓", MINUS)
    return f"{arrow} {sign}{number(abs(share) * 100, 1)} %"


def tone(share: float | None, better: str) -> str:
    """Return whether a change is good, bad or even, by what one hopes for."""
    if share is None or abs(share) < STEADY or better == "neither":
        return "even"
    return "good" if (share > 0) == (better == "up") else "bad"


def signed(value: float, currency: str) -> str:
    """Return an amount with its sign."""
    sign = "+" if value >= 0 else MINUS
    return f"{sign}{number(abs(value))} {currency}"


def tied(text: str) -> str:
    """Return a text in which a number, its unit and its arrow stay on one line."""
    return NUMBER_AND_UNIT.sub("\u00a0", text)


def day_words(day: date) -> str:
    """Return a day as 31 Oct 2026."""
    return f"{day.day} {day:%b %Y}"


def range_words(first: date, last: date) -> str:
    """Return a range of days; a year that both share is said once."""
    if first == last:
        return day_words(last)
    if first.year == last.year:
        return f"{first.day} {first:%b} to {day_words(last)}"
    return f"{day_words(first)} to {day_words(last)}"


def platform_words(platform: str) -> str:
    """Return the name of a platform as its maker writes it."""
    return " ".join(PLATFORMS.get(part, part.capitalize()) for part in platform.split("_"))


def model_words(model: str) -> str:
    """Return the name of an attribution model."""
    return (
        model.replace("_", " ").replace("j shaped", "J-shaped").capitalize().replace("j-s", "J-s")
    )

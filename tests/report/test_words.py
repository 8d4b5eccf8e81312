"""Numbers as people read them."""

from __future__ import annotations

from datetime import date

import pytest

from marketing_analytics.report.numbers.words import (
    change,
    change_words,
    model_words,
    platform_words,
    range_words,
    shown,
    tied,
    tone,
)
from marketing_analytics.report.pages.drawing import spark_path
from marketing_analytics.web.words import plural


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (None, "usd", "–"), (1234.5, "usd", "1,235 USD"), (99.994, "usd", "99.99 USD"),
        (-0.4, "count", "0"), (-2.5, "count", "−3"), (2.345, "ratio", "2.35"),
        (0.1234, "share", "12.3 %"),
    ],
)  # fmt: skip
def test_a_value_is_shown_in_its_unit(value, unit, words):
    assert shown(value, unit, "USD") == words


def test_a_change_has_sign_arrow_and_tone():
    assert change_words(change(110, 100)) == "↑ +10.0 %"
    assert change_words(change(90, 100)) == "↓ −10.0 %"
    assert change_words(change(100, 100)) == "→ 0.0 %"
    assert change_words(change(1, 0)) == change_words(change(None, 3)) == "–"
    assert [tone(0.1, better) for better in ("up", "down", "neither")] == ["good", "bad", "even"]


def test_a_number_its_unit_and_its_arrow_stay_on_one_line():
    assert tied("10 USD (↑ +2.0 %) in 28 days") == "10\xa0USD (↑\xa0+2.0\xa0%) in 28 days"
    assert tied("before → after 3 ROAS") == "before → after 3 ROAS"


def test_days_and_models_in_words():
    assert range_words(date(2026, 10, 4), date(2026, 10, 31)) == "4 Oct to 31 Oct 2026"
    assert range_words(date(2026, 10, 4), date(2026, 10, 4)) == "4 Oct 2026"
    assert range_words(date(2025, 12, 4), date(2026, 1, 1)) == "4 Dec 2025 to 1 Jan 2026"
    assert model_words("inverse_j_shaped") == "Inverse J-shaped"
    assert platform_words("linkedin_ads") == "LinkedIn Ads"
    assert platform_words("google_ads") == "Google Ads"


def test_a_line_has_gaps_where_nothing_is_known():
    assert spark_path([None, 1, 2, None, 3]).count("M") == 2
    assert spark_path([None]) == spark_path([]) == ""
    assert "nan" not in spark_path([5])


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 visits"), (1, "1 visit"), (0.6, "1 visit"), (1.6, "2 visits"), (1234, "1,234 visits")],
)
def test_a_noun_agrees_with_its_number(count, words):
    assert plural(count, "visit") == words


def test_a_plural_of_its_own_is_given_with_its_verb():
    assert plural(1, "touch is", "touches are") == "1 touch is"
    assert plural(2, "touch is", "touches are") == "2 touches are"

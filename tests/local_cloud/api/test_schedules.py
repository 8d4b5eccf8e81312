"""The table of schedule forms: what is stored for what is sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketing_analytics.cloud_api.cron import cron_in_words, next_tick
from marketing_analytics.local_cloud.store.schedules import (
    ScheduleError,
    cron_at,
    normalise_schedule,
)

HOURLY = {"type": "every_hour", "interval": 1}


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({}, {"cron": "0 * * * *", "date": {"type": "every_day"}, "time": HOURLY}),
        (
            {"date": {"type": "every_day"}, "time": {"type": "every_hour"}},
            {"cron": "0 * * * *", "date": {"type": "every_day"}, "time": HOURLY},
        ),
        (
            {
                "cron": "5 5 5 5 *",
                "date": {"type": "every_day", "days": [1], "cron": "x"},
                "time": {"type": "every_hour", "interval": 3, "hours": []},
            },
            {
                "cron": "0 */3 * * *",
                "date": {"type": "every_day"},
                "time": {"type": "every_hour", "interval": 3},
            },
        ),
        (
            {"date": {"type": "every_day"}, "time": {"type": "at_exact_hours", "hours": [6, 12]}},
            {
                "cron": "0 6,12 * * *",
                "date": {"type": "every_day"},
                "time": {"type": "at_exact_hours", "hours": [6, 12]},
            },
        ),
        (
            {
                "cron": "15 6 * * 1-5",
                "date": {"type": "days_of_week", "days": [0, 6]},
                "time": {"type": "at_exact_hours", "hours": [3]},
            },
            {
                "cron": "0 3 * * 0,6",
                "date": {"type": "days_of_week", "days": [0, 6]},
                "time": {"type": "at_exact_hours", "hours": [3]},
            },
        ),
        (
            {
                "date": {"type": "days_of_week", "days": [5, 1]},
                "time": {"type": "every_hour", "interval": 2},
            },
            {
                "cron": "0 */2 * * 5,1",
                "date": {"type": "days_of_week", "days": [5, 1]},
                "time": {"type": "every_hour", "interval": 2},
            },
        ),
        (
            {
                "cron": "old",
                "date": {"type": "custom_cron", "cron": " 5  4 * * MON"},
                "time": {"type": "every_hour", "interval": 9},
            },
            {
                "cron": " 5  4 * * MON",
                "date": {"type": "custom_cron", "cron": " 5  4 * * MON"},
                "time": HOURLY,
            },
        ),
        (
            {"cron": "0 8 * * 5L", "date": {"type": "custom_cron"}},
            {
                "cron": "0 8 * * 5L",
                "date": {"type": "custom_cron", "cron": "0 8 * * 5L"},
                "time": HOURLY,
            },
        ),
        (
            {"date": {"type": "interval_cron", "cron": "6 */12 * * 0,1,2,3,4,5,6"}},
            {
                "cron": "6 */12 * * 0,1,2,3,4,5,6",
                "date": {
                    "type": "interval_cron",
                    "days": [0, 1, 2, 3, 4, 5, 6],
                    "cron": "6 */12 * * 0,1,2,3,4,5,6",
                },
                "time": {"type": "every_hour", "interval": 12},
            },
        ),
        (
            {
                "date": {"type": "interval_cron", "days": [3, 1]},
                "time": {"type": "every_hour", "interval": 4},
            },
            {
                "cron": "4 */4 * * 3,1",
                "date": {"type": "interval_cron", "days": [3, 1], "cron": "4 */4 * * 3,1"},
                "time": {"type": "every_hour", "interval": 4},
            },
        ),
        (
            {"cron": "0 8 * * *", "date": {"type": None}},
            {
                "cron": "0 8 * * *",
                "date": {"type": "custom_cron", "cron": "0 8 * * *"},
                "time": HOURLY,
            },
        ),
        (
            {"cron": "", "date": {"days": [1]}, "time": {"hours": [6]}},
            {
                "cron": "0 6 * * 1",
                "date": {"type": "days_of_week", "days": [1]},
                "time": {"type": "at_exact_hours", "hours": [6]},
            },
        ),
        (
            {"date": {"type": "interval_cron", "cron": "4 */2 * * MON-WED,7"}},
            {
                "cron": "4 */2 * * MON-WED,7",
                "date": {
                    "type": "interval_cron",
                    "days": [0, 1, 2, 3],
                    "cron": "4 */2 * * MON-WED,7",
                },
                "time": {"type": "every_hour", "interval": 2},
            },
        ),
    ],
)
def test_a_schedule_is_stored_in_the_form_of_dbt_cloud(
    sent: dict[str, Any], stored: dict[str, Any]
) -> None:
    assert normalise_schedule(sent) == stored
    assert normalise_schedule(stored) == stored


@pytest.mark.parametrize(
    "cron",
    [
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "a b c d e",
        "0 0 30 2 *",
        "*/0 * * * *",
        "1-0 * * * *",
        "٣ * * * *",
        "0 0 * * " + "1," * 200,
        "",
        " ",
        "L/2 * * * L",
        "0 0 L/2 * #",
    ],
)
def test_what_is_no_cron_expression_is_refused(cron: str) -> None:
    with pytest.raises(ScheduleError):
        cron_at(cron)


def test_an_interval_is_of_a_day() -> None:
    with pytest.raises(ScheduleError, match="from 1 to 23"):
        normalise_schedule({"date": {"type": "interval_cron", "cron": "4 */25 * * 1"}})


@given(st.text(alphabet="0123456789*/,-L#W ?MONJA", max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_cron_expression_with_a_next_tick_or_refused(text: str) -> None:
    try:
        cron = cron_at(text)
    except ScheduleError:
        return
    now = datetime(2026, 11, 1, tzinfo=UTC)
    tick = next_tick(cron, now)
    assert tick is not None
    assert tick > now
    assert cron_in_words(cron)


def test_ticks_are_in_utc_and_later_than_asked() -> None:
    at = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
    assert next_tick("0 8 * * *", at) == datetime(2026, 11, 2, 8, 0, tzinfo=UTC)

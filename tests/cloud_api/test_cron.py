"""Cron in words, and when it comes due; every part of the product asks here."""

from datetime import UTC, datetime

import pytest

from marketing_analytics.cloud_api.cron import (
    CronError,
    check_cron,
    cron_in_sentence,
    cron_in_words,
    next_ticks,
)

NOW = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 8 * * *", "Every day at 08:00 UTC"),
        ("0 6,12,18 * * *", "Every day at 06:00, 12:00 and 18:00 UTC"),
        ("30 11 * * 1-5", "Monday to Friday at 11:30 UTC"),
        ("0 4 * * 1", "Mondays at 04:00 UTC"),
        ("0 4 * * SUN,MON", "Sundays and Mondays at 04:00 UTC"),
        ("0 4 * * 7", "Sundays at 04:00 UTC"),
        ("*/15 * * * *", "Every 15 minutes"),
        ("*/45 * * * *", "Every 45th minute of every hour, UTC"),
        ("0 */5 * * *", "At minute 0 past every fifth hour, UTC"),
        ("* * * * *", "Every minute"),
        ("5 * * * *", "Every hour at minute 5"),
        ("5 */6 * * *", "Every 6 hours at minute 5"),
        ("5 */6 * * 1", "Mondays, every 6 hours at minute 5"),
        ("0 3 1 * *", "Day 1 of every month at 03:00 UTC"),
        ("0 3 1 1 *", "At 03:00 on January 1, UTC"),
        ("1-5 3 * * *", "Every minute from 03:01 through 03:05, UTC"),
        ("nonsense", "cron nonsense"),
    ],
)
def test_a_schedule_is_told_in_words(cron, words):
    assert cron_in_words(cron) == words


def test_in_a_sentence_only_days_keep_their_capital_letter():
    assert cron_in_sentence("0 8 * * *") == "every day at 08:00 UTC"
    assert cron_in_sentence("0 8 * * 1") == "Mondays at 08:00 UTC"
    assert cron_in_sentence("30 11 * * 1-5") == "Monday to Friday at 11:30 UTC"


def test_the_next_ticks_are_in_utc():
    ticks = next_ticks("0 6,12 * * *", NOW, 3)
    assert [f"{tick:%d %H:%M}" for tick in ticks] == ["01 12:00", "02 06:00", "02 12:00"]
    with pytest.raises(CronError, match="bad minute"):
        next_ticks("61 * * * *", NOW, 3)


@pytest.mark.parametrize(
    ("cron", "reason"),
    [
        ("0 6 * *", "4 fields"),
        ("99 5 * * *", "bad minute"),
        ("0 0 30 2 *", "bad day-of-month"),
        (f"{','.join(['0'] * 60)} * * * *", "more than 120"),
    ],
)
def test_what_is_no_schedule_is_refused_with_the_reason(cron, reason):
    with pytest.raises(CronError, match=reason):
        check_cron(cron)

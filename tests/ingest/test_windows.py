from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketing_analytics.ingest.engine.windows import Coverage, Window, windows_of

DAY = timedelta(days=1)
days = st.dates(date(2026, 1, 1), date(2026, 12, 31))


@given(st.sets(days, max_size=60), st.integers(1, 40))
def test_windows_of_days_hold_every_day_once_and_are_no_longer_than_asked(wanted, longest):
    windows = windows_of(wanted, longest)
    assert [day for window in windows for day in window.days()] == sorted(wanted)
    assert all(window.day_count <= longest for window in windows)


def test_neighbouring_days_share_a_window():
    first = date(2026, 1, 1)
    assert windows_of([first, first + DAY, first + 3 * DAY]) == [
        Window(first, first + DAY),
        Window(first + 3 * DAY, first + 3 * DAY),
    ]


@given(days, st.integers(1, 60))
def test_halves_make_up_the_window(start, count):
    window = Window(start, start + DAY * (count - 1))
    assert [day for half in window.halves() for day in half.days()] == window.days()
    assert len(window.halves()) == (1 if count == 1 else 2)


@given(st.dictionaries(days, days, max_size=80))
def test_coverage_survives_being_stored(read_on):
    assert Coverage.from_state(Coverage(read_on).to_state()).read_on == read_on


def test_coverage_is_stored_as_spans_not_as_days():
    coverage = Coverage()
    coverage.mark(Window(date(2026, 1, 1), date(2026, 12, 31)), date(2027, 1, 1))
    assert coverage.to_state() == [["2026-01-01", "2026-12-31", "2027-01-01"]]


@pytest.mark.parametrize("days_later", [0, 1, 5, 28])
def test_days_still_moving_at_the_last_read_are_read_again_however_late_the_next_run_is(
    days_later,
):
    read_on = date(2026, 6, 30)
    coverage = Coverage()
    coverage.mark(Window(date(2026, 4, 1), read_on), read_on)
    today = read_on + timedelta(days=60 + days_later)
    again = coverage.days_to_read(Window(date(2026, 4, 1), today), 28)
    assert again[0] == date(2026, 6, 2)
    assert again[-1] == today


def test_an_earlier_start_reads_the_days_that_are_missing():
    coverage = Coverage()
    coverage.mark(Window(date(2026, 4, 1), date(2026, 6, 30)), date(2026, 9, 1))
    again = coverage.days_to_read(Window(date(2026, 3, 30), date(2026, 6, 30)), 28)
    assert again == [date(2026, 3, 30), date(2026, 3, 31)]

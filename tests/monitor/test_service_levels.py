"""Minutes, burn rates and budgets say what a plain count says."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketing_analytics.monitor.check import Look
from marketing_analytics.monitor.levels import check
from marketing_analytics.monitor.levels.burn import PAIRS, budget, burning, length, rate
from marketing_analytics.monitor.levels.minutes import BAD, GOOD, UNKNOWN, minutes_of
from marketing_analytics.monitor.levels.openslo import openslo_of
from marketing_analytics.monitor.levels.probes import Probe
from marketing_analytics.monitor.levels.settings import Level, levels_of

NOW = datetime(2026, 11, 29, 12, 0, 30)
LEVEL = Level("dashboard", "report")
probes_ago = st.lists(
    # seconds ago, what was found
    st.tuples(st.integers(-120, 9000), st.sampled_from([True, True, True, False, None])),
    max_size=60,
)


def states_plainly(seen, most, reach):
    """Return a state a minute, by looking at all probes for each of them."""
    end = NOW.replace(second=0)
    known = [(at.replace(second=0), ok) for at, ok in seen if ok is not None]
    horizon = end - timedelta(minutes=most - 1 + reach)
    known = [(at, ok) for at, ok in known if horizon <= at <= end]
    states = []
    for ago in range(most - 1, -1, -1):
        at = end - timedelta(minutes=ago)
        before = [when for when, _ in known if when <= at]
        if not before:
            continue
        last = max(before)
        if at - last > timedelta(minutes=reach):
            states.append(UNKNOWN)
        else:
            states.append(GOOD if all(ok for when, ok in known if when == last) else BAD)
    return bytes(states)


@settings(max_examples=80, deadline=None)
@given(probes_ago, st.integers(1, 150), st.integers(1, 20))
def test_minutes_and_rates_are_those_of_a_plain_count(ago, most, reach):
    seen = [(NOW - timedelta(seconds=seconds), ok) for seconds, ok in ago]
    minutes = minutes_of(seen, NOW, most=most, reach=reach)
    states = states_plainly(seen, most, reach)
    assert minutes.states == states
    for window in (5, 30, 60):
        part = states[-window:]
        known = [state for state in part if state != UNKNOWN]
        found = rate(minutes.last(window), 0.999)
        if known and len(known) * 2 >= len(part):
            assert found == pytest.approx(1000 * known.count(BAD) / len(known))
        else:
            assert found is None


def every_minute(*found):
    """Return minutes that end now, one probe each."""
    seen = [(NOW - timedelta(minutes=ago), ok) for ago, ok in enumerate(reversed(found))]
    return minutes_of(seen, NOW, most=LEVEL.window_minutes, reach=2)


GOOD_DAYS = [True] * 5 * 24 * 60


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        ([], None),
        # one minute of an hour is 16.7 times too fast
        ([False], 0),
        ([False] + [True] * 4, 0),
        ([False] + [True] * 5, None),
        # two in six hours are 5.6 times, three are 8.3 times too fast
        ([False, False] + [True] * 20, None),
        ([False] * 3 + [True] * 20, 1),
        ([False] * 3 + [True] * 30, None),
        # over three days: four are 0.93 times, five are 1.16 times too fast
        ([False] * 2 + [True] * 2000 + [False] * 2 + [True] * 300, None),
        ([False] * 3 + [True] * 2000 + [False] * 2 + [True] * 300, 2),
        ([False] * 3 + [True] * 2000 + [False] * 2 + [True] * 400, None),
    ],
)
def test_pairs_of_windows_tell_at_their_rates_and_stop_when_it_is_over(tail, expected):
    pair = burning(every_minute(*GOOD_DAYS, *tail), 0.999)
    assert pair == (None if expected is None else PAIRS[expected])


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        # one bad minute of the first hours is none too many of three days
        ([False] + [True] * 350, None),
        ([False] * 2 + [True] * 200 + [False] + [True] * 100, 2),
        # and what is down at once is told at once
        ([False], 0),
    ],
)
def test_on_the_first_day_a_window_is_not_taken_for_a_whole_one(found, expected):
    pair = burning(every_minute(*found), 0.999)
    assert pair == (None if expected is None else PAIRS[expected])


def test_an_outage_is_told_within_a_minute_and_the_budget_is_40_minutes():
    minutes = every_minute(*GOOD_DAYS, *[False] * 10)
    spent = budget(minutes, LEVEL.objective, LEVEL.window_minutes)
    assert spent.allowed_minutes == pytest.approx(40.32)
    assert spent.left_minutes == pytest.approx(30.32)
    assert spent.good_share == pytest.approx(1 - 10 / len(minutes.states))


def test_lengths_are_in_words():
    assert [length(each) for each in (5, 60, 360, 4320, 90)] == [
        "5 min", "1 h", "6 h", "3 d", "90 min",
    ]  # fmt: skip


def findings(monkeypatch, probes, levels=None):
    section = {"dashboard": {"target": "report"}} if levels is None else levels
    monkeypatch.setattr(check, "probes_since", lambda *_: probes)
    options = {"service_levels": section}
    seen = Look(None, None, date(2026, 11, 28), NOW, {}, frozenset(), options=options)
    return {each.subject: each for each in check.look(seen)}


def probed(*found, ends_at=NOW):
    """Return a probe a minute; each is good, bad or stale."""
    return [
        Probe(
            ends_at - timedelta(minutes=ago), "report", state != "bad",
            None if state == "bad" else state == "good", 3600.0, 0.1,
            "index.html: answered 503" if state == "bad" else None,
        )
        for ago, state in enumerate(reversed(found))
    ]  # fmt: skip


def test_a_dashboard_that_is_up_and_fresh_is_fine(monkeypatch):
    found = findings(monkeypatch, probed(*["good"] * 100))
    assert {each.status for each in found.values()} == {"ok"}
    assert "40.3 of 40.3 min of the budget are left" in found["dashboard availability"].sentence


def test_an_outage_pages_with_what_the_probe_saw(monkeypatch):
    found = findings(monkeypatch, probed(*["good"] * 300, *["bad"] * 12))
    down = found["dashboard availability"]
    assert (down.status, down.severity) == ("failing", "page")
    assert "could not be read whole in 12 of 60 minutes of the last 1 h" in down.sentence
    assert "200.0 times too fast" in down.sentence
    assert "28.3 of 40.3 min" in down.sentence
    assert down.sentence.endswith("last: index.html: answered 503")
    # how old a page is that cannot be read is not known, and told once, by the other
    assert found["dashboard freshness"].status == "ok"


def test_old_data_are_a_matter_of_freshness_alone(monkeypatch):
    found = findings(monkeypatch, probed(*["good"] * 300, *["stale"] * 12))
    assert found["dashboard availability"].status == "ok"
    assert found["dashboard freshness"].status == "failing"
    assert "too old in 12 of 60" in found["dashboard freshness"].sentence


@pytest.mark.parametrize(
    ("probes", "said"),
    [
        ([], "nobody has probed dashboard: whether it is up"),
        (probed("good", ends_at=NOW - timedelta(hours=3)), "for 178 min"),
    ],
    ids=["never", "no more"],
)
def test_what_nobody_probes_is_unknown_and_not_good(monkeypatch, probes, said):
    for finding in findings(monkeypatch, probes).values():
        assert finding.status == "unknown"
        assert said in finding.sentence


def test_a_budget_that_is_used_up_warns_and_gaps_are_said(monkeypatch):
    states = ["good"] * 5000 + ["bad"] * 41 + ["good"] * 5000
    probes = [each for number, each in enumerate(probed(*states)) if not 7000 < number < 7100]
    found = findings(monkeypatch, probes)["dashboard availability"]
    assert found.status == "warning"
    assert "-0.7 of 40.3 min" in found.sentence
    assert "97 min are unknown" in found.sentence


def test_nothing_is_said_where_nothing_is_promised(monkeypatch):
    assert findings(monkeypatch, probed("bad"), levels={}) == {}


def test_what_is_promised_is_told_as_openslo():
    import yaml

    section = {"board": {"target": "https://pages.example.com/x", "fresh_within": "6h"}}
    documents = list(yaml.safe_load_all(openslo_of(levels_of(section))))
    assert [each["metadata"]["name"] for each in documents] == [
        "board-availability",
        "board-freshness",
    ]
    spec = documents[1]["spec"]
    assert spec["objectives"] == [{"target": 0.999}]
    assert spec["timeWindow"] == [{"duration": "28d", "isRolling": True}]
    assert "at most 6 h old" in spec["description"]

"""Each failure is told once, each recovery once, whatever is muted and whenever it crashes."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from marketing_analytics.monitor.alerts.messages import AGAIN, compose
from marketing_analytics.monitor.alerts.mutes import Acknowledgement, Mutes, Silence
from marketing_analytics.monitor.alerts.notices import (
    ALERT,
    PROBLEMS,
    RECOVERY,
    Told,
    as_told,
    decide,
    is_over,
    rank_of,
    told_by,
)
from tests.monitor.alert_world import START, channel, hours, result

SUBJECTS = ("meta_ads/1", "meta_ads/2", "google_ads/1", "")
TEAM = channel("team")
PAGER = channel("pager", severities=("page",))
PATIENT = channel("patient", remind_after=hours(24))
states = st.fixed_dictionaries(
    {
        subject: st.tuples(
            st.sampled_from(["ok", "failing", "warning", "unknown", "moving", "absent"]),
            st.sampled_from(["page", "ticket", "info"]),
        )
        for subject in SUBJECTS
    }
)


class Watch(RuleBasedStateMachine):
    """Runs of the monitors, decided on at once or, after a crash, later."""

    def __init__(self):
        super().__init__()
        self.now = START
        self.runs = []
        self.kept = []
        self.mutes = Mutes()
        # what goes on, by subject: the time since when
        self.since = {}

    @rule(found=states, hours_later=st.integers(1, 30))
    def the_monitors_run(self, found, hours_later):
        self.now += hours(hours_later)
        results = []
        for subject, (status, severity) in found.items():
            if status == "absent":
                continue
            if status in PROBLEMS:
                self.since.setdefault(subject, self.now)
            else:
                self.since.pop(subject, None)
            since = self.since.get(subject, self.now)
            results.append(result(subject, status, severity, since_at=since))
        for subject in [s for s in self.since if is_over_in(results, s)]:
            del self.since[subject]
        self.runs.append(results)

    @rule()
    def all_is_decided(self):
        told = told_by(self.kept)
        for results in self.runs:
            before = {about: told[about] for about in told}
            notices = decide(results, told, (TEAM, PAGER, PATIENT), self.mutes, self.now)
            for notice in notices:
                told[notice.about] = told.get(notice.about, Told()).and_then(notice)
            self.check_run(results, before, told)
            self.kept += notices
        self.runs = []

    @rule()
    def it_crashes_before_the_decision_is_kept(self):
        told = told_by(self.kept)
        for results in self.runs:
            decide(results, told, (TEAM, PAGER, PATIENT), self.mutes, self.now)

    @rule(subject=st.sampled_from([*SUBJECTS, "meta_ads/*", "*"]), length=st.integers(1, 40))
    def somebody_silences(self, subject, length):
        added = Silence("budget", subject, self.now + hours(length), "why", "me", self.now)
        self.mutes = Mutes((*self.mutes.silences, added), self.mutes.acknowledgements)

    @rule(subject=st.sampled_from(SUBJECTS))
    def somebody_acknowledges(self, subject):
        if subject in self.since:
            added = Acknowledgement("budget", subject, self.since[subject], "me", self.now)
            self.mutes = Mutes(self.mutes.silences, (*self.mutes.acknowledgements, added))

    def check_run(self, results, before, told):
        for each in results:
            is_silent = self.mutes.silenced("budget", each.subject, self.now)
            heard = told.get(("team", "budget", each.subject), Told())
            if each.status in PROBLEMS and not self.mutes.mute(each, self.now):
                # every failure is told, as bad as it is
                assert heard.is_open
                assert heard.worst <= rank_of(as_told(each).severity, each.status)
            if each.status in ("ok", "moving") and not is_silent:
                assert not heard.is_open
            if is_silent:
                assert heard == before.get(("team", "budget", each.subject), Told())

    @invariant()
    def nothing_is_told_twice(self):
        assert len({notice.notice_id for notice in self.kept}) == len(self.kept)
        told = {}
        for notice in self.kept:
            told.setdefault(notice.about, []).append(notice)
        for (name, _, _), notices in told.items():
            assert notices[0].cause == "new"
            for earlier, later in pairwise(notices):
                assert (later.cause == "new") == (earlier.kind == RECOVERY)
                if later.cause == "reminder":
                    assert name == "patient"
                    assert later.created_at - earlier.created_at >= hours(24)
                if later.cause == "worse":
                    assert later.rank < earlier.rank
        assert all(n.severity == "page" for n in self.kept if n.channel_name == "pager")


def is_over_in(results, subject):
    return is_over({("budget", each.subject): each for each in results}, "budget", subject)


TestWatch = Watch.TestCase
TestWatch.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)


def told_after(*runs, channels=(TEAM,), mutes=None):
    """Return the notices of runs that follow each other."""
    kept = []
    for number, results in enumerate(runs):
        now = START + number * hours(1)
        kept += decide(results, told_by(kept), channels, mutes or Mutes(), now)
    return kept


def causes(notices):
    return [notice.cause for notice in notices]


def test_what_gets_worse_is_told_again_and_what_gets_better_is_not():
    found = ["warning", "warning", "failing", "warning", "failing"]
    assert causes(told_after(*([result(status=each)] for each in found))) == ["new", "worse"]
    severities = ["info", "page", "ticket", "page"]
    assert causes(told_after(*([result(severity=each)] for each in severities))) == ["new", "worse"]


def test_that_nobody_knows_is_told_once_and_wakes_nobody_up():
    runs = [[result("", status, "page")] for status in ("unknown", "unknown", "ok", "unknown")]
    told = told_after(*runs, channels=[TEAM, PAGER])
    assert [(each.channel_name, each.cause, each.severity) for each in told] == [
        ("team", "new", "ticket"),
        ("team", "over", "ticket"),
        ("team", "new", "ticket"),
    ]


def test_a_subject_that_is_summed_up_with_those_that_are_fine_has_recovered():
    fine = result("", "ok", sentence="3 budgets are kept")
    alert, recovery = told_after([result()], [fine])
    assert (alert.kind, recovery.kind) == (ALERT, RECOVERY)
    assert recovery.sentence == "budget of meta_ads/1 is well again"


@pytest.mark.parametrize(
    "later",
    [
        [],
        [result("", "unknown")],
        [result(status="unknown")],
        [result("", "failing")],
        [result(monitor="volume", status="ok")],
    ],
    ids=["no run", "unknown monitor", "unknown subject", "all of it fails", "another monitor"],
)
def test_what_nobody_knows_ends_nothing(later):
    assert RECOVERY not in [notice.kind for notice in told_after([result()], later)]


def test_a_reminder_comes_after_its_interval_and_no_sooner():
    runs = [[result()]] * 50
    assert causes(told_after(*runs, channels=[PATIENT])) == ["new", "reminder", "reminder"]


def test_a_reminder_is_not_held_up_by_a_notice_of_a_clock_that_was_ahead():
    ahead = decide([result()], {}, [PATIENT], Mutes(), START + timedelta(days=365))
    assert causes(decide([result()], told_by(ahead), [PATIENT], Mutes(), START)) == ["reminder"]


def test_a_channel_hears_of_its_severities_and_monitors_and_of_their_ends_alone():
    volume = channel("volume", monitors=("volume",))
    runs = [[result(severity="ticket")], [result(severity="page")], [result(status="ok")]]
    told = told_after(*runs, channels=[PAGER, volume])
    assert [(notice.channel_name, notice.cause) for notice in told] == [
        ("pager", "new"),
        ("pager", "over"),
    ]


def test_a_silence_ends_by_time_and_what_is_still_wrong_is_told_then():
    until = START + hours(3)
    mutes = Mutes((Silence("budget", "meta_ads/*", until, "move", "me", START),))
    told = told_after(*([[result()]] * 5), mutes=mutes)
    assert causes(told) == ["new"]
    assert told[0].created_at == until


def test_a_silence_that_is_planned_begins_when_it_was_planned():
    begin, until = START + hours(2), START + hours(4)
    mutes = Mutes((Silence("*", "*", until, "we close", "me", START, begin),))
    assert [mutes.silenced("budget", "", START + hours(n)) for n in range(1, 5)] == [
        False, True, True, False,
    ]  # fmt: skip


def test_a_recovery_in_a_silence_is_told_after_it():
    mutes = Mutes((Silence("*", "*", START + hours(3), "move", "me", START),))
    first = decide([result()], {}, [TEAM], Mutes(), START)
    ok = [result(status="ok")]
    told = told_by(first)
    assert decide(ok, told, [TEAM], mutes, START + hours(1)) == []
    assert causes(decide(ok, told, [TEAM], mutes, START + hours(4))) == ["over"]


def test_an_acknowledged_problem_is_told_no_more_but_its_end_and_the_next_one_are():
    taken = Mutes((), (Acknowledgement("budget", "meta_ads/1", START, "me", START),))
    days = [START + timedelta(days=number) for number in range(4)]
    runs = [
        # neither worse nor due for a reminder
        (days[1], [result(severity="page")], []),
        (days[2], [result(status="ok")], ["over"]),
        (days[3], [result(since_at=days[3])], ["new"]),
    ]
    kept = decide([result()], {}, [PATIENT], Mutes(), START)
    for now, results, expected in runs:
        told = decide(results, told_by(kept), [PATIENT], taken, now)
        assert causes(told) == expected
        kept += told


def test_a_message_has_the_worst_first_and_counts_what_has_no_room():
    found = [result(f"meta_ads/{n}", severity="info" if n else "page") for n in range(30)]
    notices = told_after(found)
    message = compose(notices, max_characters=1000)
    assert message.title == "Marketing data: [page] 30 problems"
    assert message.body.startswith("budget: meta_ads/0 (page, failing)")
    told = message.body.count("budget: ")
    assert f"And {30 - told} more" in message.body
    assert len(message.body) <= 1000
    assert AGAIN not in message.body


def test_after_days_without_a_delivery_the_last_word_on_a_subject_is_how_it_is_now():
    wrong, well = [result("b", severity="page"), result("a")], [result("b", "ok"), result("a")]
    back = [result("b", severity="page"), result("a", "ok")]
    message = compose(told_after(wrong, well, back), max_characters=2000)
    assert message.title == "Marketing data: [page] 3 problems, 2 over"
    heads = [line for line in message.body.splitlines() if line.startswith("budget: ")]
    assert heads == [
        "budget: b (page, failing)", "budget: b (page, over)", "budget: b (page, failing)",
        "budget: a (ticket, failing)", "budget: a (ticket, over)",
    ]  # fmt: skip


def test_a_message_of_recoveries_alone_is_good_news():
    told = told_after([result(), result("b")], [result("", "ok")])
    message = compose(told[2:], max_characters=1000)
    assert message.is_good
    assert message.title == "Marketing data: 2 over"


def test_the_worst_is_told_also_where_it_has_no_room_and_thousands_are_quick():
    long = result("a", severity="page", sentence="too long " * 200)
    alone = compose(told_after([long]), max_characters=880)
    assert alone.body.startswith("budget: a (page, failing)\ntoo long too long")
    assert alone.body.endswith("marketing monitor notices")
    assert len(alone.body) <= 880
    many = compose(told_after([result(str(n)) for n in range(5000)]), max_characters=900)
    assert len(many.body) <= 900
    assert "more: marketing monitor notices" in many.body


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("@everyone", "＠everyone"),
        ("<!channel>", "‹!channel>"),
        ("<users/all>", "‹users/all>"),
        ("[sale](https://elsewhere.example)", "[sale] (https://elsewhere.example)"),
        ("two\nlines\t\x1b[1m", "two lines ␛[1m"),
    ],
)
def test_names_of_visitors_call_nobody_and_are_one_line(name, shown):
    message = compose(told_after([result(name, sentence=name)]), max_characters=1000)
    assert message.body.splitlines()[:2] == [f"budget: {shown} (ticket, failing)", shown]


def test_thousands_of_acknowledgements_are_quick_to_look_through():
    names = [str(number) for number in range(3000)]
    taken = Mutes((), tuple(Acknowledgement("budget", n, START, "me", START) for n in names))
    assert decide([result(name) for name in names], {}, [TEAM], taken, START) == []
    assert len(taken.taken) == 3000

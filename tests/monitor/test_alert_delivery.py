"""Messages reach a receiver of webhooks; what does not is kept, and secrets are told nowhere."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from click.testing import CliRunner

from marketing_analytics.core import redaction
from marketing_analytics.core.errors import FileError, LockedError, UserError
from marketing_analytics.monitor.alerts import channels, outbox
from marketing_analytics.monitor.alerts.channels import Outcome, service_of
from marketing_analytics.monitor.alerts.delivery import tell
from marketing_analytics.monitor.alerts.muting import acknowledge_problems
from marketing_analytics.monitor.alerts.outgoing import is_public, public_addresses_only
from marketing_analytics.monitor.alerts.settings import channels_of
from marketing_analytics.monitor.cli import group
from marketing_analytics.monitor.place import Place
from marketing_analytics.monitor.settings import read_settings
from tests.monitor.alert_world import START, channel, keep_run, receiving, result

TEAM = channel("team", allows_private_addresses=True)


@pytest.fixture
def place(tmp_path):
    import duckdb

    path = tmp_path / "marts.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
    return Place(str(path), "marts")


@pytest.fixture
def receiver(monkeypatch):
    with receiving() as found:
        monkeypatch.setenv("ADDRESS_OF_TEAM", found.address)
        monkeypatch.setattr(redaction, "read_secrets", set())
        yield found


def test_findings_of_a_run_are_one_message_and_are_sent_once(place, receiver):
    keep_run(place, result("a"), result("b", severity="page"), result("c", "ok"))
    assert [delivery.notices for delivery in tell(place, [TEAM])] == [2]
    assert tell(place, [TEAM]) == []
    keep_run(place, result("a"), result("b", "ok"), number=2)
    tell(place, [TEAM])
    first, second = receiver.messages
    assert first["title"] == "Marketing data: [page] 2 problems"
    assert first["type"] == "failure"
    assert second["title"] == "Marketing data: 1 over"
    assert second["type"] == "success"


def test_what_a_receiver_refuses_is_kept_and_sent_with_the_next_run(place, receiver):
    receiver.answer = lambda: 500
    keep_run(place, result("a"))
    assert "error=500" in tell(place, [TEAM])[0].error
    keep_run(place, result("a", "ok"), number=2)
    receiver.answer = lambda: 200
    assert [delivery.error for delivery in tell(place, [TEAM])] == [""]
    assert receiver.messages[0]["title"] == "Marketing data: [ticket] 1 problem, 1 over"
    # a refusal is certain: nothing has arrived before
    assert "Again" not in receiver.texts[0]


def test_what_was_under_way_in_a_crash_is_sent_again_and_says_so(place, receiver, monkeypatch):
    def crash(*_):
        raise KeyboardInterrupt

    keep_run(place, result("a"))
    with monkeypatch.context() as patch:
        patch.setattr("marketing_analytics.monitor.alerts.delivery.conclude", crash)
        with pytest.raises(KeyboardInterrupt):
            tell(place, [TEAM])
    # the claim still holds
    assert "another process is sending" in tell(place, [TEAM])[0].error
    assert len(receiver.texts) == 1
    monkeypatch.setattr(outbox, "CLAIM_SECONDS", 0)
    assert tell(place, [TEAM])[0].error == ""
    assert ["Again" in text for text in receiver.texts] == [False, True]
    assert tell(place, [TEAM]) == []


def test_runs_that_nobody_decided_on_are_decided_later_in_their_order(place, receiver):
    keep_run(place, result("a", "ok"))
    tell(place, [TEAM])
    keep_run(place, result("a"), number=2)
    keep_run(place, result("a", "ok"), number=3)
    keep_run(place, result("a"), number=4)
    tell(place, [TEAM])
    assert receiver.messages[0]["title"] == "Marketing data: [ticket] 2 problems, 1 over"


def test_a_run_with_the_clock_ahead_silences_none_after_it(place, receiver, monkeypatch):
    days = [datetime(2026, 11, 2, 6), datetime(2027, 11, 2, 6), datetime(2026, 11, 3, 6)]
    for number, (at, status) in enumerate(zip(days, ("ok", "ok", "failing"), strict=True), 1):
        monkeypatch.setenv("MARKETING_NOW", at.isoformat())
        keep_run(place, result("a", status), number=number, at=at)
        tell(place, [TEAM])
    assert [message["title"] for message in receiver.messages] == [
        "Marketing data: [ticket] 1 problem"
    ]


def test_the_first_decision_is_on_the_run_made_last_whatever_its_clock_says(place, receiver):
    keep_run(place, result("a", "ok"), at=datetime(2027, 11, 2, 6))
    keep_run(place, result("a"), number=2, at=datetime(2026, 11, 3, 6))
    tell(place, [TEAM])
    assert len(receiver.messages) == 1


def test_of_two_runs_at_once_the_one_that_ends_later_is_decided_too(place, receiver):
    keep_run(place, result("a", "ok"))
    tell(place, [TEAM])
    keep_run(place, result("a", "ok"), number=3)
    tell(place, [TEAM])
    keep_run(place, result("b"), number=2, at=START + timedelta(hours=4))
    tell(place, [TEAM])
    assert [notice.subject for notice in outbox.kept_notices(place)] == ["b"]


def test_what_was_told_is_known_when_the_clock_goes_back(place, receiver, monkeypatch):
    told = [("2027-11-02T06:00:00Z", "failing"), ("2026-11-02T06:00:00Z", "ok"),
            ("2026-11-02T07:00:00Z", "ok"), ("2026-11-02T08:00:00Z", "failing")]  # fmt: skip
    for number, (now, status) in enumerate(told, 1):
        monkeypatch.setenv("MARKETING_NOW", now)
        keep_run(place, result("a", status), number=number)
        tell(place, [TEAM])
    kept = outbox.kept_notices(place)
    assert [notice.cause for notice in kept] == ["new", "over", "new"]
    assert [notice.run_id for notice in kept] == ["r001", "r002", "r004"]


def test_a_problem_that_comes_again_is_told_though_the_last_one_was_taken_on(place, receiver):
    keep_run(place, result("a"), result("b"))
    tell(place, [TEAM])
    acknowledge_problems(place, "budget", None, "ada")
    # over for a run; then wrong again, with days of before it was taken on
    keep_run(place, result("a", "ok"), result("b"), number=2)
    tell(place, [TEAM])
    keep_run(place, result("a"), result("b"), number=3)
    tell(place, [TEAM])
    told = [(notice.subject, notice.cause) for notice in outbox.kept_notices(place)]
    assert told == [("a", "new"), ("b", "new"), ("a", "over"), ("a", "new")]
    acknowledge_problems(place, "budget", "a", "ada")
    keep_run(place, result("a", severity="page"), result("b"), number=4)
    tell(place, [TEAM])
    assert len(outbox.kept_notices(place)) == 4


def test_one_that_is_taken_on_before_an_older_run_is_decided_stays_so(place, receiver):
    for number, status in enumerate(("failing", "ok", "failing"), 1):
        keep_run(place, result("a", status), number=number)
        if number == 1:
            tell(place, [TEAM])
    acknowledge_problems(place, "budget", None, "ada")
    tell(place, [TEAM])
    assert [notice.cause for notice in outbox.kept_notices(place)] == ["new", "over"]


def test_a_claim_of_a_clock_that_was_ahead_is_taken_over(place, receiver, monkeypatch):
    monkeypatch.setattr(outbox, "wall_clock", lambda: datetime(2036, 1, 1))
    receiver.answer = lambda: 500
    keep_run(place, result("a"))
    outbox.keep_notices(place, [TEAM], START)
    assert len(outbox.claim(place, "team")) == 1
    monkeypatch.setattr(outbox, "wall_clock", lambda: datetime(2026, 11, 1))
    assert len(outbox.claim(place, "team")) == 1
    assert outbox.claim(place, "team") == []


def test_a_mail_keeps_its_lines_and_is_no_page(monkeypatch):
    import apprise

    monkeypatch.setenv("ADDRESS_OF_TEAM", "mailto://u:passw0rd@127.0.0.1?from=a@b.co&to=c@d.co")
    service = service_of(TEAM)
    assert channels.format_of(service) == apprise.NotifyFormat.TEXT
    monkeypatch.setenv("ADDRESS_OF_TEAM", "gchat://workspace/keykeykey/tokentoken")
    assert channels.format_of(service_of(TEAM)) is None


def test_a_channel_without_its_address_keeps_its_notices_and_holds_up_no_other(place, receiver):
    other = channel("other")
    keep_run(place, result("a"))
    team, absent = sorted(tell(place, [other, TEAM]), key=lambda done: bool(done.error))
    assert (team.channel, team.error) == ("team", "")
    assert absent.error.startswith("ADDRESS_OF_OTHER is not set")
    assert [notice.channel_name for notice in outbox.kept_notices(place, is_waiting=True)] == [
        "other"
    ]
    assert "no such channel any more" in tell(place, [TEAM])[0].error


def test_a_receiver_that_never_ends_its_answer_is_given_up(place, receiver, monkeypatch):
    monkeypatch.setattr(channels, "DELIVERY_SECONDS", 0.2)
    is_over = threading.Event()
    receiver.answer = lambda: is_over.wait(60) and 500
    keep_run(place, result("a"))
    assert "no answer within" in tell(place, [TEAM])[0].error
    monkeypatch.setattr(channels, "DELIVERY_SECONDS", 5)
    receiver.answer = lambda: 200
    assert [delivery.error for delivery in tell(place, [TEAM])] == [""]
    # the first one may yet be read after the second one, and answered as that is
    assert sum("Again" in text for text in receiver.texts) == 1
    is_over.set()


def test_an_address_of_this_network_is_refused_unless_it_is_allowed(receiver):
    found = channels.send(channel("team"), service_of(channel("team")), message())
    assert "127.0.0.1, inside this network" in found.error
    assert receiver.messages == []
    assert channels.send(TEAM, service_of(TEAM), message()) == Outcome()


def test_a_redirect_is_not_followed(receiver):
    receiver.answer = lambda: 302
    receiver.headers = {"location": receiver.address.replace("json", "http")}
    assert "error=302" in channels.send(TEAM, service_of(TEAM), message()).error
    assert receiver.messages == []


def message():
    from marketing_analytics.monitor.alerts.messages import Message

    return Message("title", "body", is_good=True)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0",
        "100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1",
        "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "ff02::1", "/run/docker.sock",
        "localhost", "",
    ],
)  # fmt: skip
def test_no_address_inside_is_public(host):
    assert not is_public(host)


@pytest.mark.parametrize("host", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_addresses_of_the_internet_are_public(host):
    assert is_public(host)


def test_the_guard_sees_the_address_that_a_name_leads_to():
    import socket

    with public_addresses_only() as refused, pytest.raises(OSError, match="no public address"):
        socket.create_connection(("localhost", 9), timeout=1)
    assert refused[0] in ("127.0.0.1", "::1")


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "dbus://", "syslog://", "http://10.0.0.1", "https://example.com/hook",
     "slack://nothing", "nothing"],
)  # fmt: skip
def test_an_address_of_another_kind_is_refused_and_not_shown(monkeypatch, address):
    monkeypatch.setenv("ADDRESS_OF_TEAM", address)
    monkeypatch.setattr(redaction, "read_secrets", set())
    with pytest.raises(UserError) as caught:
        service_of(TEAM)
    assert address not in caught.value.render()
    assert "mailto://" in caught.value.render()


@pytest.mark.parametrize(
    ("address", "secret"),
    [
        ("mailto://me:pass-of-me@mail.example.com?to=a@example.com", "pass-of-me"),
        ("slack://TAAAAAAAA/BBBBBBBBB/cccccccccccccccccccccccc/#general", "c" * 24),
        ("https://hooks.slack.com/services/TAAAAAAAA/BBBBBBBBB/" + "c" * 24, "c" * 24),
        ("workflows://prod-1.example.com:443/643e69f83c8944/signature-of-it", "signature-of-it"),
        ("jsons://example.com/path-with-a-token", "path-with-a-token"),
        ("jsons://example.com/?+X-Token=token%2Fof-a-header", "token/of-a-header"),
    ],
)
def test_what_an_address_holds_is_known_as_a_secret(monkeypatch, address, secret):
    monkeypatch.setenv("ADDRESS_OF_TEAM", address)
    monkeypatch.setattr(redaction, "read_secrets", set())
    service_of(TEAM)
    told = redaction.redact(f"{secret} is refused by {address}", redaction.secrets_of())
    assert secret not in told
    assert address not in told


FILE = """version: 1
alerts:
  remind_after: 2d
  channels:
    team:
      address_from: ADDRESS_OF_TEAM
      severities: [page, ticket]
      allow_private_addresses: true
    mail:
      address_from: ADDRESS_OF_MAIL
      remind_after: 6h
"""


def test_channels_are_read_with_their_defaults(tmp_path):
    path = tmp_path / "monitors.yml"
    path.write_text(FILE)
    team, mail = channels_of(read_settings(path).section("alerts"))
    assert (team.severities, team.remind_after) == (("page", "ticket"), timedelta(days=2))
    assert (mail.remind_after, mail.allows_private_addresses) == (timedelta(hours=6), False)


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("address_from: slack://TAAAAAAAA/BBBBBBBBB/cccccccc", ":6:21"),
        ("address: slack://TAAAAAAAA/BBBBBBBBB/cccccccc", ":6:7"),
        ("address_from: [slack://TAAAAAAAA/BBBBBBBBB/cccccccc", ""),
    ],
    ids=["for a name", "under another name", "broken YAML"],
)
def test_an_address_in_the_file_is_refused_at_its_place_and_not_shown(tmp_path, line, place):
    path = tmp_path / "monitors.yml"
    path.write_text(FILE.replace("address_from: ADDRESS_OF_TEAM", line))
    with pytest.raises(FileError) as caught:
        read_settings(path)
    told = redaction.redact(caught.value.render(), redaction.secrets_of())
    assert f"monitors.yml{place}" in told
    assert "cccccccc" not in told


@pytest.fixture
def typed(place, receiver, tmp_path, monkeypatch):
    """Return what a command line answers."""
    (tmp_path / "monitors.yml").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MARKETING_WAREHOUSE", place.address)
    monkeypatch.setenv("MARKETING_SCHEMA", place.schema)
    monkeypatch.setenv("MARKETING_NOW", "2026-11-02T06:00:00Z")

    def run(*words, code=0):
        done = CliRunner().invoke(group, words)
        assert done.exit_code == code, done.output
        assert "of-the-team-0123456789" not in done.output
        return done.output

    return run


def test_commands_send_list_and_mute(typed, place, receiver):
    keep_run(place, result("a"), result("b"))
    assert "there is no problem of budget of c" in typed(
        "acknowledge", "budget", "--subject", "c", code=2
    )
    typed("acknowledge", "budget", "--subject", "a", "--by", "ada")
    assert "is silent until" in typed("silence", "volume", "--for", "2d", "--reason", "moved")
    assert "mail: 1 notice kept: ADDRESS_OF_MAIL is not set" in typed("send", code=1)
    listed = typed("notices")
    assert "waits" in listed
    assert "moved" in listed
    assert '"channel_name": "mail"' in typed("notices", "--waiting", "--json")
    assert "budget: b" in receiver.texts[0]
    assert "budget: a" not in receiver.texts[0]


def test_a_run_says_what_it_found_even_if_nobody_can_be_told(typed, monkeypatch):
    def locked(_):
        raise LockedError("the file is in use")

    monkeypatch.setattr("marketing_analytics.monitor.levels.store.move_notes", locked)
    told = typed("run", "budget")
    assert "1 unknown" in told
    assert "the alerts wait for the next run: the file is in use" in told


def test_a_silence_has_one_end_and_it_is_to_come(typed):
    ends = ([], ["--for", "2d", "--until", "2027-01-01"], ["--until", "2026-11-01"])
    for end in (*ends, ["--for", "999999d"]):
        typed("silence", "budget", "--reason", "x", *end, code=2)
    assert "known: *, attribution_drift" in typed(
        "silence", "bugdet", "--reason", "x", "--for", "2d", code=2
    )
    said = typed("silence", "budget", "--subject", "", "--reason", "x", "--for", "2d")
    assert said.startswith("budget as a whole is silent until")


def test_a_channel_is_tried(typed, receiver):
    assert "team took the test message" in typed("test-channel", "team")
    receiver.answer = lambda: 403
    assert "team did not take the test message" in typed("test-channel", "team", code=1)
    assert "known: team, mail" in typed("test-channel", "tea", code=2)

"""Alerts and probes on a PostgreSQL server, where several processes write at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from marketing_analytics.monitor.alerts.delivery import tell
from marketing_analytics.monitor.alerts.outbox import kept_notices
from marketing_analytics.monitor.levels.probes import Probe
from marketing_analytics.monitor.levels.store import keep_probes, move_notes, probes_since
from marketing_analytics.monitor.place import Place, opened
from tests.ingest.database_servers import postgresql
from tests.monitor.alert_world import channel, keep_run, receiving, result

pytestmark = pytest.mark.slow
TEAM = channel("team", allows_private_addresses=True)


def test_eight_that_tell_at_once_send_one_message_and_probes_are_kept(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with postgresql() as url, receiving() as receiver:
        monkeypatch.setenv("ADDRESS_OF_TEAM", receiver.address)
        place = Place(url, "marts")
        for number in range(1, 6):
            keep_run(place, result("a", "failing" if number % 2 else "ok"), number=number)
            with ThreadPoolExecutor(8) as eight:
                list(eight.map(lambda _: tell(place, [TEAM]), range(8)))
            assert len(receiver.messages) == number
        assert [notice.cause for notice in kept_notices(place)] == [
            "new", "over", "new", "over", "new",
        ]  # fmt: skip
        assert all(notice.attempts == 1 for notice in kept_notices(place))
        seen = Probe(datetime(2026, 11, 2, 6), "report", True, True, 60.0, 0.1, None)
        assert keep_probes(place, [seen])
        move_notes(place)
        with opened(place) as connection:
            assert probes_since(connection, place, datetime(2026, 1, 1)) == [seen]
    # no file is named after an address with a password in it
    assert list(tmp_path.iterdir()) == []

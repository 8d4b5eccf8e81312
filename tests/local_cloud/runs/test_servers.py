"""Several servers on one store in PostgreSQL: leases tell of those on other machines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.cloud_servers import measure
from marketing_analytics.local_cloud.runs import queue
from marketing_analytics.local_cloud.store.connection import time_text


def claim(cloud, owner: str, lease_seconds: float):
    (lease,) = queue.claim_runs(cloud.connection, owner, lease_seconds=lease_seconds)
    return lease


def test_a_server_of_another_machine_is_gone_when_its_lease_is_over_and_not_before(cloud):
    far = queue.new_owner().replace(queue.this_machine(), "elsewhr1")
    assert queue.is_elsewhere(far)
    run_id = cloud.run(cloud.job())
    claim(cloud, far, lease_seconds=-queue.CLOCK_SECONDS + 2)
    assert queue.kill_survivors(cloud.connection) == 0
    assert queue.reap_runs(cloud.connection) == []
    over = datetime.now(UTC) - timedelta(seconds=queue.CLOCK_SECONDS)
    cloud.change("update runs set lease_expires_at = :at", at=time_text(over))
    assert queue.reap_runs(cloud.connection) == [run_id]
    assert "of another machine" in cloud.row(run_id).status_message


def test_an_owner_of_this_machine_or_of_an_older_program_is_judged_by_its_process():
    assert not queue.is_elsewhere(queue.new_owner())
    assert not queue.is_elsewhere("123@4-5@abcd")
    assert not queue.is_elsewhere(None)
    assert queue.is_owner_alive(queue.new_owner())


@pytest.mark.slow
def test_two_servers_do_every_run_once_and_one_takes_over_from_the_other(new_database, tmp_path):
    url = new_database(tmp_path / "data").url
    found = measure(tmp_path, url, runs=200, servers=2, lease_seconds=4.0)
    print(found)
    assert (found.not_good, found.not_once) == (0, 0)
    assert found.taken_over > 0
    # a lease, what clocks may differ, and a look
    assert found.takeover_seconds < 4 + queue.CLOCK_SECONDS + 5

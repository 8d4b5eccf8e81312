"""Machines that open and click are told from people in worlds whose truth is known."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from mail_world import MailWorld
from small_warehouse import Warehouse, make_warehouse

from marketing_analytics.simulate.world.parameters import WorldParameters

pytestmark = [pytest.mark.system, pytest.mark.slow]
SEEDS = (1, 2, 3)
LEAST = 0.95


@pytest.fixture(scope="module", params=SEEDS, ids="seed{}".format)
def judged(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[MailWorld, Warehouse]:
    """Return a world and the warehouse with its mail."""
    folder: Path = tmp_path_factory.mktemp("mail")
    parameters = WorldParameters(seed=request.param, customers=400, days=90)
    world = MailWorld(folder / "world", parameters)
    warehouse = make_warehouse(folder, world.rows)
    chosen = ("+int_email__activity", "+int_email__flow_steps")
    result = warehouse.run_dbt("build", "--exclude", "resource_type:unit_test", "-s", *chosen)
    assert result.returncode == 0, result.stdout[-3000:]
    return world, warehouse


def test_machines_are_found_and_people_are_not_taken_for_them(
    judged: tuple[MailWorld, Warehouse],
) -> None:
    world, warehouse = judged
    counts: Counter[tuple[str, str, bool, bool]] = Counter()
    for platform, kind, key, found in warehouse.query(
        "select platform, kind, event_key, is_machine from int_email__events "
        "where kind in ('open', 'click')"
    ):
        counts[platform, kind, world.truth[platform, kind, key], found] += 1
    for platform in ("mailchimp", "klaviyo", "sendgrid"):
        for kind in ("open", "click"):
            right, missed, wrong = (
                counts[platform, kind, *what]
                for what in ((True, True), (True, False), (False, True))
            )
            precision, recall = right / (right + wrong), right / (right + missed)
            print(f"{platform} {kind}: precision {precision:.3f}, recall {recall:.3f}, {right}")
            assert precision >= LEAST, (platform, kind)
            assert recall >= LEAST, (platform, kind)


def test_counts_are_those_of_the_ledger(judged: tuple[MailWorld, Warehouse]) -> None:
    world, warehouse = judged
    for part, condition in (("email", "flow_id is null"), ("automation", "flow_id is not null")):
        ledger = world.ledger[part]
        (found,) = warehouse.query(
            "select sum(sent), sum(human_opens + machine_opens),"
            " sum(human_clicks + machine_clicks),"
            " sum(machine_clicks), sum(unsubscribes), sum(hard_bounces), sum(soft_bounces)"
            " from int_email__activity join int_email__mails using (platform, mail_id)"
            f" where platform = 'mailchimp' and {condition}"
        )
        opens = ledger["opens_human"] + ledger["opens_machine"]
        names = ("clicks", "clicks_machine", "unsubscribes", "hard_bounces", "soft_bounces")
        assert found == (ledger["sent"], opens, *(ledger[name] for name in names))

"""Names and budgets keep their history: a row whenever one of them changed."""

from datetime import UTC, date, datetime

import orjson
import pytest

from marketing_analytics.ingest.engine.history import add_changes, history_of
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.tables import Table

from .commands import ingest, read
from .scripted_platform import Answer, between
from .source_kit import slow

CAMPAIGNS = Table("campaigns", {"id": "text", "name": "text", "budget": "money"}, key=("id",))
HISTORY = history_of("campaign_history", CAMPAIGNS, {"name": "text", "budget": "money"})


def changes(state, day, *campaigns):
    """Return the rows of history of a run that sees these campaigns, and the state after it."""
    job = Job("tiny", {}, date(2026, 5, 1), datetime(2026, 6, day, tzinfo=UTC), state=state)
    columns = {name: [one[i] for one in campaigns] for i, name in enumerate(CAMPAIGNS.columns)}
    add_changes(job, HISTORY, columns)
    package = job.take()
    rows = [row for built in package.batches.get(HISTORY, []) for row in built.to_pylist()]
    return [(row["observed_at"].day, row["id"], row["name"]) for row in rows], package.state


def test_a_row_is_written_only_when_something_changed():
    first, state = changes({}, 1, ("1", "Spring", "10.5"), ("2", "Brand", None))
    assert first == [(1, "1", "Spring"), (1, "2", "Brand")]
    assert changes(state, 2, ("1", "Spring", "10.50"), ("2", "Brand", ""))[0] == []
    renamed, state = changes(state, 3, ("1", "Summer", "10.5"), ("2", "Brand", None))
    assert renamed == [(3, "1", "Summer")]
    assert changes(state, 4, ("1", "Summer", "11"))[0] == [(4, "1", "Summer")]


def test_what_is_called_as_before_is_a_change_too_and_what_is_gone_is_none():
    _, state = changes({}, 1, ("1", "Spring", "1"))
    _, state = changes(state, 2, ("1", "Summer", "1"))
    assert changes(state, 3)[0] == []
    assert changes(state, 3, ("1", "Spring", "1"))[0] == [(3, "1", "Spring")]


def campaigns_in(body):
    """Return the campaigns of an answer, of whichever platform."""
    if isinstance(body, list):
        return [row.get("campaign", {}) for chunk in body for row in chunk.get("results", [])]
    return body.get("data") or body.get("elements") or []


@pytest.mark.system
@pytest.mark.parametrize("source", ["meta_ads", *slow("google_ads", "linkedin_ads")])
def test_a_renamed_campaign_is_found_by_both_names(shared_emulators, copy_of_loaded, source):
    old = f"select campaign_id, name from {source}.campaigns order by 1 limit 1"
    [(campaign_id, name)] = read(copy_of_loaded, old)

    def rename(asked, answer):
        body = orjson.loads(answer.body)
        for row in campaigns_in(body):
            if str(row.get("id")) == campaign_id and "name" in row:
                row["name"] = "Another name"
        return Answer(body, answer.status, answer.headers)

    with between(shared_emulators.settings, source, rename) as settings:
        chosen = ("--source", source, "--raw-database", copy_of_loaded)
        for day in ("02", "03"):
            now = {"MARKETING_NOW": f"2026-11-{day}T06:00:00Z"}
            assert ingest(*chosen, **settings | now).code == 0
    table = f"{source}.campaign_history"
    history = f"select name from {table} where campaign_id = ? order by observed_at"
    assert read(copy_of_loaded, history, campaign_id) == [(name,), ("Another name",)]
    everything = f"select count(*), count(distinct campaign_id) from {table}"
    [(rows, campaigns)] = read(copy_of_loaded, everything)
    assert rows == campaigns + 1
    found = f"select distinct campaign_id from {table} where name in (?, ?)"
    assert read(copy_of_loaded, found, name, "Another name") == [(campaign_id,)]

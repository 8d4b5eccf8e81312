"""Tables that come in chunks: judged as a whole, kept on disk, all or none."""

from datetime import UTC, date, datetime

import pytest

from marketing_analytics.ingest.engine.chunks import Chunks
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.tables import MisfitError, Table
from marketing_analytics.ingest.engine.trust.shrinkage import Guard, ShrunkError

ORDERS = Table("orders", {"id": "text", "cents": "count"}, ("id",), "replace", required=("cents",))
REFUNDS = Table("refunds", {"id": "text", "cents": "count"}, ("id",), "replace")


def chunks_of(table, folder, *parts):
    chunks = Chunks(table, folder)
    for rows in parts:
        chunks.add({"id": [row[0] for row in rows], "cents": [row[1] for row in rows]})
    return chunks


def numbered(start, count):
    return [(f"o{number}", number) for number in range(start, start + count)]


def job(**counts):
    guard = Guard({name: {(): count} for name, count in counts.items()})
    return Job("shop", {}, date(2026, 5, 1), datetime(2026, 6, 1, tzinfo=UTC), guard=guard)


def test_chunks_are_one_table_in_the_order_they_came(tmp_path):
    whole = chunks_of(ORDERS, tmp_path, numbered(0, 3), numbered(3, 2)).whole()
    assert whole.column("cents").to_pylist() == [0, 1, 2, 3, 4]
    assert list(tmp_path.iterdir()) == []


def test_no_chunk_is_an_empty_table(tmp_path):
    whole = chunks_of(ORDERS, tmp_path).whole()
    assert (whole.num_rows, whole.schema.names) == (0, ["id", "cents"])


def test_of_a_key_in_two_chunks_the_last_row_stays(tmp_path):
    whole = chunks_of(ORDERS, tmp_path, [("a", 1), ("b", 2)], [("a", 3)]).whole()
    assert whole.to_pylist() == [{"id": "b", "cents": 2}, {"id": "a", "cents": 3}]


def test_an_odd_row_that_is_a_chunk_of_its_own_is_one_of_all(tmp_path):
    chunks = chunks_of(ORDERS, tmp_path, numbered(0, 9), [("odd", "free")])
    assert chunks.whole().num_rows == 9
    assert [row.reason for row in chunks.rejected] == ["cents is not a count: 'free'"]


def test_odd_rows_all_over_are_too_many(tmp_path):
    odd = [(f"x{number}", "free") for number in range(4)]
    chunks = chunks_of(ORDERS, tmp_path, numbered(0, 3), odd[:2], odd[2:])
    with pytest.raises(MisfitError, match="4 of 7 rows of orders do not fit"):
        chunks.whole()


def test_when_one_table_shrank_none_is_kept(tmp_path):
    kept = job(orders=3, refunds=50)
    tables = [
        chunks_of(ORDERS, tmp_path, numbered(0, 3)),
        chunks_of(REFUNDS, tmp_path, numbered(0, 5)),
    ]
    with pytest.raises(ShrunkError, match="refunds of the whole table came with 5 rows"):
        kept.keep_whole(tables)
    assert not any(kept.batches.values())
    # the second answer like this is believed
    kept.keep_whole(tables)
    assert kept.row_count == 8

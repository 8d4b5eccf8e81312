"""Warehouses that cannot be had here: the project compiled by their own adapters, and its SQL read.

That a parser reads it says little: it lets functions pass that an engine does not have. So what is
known to go wrong is looked for by name.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlglot
import yaml
from small_warehouse import PROJECT
from sqlglot import exp

pytestmark = [pytest.mark.system, pytest.mark.slow]
PYTHON = PROJECT.parent / ".venv-warehouses" / "bin" / "python"
OFFLINE_DBT = Path(__file__).with_name("offline_dbt.py")
OUTPUTS: dict[str, dict[str, Any]] = {
    "bigquery": {"method": "oauth-secrets", "token": "t", "project": "p", "dataset": "d"},
    "databricks": {"host": "h.cloud.databricks.com", "http_path": "/sql/1.0/warehouses/1",
                   "token": "t", "catalog": "main", "schema": "s"},
    "redshift": {"host": "127.0.0.1", "port": 9, "user": "u", "password": "p", "dbname": "d",
                 "schema": "s"},
    "snowflake": {"account": "a", "user": "u", "password": "p", "database": "d", "schema": "s",
                  "warehouse": "w", "role": "r"},
}  # fmt: skip
# of DuckDB alone, or of few; of regular expressions Java's are known to be those of Spark
EVERYWHERE = (
    r"\bepoch(_us|_ms)?\(", r"\blist(_\w+)?\(", r"\bbit_xor\(", r"\bmd5_number", r"\bqualify\b",
    r"[^:]//[^']", r"::", r"\bstrptime\(", r"\bstrftime\(", r"\bunnest\(",
    r"\bregexp_(?!replace\()\w+\(",
    r"\bcast\((?!null\b)[^()]+ as boolean\)", r"\bgroup by all\b", r"\bexclude\s*\(", r"\bilike\b",
)  # fmt: skip
TRAPS: dict[str, tuple[str, ...]] = {
    # its hashes are bytes, its decimals short, its unions say which
    "bigquery": (
        r"\bregexp_replace\(",
        r"\bsha256\(", r"\bmd5\(", r"\bat time zone\b", r"\bvarchar\b", r"\bas double\b",
        r"\bsplit_part\(", r"\bposition\(", r"\bunion(?! all| distinct)\b", r"\bfilter\s*\(",
        r"\bdatediff\(", r"\b(?<!big)decimal\(\d+, 1\d\)", r"\b(?<!big)decimal\(3[2-8], \d\)",
        r"\bdouble precision\b", r"\bhash\(", r"\bextract\(epoch",
    ),
    "databricks": (
        r"\bvarchar\b", r"\bat time zone\b", r"\bdouble precision\b", r"\bhashtext",
        r"\bextract\(epoch", r"\barray_agg\([^)]*\border by\b",
    ),
    # no arrays, no min_by
    "redshift": (
        r"\bregexp_replace\(",
        r"\bmin_by\(", r"\bmax_by\(", r"\barray_agg\(", r"\bfilter\s*\(", r"\bhashtext",
        r"\bas double\)", r"\bstring\b", r"\bextract\(epoch",
    ),
    "snowflake": (
        r"\bregexp_replace\(",
        r"\bat time zone\b", r"\bfilter\s*\(", r"\bextract\(epoch",
        r"\barray_agg\([^)]*\border by\b", r"\bhashtext", r"\bto_utf8\(",
    ),
}  # fmt: skip
# words that may not stand alone as a name
RESERVED: dict[str, str] = {
    "bigquery": "all and any array as asc assert_rows_modified at between by case cast collate "
    "contains create cross cube current default define desc distinct else end enum escape except "
    "exclude exists extract false fetch following for from full group grouping groups hash having "
    "if ignore in inner intersect interval into is join lateral left like limit lookup merge "
    "natural new no not null nulls of on or order outer over partition preceding proto qualify "
    "range recursive respect right rollup rows select set some struct tablesample then to treat "
    "true unbounded union unnest using when where window with within",
    "databricks": "anti cross except full inner intersect join lateral left minus natural on "
    "right semi union using",
    "redshift": "aes128 all analyse analyze and any array as asc authorization backup between "
    "binary both case cast check collate column constraint create cross default deferrable desc "
    "distinct do else end except explicit false for foreign freeze from full grant group having "
    "identity ignore ilike in inner intersect into is isnull join leading left like limit natural "
    "new not notnull null off offline offset oid old on only open or order outer overlaps parallel "
    "partition percent permissions primary raw readratio recover references respect rejectlog "
    "resort restore right select similar snapshot some system table tag then to top trailing true "
    "truncatecolumns union unique user using verbose wallet when where with without",
    "snowflake": "account all alter and any as between by case cast check column connect "
    "constraint create cross current database delete distinct drop else exists false following "
    "for from full grant group gscluster having ilike in increment inner insert intersect into is "
    "issue join lateral left like localtime localtimestamp minus natural not null of on or order "
    "organization qualify regexp revoke right rlike row rows sample schema select set some start "
    "table tablesample then to trigger true try_cast union unique update using values view when "
    "whenever where with",
}


@pytest.fixture(scope="module", params=sorted(OUTPUTS))
def compiled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[str, str]]:
    """Return an engine and the SQL of every model and test as its adapter compiles it, offline."""
    if not PYTHON.exists():
        pytest.skip("no .venv-warehouses: make test-slow builds it")
    engine, folder = request.param, tmp_path_factory.mktemp(request.param)
    output = OUTPUTS[engine] | {"type": engine, "threads": 1}
    profile = {"marketing": {"target": "here", "outputs": {"here": output}}}
    (folder / "profiles.yml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    done = subprocess.run(
        [PYTHON, OFFLINE_DBT, engine, "--no-use-colors", "compile", "--no-introspect",
         "--no-populate-cache", "--project-dir", PROJECT,
         "--profiles-dir", folder, "--target-path", folder / "target",
         "--log-path", folder / "logs"],
        cwd=folder,
        env=os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        capture_output=True,
        text=True,
        timeout=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    place = folder / "target" / "compiled" / "marketing"
    found = {path.stem: path.read_text(encoding="utf-8") for path in place.rglob("*.sql")}
    # where the warehouse runs Python, two models are none of SQL
    in_python = {path.stem for path in place.rglob("*.py")}
    assert in_python == (
        set() if engine == "redshift" else {"int_segments__fits", "int_value__fits"}
    )
    assert {path.stem for path in models()} - in_python <= found.keys()
    return engine, found


def models() -> Iterator[Path]:
    """Yield the models that are built by default."""
    return (path for path in (PROJECT / "models").rglob("*.sql") if "shopify" not in path.parts)


def test_its_dialect_reads_every_query(compiled: tuple[str, dict[str, str]]) -> None:
    engine, queries = compiled
    for name, query in queries.items():
        try:
            sqlglot.parse_one(query, dialect=engine)
        except sqlglot.ParseError as error:
            pytest.fail(f"{name}: {error}")


def test_no_query_walks_into_a_known_trap(compiled: tuple[str, dict[str, str]]) -> None:
    engine, queries = compiled
    found = [
        f"{name}: {match[0]}"
        for name, query in queries.items()
        for trap in (*EVERYWHERE, *TRAPS[engine])
        if (match := re.search(trap, without_comments(query), re.IGNORECASE))
    ]
    assert found == []


def without_comments(query: str) -> str:
    """Return a query without what is only said, and with every text empty."""
    # whichever begins first: a text may hold dashes, a comment an apostrophe
    return re.sub(r"'[^']*'|--.*", lambda met: "''" if met[0][0] == "'" else "", query)


def test_no_name_is_a_reserved_word(compiled: tuple[str, dict[str, str]]) -> None:
    engine, queries = compiled
    reserved = set(RESERVED[engine].split())
    found = {
        f"{name}: {identifier.name}"
        for name, query in queries.items()
        for identifier in sqlglot.parse_one(query, dialect=engine).find_all(exp.Identifier)
        if not identifier.quoted and identifier.name.lower() in reserved
    }
    assert found == set()


def test_a_running_window_says_its_rows(compiled: tuple[str, dict[str, str]]) -> None:
    # Redshift refuses an order without rows; others take a range in which ties fall together
    engine, queries = compiled
    running = (exp.AggFunc, exp.FirstValue, exp.LastValue)
    ranks = (exp.Lag, exp.Lead, exp.RowNumber, exp.CumeDist, exp.Rank, exp.DenseRank, exp.Ntile)
    found = [
        f"{name}: {window.sql()}"
        for name, query in queries.items()
        for window in sqlglot.parse_one(query, dialect=engine).find_all(exp.Window)
        if isinstance(window.this, running) and not isinstance(window.this, ranks)
        if window.args.get("order") and not window.args.get("spec")
    ]
    assert found == []

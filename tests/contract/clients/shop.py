"""A dbt project with one of everything, and what bare dbt makes of it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb

FILES = {
    "dbt_project.yml": 'name: shop\nversion: "1.0"\nprofile: shop\n',
    "seeds/raw_orders.csv": "order_id,customer,amount\n1,ann,20\n2,bob,5\n3,ann,7\n",
    "models/staging/stg_orders.sql": (
        "select order_id, customer, {{ cents('amount') }} as amount_cents\n"
        "from {{ source('till', 'raw_orders') }}\n"
        "-- depends_on: {{ ref('raw_orders') }}\n"
    ),
    "models/marts/customers.sql": (
        "{{ config(materialized='table', tags=['daily']) }}\n"
        "select customer, sum(amount_cents) as amount_cents, count(*) as orders\n"
        "from {{ ref('stg_orders') }} group by customer\n"
    ),
    # fails until somebody sets the variable
    "models/fragile.sql": (
        "{{ config(materialized='table', tags=['fragile']) }}\n"
        "select amount_cents, {{ env_var('DBT_COLUMN', 'no_such_column') }} as told\n"
        "from {{ ref('customers') }}\n"
    ),
    # goes on until somebody ends it
    "models/slow.sql": (
        "{{ config(materialized='table', tags=['slow']) }}\n"
        "select count(*) as n from range(3000000) a, range(3000000) b\n"
        "where a.range * b.range % 7 = 3\n"
    ),
    "macros/cents.sql": "{% macro cents(column) %}({{ column }} * 100){% endmacro %}\n",
    "snapshots/customers_seen.sql": (
        "{% snapshot customers_seen %}\n"
        "{{ config(unique_key='customer', strategy='check', check_cols=['orders']) }}\n"
        "select * from {{ ref('customers') }}\n"
        "{% endsnapshot %}\n"
    ),
    "tests/no_negative_amounts.sql": (
        "select * from {{ ref('customers') }} where amount_cents < 0\n"
    ),
    "models/shop.yml": """
sources:
  - name: till
    schema: "{{ target.schema }}"
    config: {loaded_at_field: "now()", freshness: {warn_after: {count: 1, period: day}}}
    tables: [{name: raw_orders, description: What the till recorded.}]
models:
  - name: stg_orders
    description: One row an order.
    columns: [{name: order_id, data_tests: [unique, not_null]}]
  - name: customers
    description: One row a customer.
    columns:
      - {name: customer, description: Who bought., data_tests: [unique]}
      - {name: amount_cents, description: All that they paid.}
exposures:
  - name: weekly_board
    label: Weekly board
    type: dashboard
    maturity: high
    url: https://board.example.com/1
    description: What the shop looks at on Mondays.
    depends_on: [ref('customers')]
    owner: {name: Ann, email: ann@example.com}
""",
}
EXCLUDED = "--exclude tag:slow tag:fragile"
BUILD = f"dbt build {EXCLUDED}"
PROFILE = """
shop:
  target: default
  outputs: {default: {type: duckdb, path: PATH, schema: SCHEMA, threads: 1}}
"""


def write_shop(folder):
    """Write the project and return its folder."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@dataclass(frozen=True)
class Bare:
    """What dbt alone made of the project."""

    manifest: dict
    results: dict
    rows: list

    @property
    def statuses(self):
        """Return how every node went, by its id."""
        return statuses_of(self.results)

    def check(self, results, manifest):
        """Demand that artifacts of a run are those of bare dbt, but for names of places."""
        assert statuses_of(results) == self.statuses
        assert shape_of(manifest) == shape_of(self.manifest)


def statuses_of(results):
    """Return how every node of run_results.json went, by its id."""
    return {one["unique_id"]: one["status"] for one in results["results"]}


def shape_of(manifest):
    """Return what a manifest says of the project, without schema, database and times."""
    return {
        name: {
            key: (node.get("checksum"), node.get("depends_on"), node.get("description"))
            for key, node in manifest[name].items()
        }
        for name in ("nodes", "sources", "exposures")
    }


def read_customers(database, schema):
    """Return what the shop sold, from a DuckDB file."""
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.execute(f'select * from "{schema}".customers order by customer')
        return found.fetchall()


def run_bare(project, folder):
    """Build the project with dbt alone, in a folder of its own."""
    profiles, target = folder / "profiles", folder / "target"
    profiles.mkdir(parents=True)
    database = folder / "shop.duckdb"
    text = PROFILE.replace("PATH", str(database)).replace("SCHEMA", "bare")
    (profiles / "profiles.yml").write_text(text)
    subprocess.run(
        [Path(sys.executable).with_name("dbt"), *BUILD.split()[1:]],
        cwd=project,
        env=os.environ
        | {
            "DBT_PROFILES_DIR": str(profiles),
            "DBT_TARGET_PATH": str(target),
            "DBT_LOG_PATH": str(folder / "logs"),
        },
        check=True,
        timeout=300,
        stdout=subprocess.DEVNULL,
    )
    return Bare(
        manifest=json.loads((target / "manifest.json").read_text()),
        results=json.loads((target / "run_results.json").read_text()),
        rows=read_customers(database, "bare"),
    )

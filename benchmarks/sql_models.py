"""The project's attribution models over a simulated world: their compiled SQL in DuckDB.

Every visit and person of the world is known here, and each tactic is a channel of its own: what is
judged are the models themselves, not tags or identities that are lost on the way.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from marketing_analytics.simulate.world.demand.truth import order_usd_cents
from marketing_analytics.simulate.world.web.visits import FREE_SOURCES
from marketing_analytics.simulate.world.world import World

PROJECT = Path(__file__).resolve().parents[1] / "transform"
DBT = Path(sys.executable).with_name("dbt")
WINDOW_DAYS = 30
# in the order in which they are built
WALK = (
    "int_markov__moves", "int_markov__starts", "int_markov__walk_1", "int_markov__walk_2",
    "int_markov__walk_3", "int_markov__walk_4", "int_markov__walk_5", "int_markov__walk_6",
    "int_markov__walk_7", "int_markov__walk_8", "int_markov__effects",
)  # fmt: skip
MODELS = (
    "int_attribution__credits", "int_journeys__steps", "int_journeys__nodes",
    "int_journeys__visits", "int_journeys__coverage", "int_markov__transitions", *WALK,
    "int_shapley__effects", "fct_path_attribution",
)  # fmt: skip
VARIABLES = {
    "attribution_windows_days": [WINDOW_DAYS],
    "default_attribution_window_days": WINDOW_DAYS,
    "path_windows_days": [WINDOW_DAYS],
    "markov_orders": {"channel": [1, 2, 3], "campaign": []},
}
CREDIT = "_credit"
INPUTS = """
create or replace table fct_touchpoints as
select
    't' || touch as touchpoint_id, 'p' || person as person_key, 'd' || person as device_key,
    touch as ga_session_number, channel, platform,
    campaign_id, make_timestamp(touched_us) as touched_at,
    make_timestamp(touched_us)::date as touch_date, null::integer as consent_window_days
from touches;
create or replace table fct_conversions as
select
    'c' || conversion as conversion_id, 'p' || person as person_key,
    case when is_first then 'first_order' else 'repeat_order' end as conversion_type,
    false as is_refunded, (cents / 100)::decimal(18, 2) as revenue_usd,
    make_timestamp(converted_us)::date as conversion_date,
    make_timestamp(converted_us) as converted_at
from conversions;
create or replace table dim_channels as
select distinct channel, channel not in ({free}) as is_paid from fct_touchpoints;
"""


def compiled(
    folder: Path, names: Sequence[str] = MODELS, variables: Mapping[str, Any] = VARIABLES
) -> dict[str, str]:
    """Return the SQL of models by name, as dbt compiles it for the schema main of wh."""
    duckdb.connect(str(folder / "raw.duckdb")).close()
    settings = {
        "MARKETING_RAW_DATABASE": str(folder / "raw.duckdb"),
        "MARKETING_DEV_DATABASE": str(folder / "wh.duckdb"),
        "DBT_SCHEMA": "main",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    place = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    place += ["--target-path", str(folder / "target"), "--log-path", str(folder / "logs")]
    command = [str(DBT), "compile", "-q", "--vars", json.dumps(variables), *place]
    subprocess.run(
        [*command, "--select", *names],
        env=os.environ | settings,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    found = {path.stem: path for path in (folder / "target" / "compiled").rglob("*.sql")}
    return {name: found[name].read_text(encoding="utf-8") for name in names}


def build(
    connection: duckdb.DuckDBPyConnection, models: Mapping[str, str], names: Iterable[str]
) -> None:
    """Make the tables of some models."""
    for name in names:
        connection.execute(f"create or replace table {name} as {models[name]}")


def loaded(world: World, channel_of_sessions: NDArray[np.str_]) -> duckdb.DuckDBPyConnection:
    """Return a warehouse that knows every visit, its person and ad, and every order in dollars."""
    sessions, orders, ads = world.sessions, world.orders, world.catalog.ads
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as wh; use wh.main")
    # one beyond the last ad stands for none: index -1
    platform = np.array([*(ad.platform for ad in ads), None], dtype=object)
    campaign = np.array([*(ad.campaign_id for ad in ads), None], dtype=object)
    touches = {
        "touch": np.arange(sessions.count),
        "person": sessions.person,
        "channel": channel_of_sessions.astype(object),
        "platform": platform[sessions.ad],
        "campaign_id": campaign[sessions.ad],
        "touched_us": sessions.start_us,
    }
    conversions = {
        "conversion": np.arange(len(orders.person)),
        "person": orders.person,
        "is_first": orders.is_first,
        "cents": order_usd_cents(world),
        "converted_us": orders.ordered_us,
    }
    connection.register("touches", touches)
    connection.register("conversions", conversions)
    connection.execute(INPUTS.format(free=", ".join(f"'{name}'" for name in FREE_SOURCES)))
    return connection


def channel_credit(
    models: dict[str, str], world: World, channel_of_sessions: NDArray[np.str_]
) -> dict[str, dict[str, float]]:
    """Return the conversions that each model gives to each channel, in a window of 30 days."""
    connection = loaded(world, channel_of_sessions)
    build(connection, models, models)
    result = rule_credit(connection)
    rows = connection.execute(
        "select model, channel, credit from fct_path_attribution"
        " where path_level = 'channel' and conversion_type = 'all'"
    ).fetchall()
    for model, channel, credit in rows:
        result.setdefault(model, {})[channel] = float(credit)
    connection.close()
    return result


def rule_credit(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, float]]:
    """Return the sums of the columns of the rule models by channel."""
    described = connection.execute("describe int_attribution__credits").fetchall()
    columns = [name for name, *_ in described if name.endswith(CREDIT)]
    sums = ", ".join(f"sum({column})" for column in columns)
    query = (
        f"select channel, {sums} from int_attribution__credits"
        " inner join fct_touchpoints using (touchpoint_id) group by channel"
    )
    rows = connection.execute(query).fetchall()
    return {
        column.removesuffix(CREDIT): {channel: float(values[place]) for channel, *values in rows}
        for place, column in enumerate(columns)
    }

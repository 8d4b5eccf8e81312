"""12 kinds of fault x every source x 20 seeds: exact afterwards, nothing lost, nothing double.

Exact is what an undisturbed load holds, to the cent. `-k seed0` runs one seed of each.
"""

from collections import Counter

import pytest

from marketing_analytics.ingest.platforms import source_names

from .faults import KINDS, LIES, Disturbance, chance, moment, spoilt_files
from .soak import FILES, load, rows_of

pytestmark = [pytest.mark.system, pytest.mark.soak]

SEEDS = 20
CASES = [
    pytest.param(source, kind, seed, id=f"{source}-{kind}-seed{seed}")
    for source in source_names()
    for kind in KINDS[source]
    for seed in range(SEEDS)
]


def check_told(done, source, *, is_all_well):
    """Check exit code and message: a sentence with what to do, never a traceback."""
    said = done.out + done.err
    assert "Traceback" not in said
    assert "bug in the source" not in said
    result = done.source(source)
    expected = {
        "ok": {0},
        "partial": {5},
        "failed": {1, 2, 3, 4},
    }[result["status"]]
    assert done.code in expected, said
    assert bool(result["errors"] or result["rejected"]) == (result["status"] != "ok"), said
    assert not (is_all_well and done.code), said


def check_nothing_double(found, expected, kind):
    """Check that what is there is a part of what an undisturbed load holds."""
    for name, rows in found.items():
        if name == "linkedin_ads.creative_stats":
            # its campaign is empty where the list of creatives was not read
            continue
        more = Counter(map(repr, rows)) - Counter(map(repr, expected.get(name, [])))
        assert not more, f"{name} holds {sum(more.values())} rows that are not there"


@pytest.mark.parametrize(("source", "kind", "seed"), CASES)
def test_a_fault_costs_no_cent(
    tiny_world, tiny_emulators, undisturbed, tmp_path, source, kind, seed
):
    expected, _, request_count = undisturbed(source)
    database = tmp_path / "raw.duckdb"
    if source in FILES:
        with spoilt_files(tiny_world, tiny_emulators.settings, source, kind, seed, tmp_path) as (
            settings,
            restore,
        ):
            done = load(database, source, settings)
            check_told(done, source, is_all_well=False)
            restore()
    else:
        tiny_emulators.reset()
        when = moment(source, kind, seed, request_count)
        disturbed = Disturbance(tiny_emulators, source, kind, when, chance(seed))
        with disturbed.settings() as changed:
            done = load(database, source, changed)
        assert disturbed.struck
        is_broken = kind not in LIES and kind not in {"expired_token", "bomb"}
        check_told(done, source, is_all_well=is_broken and when.is_passing)
        tiny_emulators.reset()
        settings = tiny_emulators.settings
    if database.exists() and kind not in {*LIES, "missing_column", "null_key"}:
        check_nothing_double(rows_of(database), expected, kind)
    # a lie is believed until it is read again
    again = load(database, source, settings, *(["--reread"] if kind in LIES else []))
    assert again.code == 0, again.out + again.err
    assert rows_of(database) == expected

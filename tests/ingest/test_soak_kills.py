"""20 kills in each phase of a run x every source: exact afterwards."""

import shutil
import signal

import pytest

from marketing_analytics.ingest.platforms import source_names

from .kills import PHASES, killed_run
from .soak import load, rows_of

pytestmark = [pytest.mark.system, pytest.mark.soak]

SEEDS = 20
CASES = [
    pytest.param(source, phase, seed, id=f"{source}-{phase}-seed{seed}")
    for source in source_names()
    for phase in PHASES
    for seed in range(SEEDS)
]


@pytest.mark.parametrize(("source", "phase", "seed"), CASES)
def test_the_run_after_a_kill_is_exact(tiny_emulators, undisturbed, tmp_path, source, phase, seed):
    expected, loaded, _ = undisturbed(source)
    tiny_emulators.reset()
    database = tmp_path / "raw.duckdb"
    arguments = ["--source", source, "--raw-database", database, "--since", "2026-10-10"]
    if seed % 2:
        # everything is there already, and is replaced
        shutil.copy(loaded, database)
        arguments.append("--reread")
    settings = tiny_emulators.settings
    assert killed_run(phase, seed, [*map(str, arguments), "--json"], settings) == -signal.SIGKILL
    again = load(database, source, settings)
    assert again.code == 0, again.out + again.err
    assert rows_of(database) == expected
    assert not list(tmp_path.rglob("marketing_*")), "dlt's working folder was left behind"

"""A load that was killed after it had begun to change the database is begun anew."""

import signal

import pytest

from marketing_analytics.ingest.raw.left_over import begin_anew

from .commands import contents
from .kills import killed_when_stored
from .soak import FIRST_DAY, load
from .source_kit import first_and_slow

pytestmark = pytest.mark.system

# tables that are replaced in parts: their rows have no key by which dlt would drop a second one
CASES = first_and_slow([("klaviyo", "events"), ("ga4", "events"), ("ga4_reports", "traffic")])


@pytest.fixture
def killed_reread(shared_emulators, copy_of_loaded):
    """Kill a run that replaces what is loaded; return the files of its jobs."""

    def kill(source, table):
        chosen = ["--source", source, "--raw-database", str(copy_of_loaded)]
        arguments = [*chosen, "--since", FIRST_DAY, "--reread", "--json"]
        settings = shared_emulators.settings
        assert killed_when_stored(table, arguments, settings) == -signal.SIGKILL
        folder = copy_of_loaded.with_name(copy_of_loaded.name + ".dlt")
        jobs = list(folder.glob(f"pipelines/marketing_{source}/load/normalized/*/*_jobs/*"))
        assert "started_jobs" in {job.parent.name for job in jobs}
        return jobs

    return kill


@pytest.mark.slow
@pytest.mark.parametrize(("source", "table"), CASES)
def test_no_row_stands_twice(
    shared_emulators, copy_of_loaded, killed_reread, everything, source, table
):
    killed_reread(source, table)
    again = load(copy_of_loaded, source, shared_emulators.settings)
    assert again.code == 0, again.out + again.err
    assert contents(copy_of_loaded) == everything


@pytest.mark.slow
@pytest.mark.parametrize(("source", "table"), CASES[:1])
def test_what_cannot_be_loaded_any_more_is_read_again(
    shared_emulators, copy_of_loaded, killed_reread, everything, source, table
):
    for job in killed_reread(source, table):
        job.write_bytes(b"torn")
    again = load(copy_of_loaded, source, shared_emulators.settings)
    assert again.code == 0, again.out + again.err
    assert contents(copy_of_loaded) == everything


def test_a_load_that_was_begun_stays_so_when_setting_it_back_is_killed_too(tmp_path):
    jobs = tmp_path / "load" / "normalized" / "1"
    (jobs / "new_jobs").mkdir(parents=True)
    assert not begin_anew(tmp_path)
    (jobs / "started_jobs").mkdir()
    (jobs / "started_jobs" / "events.1.0.jsonl").touch()
    assert begin_anew(tmp_path)
    assert [job.name for job in (jobs / "new_jobs").iterdir()] == ["events.1.0.jsonl"]
    assert begin_anew(tmp_path)

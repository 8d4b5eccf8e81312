"""Files about persons are written whole, for their owner alone, or not at all."""

import stat

import pytest

from marketing_analytics.core.errors import MachineError
from marketing_analytics.governance.export import write


def test_a_file_is_its_owners_alone(tmp_path):
    path = tmp_path / "ann.json"
    write(path, "ü\n")
    assert path.read_text() == "ü\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(MachineError, match="cannot write"):
        write(folder, "text")
    assert list(tmp_path.iterdir()) == [folder]

"""Files that cannot be written are told in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketing_analytics.core.errors import MachineError
from marketing_analytics.core.written import replace_file


@pytest.mark.parametrize("place", [".", "/", "folder", "file/x", "none/x", "n" * 300])
def test_a_file_that_cannot_be_written_is_an_error_with_its_name(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("file").touch()
    with pytest.raises(MachineError, match=f"cannot write {place}"):
        replace_file(Path(place), "text")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]

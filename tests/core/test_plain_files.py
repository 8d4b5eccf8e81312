"""What is no plain file is refused at once, whatever stands there."""

from __future__ import annotations

import os

import pytest

from marketing_analytics.core.plain_files import open_plain, plain_opener, read_plain, remove_tree


def test_a_plain_file_is_read(tmp_path):
    (tmp_path / "one").write_bytes(b"told")
    assert read_plain(tmp_path / "one") == b"told"


@pytest.mark.parametrize("what", ["link", "pipe", "folder", "nothing"])
def test_links_pipes_and_folders_are_refused_and_nothing_waits(tmp_path, what):
    (tmp_path / "secret").write_bytes(b"secret")
    place = tmp_path / "place"
    if what == "link":
        place.symlink_to(tmp_path / "secret")
    elif what == "pipe":
        os.mkfifo(place)
    elif what == "folder":
        place.mkdir()
    with pytest.raises(OSError, match="place"):
        open_plain(place)
    with pytest.raises(OSError, match="place"):
        plain_opener(str(place), os.O_WRONLY)


def test_a_file_of_holes_is_not_read(tmp_path):
    with (tmp_path / "large").open("wb") as file:
        file.truncate(500 << 30)
    with pytest.raises(OSError, match="larger than 512 MiB"):
        read_plain(tmp_path / "large")


def test_folders_that_lie_too_deep_for_python_are_removed(tmp_path, monkeypatch):
    def give_up(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr("shutil.rmtree", give_up)
    (tmp_path / "a" / "b").mkdir(parents=True)
    remove_tree(tmp_path / "a")
    assert not (tmp_path / "a").exists()

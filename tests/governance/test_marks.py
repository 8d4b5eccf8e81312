"""Many marks are found at once in bytes, wherever they stand and however they are written."""

import base64
import hashlib
import random

import pytest

from marketing_analytics.governance.traces import marks
from marketing_analytics.governance.traces.marks import Search, marks_of, search_of

ADDRESS = " Ann.Lee+x@Example.com"


@pytest.mark.parametrize(
    "written",
    [
        "ann.lee+x@example.com",
        "ANN.LEE+X@EXAMPLE.COM",
        "ann.lee%2Bx%40example.com",
        hashlib.sha256(b"ann.lee+x@example.com").hexdigest(),
        hashlib.md5(b"ann.lee+x@example.com").hexdigest().upper(),
        base64.b64encode(b"ann.lee+x@example.com").decode(),
    ],
)
def test_an_address_is_found_however_it_is_written(written):
    search = search_of(marks_of("email", ADDRESS))
    found = list(search.found_in(f"?u={written}&x".encode()))
    assert found
    assert found[0][0] == 3
    assert not list(search.found_in(b"ann.lee@example.com"))


def test_a_phone_is_found_by_its_digits():
    search = search_of(marks_of("phone", "+49 (170) 555-12"))
    assert len(list(search.found_in(b"a 4917055512 b +4917055512"))) >= 2


def test_names_count_as_words_only():
    search = search_of(marks_of("last_name", "Sommer", is_word=True))
    assert [place for place, _ in search.found_in(b"sommer_sale Sommerfest (Sommer)")] == [24]
    assert marks_of("first_name", "Ann", is_word=True)
    assert not search_of(marks_of("first_name", "Ann", is_word=True)[:0]).marks


def test_marks_across_chunks_are_found_once(monkeypatch):
    monkeypatch.setattr(marks, "CHUNK_BYTES", 64)
    rng = random.Random(5)
    wanted = [f"person{n:03d}@mark.example".encode() for n in range(50)]
    search = search_of(mark for one in wanted for mark in marks_of("email", one.decode()))
    content, places = b"", []
    for one in wanted:
        content += bytes(rng.choices(b"abcdefp@.", k=rng.randint(0, 150)))
        places.append(len(content))
        content += one
    plain = {mark.pattern for mark in search.marks if b"@" in mark.pattern}
    found = [place for place, mark in search.found_in(content) if mark.pattern in plain]
    assert found == places


def test_values_with_a_mark_are_told_from_those_without():
    search = search_of(marks_of("customer", "K00017x"))
    values = ["https://x/?c=k00017X", "K0001", "7x", "", "K00018x"]
    assert list(search.among(values)) == values[:1]
    assert Search(()).among(values) == {}

"""Secrets stay out of what is printed."""

from __future__ import annotations

import json
import random
from urllib.parse import quote

import pytest

from marketing_analytics.core import redaction
from marketing_analytics.core.redaction import (
    MASK,
    has_secret,
    is_masked,
    is_secret_name,
    masked_values,
    redact,
    redact_lines,
    secrets_of,
    starred,
)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer canary-123456",
        "authorization: token canary-123456",
        "GET /x?after=1&access_token=canary-123456&limit=2",
        "postgresql://user:canary-123456@db/shop",
    ],
)
def test_secret_shaped_parts_are_masked(text):
    masked = redact(text)
    assert "canary-123456" not in masked
    assert MASK in masked


def test_known_values_are_masked_wherever_they_stand():
    assert redact("a canary b", ["canary"]) == f"a {MASK} b"


def test_ordinary_text_is_left_alone():
    text = "GET /api/v2/accounts/1/jobs/?limit=100 from https://example.com:8000/x"
    assert redact(text) == text


def test_secret_settings_are_known_by_name():
    found = secrets_of({"DBTCLOUD_TOKEN": "longer-value", "MAILCHIMP_API_KEY": "short1", "A": "b"})
    assert found == ["longer-value", "short1"]
    assert is_secret_name("DBT_ENV_SECRET_X")
    assert not is_secret_name("PROJECT_ID")


def test_every_key_is_masked_but_only_a_secret_one_is_refused():
    environment = {"DBT_ENV_SECRET_A": "a" * 7, "DBT_PSEUDONYM_KEY": "k" * 8, "DBT_X": "x" * 9}
    assert secrets_of(environment) == ["k" * 8, "a" * 7]
    assert is_masked("DBT_SURROGATE_KEY")
    assert not is_secret_name("DBT_SURROGATE_KEY")


def test_words_of_up_to_five_letters_are_masked_by_no_name():
    assert masked_values([("A_TOKEN", "false"), ("B_TOKEN", "secret"), ("C", "nothing")]) == [
        "secret"
    ]


def test_a_very_long_line_is_left_alone():
    # at the square of its length this would outlast the time limit of the test
    assert redact("x" * 5_000_000) == "x" * 5_000_000


SHAPES = [
    "-----BEGIN RSA PRIVATE KEY-----\nMIIcanary0123456789==\n",
    "glpat-canary0123456789",
    "dbtc_canary0123456789",
    "AKIAcanary0123456789",
    "eyJhbGciOiJIUzI1NiJ9.eyJjanary0123456789.sig",
    "Bearer canary0123456789",
    "https://x.test/?access_token=canary0123456789",
    "postgresql://user:canary0123456789@db/shop",
]


@pytest.mark.parametrize("secret", SHAPES)
def test_what_a_job_file_may_not_hold_is_masked_wherever_it_is_shown(secret):
    for text in (secret, f"log line: {secret} and more"):
        assert has_secret(text)
        assert "0123456789" not in redact(text)
        assert MASK in redact(text)


@pytest.mark.parametrize("secret", SHAPES)
def test_stars_keep_the_length_of_a_text(secret):
    shown = starred(f"log line: {secret} and a-value", ["a-value"])
    assert len(shown) == len(f"log line: {secret} and a-value")
    assert shown.startswith("log line: ")
    assert shown.endswith("*******")
    assert "0123456789" not in shown


def test_the_password_of_an_address_is_masked_where_it_stands_alone():
    address = "postgresql://mk:s3cret%2Fpart@host/raw"
    known = secrets_of({"MARKETING_RAW_DATABASE": address})
    assert redact("refused s3cret%2Fpart and s3cret/part", known) == f"refused {MASK} and {MASK}"


def test_an_example_of_an_address_stays_readable():
    example = "write it like postgresql://user:<password>@host/name"
    assert redact(example) == example


def test_a_secret_of_several_lines_is_masked_line_by_line_and_escaped():
    secret = 'first line & "more"\nsecond line\nend'
    values = masked_values([("DBT_ENV_SECRET_KEY", secret)])
    for text in (
        'the first line & "more" of it',
        "only second line here",
        json.dumps({"key": secret}),
        quote(secret, safe=""),
    ):
        clean = redact(text, values)
        assert MASK in clean
        assert "second line" not in clean
        assert "first line" not in clean
        assert "first%20line" not in clean
    # a line of a few letters is a word
    assert redact("the end", values) == "the end"


def test_a_secret_is_masked_as_python_prints_it():
    secret = "pa\"ss'w<o>rd&é\\"
    values = masked_values([("DBT_ENV_SECRET_KEY", secret)])
    whole = {"key": secret, "other": 'it\'s "so"'}
    for text in (
        ascii(secret),
        repr(secret),
        repr(secret.encode()),
        repr(whole),
        json.dumps({"msg": ascii(secret)}),
        json.dumps({"msg": repr(whole)}, ensure_ascii=False),
        r"pa\"ss\'w<o>rd&\xe9\\",
        r"pa\"ss'w<o>rd&é\\",
    ):
        clean = redact(text, values)
        assert MASK in clean, text
        assert "w<o>rd" not in clean
        assert "xe9" not in clean
        assert "é" not in clean
    only_one = masked_values([("DBT_ENV_SECRET_KEY", "it's-a-word")])
    assert redact(repr(["it's-a-word", '"']), only_one) == f'["{MASK}", \'"\']'
    assert redact(repr("it's-a-word \""), only_one) == f"'{MASK} \"'"
    # a plain one has one form
    assert masked_values([("DBT_ENV_SECRET_KEY", "hunter22")]) == ["hunter22"]


def test_no_shape_is_missed_because_its_words_were_not_seen():
    """Texts of random parts are masked as if every shape had been tried on each."""
    parts = [
        *SHAPES,
        "TOKEN ",
        "Basic ",
        "bEaReR ",
        "?SIG=",
        "&Key=",
        "ghx_",
        "xoxb-",
        "sk-",
        "://",
    ]
    parts += ["a", " ", "\n", ":", "@", "eyJ", "value-0123456789", "-----BEGIN PRIVATE KEY", "AKIA"]
    draw = random.Random(7)
    masked = 0
    for _ in range(5_000):
        text = "".join(draw.choices(parts, k=draw.randint(1, 6)))
        expected = text
        for _, shape in redaction.SHAPES:
            expected = shape.sub(rf"\1{MASK}\2", expected)
        expected = redaction.HEADER[1].sub(rf"\1\2{MASK}", expected)
        assert redact(text) == expected
        masked += MASK in expected
        # and line by line, a part of an ordinary text as a known value
        for known in ([], ["", "value-0"]):
            lines = [redact(line, known) for line in text.split("\n")]
            assert redact_lines(text, known) == "\n".join(lines)
    assert masked > 1_000

"""Identifiers as platforms compare them: worked cases, Meta's own with the hashes it publishes."""

import hashlib

import pytest

from marketing_analytics.audiences.formats import (
    FORMATS,
    Contact,
    as_csv,
    google_row,
    linkedin_row,
    meta_row,
    rows_of,
)
from marketing_analytics.audiences.identifiers import (
    countries,
    country_of,
    email,
    email_for_google,
    name_for_meta,
    phone,
    sha256,
)

# "Customer Information Parameters", developers.facebook.com/docs/marketing-api/conversions-api
PUBLISHED_BY_META = [
    (
        Contact(email="John_Smith@gmail.com"),
        0,
        "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f",
    ),
    (
        Contact(phone="(650)555-1212", country="US"),
        1,
        "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176",
    ),
    (
        Contact(first_name="Mary"),
        2,
        "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec",
    ),
    (
        Contact(first_name="정"),
        2,
        "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14",
    ),
    (
        Contact(last_name="Valéry"),
        3,
        "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c",
    ),
]


@pytest.mark.parametrize(("contact", "column", "hashed"), PUBLISHED_BY_META)
def test_the_hashes_that_meta_publishes_come_out(contact, column, hashed):
    assert meta_row(contact)[column] == hashed


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("Ann@Example.com", "ann@example.com"),
        ("  ann@example.com\n", "ann@example.com"),
        ("ANN.LEE+News@Example.COM", "ann.lee+news@example.com"),
        ("a.n.n+x@gmail.com", "a.n.n+x@gmail.com"),
        ("ümlaut@Exämple.de", "ümlaut@exämple.de"),
        ("u\u0308mlaut@example.de", "ümlaut@example.de"),
        ("ann@example", ""),
        ("ann example.com", ""),
        ("ann@@example.com", ""),
        ("ann lee@example.com", ""),
        ("@example.com", ""),
        ("ann@example.", ""),
        ("", ""),
    ],
)
def test_an_address_loses_case_and_outer_spaces(given, plain):
    assert email(given) == plain


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("A.n.n@Gmail.com", "ann@gmail.com"),
        ("ann.lee@googlemail.com", "annlee@googlemail.com"),
        ("ann.lee@example.com", "ann.lee@example.com"),
        ("ann.lee@mail.gmail.com", "ann.lee@mail.gmail.com"),
        ("ann.lee+news@gmail.com", "annlee+news@gmail.com"),
        (" ann @ example.com ", "ann@example.com"),
        ("nobody", ""),
        ("", ""),
    ],
)
def test_google_takes_the_dots_out_of_its_own_addresses(given, plain):
    assert email_for_google(given) == plain


@pytest.mark.parametrize(
    ("given", "country", "plain"),
    [
        ("+49 (170) 555-1234", "", "+491705551234"),
        ("+49 (0)170 5551234", "", "+491705551234"),
        ("0049 170 5551234", "", "+491705551234"),
        ("0170 / 555 1234", "Germany", "+491705551234"),
        ("170 5551234", "DE", "+491705551234"),
        ("491705551234", "de", "+491705551234"),
        ("0170 555 1234", "", ""),
        ("0170 555 1234", "Atlantis", ""),
        ("(800)555-0100", "US", "+18005550100"),
        ("1-800-555-0100", "United States", "+18005550100"),
        ("+1 800 555 0100 ext. 12", "", "+18005550100"),
        ("+1 800 555 0100 x12", "", "+18005550100"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("+44 844 412 4653", "", "+448444124653"),
        ("06 1 234 5678", "Hungary", "+3612345678"),
        ("06 1234 5678", "Italy", "+390612345678"),
        ("91 123 45 67", "Spain", "+34911234567"),
        ("0033 1 23 45 67 89", "France", "+33123456789"),
        ("+\uff14\uff19 170 5551234", "", "+491705551234"),
        ("+49 170", "", ""),
        ("+0 170 5551234", "", ""),
        ("+49 170 5551234 5551234", "", ""),
        ("no number", "DE", ""),
        ("", "DE", ""),
    ],
)
def test_a_phone_is_written_as_in_e_164(given, country, plain):
    assert phone(given, country_of(country)) == plain


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("Mary", "mary"),
        ("  Mary  Ann ", "mary ann"),
        ("O'Brien", "obrien"),
        ("O\u2019Brien", "obrien"),
        ("Anne-Marie", "annemarie"),
        ("J.", "j"),
        ("Valéry", "valéry"),
        ("Vale\u0301ry", "valéry"),
        ("Müller", "müller"),
        ("정", "정"),
        ("...", ""),
        ("", ""),
    ],
)
def test_meta_takes_names_in_small_letters_without_punctuation(given, plain):
    assert name_for_meta(given) == plain


def test_a_country_is_known_by_code_and_by_name():
    assert country_of(" germany ").code == country_of("De").code == "DE"
    assert country_of("") is country_of(None) is country_of("Atlantis") is None
    assert all(len(one.code) == 2 and one.code.isupper() for one in countries().values())
    assert all(one.calling_code.isdecimal() for one in countries().values())


ANN = Contact("A.nn@Gmail.com", "0170 5551234", "Ann", "Lee-Ray", "Germany")


def test_each_platform_gets_its_own_form_of_a_person():
    assert meta_row(ANN) == tuple(
        sha256(text) for text in ("a.nn@gmail.com", "491705551234", "ann", "leeray", "de")
    )
    assert google_row(ANN) == (sha256("ann@gmail.com"), sha256("+491705551234"))
    assert linkedin_row(ANN) == (sha256("a.nn@gmail.com"), *[""] * 6)
    assert meta_row(Contact()) == ("",) * 5
    assert sha256("a") == hashlib.sha256(b"a").hexdigest()


@pytest.mark.parametrize("platform", sorted(FORMATS))
def test_a_row_has_a_value_for_each_header_and_no_plain_one(platform):
    form = FORMATS[platform]
    contacts = [ANN, ANN, Contact(first_name="Bo", country="US")]
    rows = rows_of(form, map(form.row, contacts))
    assert len(rows) == 1
    assert len(rows[0]) == len(form.headers)
    assert all(len(cell) in (0, 64) for cell in rows[0])
    text = as_csv(form, rows)
    assert text.splitlines()[0] == ",".join(form.headers)
    assert not any(word in text.lower() for word in ("ann", "lee", "germany", "gmail"))


def test_the_headers_are_those_that_platforms_publish():
    headers = {name: ",".join(form.headers) for name, form in FORMATS.items()}
    assert headers == {
        "meta": "email,phone,fn,ln,country",
        "google": "Email,Phone",
        "linkedin": "email,firstname,lastname,jobtitle,employeecompany,country,googleaid",
    }
    assert {name: form.minimum for name, form in FORMATS.items()} == {
        "meta": 100,
        "google": 100,
        "linkedin": 300,
    }

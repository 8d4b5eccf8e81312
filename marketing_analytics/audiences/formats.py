"""Files that ad platforms take: their headers, the rows, how few persons they refuse."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from marketing_analytics.audiences.identifiers import (
    country_of,
    email,
    email_for_google,
    name_for_meta,
    phone,
    sha256,
)


@dataclass(frozen=True)
class Contact:
    """The plain identifiers of a person; "" for what is not known."""

    email: str = ""
    phone: str = ""
    first_name: str = ""
    last_name: str = ""
    country: str = ""


Row = tuple[str, ...]


@dataclass(frozen=True)
class Format:
    """The file of a platform; a row without one of the first `matched` columns matches nobody."""

    headers: Row
    minimum: int
    matched: int
    row: Callable[[Contact], Row]

    def matches(self, row: Row) -> bool:
        """Return whether somebody can be found by a row."""
        return any(row[: self.matched])


def meta_row(contact: Contact) -> Row:
    """Return the columns of a customer list: all of them hashed, phones without the plus."""
    country = country_of(contact.country)
    plain = (
        email(contact.email),
        phone(contact.phone, country).removeprefix("+"),
        name_for_meta(contact.first_name),
        name_for_meta(contact.last_name),
        country.code.lower() if country else "",
    )
    return tuple(sha256(text) for text in plain)


def google_row(contact: Contact) -> Row:
    """Return the columns of Customer Match; names count only with a postal code, which none has."""
    number = phone(contact.phone, country_of(contact.country))
    return sha256(email_for_google(contact.email)), sha256(number)


def linkedin_row(contact: Contact) -> Row:
    """Return the columns of the contact template: names are not hashed there, so they stay here."""
    return sha256(email(contact.email)), "", "", "", "", "", ""


# the least number of persons by platform: facebook.com/business/help/2082575038703844, Google's
# least of its networks (100 active users, 1,000 where an account is older), linkedin.com/help/lms
FORMATS = {
    "meta": Format(("email", "phone", "fn", "ln", "country"), 100, 2, meta_row),
    "google": Format(("Email", "Phone"), 100, 2, google_row),
    "linkedin": Format(
        ("email", "firstname", "lastname", "jobtitle", "employeecompany", "country", "googleaid"),
        300,
        1,
        linkedin_row,
    ),
}


def rows_of(form: Format, rows: Iterable[Row]) -> list[Row]:
    """Return the rows by which somebody can be found, each once and in an order of no meaning."""
    return sorted({row for row in rows if form.matches(row)})


def as_csv(form: Format, rows: Sequence[Row]) -> str:
    """Return the text of the file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(form.headers)
    writer.writerows(rows)
    return text.getvalue()

"""Write an audience for a platform: hashed on the way out, without who refuses, with a receipt."""

from __future__ import annotations

import getpass
import hashlib
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from marketing_analytics.audiences.formats import FORMATS, as_csv, rows_of
from marketing_analytics.audiences.members import Audience, Member, members_of
from marketing_analytics.audiences.plain import contacts_of
from marketing_analytics.core.errors import UserError
from marketing_analytics.governance.export import write
from marketing_analytics.governance.receipts import Receipt, forget, keep
from marketing_analytics.governance.request import Asked
from marketing_analytics.governance.traces.person import Databases, databases
from marketing_analytics.ingest.raw.erasures import erased_pseudonyms
from marketing_analytics.ingest.raw.places import DuckDBFile
from marketing_analytics.measure.project import Project
from marketing_analytics.web.words import plural


@dataclass(frozen=True)
class Wanted:
    """What is exported, in which form, to which file, and of how many persons at least."""

    audience: Audience
    platform: str
    path: Path
    minimum: int
    is_overwriting: bool = False


def wanted_of(
    audience: Audience, platform: str, path: Path, minimum: int | None, *, is_overwriting: bool
) -> Wanted:
    """Return what is asked for. Raise UserError for fewer persons than the platform takes."""
    least = FORMATS[platform].minimum
    if minimum is not None and minimum < least:
        raise UserError(
            f"--minimum {minimum:,} is less than {platform} takes: {least:,} persons",
            hint=f"give {least:,} or more, or leave it out",
        )
    return Wanted(audience, platform, path, minimum or least, is_overwriting)


def export(asked: Asked, project: Project, wanted: Wanted) -> Receipt:
    """Write the file and return its receipt. Raise UserError where it may not be written."""
    check_path(wanted)
    form = FORMATS[wanted.platform]
    if isinstance(asked.place, DuckDBFile):
        # consent is asked where the plain values are, whatever file the profile would take
        os.environ["MARKETING_RAW_DATABASE"] = str(asked.place.path.resolve())
    # nobody refuses, and no sync begins, between the question and the file
    with asked.place.writer_lock(asked.wait_seconds):
        members = members_of(project, wanted.audience)
        with databases(asked.place, asked.wait_seconds) as found:
            permitted, left_out = who_may(members, erased_pseudonyms(found.raw))
            rows, reached = found_by(found, wanted.platform, permitted)
            left_out["nothing to match by"] = len(permitted) - len(reached)
            check_size(wanted, len(reached), left_out)
            content = as_csv(form, rows)
            receipt = Receipt(
                audience=str(wanted.audience),
                platform=wanted.platform,
                exported_by=getpass.getuser(),
                file_name=wanted.path.name,
                file_sha256=hashlib.sha256(content.encode()).hexdigest(),
                person_count=len(reached),
                left_out={reason: count for reason, count in left_out.items() if count},
            )
            # a receipt without a file does less harm than a file without a receipt
            keep(found.raw, receipt, [member.customer_key for member in reached])
            try:
                write(wanted.path, content)
            except Exception:
                forget(found.raw, receipt)
                raise
    return receipt


def check_path(wanted: Wanted) -> None:
    """Raise UserError for a file that is there and shall stay."""
    if wanted.path.exists() and not wanted.is_overwriting:
        raise UserError(
            f"{wanted.path} is there already", hint="name another file, or pass --overwrite"
        )


def who_may(members: Iterable[Member], erased: set[str]) -> tuple[list[Member], Counter[str]]:
    """Return who may be exported, and how many may not, by the first reason."""
    permitted, left_out = [], Counter[str]()
    for member in members:
        if {member.customer_key, member.email_key} & erased:
            left_out["erased"] += 1
        elif not member.is_customer:
            left_out["no customer"] += 1
        elif member.refuses_marketing:
            left_out["refuses marketing"] += 1
        elif member.refuses_profiling:
            left_out["refuses profiling"] += 1
        else:
            permitted.append(member)
    return permitted, left_out


def found_by(
    found: Databases, platform: str, members: list[Member]
) -> tuple[list[tuple[str, ...]], list[Member]]:
    """Return the rows of a file, and the members that a platform can find by them."""
    form = FORMATS[platform]
    rows = [form.row(contact) for contact in contacts_of(found, members)]
    reached = [member for member, row in zip(members, rows, strict=True) if form.matches(row)]
    return rows_of(form, rows), reached


def check_size(wanted: Wanted, count: int, left_out: Counter[str]) -> None:
    """Raise UserError for an audience that is too small: it could point at persons."""
    if count < wanted.minimum:
        without = ", ".join(f"{number:,} {reason}" for reason, number in left_out.items() if number)
        raise UserError(
            f"{wanted.audience} has {plural(count, 'person')} for {wanted.platform}"
            f"{f' (without {without})' if without else ''}, and needs {wanted.minimum:,}",
            hint="take a larger audience; nothing was written",
        )

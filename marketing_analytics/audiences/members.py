"""Who is in an audience by the last build, and what consent says of them now.

dbt asks the warehouse, whatever it is: the models of consent stand inside of the query
(`read_consent_now`), so that they read the raw tables of this moment.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from marketing_analytics.core.errors import PlatformError, UserError
from marketing_analytics.core.yaml_text import load_yaml
from marketing_analytics.measure.project import Project

HINT = "build the model first, and name the project with --project-dir"
# what can stand between the quotes of SQL and is no sign of a template
NAME = re.compile(r"[\w .,:&()+>%-]+")


@dataclass(frozen=True)
class Kind:
    """A model with a row per person and audience, and which rows count."""

    model: str
    person: str
    name: str
    condition: str = "true"


KINDS = {
    "rfm": Kind("fct_customer_rfm", "customer_key", "segment"),
    "behaviour": Kind("int_behaviour__members", "person_key", "cohort"),
    "segment": Kind("fct_customer_segments", "customer_key", "segment_name", "is_member"),
    "lookalike": Kind("fct_lookalike_candidates", "customer_key", "audience_name"),
}
MEMBERS = """
select
    members.customer_key,
    consents.email_key,
    consents.country,
    case when consents.has_denied_marketing then 1 else 0 end as refuses_marketing,
    case when consents.has_denied_profiling then 1 else 0 end as refuses_profiling,
    case when consents.customer_key is null then 0 else 1 end as is_customer
from (
    select distinct {person} as customer_key
    from {{{{ ref('{model}') }}}}
    where {name} = '{audience}' and {condition}
) as members
left join {{{{ ref('int_consent__customers') }}}} as consents
    on members.customer_key = consents.customer_key
"""
NAMES = "select distinct {name} as audience from {{{{ ref('{model}') }}}}"


@dataclass(frozen=True)
class Member:
    """A person of an audience with what consent says now."""

    customer_key: str
    email_key: str
    country: str
    refuses_marketing: bool
    refuses_profiling: bool
    is_customer: bool


@dataclass(frozen=True)
class Audience:
    """What is exported, as it is given: `rfm:champions`."""

    kind: str
    name: str
    most: int | None = None

    def __str__(self) -> str:
        """Return the form in which it is given."""
        return f"{self.kind}:{self.name}"


def audience_of(given: str, most: int | None) -> Audience:
    """Return an audience by its text. Raise UserError for one that cannot be."""
    kind, separator, name = given.partition(":")
    if kind not in KINDS or not separator or not NAME.fullmatch(name):
        raise UserError(
            f"{given!r} is no audience",
            hint=f"write KIND:NAME, such as rfm:champions; kinds: {', '.join(sorted(KINDS))}",
        )
    if most is not None and kind != "lookalike":
        raise UserError(
            f"{given} has no order of which the first {most:,} could be taken",
            hint="leave --top out; lookalikes alone have ranks",
        )
    return Audience(kind, name, most)


def members_of(project: Project, audience: Audience) -> list[Member]:
    """Return everybody in an audience. Raise UserError where there is nobody."""
    kind = KINDS[audience.kind]
    if not list(project.folder.rglob(f"{kind.model}.sql")):
        raise UserError(
            f"{project.folder} has no model {kind.model}",
            hint="use another kind of audience, or name the project with --project-dir",
        )
    condition = kind.condition if audience.most is None else f"rank <= {audience.most}"
    query = MEMBERS.format(**vars(kind) | {"audience": audience.name, "condition": condition})
    rows = asked(project, query)
    if not rows:
        there = sorted(str(row["audience"]) for row in asked(project, NAMES.format(**vars(kind))))
        raise UserError(
            f"nobody is in {audience}",
            hint=f"{kind.model} has {', '.join(there) or 'no rows: build it'}",
        )
    return [member_of(row) for row in rows]


def asked(project: Project, query: str) -> list[dict[str, Any]]:
    """Return the rows of a query; what dbt writes beside them is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        apart = ("--target-path", folder, "--log-path", folder)
        try:
            return with_consent_of_now(project).show(query, *apart)
        except PlatformError as error:
            raise PlatformError(error.message, hint=HINT) from None


def with_consent_of_now(project: Project) -> Project:
    """Return the project with the models of consent inside of queries."""
    import yaml  # type: ignore[import-untyped]

    try:
        given = load_yaml(project.variables or "{}")
    except (yaml.YAMLError, RecursionError):
        given = None
    if not isinstance(given, Mapping):
        raise UserError(
            f"--vars {project.variables!r} is no map", hint="write it like {name: value}"
        )
    variables = json.dumps({**given, "read_consent_now": True}, default=str)
    return replace(project, variables=variables)


def member_of(row: Mapping[str, Any]) -> Member:
    """Return a row of the query."""
    return Member(
        str(row["customer_key"]),
        str(row["email_key"] or ""),
        str(row["country"] or ""),
        bool(row["refuses_marketing"]),
        bool(row["refuses_profiling"]),
        bool(row["is_customer"]),
    )

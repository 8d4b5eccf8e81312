"""Who may be exported, and what a command refuses before it asks the warehouse."""

from pathlib import Path

import pytest

from marketing_analytics.audiences.export import check_path, check_size, wanted_of, who_may
from marketing_analytics.audiences.members import (
    Audience,
    Member,
    audience_of,
    member_of,
    members_of,
    with_consent_of_now,
)
from marketing_analytics.core.errors import UserError
from marketing_analytics.measure.project import Project


def member(name, **refuses):
    answers = {"refuses_marketing": False, "refuses_profiling": False, "is_customer": True}
    return Member(name, f"mail-{name}", "Germany", **answers | refuses)


def test_who_refuses_or_was_erased_is_left_out_and_counted_by_the_first_reason():
    members = [
        member("fine"),
        member("gone"),
        member("gone too"),
        member("device", is_customer=False),
        member("no mail", refuses_marketing=True, refuses_profiling=True),
        member("no profile", refuses_profiling=True),
    ]
    permitted, left_out = who_may(members, {"gone", "mail-gone too"})
    assert [one.customer_key for one in permitted] == ["fine"]
    assert left_out == {
        "erased": 2,
        "no customer": 1,
        "refuses marketing": 1,
        "refuses profiling": 1,
    }


@pytest.mark.parametrize(
    "given",
    ["champions", "rfm:", "rfms:x", "rfm:a'b", "rfm:{{ x }}", 'rfm:a"', "rfm:a\nb", ""],
)
def test_an_audience_is_a_kind_and_a_name(given):
    with pytest.raises(UserError, match="is no audience"):
        audience_of(given, None)


def test_only_lookalikes_have_a_first_so_many():
    assert audience_of("lookalike:champions", 5) == Audience("lookalike", "champions", 5)
    assert str(audience_of("behaviour:saw more than one channel", None)).startswith("behaviour:saw")
    with pytest.raises(UserError, match="no order of which the first 5"):
        audience_of("rfm:champions", 5)


def test_a_row_of_any_engine_is_a_member():
    row = {"customer_key": "1-a", "email_key": None, "country": None, "is_customer": 1}
    row |= {"refuses_marketing": 0.0, "refuses_profiling": 1}
    assert member_of(row) == Member("1-a", "", "", False, True, True)


def test_consent_of_now_stands_inside_of_the_query():
    assert with_consent_of_now(Project(Path(), variables="{a: 1}")).variables == (
        '{"a": 1, "read_consent_now": true}'
    )
    for given in ("[1]", "{a: "):
        with pytest.raises(UserError, match="is no map"):
            with_consent_of_now(Project(Path(), variables=given))


def test_a_project_without_the_model_is_told(tmp_path):
    with pytest.raises(UserError, match="has no model fct_lookalike_candidates"):
        members_of(Project(tmp_path), Audience("lookalike", "champions"))


def wanted(tmp_path, platform="linkedin", minimum=None, is_overwriting=False):
    path = tmp_path / "out.csv"
    return wanted_of(
        Audience("rfm", "lost"), platform, path, minimum, is_overwriting=is_overwriting
    )


def test_a_team_may_ask_for_more_persons_than_the_platform_and_not_for_fewer(tmp_path):
    assert wanted(tmp_path).minimum == 300
    assert wanted(tmp_path, "meta").minimum == 100
    assert wanted(tmp_path, minimum=1000).minimum == 1000
    with pytest.raises(UserError, match="less than linkedin takes: 300 persons"):
        wanted(tmp_path, minimum=299)


def test_a_small_audience_is_refused_with_who_was_left_out(tmp_path):
    check_size(wanted(tmp_path), 300, who_may([], set())[1])
    _, left_out = who_may([member("no", refuses_marketing=True)], set())
    with pytest.raises(UserError) as caught:
        check_size(wanted(tmp_path), 299, left_out)
    assert caught.value.message == (
        "rfm:lost has 299 persons for linkedin (without 1 refuses marketing), and needs 300"
    )


def test_a_file_is_replaced_only_when_that_is_said(tmp_path):
    check_path(wanted(tmp_path))
    (tmp_path / "out.csv").touch()
    check_path(wanted(tmp_path, is_overwriting=True))
    with pytest.raises(UserError, match="is there already"):
        check_path(wanted(tmp_path))

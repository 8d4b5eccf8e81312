"""Names, slugs, marks and schemas."""

import pytest

from marketing_analytics.cloud_api.names import (
    Owner,
    Scope,
    owner_of,
    shorten,
    slug_of,
    without_mark,
)
from marketing_analytics.core.errors import UserError
from marketing_analytics.jobs.settings import normalize_host

BRANCH = Scope("marketing-team", "feature-x", "anna")


def test_names_of_branch_and_shared_jobs():
    assert BRANCH.name_of("job") == "marketing-team-feature-x-anna-job"
    assert Scope("marketing-team").name_of("job") == "marketing-team-job"


@pytest.mark.parametrize("scope", [BRANCH, Scope("marketing-team")], ids=["branch", "shared"])
def test_a_mark_is_read_back(scope):
    description = f"Does things. {scope.mark_of('my_job-2')}"
    assert owner_of(description) == Owner(scope, "my_job-2")
    assert without_mark(description) == "Does things."


@pytest.mark.parametrize(
    "text",
    [
        "",
        None,
        "by hand",
        "[jobs:v2 a/b]",
        "[jobs:v1 a/b] and more",
        "[jobs:v1 a/b/c]",
        "[jobs:v1 a]",
    ],
)
def test_other_texts_are_no_marks(text):
    assert owner_of(text) is None


def test_marks_of_different_scopes_never_meet():
    scopes = [Scope("a", "b", "c-d"), Scope("a", "b-c", "d"), Scope("a-b", "c", "d"), Scope("a")]
    assert len({scope.mark_of("k") for scope in scopes}) == len(scopes)


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Feature/New_Thing", "feature-new-thing"),
        ("-a--b-", "a-b"),
        ("Überraschung", "berraschung"),
        ("a" * 63, "a" * 63),
        ("///", ""),
    ],
)
def test_slugs_follow_gitlab(text, slug):
    assert slug_of(text) == slug


def test_a_long_text_gets_a_hash_and_different_ones_stay_different():
    one, two = "x" * 200 + "1", "x" * 200 + "2"
    assert len(slug_of(one)) == 63
    assert slug_of(one) != slug_of(two)
    assert slug_of(one) == slug_of(one)
    assert shorten("short", 10) == "short"


def test_the_schema_is_safe_for_every_warehouse():
    scope = Scope("t", "feature-x", "anna-b")
    assert scope.schema == "anna_b__feature_x"
    assert len(Scope("t", "b" * 63, "u" * 40).schema) == 63


def test_schemas_of_different_users_and_branches_never_meet():
    scopes = [("anna", "b-c"), ("anna-b", "c"), ("a-b", "c-d"), ("a", "b-c-d"), ("a-b-c", "d")]
    assert len({Scope("t", branch, user).schema for user, branch in scopes}) == len(scopes)


def test_the_longest_mark_leaves_room_for_a_description():
    assert len(Scope("t" * 40, "b" * 63, "u" * 40).mark_of("k" * 60)) < 220


@pytest.mark.parametrize(
    "text", ["cloud.getdbt.com", "ftp://x", "https://", "https://user:pw@host", "https://a b"]
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(UserError, match="is not an address"):
        normalize_host(text)

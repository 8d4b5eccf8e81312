"""The requests of the Terraform provider 1.12.5, replayed, and what its reads insist on.

Source of the requests: the provider's code and runs of it against a stub (2026-08).
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_cloud.api.conftest import ACCOUNT, ENVIRONMENT, PROJECT, ClientOverHttp, jobs_path

pytestmark = pytest.mark.system

EVERY_HOUR = {"type": "every_hour", "interval": 1}


def create_body(date: dict[str, Any], time: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a create request with its fields in the provider's order."""
    return {
        "id": None,
        "account_id": ACCOUNT,
        "project_id": PROJECT,
        "environment_id": ENVIRONMENT,
        "name": "terraform job",
        "compare_changes_flags": "--select state:modified",
        "cost_optimization_features": None,
        "dbt_version": None,
        "deferring_environment_id": None,
        "deferring_job_definition_id": None,
        "description": "",
        "errors_on_lint_failure": True,
        "execute_steps": ["dbt build"],
        "execution": {"timeout_seconds": 0},
        "generate_docs": False,
        "job_completion_trigger_condition": None,
        "run_compare_changes": False,
        "run_generate_sources": False,
        "run_lint": False,
        "schedule": {"cron": "", "date": date, "time": time},
        "settings": {"threads": 4, "target_name": "default"},
        "state": 1,
        "triggers_on_draft_pr": False,
        "triggers": {
            "github_webhook": False,
            "git_provider_webhook": False,
            "schedule": True,
            "on_merge": False,
        },
        **fields,
    }


FORMS = {
    "every day, interval": ({"type": "every_day"}, {"type": "every_hour", "interval": 6}),
    "every day, hours": (
        {"type": "every_day"},
        {"type": "at_exact_hours", "interval": 1, "hours": [6, 18]},
    ),
    "days of week": (
        {"type": "days_of_week", "days": [6, 0]},
        {"type": "at_exact_hours", "hours": [3]},
    ),
    "custom cron": ({"type": "custom_cron", "cron": "15 6 * * 1-5"}, EVERY_HOUR),
    "interval cron": (
        {"type": "interval_cron", "cron": "4 */5 * * 0,1,2,3,4,5,6"},
        {"type": "every_hour", "interval": 5},
    ),
}


def state_of(job: dict[str, Any]) -> dict[str, Any]:
    """Return what the provider's Read makes of a job; None is an attribute that is not set."""
    schedule = job["schedule"]
    kind = schedule["date"]["type"]
    return {
        "schedule_type": kind,
        "schedule_hours": schedule["time"].get("hours"),
        "schedule_days": schedule["date"].get("days"),
        "schedule_cron": None if kind == "interval_cron" else schedule["date"].get("cron"),
        "schedule_interval": schedule["time"].get("interval"),
        "threads": job["settings"]["threads"],
        "triggers": job["triggers"],
        "dbt_version": job["dbt_version"],
    }


EXPECTED = {
    "every day, interval": ("every_day", None, None, None, 6),
    "every day, hours": ("every_day", [6, 18], None, None, None),
    "days of week": ("days_of_week", [3], [6, 0], None, None),
    "custom cron": ("custom_cron", None, None, "15 6 * * 1-5", 1),
    "interval cron": ("interval_cron", None, [0, 1, 2, 3, 4, 5, 6], None, 5),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_created_job_reads_back_without_a_diff(client: ClientOverHttp, form: str) -> None:
    created = client.post(jobs_path(), create_body(*FORMS[form]))
    assert created.status == 201
    read = client.get(jobs_path(created.data["id"])).data
    found = state_of(read)
    names = ("type", "hours", "days", "cron", "interval")
    assert tuple(found[f"schedule_{name}"] for name in names) == EXPECTED[form]


@pytest.mark.parametrize("before", FORMS)
@pytest.mark.parametrize("after", FORMS)
def test_an_update_with_the_old_cron_changes_the_schedule(
    client: ClientOverHttp, before: str, after: str
) -> None:
    job_id = client.post(jobs_path(), create_body(*FORMS[before])).data["id"]
    whole = client.get(jobs_path(job_id)).data
    date, time = FORMS[after]
    whole["schedule"] = {"cron": whole["schedule"]["cron"], "date": date, "time": time}
    updated = client.post(jobs_path(job_id), whole)
    assert updated.status == 200
    fresh = client.post(jobs_path(), create_body(date, time)).data
    assert updated.data["schedule"] == fresh["schedule"]


def test_destroy_posts_state_2_and_then_reads_a_404_with_its_code(client: ClientOverHttp) -> None:
    job_id = client.post(jobs_path(), create_body(*FORMS["custom cron"])).data["id"]
    whole = client.get(jobs_path(job_id)).data
    assert client.post(jobs_path(job_id), {**whole, "state": 2}).status == 200
    gone = client.get(jobs_path(job_id))
    assert (gone.status, gone.json["status"]["code"]) == (404, 404)


def test_a_chained_job_loses_its_trigger_only_by_null(client: ClientOverHttp) -> None:
    first = client.post(jobs_path(), create_body(*FORMS["custom cron"])).data["id"]
    condition = {"condition": {"job_id": first, "project_id": PROJECT, "statuses": [10]}}
    off = dict.fromkeys(("github_webhook", "git_provider_webhook", "schedule", "on_merge"), False)
    body = create_body(
        *FORMS["every day, interval"],
        job_completion_trigger_condition=condition,
        triggers=off,
    )
    created = client.post(jobs_path(), body).data
    assert created["job_type"] == "other"
    assert created["job_completion_trigger_condition"] == condition
    cleared = client.post(
        jobs_path(created["id"]), {**created, "job_completion_trigger_condition": None}
    )
    assert cleared.data["job_completion_trigger_condition"] is None


def test_self_deferring_is_a_second_post_with_its_own_id(client: ClientOverHttp) -> None:
    created = client.post(jobs_path(), create_body(*FORMS["custom cron"])).data
    body = {**created, "deferring_job_definition_id": created["id"]}
    assert (
        client.post(jobs_path(created["id"]), body).data["deferring_job_definition_id"]
        == (created["id"])
    )


def test_state_aware_orchestration_of_a_ci_job_is_405(client: ClientOverHttp) -> None:
    body = create_body(
        *FORMS["custom cron"],
        cost_optimization_features=["state_aware_orchestration"],
        triggers={"github_webhook": True},
    )
    assert client.post(jobs_path(), body).status == 405


def test_the_start_up_call_finds_the_account(client: ClientOverHttp) -> None:
    data = client.get("v2/accounts/").data
    assert isinstance(data, list)
    assert ACCOUNT in [account["id"] for account in data]


def test_the_jobs_data_source_gets_an_environment_in_every_job(client: ClientOverHttp) -> None:
    client.post(jobs_path(), create_body(*FORMS["custom cron"]))
    query = f"?project_id={PROJECT}&include_related=[environment]&limit=100&offset=0"
    for job in client.get(jobs_path().rstrip("/") + query).data:
        assert {"id", "project_id", "name", "deployment_type", "type"} <= set(job["environment"])


def test_an_environment_is_replaced_and_ignores_what_was_read(client: ClientOverHttp) -> None:
    path = f"v3/accounts/{ACCOUNT}/projects/{PROJECT}/environments/"
    body = {
        "id": None,
        "account_id": ACCOUNT,
        "project_id": PROJECT,
        "name": "Staging",
        "type": "deployment",
        "dbt_version": "latest",
        "deployment_type": "staging",
        "use_custom_branch": False,
        "custom_branch": None,
        "credentials_id": None,
        "state": 1,
    }
    created = client.post(path, body).data
    zeroed = {"id": None, "name": "", "account_id": 0, "state": 0}
    whole = {**created, "project": zeroed, "jobs": None, "credentials": None}
    del whole["deployment_type"]
    assert client.post(f"{path}{created['id']}/", whole).data["deployment_type"] is None


def test_variables_answer_objects_where_the_provider_wants_objects(
    client: ClientOverHttp,
) -> None:
    path = f"v3/accounts/{ACCOUNT}/projects/{PROJECT}/environment-variables/"
    created = client.post(f"{path}bulk/", {"env_var": {"new_name": "DBT_A", "project": "x"}})
    assert isinstance(created.data, dict)
    assert [type(item) for item in created.data["new_var_ids"]] == [int]
    job_id = client.post(jobs_path(), create_body(*FORMS["custom cron"])).data["id"]
    body = {
        "id": None,
        "account_id": ACCOUNT,
        "project_id": PROJECT,
        "job_definition_id": job_id,
        "name": "DBT_A",
        "type": "job",
        "raw_value": "y",
    }
    override = client.post(path, body).data
    seen = client.get(f"{path}job/?job_definition_id={job_id}").data["DBT_A"]
    assert seen["job"] == {"id": override["id"], "value": "y"}
    replaced = client.put(f"{path}bulk/", {"env_var": {"name": "DBT_A", "project": "z"}})
    assert set(replaced.data) == {"message", "new_var_ids", "deleted_var_ids", "failures"}

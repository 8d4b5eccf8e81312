"""Jobs: defaults, derivations, validation, updates, deletion, filters, related objects."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from marketing_analytics.cloud_api.states import Status
from marketing_analytics.local_cloud.runs.store import add_runs_after
from marketing_analytics.local_cloud.store.connection import open_connection, transaction
from tests.local_cloud.api.conftest import ACCOUNT, ENVIRONMENT, PROJECT, Client, jobs_path


def test_a_job_needs_only_name_project_and_environment(client: Client) -> None:
    job = client.create_job()
    expected = {
        "account_id": ACCOUNT,
        "project_id": PROJECT,
        "description": "",
        "dbt_version": None,
        "execute_steps": [],
        "state": 1,
        "execution": {"timeout_seconds": 0},
        "settings": {"threads": 1, "target_name": "default"},
        "job_type": "other",
        "errors_on_lint_failure": True,
        "compare_changes_flags": "--select state:modified",
        "job_completion_trigger_condition": None,
        "deferring_job_definition_id": None,
        "cost_optimization_features": [],
        "next_run": None,
    }
    assert {key: job[key] for key in expected} == expected
    assert set(job["triggers"].values()) == {False}
    assert job["schedule"]["cron"] == "0 * * * *"
    assert job["created_at"][10] == "T"
    assert job["created_at"].endswith("+00:00")


def test_flags_that_select_nothing_to_compare_are_refused(client: Client) -> None:
    job = client.create_job(compare_changes_flags="--select state:modified --exclude tag:slow")
    assert job["compare_changes_flags"] == "--select state:modified --exclude tag:slow"
    for flags in ("--threads 4", "state:modified", "--select 'a", "-o /etc/x"):
        refused = client.post(jobs_path(job["id"]), {"compare_changes_flags": flags})
        assert refused.status == 400, flags
        assert "compare_changes_flags" in refused.data


def test_ids_are_64_bit_integers(client: Client) -> None:
    job = client.create_job()
    assert f'"project_id":{PROJECT},'.encode() in client.get(jobs_path(job["id"])).body


def test_names_are_kept_byte_exact(client: Client) -> None:
    name = "  Tägliche Läufe <b> \u202e [[daily]]"
    assert client.create_job(name=name)["name"] == name


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"name": ""}, ["name"]),
        ({"name": 3}, ["name"]),
        ({"project_id": 7}, ["project_id"]),
        ({"project_id": "x"}, ["project_id"]),
        ({"environment_id": 7}, ["environment_id"]),
        ({"environment_id": True}, ["environment_id"]),
        ({"environment_id": 2**70}, ["environment_id"]),
        ({"settings": {"threads": 0}}, ["settings", "threads"]),
        ({"settings": {"threads": "4"}}, ["settings", "threads"]),
        ({"settings": []}, ["settings"]),
        ({"execution": {"timeout_seconds": -1}}, ["execution", "timeout_seconds"]),
        ({"execute_steps": "dbt build"}, ["execute_steps"]),
        ({"execute_steps": ["dbt build", " "]}, ["execute_steps"]),
        ({"triggers": {"schedule": "yes"}}, ["triggers", "schedule"]),
        ({"job_type": "daily"}, ["job_type"]),
        ({"deferring_environment_id": 9}, ["deferring_environment_id"]),
        ({"deferring_job_definition_id": 9}, ["deferring_job_definition_id"]),
        ({"schedule": {"date": {"type": "custom_cron"}}}, ["schedule", "date", "cron"]),
        (
            {"schedule": {"date": {"type": "custom_cron", "cron": "0 8 * *"}}},
            ["schedule", "date", "cron"],
        ),
        (
            {"schedule": {"date": {"type": "custom_cron", "cron": "0 0 31 2 *"}}},
            ["schedule", "date", "cron"],
        ),
        ({"schedule": {"date": {"type": "yearly"}}}, ["schedule", "date", "type"]),
        (
            {"schedule": {"date": {"type": "days_of_week", "days": [7]}}},
            ["schedule", "date", "days"],
        ),
        (
            {"schedule": {"time": {"type": "at_exact_hours", "hours": []}}},
            ["schedule", "time", "hours"],
        ),
        (
            {"schedule": {"time": {"type": "every_hour", "interval": 24}}},
            ["schedule", "time", "interval"],
        ),
        (
            {
                "job_completion_trigger_condition": {
                    "condition": {"job_id": 1, "project_id": 1, "statuses": [5]}
                }
            },
            ["job_completion_trigger_condition"],
        ),
        (
            {
                "job_completion_trigger_condition": {
                    "condition": {"job_id": 1, "project_id": 1, "statuses": [10.0]}
                }
            },
            ["job_completion_trigger_condition"],
        ),
    ],
)
def test_a_wrong_field_is_named_in_a_nested_dict(
    client: Client, fields: dict[str, Any], place: list[str]
) -> None:
    body = {"project_id": PROJECT, "environment_id": ENVIRONMENT, "name": "n", **fields}
    reply = client.post(jobs_path(), body)
    assert reply.status == 400
    data = reply.data
    for key in place:
        data = data[key]
    assert isinstance(data, str)
    assert client.get(jobs_path()).data == []


def test_every_mistake_is_named_at_once(client: Client) -> None:
    body = {"name": "", "settings": {"threads": 0}, "generate_docs": "no"}
    data = client.post(jobs_path(), body).data
    assert set(data) == {"name", "settings", "generate_docs", "project_id", "environment_id"}


def test_an_environment_of_another_project_is_refused(client: Client) -> None:
    other = client.post(f"v3/accounts/{ACCOUNT}/projects/", {"name": "other"}).data["id"]
    body = {"project_id": other, "environment_id": ENVIRONMENT, "name": "n"}
    reply = client.post(jobs_path(), body)
    assert reply.status == 400
    assert reply.data == {"environment_id": "this environment belongs to another project"}


def test_fields_that_are_unknown_are_ignored(client: Client) -> None:
    job = client.create_job(self_deferring=True, freshness_job_id=4, id=None, cron_humanized="x")
    assert "self_deferring" not in job


def test_a_whole_answer_can_be_posted_back(client: Client) -> None:
    job = client.create_job(triggers={"schedule": True}, execute_steps=["dbt build"])
    reply = client.post(jobs_path(job["id"]), job)
    assert reply.status == 200
    changing = {"updated_at", "next_run_humanized"}
    assert {k: v for k, v in reply.data.items() if k not in changing} == {
        k: v for k, v in job.items() if k not in changing
    }


def test_an_update_keeps_what_it_does_not_mention(client: Client) -> None:
    job = client.create_job(
        execute_steps=["dbt build"],
        settings={"threads": 8, "target_name": "prod"},
        lifecycle_webhooks=True,
        force_node_selection=True,
        dbt_version="1.12.0",
    )
    new = client.post(jobs_path(job["id"]), {"settings": {"threads": 2}}).data
    assert new["settings"] == {"threads": 2, "target_name": "prod"}
    assert new["execute_steps"] == ["dbt build"]
    assert new["lifecycle_webhooks"] is True
    assert new["force_node_selection"] is True
    assert new["dbt_version"] == "1.12.0"


def test_null_clears_what_can_be_cleared(client: Client) -> None:
    first = client.create_job()
    job = client.create_job(
        dbt_version="1.12.0",
        deferring_environment_id=ENVIRONMENT,
        cost_optimization_features=["state_aware_orchestration"],
        job_completion_trigger_condition={
            "condition": {"job_id": first["id"], "project_id": PROJECT, "statuses": [10, 20]}
        },
    )
    assert job["job_completion_trigger_condition"]["condition"]["statuses"] == [10, 20]
    body = {
        "dbt_version": None,
        "deferring_environment_id": None,
        "job_completion_trigger_condition": None,
        "cost_optimization_features": None,
    }
    new = client.post(jobs_path(job["id"]), body).data
    assert new["dbt_version"] is None
    assert new["deferring_environment_id"] is None
    assert new["job_completion_trigger_condition"] is None
    assert new["cost_optimization_features"] == ["state_aware_orchestration"]


def waiting_for(job_id: int, project_id: int = PROJECT) -> dict[str, Any]:
    """Return the field of a job that runs after another one."""
    condition = {"job_id": job_id, "project_id": project_id, "statuses": [10]}
    return {"job_completion_trigger_condition": {"condition": condition}}


@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_jobs_that_would_wait_for_each_other_are_refused(client: Client, length: int) -> None:
    ids = [client.create_job()["id"]]
    for _ in range(length - 1):
        ids.append(client.create_job(**waiting_for(ids[-1]))["id"])
    answer = client.post(jobs_path(ids[0]), waiting_for(ids[-1]))
    assert answer.status == 400
    path = " after ".join(str(job_id) for job_id in [ids[0], *reversed(ids)])
    message = f"the jobs would wait for each other: {path}"
    assert answer.data == {"job_completion_trigger_condition": {"condition": {"job_id": message}}}
    assert client.get(jobs_path(ids[0])).data["job_completion_trigger_condition"] is None


def test_a_job_waits_for_one_of_another_project(client: Client) -> None:
    other = client.post(f"v3/accounts/{ACCOUNT}/projects/", {"name": "Other"}).data["id"]
    place = client.post(
        f"v3/accounts/{ACCOUNT}/projects/{other}/environments/",
        {"name": "Prod", "type": "deployment"},
    ).data["id"]
    first = client.create_job()["id"]
    there = {"project_id": other, "environment_id": place}
    waiting = client.create_job(**there, **waiting_for(first))
    run = client.post(f"{jobs_path(first)}run/", {"cause": "x"}).data["id"]
    store = open_connection(client.settings.store)
    # that the first has ended, as the engine says it
    with closing(store), transaction(store):
        add_runs_after(store, run, Status.SUCCESS)
    [followed] = client.get(f"v2/accounts/{ACCOUNT}/runs/?project_id={other}").data
    assert followed["job_id"] == waiting["id"]
    # the project that is named must be that of the job: Terraform would show a difference for ever
    wrong = client.post(jobs_path(), {"name": "x", **there, **waiting_for(first, project_id=other)})
    assert wrong.status == 400
    told = wrong.data["job_completion_trigger_condition"]["condition"]["project_id"]
    assert told == f"job {first} belongs to project {PROJECT}"


def test_a_chain_can_be_turned_round_one_job_after_the_other(client: Client) -> None:
    first = client.create_job()["id"]
    second = client.create_job(**waiting_for(first))["id"]
    none = {"job_completion_trigger_condition": None}
    assert client.post(jobs_path(second), none).status == 200
    assert client.post(jobs_path(first), waiting_for(second)).status == 200
    assert client.post(jobs_path(first), {"name": "renamed"}).status == 200


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "other"),
        ({"triggers": {"schedule": True}}, "scheduled"),
        ({"job_type": "scheduled"}, "other"),
        ({"job_type": "other", "triggers": {"schedule": True}}, "scheduled"),
        ({"triggers": {"github_webhook": True}}, "ci"),
        ({"triggers": {"git_provider_webhook": True, "schedule": True}}, "ci"),
        ({"triggers": {"on_merge": True}}, "merge"),
        ({"job_type": "ci"}, "ci"),
        ({"job_type": "merge"}, "merge"),
        ({"job_type": "adaptive", "triggers": {"schedule": True}}, "adaptive"),
    ],
)
def test_the_job_type_follows_from_triggers_and_explicit_types(
    client: Client, fields: dict[str, Any], expected: str
) -> None:
    assert client.create_job(**fields)["job_type"] == expected


def test_triggers_are_always_booleans(client: Client) -> None:
    job = client.create_job(triggers={"schedule": None, "custom_branch_only": True})
    assert job["triggers"] == {
        "github_webhook": False,
        "git_provider_webhook": False,
        "schedule": False,
        "on_merge": False,
    }


def test_ci_and_other_types_do_not_turn_into_each_other(client: Client) -> None:
    plain = client.create_job()
    ci = client.create_job(triggers={"github_webhook": True})
    assert client.post(jobs_path(plain["id"]), {"triggers": {"github_webhook": True}}).status == 400
    assert client.post(jobs_path(ci["id"]), {"triggers": {"github_webhook": False}}).status == 400
    assert client.post(jobs_path(plain["id"]), {"triggers": {"on_merge": True}}).status == 200
    assert client.get(jobs_path(ci["id"])).data["job_type"] == "ci"


def test_delete_answers_the_job_and_then_it_is_gone(client: Client) -> None:
    job = client.create_job()
    reply = client.delete(jobs_path(job["id"]))
    assert (reply.status, reply.data["state"]) == (200, 2)
    assert client.get(jobs_path(job["id"])).status == 404
    assert client.delete(jobs_path(job["id"])).status == 404
    assert client.post(jobs_path(job["id"]), {"name": "x"}).status == 404
    assert client.get(jobs_path()).data == []
    for state in ("2", "deleted", "all"):
        assert [item["id"] for item in client.get(jobs_path() + f"?state={state}").data] == [
            job["id"]
        ]


def test_a_post_with_state_2_deletes_as_terraform_does(client: Client) -> None:
    job = client.create_job(triggers={"schedule": True})
    reply = client.post(jobs_path(job["id"]), {**job, "state": 2})
    assert (reply.status, reply.data["state"], reply.data["next_run"]) == (200, 2, None)
    assert client.get(jobs_path(job["id"])).status == 404


def test_the_next_run_is_known_only_for_scheduled_jobs(client: Client) -> None:
    schedule = {"date": {"type": "custom_cron", "cron": "0 8 * * *"}}
    job = client.create_job(schedule=schedule, triggers={"schedule": True})
    assert job["next_run"][10:].startswith("T08:00:00")
    assert job["cron_humanized"] == "Every day at 08:00 UTC"
    assert job["next_run_humanized"]
    off = client.post(jobs_path(job["id"]), {"triggers": {"schedule": False}}).data
    assert off["next_run"] is None


def test_filters_select_jobs(client: Client) -> None:
    other = client.post(
        f"v3/accounts/{ACCOUNT}/projects/{PROJECT}/environments/", {"name": "staging"}
    ).data["id"]
    one = client.create_job(name="Alpha daily", triggers={"schedule": True})["id"]
    two = client.create_job(name="beta", dbt_version="1.12.0", environment_id=other)["id"]

    def ids(query: str) -> list[int]:
        return [job["id"] for job in client.get(jobs_path() + f"?{query}").data]

    assert ids(f"project_id={PROJECT}") == [one, two]
    assert ids("project_id=7") == []
    assert ids(f"project_id__in=[7,+{PROJECT}]") == [one, two]
    assert ids(f"project_id__in=[{PROJECT},7]") == [one, two]
    assert ids(f"environment_id={other}") == [two]
    assert ids("name__icontains=ALPHA") == [one]
    assert ids("triggers_schedule=true") == [one]
    assert ids("triggers_schedule=false") == [two]
    assert ids('dbt_version__in=["1.12.0"]') == [two]
    assert ids(f"pk={two}") == [two]
    assert ids("is_system=true") == []
    assert ids(f"account_id={ACCOUNT}&unknown=1") == [one, two]


@pytest.mark.parametrize(
    "form",
    [
        "include_related=environment,custom_environment_variables",
        'include_related=["environment","custom_environment_variables"]',
        "include_related=[environment,custom_environment_variables]",
        "include_related=environment&include_related=custom_environment_variables",
        "include_related=run_steps,environment&include_related=custom_environment_variables",
        "include_related=%5B%22environment%22%2C%20%22custom_environment_variables%22%5D",
        "include_related=[environment, custom_environment_variables, freshness_job_id]".replace(
            " ", "%20"
        ),
    ],
)
def test_every_form_of_include_related_works(client: Client, form: str) -> None:
    job = client.create_job()
    variables = f"v3/accounts/{ACCOUNT}/projects/{PROJECT}/environment-variables/"
    body = {"name": "DBT_SCHEMA", "job_definition_id": job["id"], "type": "job", "raw_value": "s"}
    assert client.post(variables, body).status == 201
    for path in (jobs_path(), jobs_path(job["id"])):
        data = client.get(f"{path}?{form}").data
        found = data[0] if isinstance(data, list) else data
        assert found["environment"]["id"] == ENVIRONMENT
        assert found["environment"]["project_id"] == PROJECT
        assert [item["display_value"] for item in found["custom_environment_variables"]] == ["s"]


def test_an_empty_include_related_includes_nothing(client: Client) -> None:
    client.create_job()
    found = client.get(jobs_path() + "?include_related=").data[0]
    assert found["environment"] is None
    assert found["custom_environment_variables"] is None


def test_a_list_is_fresh_after_every_change(client: Client) -> None:
    job = client.create_job(name="before")
    assert client.get(jobs_path()).data[0]["name"] == "before"
    client.post(jobs_path(job["id"]), {"name": "after", "execute_steps": ["dbt test"]})
    found = client.get(jobs_path()).data[0]
    assert (found["name"], found["execute_steps"]) == ("after", ["dbt test"])


def test_a_second_job_with_one_mark_is_refused_on_request(client: Client) -> None:
    once = {"headers": {"X-One-Of-Each-Mark": "1"}}
    place = {"name": "a", "project_id": PROJECT, "environment_id": ENVIRONMENT}
    mark = "by us [jobs:v1 team/branch/user/key]"
    first = client.post(jobs_path(), {**place, "description": mark}, **once).data
    again = client.post(jobs_path(), {**place, "description": mark}, **once)
    assert again.status == 400
    assert again.data == {"description": f"job {first['id']} has this ownership mark"}
    # other marks, requests that do not ask, and a mark that is free again make a job
    other = mark.replace("key]", "other]")
    assert client.post(jobs_path(), {**place, "description": other}, **once).status == 201
    copy = client.post(jobs_path(), {**place, "description": mark})
    assert copy.status == 201
    for job in (first, copy.data):
        client.request("DELETE", jobs_path(job["id"]))
    assert client.post(jobs_path(), {**place, "description": mark}, **once).status == 201

"""Runs: trigger, list, read with steps and logs, cancel, retry, artifacts."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from marketing_analytics.local_cloud.runs.queue import claim_runs
from marketing_analytics.local_cloud.store.connection import now_text, open_connection
from marketing_analytics.local_cloud.store.databases.postgresql import ServerConnection
from marketing_analytics.local_cloud.store.databases.sqlite import FileConnection
from tests.local_cloud.api.conftest import ACCOUNT, ENVIRONMENT, PROJECT, Client, Reply, jobs_path

RUNS = f"v2/accounts/{ACCOUNT}/runs/"


def trigger(client: Client, job_id: int, **body: Any) -> dict[str, Any]:
    reply = client.post(f"{jobs_path(job_id)}run/", body)
    assert (reply.status, reply.json["status"]["code"]) == (200, 200)
    run: dict[str, Any] = reply.data
    return run


def write(client: Client, statement: str, **values: Any) -> None:
    with closing(open_connection(client.settings.store)) as connection:
        connection.execute(statement, {"now": now_text(), **values})


def end_run(client: Client, run_id: int, status: int) -> None:
    """Put a run into an end state, as the engine would."""
    write(
        client,
        "update runs set status = :status, started_at = created_at, finished_at = :now,"
        " dequeued_at = created_at, has_artifacts = 1 where id = :run_id",
        run_id=run_id,
        status=status,
    )


def add_step(
    client: Client, run_id: int, index: int, command: str | None, status: int, log: str = ""
) -> None:
    name = f"Invoke dbt with `{command}`" if command else "Clone git repository"
    write(
        client,
        "insert into run_steps (run_id, step_index, name, command, status, created_at, started_at,"
        " finished_at) values (:run_id, :index, :name, :command, :status, :now, :now, :now)",
        run_id=run_id,
        index=index,
        name=name,
        command=command,
        status=status,
    )
    folder = client.settings.data_dir / "runs" / str(run_id) / "steps"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{index}.log").write_text(log)


def test_a_trigger_queues_a_run_and_answers_with_trigger_and_job(client: Client) -> None:
    job = client.create_job(execute_steps=["dbt build"])
    run = trigger(
        client, job["id"], cause="by hand", threads_override=2, git_sha=None, account_id=1
    )
    assert run["status"] == 1
    assert run["job_id"] == run["job_definition_id"] == job["id"]
    assert run["trigger"]["cause"] == "by hand"
    assert run["trigger"]["cause_category"] == "api"
    assert run["trigger"]["threads_override"] == 2
    assert run["trigger"]["git_sha"] is None
    assert run["job"]["schedule"] == {
        "cron": "0 * * * *",
        "date": "every_day",
        "time": "every_hour",
    }
    assert run["created_at"][10] == " "
    assert run["href"].endswith(f"/deploy/{ACCOUNT}/projects/{PROJECT}/runs/{run['id']}/")
    assert run["run_steps"] == []
    assert run["status_humanized"] == "Queued"


def test_a_trigger_without_a_cause_is_accepted(client: Client) -> None:
    assert trigger(client, client.create_job()["id"])["trigger"]["cause"] == ""


def test_a_cause_of_255_characters_is_kept_whole(client: Client) -> None:
    run = trigger(client, client.create_job()["id"], cause="ü" * 255)
    assert run["trigger"]["cause"] == "ü" * 255


@pytest.mark.parametrize(
    "body",
    [
        {"threads_override": 0},
        {"threads_override": "4"},
        {"steps_override": "dbt build"},
        {"steps_override": ["dbt build", " "]},
        {"steps_override": ["dbt build"] * 1000},
        {"generate_docs_override": "yes"},
        {"timeout_seconds_override": -1},
        {"schema_override": "a; drop table x"},
        {"github_pull_request_id": 5, "gitlab_merge_request_id": 6},
        {"cause": 5},
        {"cause": "x" * 256},
    ],
)
def test_a_wrong_override_is_refused(client: Client, body: dict[str, Any]) -> None:
    job = client.create_job()
    assert client.post(f"{jobs_path(job['id'])}run/", body).status == 400
    assert client.get(RUNS).data == []


def test_a_run_of_a_missing_job_is_not_found(client: Client) -> None:
    assert client.post(f"{jobs_path(99)}run/", {"cause": "x"}).status == 404
    assert client.get(f"{RUNS}99/").status == 404
    assert client.post(f"{RUNS}99/cancel/").status == 404


def test_runs_wait_behind_runs_of_the_same_job(client: Client) -> None:
    job = client.create_job()
    first, second = (trigger(client, job["id"])["id"] for _ in range(2))
    assert client.get(f"{RUNS}{second}/").data["blocked_by"] == [first]


def test_a_run_says_what_it_waits_for_until_it_starts(
    client: Client,
) -> None:
    first, second = (trigger(client, client.create_job()["id"])["id"] for _ in range(2))
    with closing(open_connection(client.settings.store)) as connection:
        claim_runs(connection, "a server", lease_seconds=60)
    starting, waiting = (client.get(f"{RUNS}{run_id}/").data for run_id in (first, second))
    assert (starting["blocked_by"], starting["status_message"]) == ([], None)
    assert waiting["blocked_by"] == [first]
    reason = f"behind run {first}, which writes the same warehouse file"
    assert waiting["status_message"] == reason


def test_a_queued_run_is_cancelled_at_once(client: Client) -> None:
    run = trigger(client, client.create_job()["id"])
    for _ in range(2):
        reply = client.post(f"{RUNS}{run['id']}/cancel/")
        assert (reply.status, reply.data["status"]) == (200, 30)
    assert reply.data["is_cancelled"]
    assert reply.data["status_message"] == "Cancelled by user."


def test_runs_are_filtered_ordered_and_paged(client: Client) -> None:
    one, two = client.create_job()["id"], client.create_job(name="two")["id"]
    first, second, third = (trigger(client, job)["id"] for job in (one, two, one))
    end_run(client, first, 10)
    end_run(client, second, 20)

    def ids(query: str = "") -> list[int]:
        reply = client.get(f"{RUNS}?{query}")
        assert reply.status == 200, reply.body
        return [run["id"] for run in reply.data]

    assert ids() == [first, second, third]
    assert ids("order_by=-id") == [third, second, first]
    assert ids("order_by=-created_at&limit=1") == [third]
    assert ids(f"job_definition_id={one}") == [first, third]
    assert ids("status=20") == [second]
    assert ids("status__in=[10,+20]") == [first, second]
    assert ids(f"project_id={PROJECT}&environment_id={ENVIRONMENT}") == [first, second, third]
    assert ids(f"id__gt={first}") == [second, third]
    assert ids(f"pk__in=[{third}]") == [third]
    assert ids(f"trigger_id={second}") == [second]
    assert ids('created_at__range=["2020-01-01","2099-01-01T00:00:00Z"]') == [first, second, third]
    assert ids('finished_at__range=["2020-01-01","2020-01-02"]') == []
    assert ids("limit=1&offset=1") == [second]
    assert client.get(f"{RUNS}?created_at__range=[1]").status == 400
    assert client.get(f"{RUNS}?order_by=status").status == 400


def test_runs_are_found_by_their_request_and_by_what_they_are_deferred_to(client: Client) -> None:
    job = client.create_job()["id"]
    fields = ("github", "gitlab_merge", "azure", "non_native")
    names = [f"{name}_pull_request_id".replace("merge_pull", "merge") for name in fields]
    ours = [trigger(client, job, **{name: 7})["id"] for name in names]
    trigger(client, job)
    other = trigger(client, job, github_pull_request_id=17)["id"]
    sql = "update runs set deferring_run_id = :of where id = :id"
    write(client, sql, of=ours[0], id=other)

    def found(query: str) -> tuple[list[int], int]:
        reply = client.get(f"{RUNS}?{query}").json
        return [run["id"] for run in reply["data"]], reply["extra"]["pagination"]["total_count"]

    assert found("pull_request_id=7") == (ours, 4)
    assert found("pull_request_id=17") == ([other], 1)
    assert found("pull_request_id=1") == found("pull_request_id=0") == ([], 0)
    assert found(f"deferring_run_id={ours[0]}") == ([other], 1)
    assert found(f"deferring_run_id={other}") == ([], 0)
    assert client.get(f"{RUNS}?pull_request_id=x").status == 400


def test_a_list_of_runs_includes_trigger_and_job(client: Client) -> None:
    trigger(client, client.create_job()["id"], cause="c")
    found = client.get(f"{RUNS}?include_related=trigger&include_related=job").data[0]
    assert found["trigger"]["cause"] == "c"
    assert found["job"]["name"] == "a job"


def test_steps_and_logs_are_included_on_request(client: Client) -> None:
    run = trigger(client, client.create_job()["id"])
    add_step(client, run["id"], 1, None, 10, "cloned\n")
    add_step(client, run["id"], 4, "dbt build", 20, "line\n" * 1500)
    assert client.get(f"{RUNS}{run['id']}/").data["run_steps"] == []
    reply = client.get(f'{RUNS}{run["id"]}/?include_related=["run_steps","environment"]')
    first, second = reply.data["run_steps"]
    assert reply.data["environment"]["id"] == ENVIRONMENT
    assert (first["index"], first["logs"], first["status_humanized"]) == (1, "cloned\n", "Success")
    assert second["name"] == "Invoke dbt with `dbt build`"
    assert second["logs"].count("\n") == 1500
    assert second["debug_logs"].count("\n") == 1000
    whole = client.get(f"{RUNS}{run['id']}/?include_related=run_steps,debug_logs")
    assert whole.data["run_steps"][1]["debug_logs"].count("\n") == 1500
    step = client.get(f"v2/accounts/{ACCOUNT}/steps/{second['id']}/").data
    assert step["logs"] == second["logs"]
    assert client.get(f"v2/accounts/{ACCOUNT}/steps/999/").status == 404


def test_the_most_recent_run_is_part_of_a_job_on_request(client: Client) -> None:
    job = client.create_job()
    first, second = (trigger(client, job["id"])["id"] for _ in range(2))
    end_run(client, first, 10)
    query = "include_related=most_recent_run,most_recent_completed_run"
    found = client.get(f"{jobs_path(job['id'])}?{query}").data
    assert found["most_recent_run"]["id"] == second
    assert found["most_recent_completed_run"]["id"] == first


def test_a_failed_run_is_retried_from_the_failed_step(client: Client) -> None:
    commands = ["dbt seed", "dbt run", "dbt test"]
    job = client.create_job(execute_steps=commands)
    run = trigger(client, job["id"], threads_override=3)
    add_step(client, run["id"], 1, None, 10)
    for index, (command, status) in enumerate(zip(commands, (10, 20, 30), strict=True), start=4):
        add_step(client, run["id"], index, command, status)
    end_run(client, run["id"], 20)
    assert client.get(f"{RUNS}{run['id']}/").data["can_retry"]
    details = client.get(f"{RUNS}{run['id']}/retry/").data
    assert details == {"failed_step": "dbt run", "skipped_steps": ["dbt test"]}
    new = client.post(f"{jobs_path(job['id'])}rerun/").data
    assert new["trigger"]["steps_override"] == ["dbt run", "dbt test"]
    assert new["trigger"]["threads_override"] == 3
    assert new["trigger"]["cause_category"] == "rerun"
    assert new["retrying_run_id"] == run["id"]
    late = client.post(f"{RUNS}{run['id']}/retry/")
    assert late.status == 400
    assert late.data == {"reason": "RETRY_NOT_LATEST_RUN"}


def test_a_rerun_of_a_good_run_is_a_normal_run(client: Client) -> None:
    job = client.create_job(execute_steps=["dbt build"])
    run = trigger(client, job["id"])
    end_run(client, run["id"], 10)
    new = client.post(f"{jobs_path(job['id'])}rerun/").data
    assert new["trigger"]["steps_override"] is None
    assert client.post(f"{RUNS}{run['id']}/retry/").data == {"reason": "RETRY_NOT_FAILED_RUN"}


def test_a_deleted_job_has_no_queued_runs_and_keeps_its_old_ones(client: Client) -> None:
    job = client.create_job()
    old, queued = (trigger(client, job["id"])["id"] for _ in range(2))
    end_run(client, old, 10)
    assert client.delete(jobs_path(job["id"])).status == 200
    assert client.get(f"{RUNS}{queued}/").data["status"] == 30
    assert client.get(f"{RUNS}{old}/?include_related=job").data["job"]["state"] == 2


@pytest.fixture
def run_with_artifacts(client: Client, tmp_path: Path) -> int:
    job = client.create_job(execute_steps=["dbt build"])
    run_id = int(trigger(client, job["id"])["id"])
    root = client.settings.data_dir / "runs" / str(run_id) / "artifacts"
    for step, text in ((4, "four"), (5, "five")):
        (root / f"step_{step}" / "run" / "shop").mkdir(parents=True)
        (root / f"step_{step}" / "manifest.json").write_text(json.dumps({"step": text}))
        (root / f"step_{step}" / "run" / "shop" / "a b.sql").write_text("select 1")
    (tmp_path / "outside.txt").write_text("outside")
    (root / "step_5" / "link.json").symlink_to(tmp_path / "outside.txt")
    end_run(client, run_id, 10)
    return run_id


def test_artifacts_are_listed_and_sent_without_an_envelope(
    client: Client, run_with_artifacts: int
) -> None:
    path = f"{RUNS}{run_with_artifacts}/artifacts/"
    assert {"manifest.json", "run/shop/a b.sql"} <= set(client.get(path).data)
    reply = client.get(f"{path}manifest.json")
    assert reply.json == {"step": "five"}
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "attachment" in reply.headers["content-disposition"]
    assert client.get(f"{path}manifest.json?step=4").json == {"step": "four"}
    assert client.get(f"{path}run/shop/a%20b.sql").body == b"select 1"
    assert client.get(f"{path}manifest.json?step=9").status == 404
    assert client.get(f"{path}nothing.json").status == 404


def test_the_artifact_of_a_job_is_that_of_its_newest_run(
    client: Client, run_with_artifacts: int
) -> None:
    job_id = client.get(f"{RUNS}{run_with_artifacts}/").data["job_id"]
    assert client.get(f"{jobs_path(job_id)}artifacts/manifest.json").json == {"step": "five"}
    other = client.create_job()["id"]
    assert client.get(f"{jobs_path(other)}artifacts/manifest.json").status == 404


@pytest.mark.parametrize(
    "path",
    [
        "../../../../cloud.sqlite",
        "..%2f..%2f..%2f..%2fcloud.sqlite",
        "%2e%2e/%2e%2e/%2e%2e/%2e%2e/cloud.sqlite",
        "..%252f..%252fcloud.sqlite",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "run/../../step_4/manifest.json",
        "..%5c..%5ccloud.sqlite",
        "manifest.json%00",
        "link.json",
        "x" * 5000,
        "run",
        ".",
        "%ff%fe",
    ],
)
def test_no_path_leads_out_of_the_artifacts(
    client: Client, run_with_artifacts: int, path: str
) -> None:
    reply = client.get(f"{RUNS}{run_with_artifacts}/artifacts/{path}")
    assert reply.status == 404 or (path == "." and reply.status == 200 and reply.data)
    assert b"SQLite" not in reply.body
    assert b"outside" not in reply.body


def test_a_locked_store_is_503_and_not_a_traceback(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr("marketing_analytics.local_cloud.store.jobs.add_job", locked)
    body = {"project_id": PROJECT, "environment_id": ENVIRONMENT, "name": "n"}
    reply = client.post(jobs_path(), body)
    assert reply.status == 503
    assert reply.headers["retry-after"] == "1"
    assert client.get(jobs_path()).data == []


def test_a_job_counts_its_failures_since_the_last_success(client: Client) -> None:
    job = client.create_job()
    runs = [trigger(client, job["id"])["id"] for _ in range(4)]
    for run_id, status in zip(runs, (20, 10, 20, 20), strict=True):
        end_run(client, run_id, status)
    assert client.get(jobs_path(job["id"])).data["run_failure_count"] == 2
    assert client.get(jobs_path()).data[0]["run_failure_count"] == 2


def test_a_full_disk_is_said_and_changes_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("marketing_analytics.local_cloud.store.jobs.add_job", full)
    body = {"project_id": PROJECT, "environment_id": ENVIRONMENT, "name": "n"}
    reply = client.post(jobs_path(), body)
    assert reply.status == 503
    assert "disk is full" in reply.json["status"]["user_message"]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the statements that the stores are asked, as they come."""
    found: list[str] = []
    for kind in (FileConnection, ServerConnection):

        def execute(
            self: Any, statement: str, *values: Any, plain: Any = kind.execute, **named: Any
        ) -> Any:
            found.append(statement)
            return plain(self, statement, *values, **named)

        monkeypatch.setattr(kind, "execute", execute)
    return found


@pytest.mark.parametrize(
    "path",
    [
        f"{RUNS}?limit=100",
        f"{RUNS}?limit=100&include_related=[trigger,job,environment]",
        f"{jobs_path()}?include_related=[environment,most_recent_run,most_recent_completed_run]",
    ],
)
def test_a_list_asks_the_store_no_more_often_when_it_is_longer(
    client: Client, asked: list[str], path: str
) -> None:
    counts = []
    for _ in range(2):
        for _ in range(3):
            failed, waiting = (client.create_job()["id"] for _ in range(2))
            end_run(client, trigger(client, failed)["id"], 20)
            trigger(client, waiting)
        asked.clear()
        assert len(client.get(path).data) >= 6
        counts.append(len(asked))
    assert counts[0] == counts[1], "\n".join(asked)


def test_lists_are_narrowed_by_what_a_run_shows(client: Client) -> None:
    job = client.create_job(generate_docs=True, run_generate_sources=True)
    plain = client.create_job(name="plain")
    good, failed = trigger(client, job["id"])["id"], trigger(client, job["id"])["id"]
    other = trigger(client, plain["id"], dbt_version_override="1.8.0")["id"]
    trigger(client, job["id"])
    for run_id, status in ((good, 10), (failed, 20), (other, 10)):
        end_run(client, run_id, status)
    for name in ("has_docs_generated", "has_sources_generated"):
        for wanted in (True, False):
            shown = client.get(f"{RUNS}?{name}={str(wanted).lower()}").data
            everything = client.get(RUNS).data
            expected = [run["id"] for run in everything if run[name] is wanted]
            assert [run["id"] for run in shown] == expected
            assert 0 < len(shown) < len(everything)
    for query in ("dbt_version=1.8.0", 'dbt_version__in=["1.8.0","1.9.0"]'):
        assert [run["id"] for run in client.get(f"{RUNS}?{query}").data] == [other]


def test_a_retry_goes_on_only_where_the_run_has_built(client: Client) -> None:
    job = client.create_job(execute_steps=["dbt seed", "dbt run"])
    run = trigger(client, job["id"])["id"]
    for index, command in enumerate(("dbt seed", "dbt run"), 4):
        add_step(client, run, index, command, 10 if index == 4 else 20)
    end_run(client, run, 20)
    environments = f"v3/accounts/{ACCOUNT}/projects/{PROJECT}/environments/"
    other = client.post(environments, {"name": "Other"}).data["id"]
    client.post(jobs_path(job["id"]), {"environment_id": other})
    refused = client.post(f"{RUNS}{run}/retry/")
    check_said_alike(client, run, refused)
    assert (refused.status, "start a new run" in refused.data["reason"]) == (400, True)
    again = client.post(f"{jobs_path(job['id'])}rerun/").data
    assert (again["retrying_run_id"], again["trigger"]["steps_override"]) == (None, None)
    client.post(f"{RUNS}{again['id']}/cancel/")
    client.post(jobs_path(job["id"]), {"environment_id": ENVIRONMENT})
    gone = trigger(client, job["id"])["id"]
    end_run(client, gone, 20)
    client.delete(jobs_path(job["id"]))
    refused = client.post(f"{RUNS}{gone}/retry/")
    check_said_alike(client, gone, refused)
    assert "was deleted" in refused.data["reason"]


def check_said_alike(client: Client, run_id: int, refused: Reply) -> None:
    """Check that a run says beforehand, alone and in lists, why its retry is refused."""
    listed = client.get(f"{RUNS}?id__gt={run_id - 1}&limit=1").data[0]
    for shown in (client.get(f"{RUNS}{run_id}/").data, listed):
        assert (shown["id"], shown["can_retry"]) == (run_id, False)
        assert shown["retry_not_supported_reason"] == refused.data["reason"]


def test_a_run_whose_retry_could_name_no_schema_cannot_be_retried(client: Client) -> None:
    job = client.create_job()
    run = trigger(client, job["id"])["id"]
    end_run(client, run, 20)
    assert client.get(f"{RUNS}{run}/").data["can_retry"]
    variables = f"v3/accounts/{ACCOUNT}/projects/{PROJECT}/environment-variables/"
    client.post(variables, {"name": "DBT_SCHEMA", "raw_value": "a-b"})
    refused = client.post(f"{RUNS}{run}/retry/")
    assert (refused.status, "'a-b'" in refused.data["reason"]) == (400, True)
    check_said_alike(client, run, refused)

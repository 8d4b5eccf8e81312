"""No field is stored and ignored: the page says of every one that is read what becomes of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from marketing_analytics.local_cloud.api import projects
from marketing_analytics.local_cloud.api.environments import handlers as environments
from marketing_analytics.local_cloud.api.jobs.fields import read_job
from marketing_analytics.local_cloud.api.runs import handlers as runs
from tests.local_cloud.api.conftest import ACCOUNT, ENVIRONMENT, PROJECT, Client, jobs_path

ROW = re.compile(
    r"^\| (job|trigger|environment|project) \| `(\S+)` \| (acts|shown|refused)\b", re.MULTILINE
)


class Watched(dict[str, Any]):
    """A body that remembers which of its fields were looked at, inner ones by a dotted name."""

    def __init__(self, fields: dict[str, Any], prefix: str = "", seen: set[str] | None = None):
        self.seen: set[str] = set() if seen is None else seen
        self.prefix = prefix
        inner = {
            name: Watched(value, f"{name}.", self.seen) if isinstance(value, dict) else value
            for name, value in fields.items()
        }
        super().__init__(inner)

    def note(self, name: str) -> None:
        # an inner body is noted by its fields
        if not isinstance(super().get(name), Watched):
            self.seen.add(self.prefix + name)

    def get(self, name: str, default: Any = None) -> Any:
        self.note(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        self.note(name)
        return super().__getitem__(name)


def fields_that_are_read() -> dict[str, set[str]]:
    named = {"name": "x", "project_id": 1, "environment_id": 1}
    job = Watched({**named, "triggers": {}, "settings": {}, "execution": {}})
    read_job(job, None)
    environment, project = Watched({"name": "x"}), Watched({"name": "x"})
    environments.read_environment(environment)
    projects.read_project(project, None)
    return {
        "job": job.seen,
        # these two are read by their operations
        "trigger": {"cause", *runs.OVERRIDE_READERS},
        "environment": environment.seen | {"state"},
        "project": project.seen,
    }


def test_the_page_says_what_becomes_of_every_field(repository: Path) -> None:
    text = (repository / "docs" / "local-dbt-cloud.md").read_text("utf-8")
    found = [(kind, name) for kind, name, _ in ROW.findall(text)]
    assert len(found) == len(set(found))
    read = {(kind, name) for kind, names in fields_that_are_read().items() for name in names}
    assert set(found) == read


def test_a_project_runs_its_repository_and_a_password_is_never_stored(client: Client) -> None:
    base = f"v3/accounts/{ACCOUNT}/projects/{PROJECT}"
    refused = client.post(f"{base}/repositories/", {"remote_url": "https://u:canary@h/x.git"})
    assert refused.status == 400
    assert "may not hold a password" in refused.data["remote_url"]
    assert "canary" not in refused.body.decode()
    for place in ("/etc", "ext::sh -c id", "-oProxyCommand=x", ""):
        assert client.post(f"{base}/repositories/", {"remote_url": place}).status == 400
    made = client.post(f"{base}/repositories/", {"remote_url": "git@github.com:shop/dbt.git"})
    assert (made.status, made.data["full_name"]) == (201, "shop/dbt")
    client.post(f"{base}/", {"repository_id": made.data["id"]})
    assert client.get(f"{base}/").data["repository_id"] == made.data["id"]
    client.post(f"{base}/", {"repository_id": None})
    assert client.get(f"{base}/").data["repository_id"] is None


def test_a_project_cannot_be_outside_of_its_repository(client: Client) -> None:
    base = f"v3/accounts/{ACCOUNT}/projects/{PROJECT}"
    for place in ("../other", "/etc", "a/../../b"):
        body = {"name": "x", "dbt_project_subdirectory": place}
        assert client.post(f"{base}/environments/", body).status == 400
        assert client.post(f"{base}/", body).status == 400


def test_a_pull_request_is_closed_over_the_api(client: Client) -> None:
    job = client.create_job(execute_steps=["dbt build"])
    path = f"{jobs_path(job['id'])}pull-requests/12/close/"
    assert client.post(path).data == []
    run = client.post(f"{jobs_path(job['id'])}run/", {"github_pull_request_id": 12}).data
    assert run["github_pull_request_id"] == "12"
    (closing,) = client.post(path).data
    assert closing["id"] > run["id"]
    assert client.get(f"v2/accounts/{ACCOUNT}/runs/{run['id']}/").data["status"] == 30
    body = {"github_pull_request_id": 12, "schema_override": "analytics"}
    refused = client.post(f"{jobs_path(job['id'])}run/", body)
    assert refused.status == 400
    assert "an environment builds into" in refused.data["reason"]
    assert job["environment_id"] == ENVIRONMENT


def test_of_requests_with_one_number_the_kind_says_which_is_closed(client: Client) -> None:
    job = client.create_job(execute_steps=["dbt build"])
    for name in ("github_pull_request_id", "gitlab_merge_request_id"):
        client.post(f"{jobs_path(job['id'])}run/", {name: 5})
    path = f"{jobs_path(job['id'])}pull-requests/5/close/"
    refused = client.post(path)
    assert refused.status == 400
    assert "github 5 and gitlab 5 are open" in refused.data["kind"][0]
    assert client.post(f"{path}?kind=hub").status == 400
    kept = client.post(f"{path}?kind=gitlab")
    assert kept.data == []
    assert "stays: pull request 5 of github uses it" in kept.json["status"]["user_message"]
    assert len(client.post(path).data) == 1

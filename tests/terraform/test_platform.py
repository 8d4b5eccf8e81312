"""The platform team's module and the teams' module, with the real provider."""

import json
import re

import pytest

from tests.jobs.faulty_cloud import JOBS
from tests.terraform.conftest import ROOT, needs_provider

pytestmark = [pytest.mark.slow, pytest.mark.system, needs_provider]

PASSWORDS = {"staging": "planted-secret-1", "production": "planted-secret-2"}
V3 = "/api/v3/accounts/1"
HOWTO = ROOT / "docs" / "howto" / "platform-team.md"
OUTPUTS = {
    "project_id",
    "shared_dev_environment_id",
    "marketing_staging_environment_id",
    "marketing_production_environment_id",
    "team_reference_guide",
}


@pytest.fixture
def platform(terraform_in):
    """Return terraform in terraform/platform, with what the environment gives it."""
    terraform = terraform_in("terraform/platform", "platform")
    terraform.environ |= {
        "TF_VAR_passwords": json.dumps(PASSWORDS),
        "TF_VAR_notification_user_id": "7",
    }
    return terraform


def outputs(terraform):
    """Return the outputs of a state."""
    return {name: one["value"] for name, one in json.loads(terraform("output", "-json")).items()}


def edit(terraform, *replacements):
    """Change the example that is applied."""
    path = terraform.folder / "main.tf"
    text = path.read_text()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def test_the_platform_is_applied_changed_imported_and_destroyed(platform, server, tmp_path):
    platform("validate")
    platform.apply()
    assert "Resources: 12 added" in platform.said
    found = outputs(platform)
    assert set(found) == OUTPUTS
    environments = {
        item["id"]: (item["name"], item["deployment_type"])
        for item in server.ask("GET", f"{V3}/projects/{found['project_id']}/environments/")
    }
    assert environments == {
        found["shared_dev_environment_id"]: ("Shared development", None),
        found["marketing_staging_environment_id"]: ("Staging", "staging"),
        found["marketing_production_environment_id"]: ("Production", "production"),
    }
    edit(
        platform,
        ("warehouse.example.com", "other.example.com"),
        ('schema = "analytics_staging"', 'schema = "staging", password_version = 2'),
        ('sso_groups = ["growth"]', 'sso_groups = ["growth", "g2"], permission_set = "analyst"'),
        ("marketing-alerts@", "alerts@"),
        ('"Marketing analytics"', '"Marketing"'),
    )
    platform.apply()
    assert re.search(r"0 added, \d+ changed, 0 destroyed", platform.said)
    assert outputs(platform)["project_id"] == found["project_id"]
    check_import(platform)
    for secret in PASSWORDS.values():
        assert not any(secret in path.read_text() for path in platform.folder.glob("*.tfstate*"))
        assert secret.encode() not in (tmp_path / "cloud" / "cloud.sqlite").read_bytes()
    platform("destroy", "-auto-approve")
    assert "12 destroyed" in platform.said
    assert server.ask("GET", f"{V3}/connections/") == server.ask("GET", f"{V3}/groups/") == []


def check_import(terraform):
    """Forget the state, import all from dbt Cloud, and find that nothing is made anew."""
    state = json.loads((terraform.folder / "terraform.tfstate").read_text())
    blocks = []
    for resource in state["resources"]:
        if resource["mode"] == "data":
            continue
        for one in resource["instances"]:
            index = f"[{json.dumps(one['index_key'])}]" if "index_key" in one else ""
            address = f"{resource['module']}.{resource['type']}.{resource['name']}{index}"
            blocks.append(f'import {{\n  to = {address}\n  id = "{one["attributes"]["id"]}"\n}}\n')
    (terraform.folder / "terraform.tfstate").unlink()
    (terraform.folder / "import.tf").write_text("".join(blocks))
    terraform.apply()
    # what only Terraform knows, the version of a password and checks of its own, is set again
    pattern = rf"{len(blocks)} imported, 0 added, \d+ changed, 0 destroyed"
    assert re.search(pattern, terraform.said), terraform.said
    (terraform.folder / "import.tf").unlink()


def test_a_team_reads_the_ids_from_the_state_and_notifications_know_its_jobs(
    platform, terraform_in, server
):
    platform.apply()
    found = outputs(platform)
    guide = dict(
        line.split("=", 1)
        for line in found["team_reference_guide"]["marketing-team"].splitlines()
        if line and not line.startswith("#")
    )
    assert guide == {
        "TEAM_NAME": "marketing-team",
        "PROJECT_ID": str(found["project_id"]),
        "ENVIRONMENT_ID": str(found["shared_dev_environment_id"]),
        "TEST_ENVIRONMENT_ID": str(found["marketing_staging_environment_id"]),
        "PROD_ENVIRONMENT_ID": str(found["marketing_production_environment_id"]),
    }
    team = terraform_in()
    state = str(platform.folder / "terraform.tfstate")
    reads, overrides = re.findall(r"```hcl\n(.*?)```", HOWTO.read_text("utf-8"), re.DOTALL)
    (team.folder / "platform.tf").write_text(reads.replace("../platform/terraform.tfstate", state))
    (team.folder / "platform_override.tf").write_text(overrides)
    config = f"-var-file={ROOT / 'env_file' / 'prod_env.tfvars'}"
    team.apply(config)
    jobs = server.ask("GET", f"{JOBS}?limit=100")
    assert len(jobs) == 5
    assert {(job["project_id"], job["environment_id"]) for job in jobs} == {
        (found["project_id"], found["marketing_production_environment_id"])
    }
    platform.apply()
    told = {
        one["type"]: set(one["on_failure"])
        for one in server.ask("GET", "/api/v2/accounts/1/notifications/")
    }
    assert told == {4: {job["id"] for job in jobs}, 2: set()}


def test_the_jobs_are_imported_with_their_history_and_destroyed(terraform_in, server):
    terraform = terraform_in()
    terraform.environ |= {"TF_VAR_project_id": "2", "TF_VAR_environment_id": "3"}
    config = f"-var-file={ROOT / 'env_file' / 'prod_env.tfvars'}"
    terraform.apply(config)
    before = {job["name"]: job["id"] for job in server.ask("GET", f"{JOBS}?limit=100")}
    state = json.loads((terraform.folder / "terraform.tfstate").read_text())
    blocks = []
    for resource in state["resources"]:
        if resource["type"] in ("dbtcloud_job", "dbtcloud_environment_variable_job_override"):
            for one in resource["instances"]:
                address = f'module.jobs.{resource["type"]}.this["{one["index_key"]}"]'
                number = one["attributes"]["id"]
                blocks.append(f'import {{\n  to = {address}\n  id = "{number}"\n}}\n')
    (terraform.folder / "terraform.tfstate").unlink()
    (terraform.folder / "import.tf").write_text("".join(blocks))
    terraform.apply(config)
    assert f"{len(blocks)} imported" in terraform.said
    assert {job["name"]: job["id"] for job in server.ask("GET", f"{JOBS}?limit=100")} == before
    terraform("destroy", "-auto-approve", config)
    assert server.ask("GET", f"{JOBS}?limit=100") == []

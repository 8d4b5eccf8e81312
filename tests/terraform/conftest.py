"""The real Terraform provider against the API of the local dbt Cloud."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.jobs.faulty_cloud import TOKEN, FaultyCloud

ROOT = Path(__file__).resolve().parents[2]
PROVIDER = os.environ.get("DBTCLOUD_PROVIDER_DIR", "")
needs_provider = pytest.mark.skipif(
    not (PROVIDER and shutil.which("terraform")),
    reason="needs terraform, and DBTCLOUD_PROVIDER_DIR with terraform-provider-dbtcloud",
)


class Terraform:
    """Runs terraform in a folder against one server; `said` is what it printed last."""

    def __init__(self, folder, url, config):
        self.folder = folder
        self.said = ""
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TF_")},
            "CHECKPOINT_DISABLE": "1",
            "TF_CLI_CONFIG_FILE": str(config),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "TF_CLI_ARGS": "-no-color",
            "DBT_CLOUD_TOKEN": TOKEN,
            "DBT_CLOUD_ACCOUNT_ID": "1",
            "DBT_CLOUD_HOST_URL": f"{url}/api",
        }

    def __call__(self, *arguments, code=0):
        done = subprocess.run(
            ["terraform", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self.environ,
            check=False,
        )
        self.said = done.stdout + done.stderr
        assert done.returncode == code, self.said
        return done.stdout

    def apply(self, *options):
        """Apply, and demand that the next plan is empty."""
        self("apply", "-auto-approve", *options)
        applied = self.said
        self("plan", "-detailed-exitcode", *options)
        self.said = applied


@pytest.fixture
def server(tmp_path):
    """Return the API of a local dbt Cloud, running."""
    folder = tmp_path / "cloud"
    folder.mkdir()
    server = FaultyCloud(folder)
    yield server
    server.close()


@pytest.fixture
def terraform_in(server, tmp_path):
    """Return a function that makes a folder of this repository's Terraform files ready to run."""
    config = tmp_path / "terraformrc"
    override = f'dev_overrides {{\n    "dbt-labs/dbtcloud" = "{PROVIDER}"\n  }}'
    config.write_text(f"provider_installation {{\n  {override}\n  direct {{}}\n}}\n")

    def make(place=".", name="root"):
        copy = tmp_path / name
        copy.mkdir()
        for path in ROOT.glob("*.tf"):
            shutil.copy(path, copy)
        shutil.copytree(ROOT / "terraform", copy / "terraform")
        terraform = Terraform(copy / place, server.url, config)
        terraform("get")
        return terraform

    return make

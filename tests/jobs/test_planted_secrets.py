"""Secrets in files, settings, answers and errors of the server: they are in no output, no file."""

import json
import random
import secrets

import pytest
from click.testing import CliRunner

from marketing_analytics.jobs.cli import group
from tests.jobs.faulty_cloud import TOKEN, FaultyCloud

GOOD = """jobs = {
  a = {
    execute_steps = ["dbt build", "dbt test"]
    description = "Builds."
    schedule_cron = "0 6 * * *"
    env_vars = { DBT_A = "1" }
    tags = ["x"]
  }
}
"""
# a text of the file that gives way to one with the secret
IN_FILE = {
    "step": ('"dbt test"', "\"dbt run-operation f --args '{{password: {0}}}'\""),
    "description": ('"Builds."', '"for {0}"'),
    "variable": ('"1"', '"{0}"'),
    "name of a variable": ("DBT_A", '"{0}"'),
    "tag": ('"x"', '"{0}"'),
    "key of a job": ("  a = {", '  "{0}" = {{'),
    "attribute": ("tags =", 'tokn = "{0}"\n    tags ='),
    "setting": ("jobs = {", 'dbtcloud_token = "{0}"\njobs = {{'),
    "schedule": ('"0 6 * * *"', '"{0}"'),
    "broken line": ("tags =", 'tags = "{0}'),
}
COMMANDS = [
    "plan --config {file}",
    "plan --config {file} --json",
    "deploy --config {file} --json",
    "deploy --config {file}",
    "validate {file}",
    "validate {file} --json",
    "validate {file} --online --json",
    "doctor --config {file} --json",
    "doctor --config {file}",
    "convert {file}",
    "list",
    "list --details",
    "list --json",
    "run a",
    "run {secret} --json",
    "cleanup --older-than 0 --dry-run --json",
    "cleanup --older-than 0 --dry-run",
]
SHAPES = [
    "dbtc_{}",
    "glpat-{}",
    "ghp_{}",
    "https://user:{}@host.example",
    "Bearer {}",
    "eyJ{0}.{0}.{0}",
    "https://h.example/?token={}",
    # no shape: known because a setting of this process holds it
    "{}",
]


class Planted:
    """A secret in one place, and everywhere it must not be."""

    def __init__(self, seed, cloud, folder, monkeypatch):
        self.chance = random.Random(seed)
        self.cloud, self.folder, self.monkeypatch = cloud, folder, monkeypatch
        self.word = "".join(self.chance.choices("abcdef0123456789", k=24))
        self.shape = self.chance.choice(SHAPES)
        self.text = self.shape.format(self.word)
        self.file = folder / "jobs.tfvars"
        self.file.write_text(GOOD)
        if self.shape == "{}":
            monkeypatch.setenv(self.chance.choice(["MY_PASSWORD", "DBT_ENV_SECRET_X"]), self.word)
        places = [self.in_file, self.in_token, self.in_jobs, self.in_errors]
        self.place = self.chance.choice(places)
        self.place()

    def in_file(self):
        """Plant it in the file, in a shape that a reader can know."""
        where = self.chance.choice(list(IN_FILE))
        old, new = IN_FILE[where]
        self.file.write_text(GOOD.replace(old, new.format(self.text), 1))

    def in_token(self):
        """Make it the token, good or wrong, from the environment or a file."""
        self.monkeypatch.setenv("DBTCLOUD_TOKEN", self.word)
        if self.chance.random() < 0.5:
            self.cloud.accepts(self.word)

    def in_jobs(self):
        """Let jobs in dbt Cloud have it in names, descriptions, steps and values."""
        assert CliRunner().invoke(group, ["deploy", "--config", str(self.file)]).exit_code == 0
        [job] = self.cloud.active()
        field = self.chance.choice(["name", "description", "execute_steps"])
        mark = job["description"]
        values = {"name": self.text, "description": f"{self.text[:150]} {mark}"}
        self.cloud.change_job(job, **{field: values.get(field, [f"dbt run {self.text}"])})

    def in_errors(self):
        """Let the server say it in an error."""
        status = self.chance.choice([400, 401, 403, 404, 500])
        method = self.chance.choice(["GET", "POST"])
        self.cloud.says(method, status, f"no: {self.text}")

    def check(self):
        """Run commands and look at what they print and leave behind."""
        for command in self.chance.sample(COMMANDS, 3):
            words = [w.format(file=self.file, secret=self.text) for w in command.split()]
            result = CliRunner().invoke(group, words)
            assert "is a bug" not in result.stderr, (command, result.stderr)
            for shown in (result.stdout, result.stderr):
                assert self.word not in shown, (self.place.__name__, self.text, words, shown)
        for path in self.folder.rglob("*"):
            if path.is_file() and path != self.file:
                assert self.word.encode() not in path.read_bytes(), path


class SayingCloud(FaultyCloud):
    """A server whose errors say what they are told to, and which takes another token."""

    def __init__(self, folder):
        super().__init__(folder)
        self.other_token, self.said = None, None

    def accepts(self, token):
        self.other_token = token

    def says(self, method, status, text):
        self.said = (method, status, text)

    def answer(self, method, target, body=b"", token=TOKEN):
        if self.said and self.said[0] == method:
            _, code, text = self.said
            status = {"code": code, "is_success": False, "user_message": text}
            return code, json.dumps({"status": status, "data": {"reason": text}}).encode()
        return super().answer(method, target, body, TOKEN if token == self.other_token else token)


def plant(seeds, tmp_path, environ, monkeypatch, at_home):
    """Plant one secret for each seed, one after another."""
    from marketing_analytics.cloud_api import client

    monkeypatch.setattr(client, "ATTEMPTS", 1)
    monkeypatch.setattr(client, "FIRST_ATTEMPTS", 1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for seed in seeds:
        folder = tmp_path / str(seed)
        store = folder / "cloud"
        store.mkdir(parents=True)
        cloud = SayingCloud(store)
        home = tmp_path / f"home{seed}"
        home.mkdir()
        at_home(home)
        with monkeypatch.context() as patch:
            patch.setenv("DBTCLOUD_HOST_URL", cloud.url)
            try:
                Planted(seed, cloud, home, patch).check()
            finally:
                cloud.close()


@pytest.fixture
def at_home(monkeypatch):
    """Return a function that makes a folder the one for temporary files, such as crash reports."""
    import tempfile

    return lambda home: monkeypatch.setattr(tempfile, "tempdir", str(home))


def test_some_planted_secrets_are_in_no_output(tmp_path, environ, monkeypatch, at_home):
    plant(range(8), tmp_path, environ, monkeypatch, at_home)


@pytest.mark.slow
def test_two_hundred_planted_secrets_are_in_no_output(tmp_path, environ, monkeypatch, at_home):
    first = secrets.randbelow(10**9)
    print(f"seeds {first} to {first + 199}")
    plant(range(first, first + 200), tmp_path, environ, monkeypatch, at_home)

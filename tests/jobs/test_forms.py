"""Job files as teams have them: a list of jobs, settings at the top, several files at once."""

import json

import pytest

from marketing_analytics.core.errors import FileError, FileErrors
from marketing_analytics.jobs.forms.merge import load_merged
from marketing_analytics.jobs.forms.variables import is_placeholder
from marketing_analytics.jobs.model import read_job_text

LIST = """dbtcloud_account_id = "1"
dbtcloud_token      = "your-token-here"
dbtcloud_host_url   = "http://127.0.0.1:1/api"
project_id          = "102"
team_name           = "marketing-team"

jobs = [
  # daily
  {
    name           = "attribution-daily-refresh"
    description    = "Refreshes attribution"
    environment_id = "999"
    execute_steps  = ["dbt deps", "dbt build --select tag:attribution"]
    schedule_type  = "every_day"
    schedule_hours = [8]
    job_type       = "daily"
    threads        = "6"
    generate_docs  = true
    target_name    = "dev"
  },
  {
    name           = "Tests on demand"
    environment_id = 999
    execute_steps  = ["dbt test"]
    schedule_type  = "every_day"
    schedule_hours = []
    job_type       = "on-demand"
  }
]
"""


def job(lines):
    """Return a list-form file with one job."""
    text = "".join(f"    {line}\n" for line in lines.split("; "))
    return f'jobs = [\n  {{\n    name = "a"\n    execute_steps = ["dbt build"]\n{text}  }}\n]\n'


def test_a_list_is_read_as_the_map():
    file = read_job_text(LIST)
    first, second = file.jobs
    assert (first.key, second.key) == ("attribution-daily-refresh", "tests-on-demand")
    assert (first.schedule_cron, second.schedule_cron) == ("0 8 * * *", None)
    assert (first.threads, first.environment_id, first.job_type) == (6, 999, None)
    assert (first.generate_docs, first.target_name) == (True, "dev")
    defaults = file.defaults
    assert (defaults.account_id, defaults.host_url) == (1, "http://127.0.0.1:1")
    assert (defaults.project_id, defaults.team_name) == (102, "marketing-team")
    assert defaults.environment_id == 999
    assert file.notes == ("input.tfvars:2:1: dbtcloud_token is a placeholder and is not used",)


CRONS = {
    'schedule_type = "every_day"; schedule_hours = [8]': "0 8 * * *",
    'schedule_type = "every_day"; schedule_hours = [21, 9, 9]': "0 9,21 * * *",
    'schedule_type = "every_day"; schedule_hours = ["8"]; schedule_days = [1,2,3,4,5,6,7]': (
        "0 8 * * *"
    ),
    'schedule_type = "custom"; schedule_hours = [6, 12]; schedule_days = [1, 2, 3, 4, 5]': (
        "0 6,12 * * 1,2,3,4,5"
    ),
    'schedule_type = "custom"; schedule_hours = [6]; schedule_days = [1,2,3,4,5,6,7]': "0 6 * * *",
    'schedule_type = "custom"; schedule_hours = [6]': "0 6 * * *",
    'schedule_type = "weekly"; schedule_hours = [6]; schedule_days = [7]': "0 6 * * 0",
    'schedule_type = "weekly"; schedule_hours = [6]; schedule_days = [0, 7, 1]': "0 6 * * 0,1",
    'schedule_type = "hourly"': "0 * * * *",
    'schedule_type = "hourly"; schedule_days = [1, 2]': "0 * * * 1,2",
    'schedule_type = "hourly"; schedule_hours = [9, 10]': "0 9,10 * * *",
    'job_type = "hourly"': "0 * * * *",
    "schedule_hours = [5]": "0 5 * * *",
    'schedule_cron = "5 4 * * *"': "5 4 * * *",
    'schedule_type = "weekly"; schedule_hours = []': None,
    'job_type = "daily"; schedule_hours = []': None,
    'job_type = "on-demand"; schedule_type = "every_day"': None,
    'job_type = "on-demand"; schedule_type = "hourly"; schedule_hours = []': None,
    "schedule_type = null": None,
    "threads = 1": None,
}


@pytest.mark.parametrize("lines", CRONS)
def test_a_schedule_in_words_becomes_a_cron(lines):
    assert read_job_text(job(lines)).jobs[0].schedule_cron == CRONS[lines]


# lines: (line, column, what is said)
REFUSED = {
    'schedule_type = "fortnightly"': (5, 21, "use every_day, custom, weekly, hourly"),
    'job_type = "ci"': (5, 16, "use daily, hourly, on-demand"),
    "schedule_hours = [24]": (5, 23, "23 or less"),
    "schedule_hours = 8": (5, 22, "schedule_hours = [1, 2]"),
    "schedule_hours = [8]; schedule_days = [8]": (6, 22, "7 or less"),
    'schedule_hours = ["noon"]': (5, 23, "whole number"),
    'schedule_type = "every_day"': (5, 21, "schedule_hours = [8]"),
    'job_type = "daily"': (5, 16, "on demand"),
    'schedule_type = "weekly"; schedule_hours = [8]': (5, 21, "schedule_days = [1]"),
    'schedule_type = "custom"; schedule_hours = [8]; schedule_days = []': (7, 21, "1 (Monday)"),
    'schedule_type = "every_day"; schedule_hours = [8]; schedule_days = [1]': (7, 21, '"custom"'),
    'job_type = "on-demand"; schedule_hours = [8]': (6, 22, "another job_type"),
    'job_type = "on-demand"; schedule_type = "hourly"': (6, 21, 'job_type = "hourly"'),
    'schedule_type = "hourly"; schedule_hours = []': (
        6,
        22,
        "remove schedule_hours for every hour",
    ),
    'job_type = "hourly"; schedule_hours = []; schedule_days = [1]': (6, 22, '"on-demand"'),
    "environment_id = 1.5": (5, 22, "the number from the page URL"),
    "environment_id = 0": (5, 22, "the number from the page URL"),
    'schedule_cron = "0 8 * * *"; schedule_hours = [8]': (5, 21, "remove schedule_hours"),
    "schedule_hour = [8]": (5, 5, "did you mean schedule_hours?"),
    "thread = 4": (5, 5, "did you mean threads?"),
    "retries = 4": (5, 5, "repeat a failed run"),
    'threads = "many"': (5, 15, "whole number"),
    'environment_id = "dev"': (5, 22, "whole number"),
}


@pytest.mark.parametrize("lines", REFUSED)
def test_a_mistake_in_a_list_is_refused_at_its_place(lines):
    line, column, said = REFUSED[lines]
    with pytest.raises(FileError) as caught:
        read_job_text(job(lines))
    assert (caught.value.line, caught.value.column) == (line, column)
    assert said in caught.value.hint


def test_every_bad_item_of_every_attribute_is_told():
    lines = 'schedule_hours = [8, 25, -1, "x"]; schedule_days = [9, 1, 10]; job_type = "x"'
    with pytest.raises(FileErrors) as caught:
        read_job_text(job(lines))
    places = [(error.line, error.column) for error in caught.value.errors]
    assert places == [(5, 26), (5, 30), (5, 34), (6, 22), (6, 28), (7, 16)]


def test_a_job_without_a_usable_name_is_read_to_its_end():
    entries = ["{ threads = 0 }", '{ name = "!", thread = 1 }', '"x"', '{ name = "a" }']
    entries += ['{ name = "A", threads = -1 }']
    with pytest.raises(FileErrors) as caught:
        read_job_text(f"jobs = [{', '.join(entries)}]")
    said = "\n".join(error.message for error in caught.value.errors)
    for message in ("has no name", "threads must be", 'key "thread"', "must be an object"):
        assert message in said
    assert "are both" in said
    assert "threads is not a whole number" in said


def test_names_that_become_one_key_are_refused_with_both_places():
    text = 'jobs = [\n  { name = "A b", execute_steps = ["dbt build"] },\n'
    text += '  { name = "a-b", execute_steps = ["dbt build"] },\n]\n'
    with pytest.raises(
        FileError, match=r'"A b" \(line 2, column 12\) and "a-b" are both'
    ) as caught:
        read_job_text(text)
    assert (caught.value.line, caught.value.column) == (3, 12)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("jobs = [{ threads = 1 }]", 9),
        ('jobs = ["a"]', 9),
        ('jobs = [{ name = "!" }]', 18),
        ("jobs = [{ name = null }]", 18),
        ("jobs = []", 8),
    ],
)
def test_a_list_entry_that_is_no_job_is_refused_at_its_place(text, column):
    with pytest.raises(FileError) as caught:
        read_job_text(text)
    assert (caught.value.line, caught.value.column) == (1, column)
    assert caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "xxx",
        "your-token-here",
        "your_dbt_cloud_api_token",
        "<token>",
        "${DBTCLOUD_TOKEN}",
        "***",
        "dbtc_XXXXXXXXXXXX",
    ],
)
def test_a_placeholder_of_a_token_is_ignored_with_a_note(text):
    assert is_placeholder(text)
    literal = text.replace("${", "$${")
    file = read_job_text(f'dbtcloud_token = "{literal}"\njobs = {{}}')
    assert file.notes == ("input.tfvars:1:1: dbtcloud_token is a placeholder and is not used",)


@pytest.mark.parametrize("suffix", ["tfvars", "tfvars.json"])
@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("dbtcloud_token", "dbtc_Zk3JqP0rVtY8wLmN2sXbA7"),
        ("dbtcloud_token", "9f86d081884c7d659a2feaa0c55ad015"),
        ("warehouse_password", "correct horse battery"),
        ("dbtcloud_tokn", "0123456789abcdef0123456789abcdef01234567"),
        ("pasword", "correct horse battery"),
        ("note", "glpat-Zk3JqP0rVtY8wLmN2sXb"),
    ],
)
def test_a_secret_is_refused_and_not_printed(suffix, name, secret):
    text = f'{name} = "{secret}"\njobs = {{}}\n'
    if suffix.endswith("json"):
        text = f'{{"{name}": "{secret}", "jobs": {{}}}}'
    with pytest.raises(FileError, match="looks like a secret") as caught:
        read_job_text(text, f"a.{suffix}")
    assert secret not in caught.value.render()
    assert f"a.{suffix}:1:" in caught.value.render()


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("a.tfvars", 'dbtcloud_token = "{}" x\n'),
        ("a.tfvars", 'dbtcloud_token = "{}\n'),
        ("a.tfvars", "dbtcloud_token = {}\n"),
        ("a.tfvars", 'labels = ["{}" 1]\n'),
        ("a.tfvars.json", '{{"dbtcloud_token": "{}" 1}}'),
        ("a.tfvars.json", '{{"dbtcloud_token": "{}'),
    ],
)
def test_a_secret_beside_a_mistake_of_writing_is_not_printed_either(name, line):
    secret = "dbtc_Zk3JqP0rVtY8wLmN2sXbA7"
    with pytest.raises(FileError) as caught:
        read_job_text(line.format(secret), name)
    said = caught.value.render()
    assert secret not in said
    assert f"{name}:1:" in said


def test_a_misspelt_token_is_told_its_name():
    with pytest.raises(FileError, match="looks like a secret") as caught:
        read_job_text('dbtcloud_tokn = "0123456789abcdef0123456789abcdef01234567"\njobs = {}')
    assert caught.value.hint.startswith("did you mean dbtcloud_token? ")
    assert "0123456789" not in caught.value.render()


@pytest.mark.parametrize(
    "step",
    [
        "dbt build --vars '{password: hunter-2}'",
        'dbt build --vars \'{"api_key": "hunter-2"}\'',
        "dbt build --vars 'db_password=hunter-2'",
        "dbt build --vars '{password: 123-hunter-2}'",
    ],
)
def test_a_secret_that_a_step_gives_by_name_is_refused(step):
    text = json.dumps({"jobs": {"a": {"execute_steps": [step]}}})
    with pytest.raises(FileError, match="a step holds what looks like a secret") as caught:
        read_job_text(text, "a.tfvars.json")
    assert "hunter-2" not in caught.value.render()


@pytest.mark.parametrize(
    "step",
    [
        "dbt build --vars '{use_tokens: true}'",
        "dbt build --vars '{max_tokens: 500}'",
        "dbt build --select tag:token stg_passwords",
        "dbt build --vars '{password: {{ env_var(1) }}}'",
    ],
)
def test_a_step_that_only_names_a_secret_is_taken(step):
    text = json.dumps({"jobs": {"a": {"execute_steps": [step]}}})
    assert read_job_text(text, "a.tfvars.json").jobs[0].execute_steps == (step,)


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        ("a.tfvars", '{"jobs": {}}', "name the file .tfvars.json"),
        ("A.TFVARS.JSON", '{"jobs": {}}', "in lower case"),
        ("a.tfvars.json", '\ufeff{"jobs": {}}', "without the mark"),
    ],
)
def test_a_file_in_json_that_is_not_read_as_such_is_told_why(name, text, hint):
    with pytest.raises(FileError) as caught:
        read_job_text(text, name)
    assert hint in caught.value.hint


def test_a_note_shows_control_characters_as_signs():
    [note] = read_job_text('{"a\\u001b[2J": 1, "jobs": {}}', "a.tfvars.json").notes
    assert "a␛[2J is not a variable" in note


def test_a_mistake_beside_a_secret_keeps_the_names_readable():
    secret = "dbtc_Zk3JqP0rVtY8wLmN2sXbA7"
    with pytest.raises(FileError) as caught:
        read_job_text(
            f'jobs = {{ a = {{ execute_steps = ["dbt build"]\n threads = "{secret}"\n}} }}'
        )
    assert caught.value.message == 'threads is a text (job "a")'
    assert caught.value.source == f' threads = "{"*" * len(secret)}"'


@pytest.mark.parametrize("value", ['"${DBT_TOKEN}"', "var.dbtcloud_token", '"open'])
def test_a_token_that_is_a_variable_is_told_where_it_comes_from(value):
    with pytest.raises(FileError) as caught:
        read_job_text(f"dbtcloud_token = {value}\njobs = {{}}")
    assert caught.value.hint == "remove the line; the token comes from DBTCLOUD_TOKEN"


def test_undeclared_variables_get_a_note_and_nested_unknown_keys_an_error():
    file = read_job_text('region = "eu"\nteam_nam = "x"\njobs = {}\n')
    region, team = file.notes
    assert region == "input.tfvars:1:1: region is not a variable of job files and is not used"
    assert team.startswith("input.tfvars:2:1: team_nam is not")
    assert team.endswith("; did you mean team_name?")
    with pytest.raises(FileError, match='unknown key "thread"'):
        read_job_text('jobs = { a = { execute_steps = ["dbt build"], thread = 1 } }')


def test_a_file_in_json_has_places_too():
    text = '{\n  "jobs": {\n    "a": {\n      "execute_steps": ["dbt build"],\n      "thread": 4\n'
    with pytest.raises(FileError, match='unknown key "thread"') as caught:
        read_job_text(text + "    }\n  }\n}\n", "a.tfvars.json")
    assert (caught.value.line, caught.value.column) == (5, 7)


# several files

ONE = 'team_name = "sales"\njobs = { a = { execute_steps = ["dbt build"] } }\n'
TWO = 'project_id = 7\njobs = { b = { execute_steps = ["dbt test"] } }\n'


def test_a_later_file_replaces_whole_variables(job_file):
    one, two = job_file(ONE, "one.tfvars"), job_file(TWO, "two.tfvars")
    file = load_merged([str(one), str(two)])
    assert [job.key for job in file.jobs] == ["b"]
    assert (file.defaults.team_name, file.defaults.project_id) == ("sales", 7)
    assert file.left_out == {"a"}
    assert len(file.notes) == 1
    assert f"jobs are those of {two}" in file.notes[0]


def test_a_second_file_without_jobs_keeps_those_of_the_first(job_file):
    one, two = job_file(ONE, "one.tfvars"), job_file('team_name = "ops"\n', "two.tfvars")
    file = load_merged([str(one), str(two)])
    assert [job.key for job in file.jobs] == ["a"]
    assert (file.defaults.team_name, file.notes) == ("ops", ())


def test_a_mistake_in_the_second_of_two_files_is_shown_there(job_file):
    one = job_file(ONE, "one.tfvars")
    two = job_file('# x\njobs = { b = { execute_steps = ["ls"] } }\n', "two.tfvars")
    with pytest.raises(FileError) as caught:
        load_merged([str(one), str(two)])
    error = caught.value
    assert (error.path, error.line, error.column) == (str(two), 2, 33)
    assert error.source.startswith("jobs = { b")


def test_deploy_takes_the_list_form(jobs, cloud, job_file, monkeypatch):
    # the address last: its port may hold any digits
    text = LIST.replace("102", "2").replace("999", "3")
    config = job_file(text.replace("http://127.0.0.1:1/api", cloud.url))
    for name in ("DBTCLOUD_ACCOUNT_ID", "DBTCLOUD_HOST_URL", "PROJECT_ID", "ENVIRONMENT_ID"):
        monkeypatch.delenv(name)
    code, _, err = jobs("deploy", "--config", config)
    assert (code, err.count("placeholder")) == (0, 1), err
    assert {job["name"].rpartition("anna-")[2] for job in cloud.active()} == {
        "attribution-daily-refresh",
        "tests-on-demand",
    }
    assert "no changes" in jobs("plan", "--config", config)[1]


@pytest.mark.parametrize(
    "command", [["list"], ["cleanup", "--older-than", "7", "--dry-run"], ["run", "tests-on-demand"]]
)
def test_commands_without_jobs_take_the_settings_of_a_file(
    jobs, cloud, job_file, monkeypatch, command
):
    # the address last: its port may hold any digits
    text = LIST.replace("102", "2").replace("999", "3")
    config = job_file(text.replace("http://127.0.0.1:1/api", cloud.url))
    for name in ("DBTCLOUD_ACCOUNT_ID", "DBTCLOUD_HOST_URL", "PROJECT_ID", "ENVIRONMENT_ID"):
        monkeypatch.delenv(name)
    assert jobs("deploy", "--config", config)[0] == 0
    code, out, err = jobs(*command, "--config", config)
    assert (code, bool(out)) == (0, True), err
    assert jobs(*command)[0] == 2


def test_a_flag_beats_the_environment_and_the_environment_beats_the_file(jobs, cloud, job_file):
    config = job_file(LIST.replace("999", "3"))
    code, _, err = jobs("deploy", "--config", config, "--dry-run")
    assert code == 0, err
    code, _, err = jobs("deploy", "--config", config, "--host-url", "http://127.0.0.1:2")
    assert code == 1
    assert "127.0.0.1:2" in err


def test_jobs_of_a_replaced_file_are_not_deleted_silently(jobs, cloud, job_file):
    one = job_file(ONE.replace("sales", "marketing-team"), "one.tfvars")
    two = job_file(TWO.replace("7", "2"), "two.tfvars")
    assert jobs("deploy", "--config", one)[0] == 0
    code, _, err = jobs("deploy", "--config", one, "--config", two)
    assert code == 2
    assert "would delete jobs that an earlier --config gives" in err
    assert f"jobs are those of {two}" in err
    assert len(cloud.active()) == 1
    assert jobs("deploy", "--config", one, "--config", two, "--allow-delete", "1")[0] == 0
    assert [job["name"][-2:] for job in cloud.active()] == ["-b"]

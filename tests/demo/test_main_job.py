"""The main job for real on a small world, then the README's commands against what it left."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import httpx
import psutil
import pytest

from marketing_analytics.demo.figures import MODELS, schema_of

MARKETING = str(Path(sys.executable).parent / "marketing")
SIZE = ["--seed", "7", "--customers", "250", "--days", "60"]
JOBS = [
    "ad-platform-sync",
    "attribution-daily-refresh",
    "campaign-performance",
    "customer-acquisition-funnel",
    "email-marketing-metrics",
    "automation-flows",
    "customer-ltv-modeling",
    "marketing-executive-dashboard",
    "attribution-validation",
]

pytestmark = pytest.mark.system


def marketing(*arguments, **options):
    return subprocess.run(
        [MARKETING, *arguments], capture_output=True, text=True, check=False, **options
    )


def processes_of(directory):
    commands = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    return [words for words in commands if any(str(directory) in word for word in words)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Run the demo to its end; return its folder and what it printed."""
    directory = tmp_path_factory.mktemp("main_job") / "demo"
    result = marketing("demo", "run", *SIZE, "--dir", str(directory))
    yield directory, result
    marketing("demo", "down", "--dir", str(directory))


@pytest.fixture
def up(demo):
    """Have everything running on what the demo left; return the folder and the output."""
    directory, _ = demo
    result = marketing("demo", "up", *SIZE, "--dir", str(directory))
    assert result.returncode == 0, result.stderr
    return directory, result


def test_the_demo_reconciles_and_says_so_in_its_last_line(demo):
    _, result = demo
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1].startswith("demo ok:")


def test_the_demo_leaves_a_report_and_says_where_and_what(demo):
    directory, result = demo
    about = json.loads((directory / "report" / "report.json").read_text())
    lines = result.stdout.splitlines()
    assert f"report: {directory / 'report' / 'index.html'}" in lines
    assert about["headline"] in lines
    # a number and its unit are not broken
    page = (directory / "report" / "index.html").read_text().replace("\N{NO-BREAK SPACE}", " ")
    assert about["headline"].partition(" (")[0] in page
    for name, file in about["files"].items():
        assert (directory / "report" / name).stat().st_size == file["bytes"]


def test_the_summary_equals_the_ledger_of_the_world(demo):
    directory, _ = demo
    summary = json.loads((directory / "summary.json").read_text())
    ledger = json.loads((directory / "world" / "ledger.json").read_text())
    assert summary["jobs_deployed"] == 9
    assert summary["runs"] == dict.fromkeys(JOBS, "success")
    net = float(ledger["orders"]["net_usd"])
    assert summary["revenue_total"] == net
    assert summary["attributed_revenue"] == dict.fromkeys(MODELS, net)
    spend = {name: float(ledger["spend"][name]["usd"]) for name in ledger["spend"]}
    assert summary["spend"] == spend
    assert summary["ledger"]["spend"] == spend
    assert summary["seconds"]["total"] > 0


def test_every_visit_whose_link_says_so_stands_on_its_campaign(demo):
    directory, _ = demo
    truth = directory / "world" / "truth"
    # LinkedIn and Meta do not tell whose a click id is; tags that were lost say nothing
    told = f"""
        select
            source as platform, campaign_id, count(*) as visits,
            count(*) filter (people.opted_out_at is null) as permitted_visits
        from '{truth / "sessions.parquet"}' as sessions
        inner join '{truth / "people.parquet"}' as people on sessions.person = people.person
        where is_tracked and campaign_id is not null
            and (tags = 'full' or source = 'google_ads' and tags = 'click_id_only')
        group by all order by all
    """
    (warehouse,) = (directory / "cloud" / "warehouse").glob("*.duckdb")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        schema = schema_of(connection, "int_web__sessions")
        found = f"""
            select platform, campaign_id, count(*) from {schema}.int_web__sessions
            where platform like '%_ads' and campaign_id is not null group by all order by all
        """
        visits = {row[:2]: row[2] for row in connection.execute(found).fetchall()}
        expected = {row[:2]: row[2:] for row in connection.execute(told).fetchall()}
    assert visits.keys() == expected.keys()
    # of who refused, what a login or an order gives away is gone; the rest nobody can know
    assert all(expected[key][1] <= count <= expected[key][0] for key, count in visits.items())
    assert sum(visits.values()) < sum(all_visits for all_visits, _ in expected.values())


def test_mail_adds_up_to_the_ledger_and_machines_are_told_from_people(demo):
    directory, _ = demo
    ledger = json.loads((directory / "world" / "ledger.json").read_text())
    (warehouse,) = (directory / "cloud" / "warehouse").glob("*.duckdb")
    for part, mart in (("email", "fct_email_campaigns"), ("automation", "fct_automation_steps")):
        expected = ledger[part]
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            schema = schema_of(connection, mart)
            query = f"""
                select sum(sent), sum(human_opens + machine_opens), sum(human_opens),
                    sum(human_clicks + machine_clicks), sum(machine_clicks), sum(unsubscribes),
                    sum(hard_bounces), sum(soft_bounces)
                from {schema}.{mart} where platform = 'mailchimp'
            """
            sent, opens, human, *rest = connection.execute(query).fetchone()
        assert sent == expected["sent"]
        assert opens == expected["opens_human"] + expected["opens_machine"]
        # proxies are told by what they do
        assert human == pytest.approx(expected["opens_human"], rel=0.05)
        names = ("clicks", "clicks_machine", "unsubscribes", "hard_bounces", "soft_bounces")
        assert rest == [expected[name] for name in names]


def test_a_flow_that_causes_nothing_is_said_to_bring_nothing(demo):
    directory, _ = demo
    (warehouse,) = (directory / "cloud" / "warehouse").glob("*.duckdb")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        schema = schema_of(connection, "rpt_automation_flows")
        found = connection.execute(
            f"select automation_title, uplift_per_member_usd, uplift_error_usd "
            f"from {schema}.rpt_automation_flows where members_held_out is not null"
        ).fetchall()
    assert {title for title, _, _ in found} == {"Welcome series"}
    assert all(abs(uplift) <= 3 * error for _, uplift, error in found)


def test_jobs_run_in_the_order_of_their_schedules(demo):
    directory, result = demo
    assert list(json.loads((directory / "summary.json").read_text())["runs"]) == JOBS
    positions = [result.stdout.index(f"  {key} ") for key in JOBS]
    assert positions == sorted(positions)


def test_the_demo_prints_every_channel_with_spend_revenue_and_roas(demo):
    _, result = demo
    for text in ("paid_search", "paid_social", "email", "unattributed", "ROAS", "spend", "total"):
        assert text in result.stdout


def test_the_three_next_steps_work_when_pasted(demo):
    _, result = demo
    pages, plan, settings = re.findall(r"^\d\. .*\n   (.*)$", result.stdout, re.MULTILINE)
    for command, expected in (
        (pages, "dbt Cloud, pages"),
        (plan, "no changes: 9 jobs are as the file says"),
        (settings, "META_ADS_ACCESS_TOKEN="),
    ):
        done = subprocess.run(["bash", "-euc", command], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout


def test_no_secret_is_printed_or_logged(demo):
    directory, result = demo
    settings = (directory / "demo.env").read_text()
    token = re.search(r"DBTCLOUD_TOKEN=(\S+)", settings).group(1)
    assert (directory / "demo.env").stat().st_mode & 0o077 == 0
    assert token not in result.stdout + result.stderr
    for log in [*(directory / "logs").glob("*.log"), *(directory / "cloud").rglob("*.log")]:
        assert token not in log.read_text(errors="replace"), log


def test_a_second_demo_in_the_same_folder_is_refused_while_it_is_up(up):
    directory, _ = up
    result = marketing("demo", "run", *SIZE, "--dir", str(directory))
    assert result.returncode == 4
    assert f"marketing demo down --dir {directory}" in result.stderr


def test_up_serves_the_world_that_is_there_and_says_how_to_get_another(up):
    directory, result = up
    assert "seed 7, 250 customers, 60 days" in result.stdout
    assert "this is not the world" not in result.stderr
    other = marketing("demo", "up", "--seed", "8", "--dir", str(directory))
    assert other.returncode == 0, other.stderr
    assert "seed 7, 250 customers, 60 days" in other.stdout
    assert "this is not the world of --seed 8" in other.stderr
    assert f"demo up --seed 8 --dir {directory}-seed-8" in other.stderr
    unasked = marketing("demo", "up", "--dir", str(directory))
    assert "this is not the world" not in unasked.stderr


def test_up_prints_addresses_that_answer(up):
    _, result = up
    page = re.search(r"dbt Cloud, pages +(\S+)", result.stdout).group(1)
    response = httpx.get(page, headers={"accept": "text/html"})
    assert response.status_code == 200
    assert "campaign-performance" in response.text


def test_up_answers_at_the_address_that_open_shells_know(demo, up):
    _, before = demo
    _, after = up
    first = re.search(r"^cloud +[\d.]+ s +(\S+)", before.stdout, re.MULTILINE).group(1)
    assert f"dbt Cloud, pages   {first}/" in after.stdout


def bash_blocks(repository, name):
    return re.findall(r"```bash\n(.*?)```", (repository / name).read_text(), re.DOTALL)


def test_the_commands_of_the_readme_work(up, repository, tmp_path):
    directory, _ = up
    shutil.copytree(repository / "env_file", tmp_path / "env_file")
    shutil.copytree(repository / "scripts", tmp_path / "scripts")
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "demo").symlink_to(directory)
    jobs = tmp_path / "env_file" / "dev_env.tfvars"
    before = jobs.read_text()
    jobs.write_text(before.replace('"0 9 * * *"', '"15 9 * * *"'))
    [block] = [text for text in bash_blocks(repository, "README.md") if "demo.env" in text]

    def run(commands):
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        shell = ["bash", "-euo", "pipefail", "-c", commands]
        env = {**os.environ, "PATH": path}
        return subprocess.run(shell, cwd=tmp_path, env=env, capture_output=True, text=True)

    result = run(block)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "campaign-performance" in result.stdout
    assert "15 9 * * *" in result.stdout
    assert "0 9 * * *" in result.stdout
    # leave the jobs as the demo made them
    jobs.write_text(before)
    settings, _, commands = block.partition("python")
    deploy = next(line for line in commands.splitlines() if line.endswith("dev_env.tfvars"))
    assert run(f"{settings}python {deploy.removeprefix('python ')}").returncode == 0


def test_down_leaves_no_process_behind(up):
    directory, _ = up
    assert processes_of(directory)
    result = marketing("demo", "down", "--dir", str(directory))
    assert result.returncode == 0
    assert "stopped" in result.stdout
    assert processes_of(directory) == []

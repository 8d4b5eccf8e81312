"""What goes wrong on the way to dbt Cloud: lost answers, refusals, kills, certificates."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.jobs.faulty_cloud import JOBS

from .conftest import some_jobs

pytestmark = pytest.mark.system

ROOT = Path(__file__).resolve().parents[2]
DEV = ROOT / "env_file" / "dev_env.tfvars"


@pytest.mark.parametrize("fault", ["lost", 500, 502, 504], ids=str)
def test_a_create_whose_answer_is_lost_makes_one_job(jobs, cloud, job_file, fault):
    cloud.fail("POST", r"/jobs/$", *[fault] * 6)
    config = job_file(some_jobs(4))
    assert jobs("deploy", "--config", config)[0] == 0
    assert len(cloud.active()) == 4
    assert "no changes" in jobs("deploy", "--config", config)[1]


@pytest.mark.parametrize("path", [r"/bulk/$", r"/environment-variables/$"])
def test_a_variable_is_repeated_after_waits_that_grow(jobs, cloud, job_file, path):
    original, times = cloud.fault_for, []

    def note_time(method, at):
        if method == "POST" and re.search(path, at):
            times.append(time.monotonic())
        return original(method, at)

    cloud.fault_for = note_time
    cloud.fail("POST", path, 503, 503, 503, 503)
    assert jobs("deploy", "--config", job_file(some_jobs(1)))[0] == 0
    # at /bulk/ it is the claim of the lease that is repeated, and the variable itself comes once
    assert len(times) == 5 + (path == r"/bulk/$")
    # 5 + 10 + 20 + 40 ms at least: a server that is busy for a moment is given that moment
    assert times[4] - times[0] >= 0.075
    assert len(cloud.overrides) == 1


def test_every_create_answer_lost_makes_no_duplicate(jobs, cloud, job_file):
    cloud.fail("POST", r"/jobs/$", *["lost"] * 20)
    assert jobs("deploy", "--config", job_file(some_jobs(20)))[0] == 0
    names = [job["name"] for job in cloud.active()]
    assert len(names) == len(set(names)) == 20


@pytest.mark.parametrize("seed", range(10))
def test_deploy_converges_under_thirty_percent_faults(jobs, cloud, job_file, seed):
    config = job_file(some_jobs(6 + seed))
    cloud.fail_randomly(seed, 0.3)
    results = []
    while not results or results[-1][0] != 0:
        results.append(jobs("deploy", "--config", config))
        assert len(results) <= 10, results
    cloud.random_faults = None
    assert "no changes" in jobs("deploy", "--config", config)[1]
    names = [job["name"] for job in cloud.active()]
    assert len(names) == len(set(names)) == 6 + seed


def test_a_bad_token_ends_with_4_and_writes_nothing(jobs, cloud, monkeypatch):
    monkeypatch.setenv("DBTCLOUD_TOKEN", "wrong-token-wrong")
    code, _, err = jobs("deploy", "--config", DEV)
    assert code == 4
    assert "refused the token" in err
    assert "help: set DBTCLOUD_TOKEN" in err
    assert "wrong-token-wrong" not in err
    assert cloud.writes == []


def test_an_unreachable_host_is_one_message(jobs, monkeypatch):
    monkeypatch.setenv("DBTCLOUD_HOST_URL", "http://127.0.0.1:9")
    code, _, err = jobs("deploy", "--config", DEV)
    assert code == 1
    assert err.count("cannot reach http://127.0.0.1:9") == 1


@pytest.mark.parametrize("ending", ["", "/", "/api", "/api/"], ids=["bare", "slash", "api", "both"])
def test_the_host_is_taken_with_or_without_api_and_slash(jobs, cloud, monkeypatch, ending):
    monkeypatch.setenv("DBTCLOUD_HOST_URL", cloud.url + ending)
    assert jobs("deploy", "--config", DEV, "--dry-run")[0] == 0


@pytest.mark.parametrize(
    "name", ["DBTCLOUD_ACCOUNT_ID", "DBTCLOUD_TOKEN", "PROJECT_ID", "ENVIRONMENT_ID"]
)
def test_a_missing_setting_is_named(jobs, cloud, monkeypatch, name):
    monkeypatch.delenv(name)
    code, _, err = jobs("deploy", "--config", DEV)
    assert code == 2
    assert f"{name} is not set" in err
    assert "help: export" in err
    assert cloud.requests == []


def test_all_missing_settings_are_named_at_once(jobs, monkeypatch):
    for name in ("DBTCLOUD_ACCOUNT_ID", "DBTCLOUD_TOKEN", "PROJECT_ID"):
        monkeypatch.delenv(name)
    err = jobs("deploy", "--config", DEV)[2]
    assert "DBTCLOUD_ACCOUNT_ID, DBTCLOUD_TOKEN, PROJECT_ID" in err


@pytest.mark.parametrize("position", range(0, 12, 2))
def test_a_deploy_killed_at_any_request_is_finished_by_the_next(
    jobs, cloud, job_file, environ, position
):
    config = job_file(some_jobs(3))
    command = [sys.executable, ROOT / "scripts" / "dbt_job_manager.py", "deploy"]
    process = subprocess.Popen([*command, "--config", config], stdout=subprocess.DEVNULL)
    original = cloud.answer

    def kill_then_answer(*arguments):
        if len(cloud.requests) > position:
            process.kill()
        return original(*arguments)

    cloud.answer = kill_then_answer
    process.wait(20)
    cloud.wait_until_idle()
    cloud.answer = original
    assert jobs("deploy", "--config", config)[0] == 0
    assert "no changes" in jobs("deploy", "--config", config)[1]
    names = [job["name"] for job in cloud.active()]
    assert len(names) == len(set(names)) == 3
    assert len(cloud.overrides) == 3


def test_a_create_of_a_killed_deploy_that_lands_late_becomes_the_job(jobs, cloud, job_file):
    text = """jobs = {
  a = { execute_steps = ["dbt build"], schedule_cron = "* * * * *" }
  b = { execute_steps = ["dbt build"], after = { job = "a" } }
}"""
    original, late = cloud.answer, []

    def create_twice(method, path, body=b"", *rest):
        if (method, path) == ("POST", JOBS) and not late:
            # the one of the killed deploy: after this deploy has read, before it creates
            late.append(json.loads(original(method, path, body, *rest)[1])["data"])
            assert late[0]["triggers"]["schedule"] is False
        return original(method, path, body, *rest)

    cloud.answer = create_twice
    code, out, _ = jobs("deploy", "--config", job_file(text))
    assert code == 0
    assert f"(job {late[0]['id']}): another create was older" in out
    kept, after = cloud.active()
    assert (kept["id"], kept["triggers"]["schedule"]) == (late[0]["id"], True)
    assert after["job_completion_trigger_condition"]["condition"]["job_id"] == kept["id"]
    assert {job_id for job_id, _, _ in cloud.overrides} == {kept["id"], after["id"]}
    assert "no changes" in jobs("deploy", "--config", job_file(text))[1]


@pytest.fixture
def certificate(tmp_path):
    """Return a self-signed certificate for 127.0.0.1, and its key, in one file."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "local")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    encoding = serialization.Encoding.PEM
    secret = key.private_bytes(
        encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + signed.public_bytes(encoding))
    return path


def test_an_untrusted_certificate_is_refused_and_a_trusted_one_works(
    jobs, cloud, certificate, monkeypatch
):
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    cloud.server.socket = context.wrap_socket(cloud.server.socket, server_side=True)
    monkeypatch.setenv("DBTCLOUD_HOST_URL", cloud.url.replace("http://", "https://"))
    code, _, err = jobs("deploy", "--config", DEV)
    assert code == 1
    assert "is not trusted: certificate verify failed: self-signed certificate" in err
    assert "SSL_CERT_FILE" in err
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert jobs("deploy", "--config", DEV)[0] == 0

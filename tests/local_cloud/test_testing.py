"""The fixture that other projects get: a server that listens, told by one object."""

from __future__ import annotations

import json
import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from benchmarks.tiny_cloud import write_project
from marketing_analytics.local_cloud import testing
from marketing_analytics.local_cloud.testing import serving

slow = pytest.mark.slow


@slow
def test_a_server_is_there_for_the_block_and_gone_after_it(tmp_path):
    with serving(write_project(tmp_path / "project"), tmp_path / "data") as cloud:
        path = f"{cloud.url}/api/v2/accounts/{cloud.account_id}/jobs/"
        asked = urllib.request.Request(path, headers=cloud.headers)
        assert urllib.request.urlopen(asked, timeout=20).status == 200
        environment = cloud.environment
        assert environment["DBT_CLOUD_HOST_URL"] == f"{environment['DBTCLOUD_HOST_URL']}/api"
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(path, timeout=20)


@slow
def test_a_store_in_postgresql_is_used_when_it_is_named_and_its_password_is_nowhere(
    tmp_path, new_database, monkeypatch
):
    folder = tmp_path / "data"
    database = new_database(folder)
    monkeypatch.setenv("DBT_CLOUD_DATABASE_URL", "postgresql://nobody:none@127.0.0.1:1/none")
    monkeypatch.setenv("STORE_OF_THE_TEST", database.url)
    project = write_project(tmp_path / "project")
    with serving(project, folder, "--database-url", "env:STORE_OF_THE_TEST") as cloud:
        path = f"{cloud.url}/api/v2/accounts/{cloud.account_id}/jobs/"
        asked = urllib.request.Request(path, headers=cloud.headers)
        assert urllib.request.urlopen(asked, timeout=20).status == 200
        pid = json.loads((folder / "server.json").read_text())["pid"]
        said = Path(f"/proc/{pid}/cmdline").read_text() + (folder / "server.log").read_text()
        assert "env:STORE_OF_THE_TEST" in said
        assert "hush-hush" not in said
    assert not (folder / "cloud.sqlite").exists()
    # without the option a store of the machine is left alone
    with serving(project, tmp_path / "other"):
        assert (tmp_path / "other" / "cloud.sqlite").exists()


@slow
def test_a_server_speaks_https_to_who_trusts_its_certificate(tmp_path):
    project = write_project(tmp_path / "project")
    with serving(project, tmp_path / "data", "--tls") as cloud:
        trusting = ssl.create_default_context(cafile=cloud.environment["SSL_CERT_FILE"])
        for host in ("127.0.0.1", "localhost"):
            url = f"https://{host}:{urlsplit(cloud.url).port}/api/v2/accounts/"
            asked = urllib.request.Request(url, headers=cloud.headers)
            assert urllib.request.urlopen(asked, timeout=20, context=trusting).status == 200
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(asked, timeout=20)
        with pytest.raises(OSError, match=r"closed|reset|empty|Remote end"):
            urllib.request.urlopen(url.replace("https", "http"), timeout=20)


@slow
def test_a_server_that_does_not_start_says_why(tmp_path):
    with pytest.raises(RuntimeError, match="no dbt project"), serving(tmp_path, tmp_path / "data"):
        pass


def test_what_a_killed_server_said_is_not_believed(tmp_path, monkeypatch):
    monkeypatch.setattr(testing, "START_SECONDS", 0.3)
    ready, log = tmp_path / "server.json", tmp_path / "server.log"
    old = b'{"url": "http://127.0.0.1:1"}'
    ready.write_bytes(old)
    log.touch()
    with subprocess.Popen(["sleep", "20"]) as process:
        with pytest.raises(RuntimeError, match="did not start"):
            testing.wait_for(ready, process, log, old)
        ready.write_bytes(old.replace(b":1", b":2"))
        assert testing.wait_for(ready, process, log, old) == {"url": "http://127.0.0.1:2"}
        process.kill()

"""The fixture that other projects get: a server that listens, told by one object."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest

from benchmarks.tiny_cloud import write_project
from marketing_analytics.local_cloud.testing import serving

pytestmark = pytest.mark.slow


def test_a_server_is_there_for_the_block_and_gone_after_it(tmp_path):
    with serving(write_project(tmp_path / "project"), tmp_path / "data") as cloud:
        path = f"{cloud.url}/api/v2/accounts/{cloud.account_id}/jobs/"
        asked = urllib.request.Request(path, headers=cloud.headers)
        assert urllib.request.urlopen(asked, timeout=20).status == 200
        environment = cloud.environment
        assert environment["DBT_CLOUD_HOST_URL"] == f"{environment['DBTCLOUD_HOST_URL']}/api"
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(path, timeout=20)


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


def test_a_server_that_does_not_start_says_why(tmp_path):
    with pytest.raises(RuntimeError, match="no dbt project"), serving(tmp_path, tmp_path / "data"):
        pass

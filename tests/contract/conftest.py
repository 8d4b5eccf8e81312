"""A server on a free port, with one account, for clients that others wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from marketing_analytics.local_cloud.api.application import Api, ApiSettings
from marketing_analytics.local_cloud.server import fill_store
from marketing_analytics.local_cloud.settings import Identity, ServerSettings
from tests.local_cloud.api.conftest import (
    ACCOUNT,
    ENVIRONMENT,
    HOSTS,
    PROJECT,
    TOKEN,
    Client,
    ClientOverHttp,
    Serving,
)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """Return a client over HTTP; `client.port` is where the server listens."""
    identity = Identity(
        account_id=ACCOUNT, project_id=PROJECT, environment_id=ENVIRONMENT, token=TOKEN
    )
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    settings = ServerSettings(identity=identity, data_dir=data_dir, project_dir=tmp_path)
    fill_store(settings)
    api = Api(ApiSettings(settings.store, settings.data_dir, HOSTS))
    with Serving(api) as port:
        yield ClientOverHttp(settings, port)
    api.close()

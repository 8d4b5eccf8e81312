"""Addresses of the internet, for webhooks and alerts alike."""

from __future__ import annotations

import ipaddress

import pytest

from marketing_analytics.local_cloud.webhooks import addresses
from marketing_analytics.monitor.alerts import outgoing
from marketing_analytics.web.addresses import is_of_the_internet


@pytest.mark.parametrize(
    ("text", "is_public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("192.0.0.8", False),
        ("192.88.99.1", False),
        ("10.0.0.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
    ],
)
def test_webhooks_and_alerts_judge_an_address_alike(text, is_public):
    assert is_of_the_internet(ipaddress.ip_address(text)) is is_public
    assert addresses.is_public(text) is is_public
    assert outgoing.is_public(text) is is_public

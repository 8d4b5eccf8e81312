"""Sends what a client asks of LinkedIn to the emulator; Python imports this before the client."""

import os

import requests

send = requests.Session.send
LINKEDIN = ("https://api.linkedin.com", "https://www.linkedin.com")


def redirected(session, request, **options):
    """Send a prepared request to the emulator where it is one to LinkedIn."""
    for address in LINKEDIN:
        request.url = request.url.replace(address, os.environ["EMULATOR"])
    return send(session, request, **options)


requests.Session.send = redirected

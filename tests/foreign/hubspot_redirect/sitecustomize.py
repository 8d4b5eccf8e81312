"""Sends what a client asks of HubSpot to the emulator; Python imports this before the client."""

import os

import requests

send = requests.Session.send


def redirected(session, request, **options):
    """Send a prepared request to the emulator where it is one to HubSpot."""
    request.url = request.url.replace("https://api.hubapi.com", os.environ["EMULATOR"])
    return send(session, request, **options)


requests.Session.send = redirected

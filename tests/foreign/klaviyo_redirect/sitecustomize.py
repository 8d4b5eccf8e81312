"""Sends what a client asks of Klaviyo to the emulator; Python imports this before the client."""

import os

import requests

send = requests.Session.send


def redirected(session, request, **options):
    """Send a prepared request to the emulator where it is one to Klaviyo."""
    request.url = request.url.replace("https://a.klaviyo.com", os.environ["EMULATOR"])
    return send(session, request, **options)


requests.Session.send = redirected

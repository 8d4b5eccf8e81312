"""Sends what a client asks of Google to the emulator; Python imports this before the client."""

import os

import requests

send = requests.Session.send
TOKEN_SERVERS = (
    "https://accounts.google.com/o/oauth2/token",
    "https://oauth2.googleapis.com/token",
    "https://www.googleapis.com/oauth2/v3/token",
)


def redirected(session, request, **options):
    """Send a prepared request to the emulator where it is one to Google."""
    emulator = os.environ["EMULATOR"]
    if request.url in TOKEN_SERVERS:
        request.url = f"{emulator}/token"
    request.url = request.url.replace("https://googleads.googleapis.com", emulator)
    return send(session, request, **options)


requests.Session.send = redirected

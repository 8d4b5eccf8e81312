"""Sends what a client asks of SendGrid to the emulator; Python imports this before the client."""

import os

import requests

send = requests.Session.send


def redirected(session, request, **options):
    """Send a prepared request to the emulator where it is one to SendGrid."""
    request.url = request.url.replace("https://api.sendgrid.com", os.environ["EMULATOR"])
    return send(session, request, **options)


requests.Session.send = redirected

"""Read by Python before a foreign client starts: sends its requests to an emulator.

Nothing of the client is changed. `FOREIGN_REDIRECT` is `https://from=http://to`, for clients that
know one address only; `FOREIGN_LONGEST_SLEEP_SECONDS` shortens the pauses of those that wait half
a minute between two looks at a report.
"""

import os
import time

source, _, target = os.environ.get("FOREIGN_REDIRECT", "").partition("=")
longest = os.environ.get("FOREIGN_LONGEST_SLEEP_SECONDS")

if source:
    from requests.adapters import HTTPAdapter

    send = HTTPAdapter.send

    def send_elsewhere(self, request, *arguments, **options):
        """Send a request to the emulator that the client would send to the platform."""
        if request.url.startswith(source):
            request.url = target + request.url.removeprefix(source)
        return send(self, request, *arguments, **options)

    HTTPAdapter.send = send_elsewhere

if longest:
    sleep = time.sleep
    time.sleep = lambda seconds: sleep(min(seconds, float(longest)))

"""Read by Python before a foreign client starts: sends its requests to an emulator.

Nothing of the client is changed. `FOREIGN_REDIRECT` holds pairs `https://from=http://to` with
spaces between them, for clients that know one address only; `FOREIGN_LONGEST_SLEEP_SECONDS`
shortens the pauses of those that wait half a minute between two looks at a report.
"""

import os
import time

pairs = [pair.split("=", 1) for pair in os.environ.get("FOREIGN_REDIRECT", "").split()]
longest = os.environ.get("FOREIGN_LONGEST_SLEEP_SECONDS")

if pairs:
    from requests.adapters import HTTPAdapter

    send = HTTPAdapter.send

    def send_elsewhere(self, request, *arguments, **options):
        """Send a request to the emulator that the client would send to the platform."""
        for source, target in pairs:
            if request.url.startswith(source):
                request.url = target + request.url.removeprefix(source)
                break
        return send(self, request, *arguments, **options)

    HTTPAdapter.send = send_elsewhere

if longest:
    sleep = time.sleep
    time.sleep = lambda seconds: sleep(min(seconds, float(longest)))

"""Runs clients that others wrote, unmodified: requests are redirected, what they print is read."""

import json
import os
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
FULL = {"sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}


def redirection(addresses, longest_sleep_seconds=None):
    """Return the environment in which requests to some addresses are sent to others."""
    found = {
        "PYTHONPATH": str(HERE / "redirect"),
        "FOREIGN_REDIRECT": " ".join(f"{old}={new}" for old, new in addresses.items()),
    }
    if longest_sleep_seconds is not None:
        found["FOREIGN_LONGEST_SLEEP_SECONDS"] = str(longest_sleep_seconds)
    return found


def run(*command, environment=None, given="", folder=None):
    """Run a client; return what it printed."""
    done = subprocess.run(
        list(map(str, command)),
        env=os.environ | {"TZ": "UTC"} | (environment or {}),
        input=given,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def messages_of(printed):
    """Return the messages that a tap or a source printed, one a line."""
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]


@dataclass(frozen=True)
class Reading:
    """What a source of Airbyte did: the last status of its streams, their records and states."""

    status: dict
    records: list
    states: list

    @property
    def counts(self):
        """Return the number of records by stream."""
        return Counter(record["stream"] for record in self.records)


@dataclass(frozen=True)
class Airbyte:
    """A source of Airbyte; `folder` keeps what it is told."""

    command: Path
    folder: Path
    environment: dict

    def messages(self, verb, config, **files):
        """Return what it says; every file is an option with what it holds."""
        options = []
        for name, content in {"config": config, **files}.items():
            path = self.folder / f"{name}.json"
            path.write_text(json.dumps(content))
            options += [f"--{name}", path]
        command = (self.command, verb, *options)
        return messages_of(run(*command, environment=self.environment, folder=self.folder))

    def streams(self, config):
        """Return the streams that it offers."""
        said = self.messages("discover", config)
        [catalog] = [message["catalog"] for message in said if message["type"] == "CATALOG"]
        return catalog["streams"]

    def read(self, config, streams, **files):
        """Read streams to the end."""
        catalog = {"streams": [{"stream": stream, **FULL} for stream in streams]}
        said = self.messages("read", config, catalog=catalog, **files)
        told = [m["trace"]["stream_status"] for m in said if "stream_status" in m.get("trace", {})]
        return Reading(
            status={one["stream_descriptor"]["name"]: one["status"] for one in told},
            records=[message["record"] for message in said if message["type"] == "RECORD"],
            states=[message["state"] for message in said if message["type"] == "STATE"],
        )

    def read_all(self, config):
        """Read all streams that it offers; every one must be complete."""
        streams = self.streams(config)
        found = self.read(config, streams)
        assert found.status == {stream["name"]: "COMPLETE" for stream in streams}
        return found

"""Killed at random moments, whoever tells loses nothing and doubles nothing without saying so."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta

import pytest

from marketing_analytics.monitor import history
from marketing_analytics.monitor.alerts.messages import AGAIN
from marketing_analytics.monitor.place import Place, opened
from tests.monitor.alert_world import START, receiving, result

KILLS = 200
ENDED_AFTER = 10
SUBJECTS = ("a", "b", "c", "d")
# a process that forks one that tells, and kills it after the seconds it reads; -1 lets it end
TELLER = """
import os, signal, sys, time
import apprise
from datetime import datetime
from marketing_analytics.monitor.alerts import outbox
from marketing_analytics.monitor.alerts.channels import service_of
from marketing_analytics.monitor.alerts.delivery import tell
from marketing_analytics.monitor.alerts.notices import Channel
from marketing_analytics.monitor.place import Place
import duckdb

outbox.CLAIM_SECONDS = 0
place, team = Place(sys.argv[1], "marts"), Channel("team", "TEAM", allows_private_addresses=True)
service_of(team)
print("ready", flush=True)
for line in sys.stdin:
    process = os.fork()
    if process == 0:
        try:
            tell(place, [team])
            os._exit(0)
        finally:
            os._exit(1)
    if float(line) >= 0:
        time.sleep(float(line))
        os.kill(process, signal.SIGKILL)
    print(os.waitpid(process, 0)[1], flush=True)
"""


class World:
    """Runs of the monitors over four subjects, and what they ask to be told."""

    def __init__(self, place, rng):
        self.place = place
        self.rng = rng
        self.is_bad = dict.fromkeys(SUBJECTS, False)
        self.incidents = Counter()
        self.expected = []
        self.number = 0

    def run(self):
        self.number += 1
        if self.number > 1:
            for subject in SUBJECTS:
                if self.rng.random() < 0.3:
                    self.turn(subject)
        at = START + timedelta(minutes=self.number)
        rows = [self.row(subject, at) for subject in SUBJECTS]
        with opened(self.place, is_read_only=False) as connection:
            connection.execute("create schema if not exists marts")
            history.prepare(connection, self.place)
            connection.execute("begin")
            history.add(connection, self.place, "monitor_results", rows)
            run = {"run_id": f"r{self.number:04}", "started_at": at, "ended_at": at}
            history.add(connection, self.place, "monitor_runs", [run])
            connection.execute("commit")

    def turn(self, subject):
        self.is_bad[subject] = not self.is_bad[subject]
        self.incidents[subject] += self.is_bad[subject]
        self.expected.append(self.sentence(subject))

    def sentence(self, subject):
        state = "is wrong" if self.is_bad[subject] else "is well"
        return f"incident {self.incidents[subject]} of {subject} {state}"

    def row(self, subject, at):
        status = "failing" if self.is_bad[subject] else "ok"
        made = result(subject, status, sentence=self.sentence(subject), checked_at=at)
        return vars(made) | {"run_id": f"r{self.number:04}"}


@pytest.mark.slow
@pytest.mark.timeout(1800)  # a minute on a machine that has nothing else to do
@pytest.mark.parametrize("seed", [1])
def test_nothing_is_lost_or_doubled_silently_over_200_kills(tmp_path, seed):
    import duckdb

    rng = random.Random(seed)
    path = tmp_path / "marts.duckdb"
    duckdb.connect(str(path)).close()
    world = World(Place(str(path), "marts"), rng)
    with receiving() as receiver:
        environment = os.environ | {"TEAM": receiver.address}
        command = [sys.executable, "-c", TELLER, str(path)]
        teller = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert teller.stdout.readline() == "ready\n"

        def tell(seconds):
            teller.stdin.write(f"{seconds}\n")
            teller.stdin.flush()
            return int(teller.stdout.readline())

        world.run()
        tell(-1)
        world.run()
        started = time.monotonic()
        tell(-1)
        whole = time.monotonic() - started
        killed = 0
        receiver.answer = lambda: 500 if rng.random() < 0.1 else 200
        while killed < KILLS:
            world.run()
            killed += tell(rng.uniform(0, 1.2 * whole)) == 9
            if killed % ENDED_AFTER == 0:
                # what a message has no room for is only counted: little waits at a time
                tell(-1)
        receiver.answer = lambda: 200
        assert tell(-1) == 0
        teller.stdin.close()
        teller.wait()
    check(world.expected, receiver.texts)


def check(expected, texts):
    first, doubled = [], []
    for text in texts:
        told = [line for line in text.splitlines() if line.startswith("incident ")]
        again = [sentence for sentence in told if sentence in first]
        assert not again or text.startswith(AGAIN), again
        doubled += again
        first += [sentence for sentence in told if sentence not in first]
    assert Counter(first) == Counter(expected)
    for subject in SUBJECTS:
        own = [sentence for sentence in first if f" of {subject} " in sentence]
        assert in_order(own)
    print(f"{len(expected)} told in {len(texts)} messages, {len(doubled)} again and said so")


def in_order(sentences):
    """Return whether incidents come in their order, the end of each after its beginning.

    A message that tells of both has what is wrong first.
    """
    numbers = [int(sentence.split()[1]) for sentence in sentences if "wrong" in sentence]
    return numbers == sorted(numbers)

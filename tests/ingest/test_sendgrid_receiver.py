"""SendGrid's signed events: what is answered with 2xx is on the disk, and lands once."""

import base64
import json
import os
import signal
import stat
import subprocess
import threading
import time
from contextlib import contextmanager

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.testclient import TestClient

from marketing_analytics.core.errors import UserError
from marketing_analytics.ingest.platforms.sendgrid import landing, receiver, signature
from marketing_analytics.ingest.platforms.sendgrid.landing import Landing
from marketing_analytics.simulate.platforms.sendgrid.webhook import Signer, body_of
from tests.ingest.commands import COMMAND, clean_environment

SIGNER = Signer(7)
NOW = 1_793_512_800  # 2026-11-01T06:00:00Z
# published by SendGrid with its libraries: test_eventwebhook.py of sendgrid-python
KNOWN_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+"
    "2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
)
KNOWN_SIGNATURE = (
    "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtE"
    "ZtM="
)
KNOWN_BODY = (
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
    b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
    b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
    b'"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
)


def event(number, **more):
    return {
        "email": f"a{number}@example.com",
        "timestamp": NOW,
        "event": "delivered",
        "sg_event_id": f"event-{number}",
        "sg_message_id": f"message-{number}",
    } | more


def lines(folder):
    return [
        orjson.loads(line)
        for path in sorted(folder.iterdir())
        for line in path.read_bytes().splitlines()
    ]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "events"


@pytest.fixture
def client(folder, monkeypatch):
    """Return a client of a receiver in this process."""
    monkeypatch.setenv("MARKETING_NOW", "2026-11-01T06:00:00Z")
    settings = {
        "SENDGRID_EVENTS_PATH": str(folder),
        "SENDGRID_WEBHOOK_PUBLIC_KEY": f"{KNOWN_KEY}, {SIGNER.public_key}",
    }
    with TestClient(receiver.Receiver(settings).app) as client:
        yield client


def post(client, body, timestamp=NOW, **headers):
    return client.post("/events", content=body, headers=SIGNER.headers(body, timestamp) | headers)


def test_the_known_signature_of_the_vendor_is_right_and_every_change_of_it_wrong():
    keys = signature.public_keys(KNOWN_KEY)
    assert signature.is_signed(keys, KNOWN_SIGNATURE, "1600112502", KNOWN_BODY)
    assert not signature.is_signed(keys, KNOWN_SIGNATURE, "1600112503", KNOWN_BODY)
    assert not signature.is_signed(keys, KNOWN_SIGNATURE, "1600112502", KNOWN_BODY.strip())
    assert not signature.is_signed(keys, KNOWN_SIGNATURE[:-8], "1600112502", KNOWN_BODY)
    assert not signature.is_signed(keys, "?", "1600112502", KNOWN_BODY)
    assert not signature.is_signed(
        signature.public_keys(SIGNER.public_key), KNOWN_SIGNATURE, "1600112502", KNOWN_BODY
    )


@pytest.mark.parametrize("text", ["abc", "MFkw", base64.b64encode(b"no key").decode(), "ä"])
def test_a_key_that_is_none_is_told_before_anything_is_received(text):
    with pytest.raises(UserError, match="SENDGRID_WEBHOOK_PUBLIC_KEY is not a key"):
        signature.public_keys(text)


def test_what_is_answered_is_on_the_disk_readable_by_its_owner_alone(client, folder):
    sent = [event(1, category=["a", "b"]), event(2, custom="ö")]
    assert post(client, body_of(sent)).status_code == 204
    assert lines(folder) == sent
    [path] = folder.iterdir()
    assert path.suffix == ".part"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert client.get("/health").json()["received"] == {"deliveries": 1, "events": 2}


def test_the_file_is_complete_when_the_receiver_ends(client, folder):
    post(client, body_of([event(1)]))
    client.__exit__(None, None, None)
    assert [path.suffix for path in folder.iterdir()] == [".jsonl"]


def test_a_list_without_events_is_answered_and_leaves_no_file(client, folder):
    assert post(client, b"[]").status_code == 204
    assert list(folder.iterdir()) == []


STRANGER = generate_private_key(SECP256R1())


def signed_by_a_stranger(body):
    made = STRANGER.sign(str(NOW).encode() + body, ECDSA(SHA256()))
    return {signature.SIGNATURE_HEADER: base64.b64encode(made).decode()}


BODY = body_of([event(1)])


@pytest.mark.parametrize(
    ("body", "timestamp", "headers"),
    [
        (BODY, NOW, {signature.SIGNATURE_HEADER: ""}),
        (BODY, NOW, {signature.SIGNATURE_HEADER: "no base64"}),
        (BODY, NOW, signed_by_a_stranger(BODY)),
        (BODY, NOW, {signature.TIMESTAMP_HEADER: str(NOW - 1)}),
        (BODY, NOW, {signature.TIMESTAMP_HEADER: ""}),
        (BODY, NOW, {signature.TIMESTAMP_HEADER: "soon"}),
        (BODY, NOW, {signature.TIMESTAMP_HEADER: "9" * 400}),
        (BODY, NOW - 26 * 3600, {}),
        (BODY, NOW + 400, {}),
    ],
)
def test_what_is_not_signed_or_not_of_today_is_refused(client, folder, body, timestamp, headers):
    answer = post(client, body, timestamp, **headers)
    assert answer.status_code == 403
    assert answer.json()["error"]
    assert list(folder.iterdir()) == []
    assert client.get("/health").json()["received"] == {"refused_403": 1}


def test_a_body_that_was_changed_on_the_way_is_refused(client, folder):
    headers = SIGNER.headers(BODY, NOW)
    assert client.post("/events", content=BODY + b" ", headers=headers).status_code == 403
    assert list(folder.iterdir()) == []


def test_a_delivery_that_is_repeated_for_a_day_is_taken(client):
    assert post(client, BODY, NOW - 24 * 3600).status_code == 204


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"[{]", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_list_of_events_is_refused(client, folder, body):
    assert post(client, body).status_code == 400
    assert list(folder.iterdir()) == []


def test_a_body_beyond_the_bound_is_refused_announced_or_not(client, folder, monkeypatch):
    monkeypatch.setattr(receiver, "MOST_BODY_BYTES", 1000)
    large = body_of([event(n) for n in range(20)])
    assert len(large) > 1000
    assert post(client, large).status_code == 413
    pieces = (large[i : i + 100] for i in range(0, len(large), 100))
    assert (
        client.post("/events", content=pieces, headers=SIGNER.headers(large, NOW)).status_code
        == 413
    )
    assert list(folder.iterdir()) == []


def test_other_paths_and_methods_are_not_answered(client):
    assert client.get("/events").status_code == 405
    assert client.post("/").status_code == 404


def test_a_disk_that_refuses_keeps_nothing_of_the_delivery_and_all_before_it(
    client, folder, monkeypatch, replaced
):
    assert post(client, body_of([event(1)])).status_code == 204
    real = os.write

    def full(file, data):
        if len(data) > 50:
            return real(file, bytes(data[:50]))
        raise OSError(28, "No space left on device")

    replaced(landing, "os", write=full)
    assert post(client, body_of([event(2)])).status_code == 503
    monkeypatch.undo()
    monkeypatch.setenv("MARKETING_NOW", "2026-11-01T06:00:00Z")
    assert lines(folder) == [event(1)]
    assert post(client, body_of([event(2)])).status_code == 204
    landing.seal_left_over(folder)
    assert sorted(path.suffix for path in folder.iterdir()) == [".jsonl", ".part"]
    assert lines(folder) == [event(1), event(2)]


def test_a_torn_line_is_cut_off_and_a_file_in_use_is_left_alone(folder):
    used = Landing(folder)
    used.append(b'{"a": 1}\n')
    (folder / "events-1.part").write_bytes(b'{"b": 1}\n{"b": 2}\n{"b": ')
    (folder / "events-2.part").write_bytes(b'{"c"')
    landing.seal_left_over(folder)
    assert (folder / "events-1.jsonl").read_bytes() == b'{"b": 1}\n{"b": 2}\n'
    assert not (folder / "events-2.part").exists()
    used.append(b'{"a": 2}\n')
    used.close()
    assert lines(folder)[-2:] == [{"a": 1}, {"a": 2}]


def test_files_are_completed_by_size_and_by_age(folder):
    small = Landing(folder, most_bytes=10, most_seconds=0.0)
    small.append(b"123456789\n")
    assert [path.suffix for path in folder.iterdir()] == [".jsonl"]
    small.append(b"1\n")
    small.seal_if_due()
    assert [path.suffix for path in folder.iterdir()] == [".jsonl"] * 2
    assert len(landing.whole_files(folder)) == 2


@contextmanager
def receiving(folder, port=0):
    """Run the command; yield its process and address."""
    settings = {
        "SENDGRID_EVENTS_PATH": folder,
        "SENDGRID_WEBHOOK_PUBLIC_KEY": SIGNER.public_key,
        "MARKETING_NOW": "2026-11-01T06:00:00Z",
    }
    process = subprocess.Popen(
        [*COMMAND, "ingest", "receive", "--port", str(port)],
        env=clean_environment(**settings, PYTHONUNBUFFERED=1),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        assert line.startswith("sendgrid: http://"), process.stderr.read()
        yield process, line.split()[1]
    finally:
        process.kill()
        process.communicate()


@pytest.mark.system
def test_a_receiver_that_is_killed_among_concurrent_deliveries_loses_none_that_it_answered(folder):
    answered: set[str] = set()
    started = threading.Event()

    def send(url, first):
        with httpx.Client(timeout=10) as client:
            for number in range(first, first + 1000):
                body = body_of([event(f"{number}-{i}") for i in range(5)])
                try:
                    answer = client.post(url, content=body, headers=SIGNER.headers(body, NOW))
                except httpx.HTTPError:
                    return
                assert answer.status_code in {204, 503}
                if answer.status_code == 204:
                    answered.update(one["sg_event_id"] for one in json.loads(body))
                    if len(answered) > 300:
                        started.set()

    with receiving(folder) as (process, url):
        threads = [threading.Thread(target=send, args=(url, n * 1000)) for n in range(8)]
        for thread in threads:
            thread.start()
        assert started.wait(30)
        process.send_signal(signal.SIGKILL)
        for thread in threads:
            thread.join()
    with receiving(folder):
        assert not list(folder.glob("*.part"))
        found = [one["sg_event_id"] for one in lines(folder)]
    assert answered
    assert answered <= set(found)
    assert len(found) == len(set(found))


@pytest.mark.system
def test_a_receiver_that_is_asked_to_end_completes_its_file(folder):
    with receiving(folder) as (process, url):
        answer = httpx.post(url, content=BODY, headers=SIGNER.headers(BODY, NOW))
        assert answer.status_code == 204
        process.terminate()
        give_up_at = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < give_up_at:
            time.sleep(0.02)
        assert process.returncode in {0, -signal.SIGTERM}
    assert [path.suffix for path in folder.iterdir()] == [".jsonl"]


@pytest.mark.system
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--source", "shop"], "shop sends nothing on its own accord"),
        (["--source", "sendgrid"], "SENDGRID_WEBHOOK_PUBLIC_KEY"),
        ([], "SENDGRID_EVENTS_PATH"),
    ],
)
def test_what_the_command_lacks_is_told_in_a_sentence(arguments, said):
    done = subprocess.run(
        [*COMMAND, "ingest", "receive", *arguments],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr

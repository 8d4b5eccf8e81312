"""Signs events as SendGrid does, and posts them to a receiver."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, derive_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

# SendGrid posts at most 768 kB; so many events are less
EVENTS_AT_ONCE = 500


class Signer:
    """The key of one webhook."""

    def __init__(self, seed: int) -> None:
        # a key for tests: anybody can make it from the seed
        self._key = derive_private_key(2**128 + seed, SECP256R1())

    @property
    def public_key(self) -> str:
        """Return the verification key as the settings of the webhook show it."""
        form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(self._key.public_key().public_bytes(*form)).decode()

    def headers(self, body: bytes, timestamp: int) -> dict[str, str]:
        """Return the headers that go with a body."""
        signature = self._key.sign(str(timestamp).encode() + body, ECDSA(SHA256()))
        return {
            "Content-Type": "application/json;charset=utf-8",
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": str(timestamp),
        }


def body_of(events: Sequence[dict[str, Any]]) -> bytes:
    """Return the body of a delivery: SendGrid puts every event on a line."""
    rows = [{k: v for k, v in event.items() if k != "account"} for event in events]
    return ("[" + ",\r\n".join(json.dumps(row) for row in rows) + "]\r\n").encode()


async def deliver(
    signer: Signer, url: str, events: Sequence[dict[str, Any]], timestamp: int
) -> list[int]:
    """Post events in order and return the statuses of the answers."""
    statuses = []
    async with httpx.AsyncClient(timeout=30) as client:
        for start in range(0, len(events), EVENTS_AT_ONCE):
            body = body_of(events[start : start + EVENTS_AT_ONCE])
            answer = await client.post(url, content=body, headers=signer.headers(body, timestamp))
            statuses.append(answer.status_code)
    return statuses

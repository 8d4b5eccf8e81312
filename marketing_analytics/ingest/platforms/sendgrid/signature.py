"""The signature of SendGrid's event webhook: ECDSA with SHA-256 over time and body.

The time is the text of the header and is signed together with the bytes of the body, so a body
must be checked before it is decoded.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from marketing_analytics.core.errors import UserError
from marketing_analytics.ingest.access.settings import names_in

SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"


def public_keys(text: str) -> list[Any]:
    """Return the keys of a comma list, as SendGrid shows them. Raise UserError."""
    return [public_key(one) for one in names_in(text)]


def public_key(text: str) -> Any:
    """Return an elliptic curve key from base64. Raise UserError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, EllipticCurvePublicKey):
        raise UserError(
            "SENDGRID_WEBHOOK_PUBLIC_KEY is not a key",
            hint="copy the verification key: Settings > Mail Settings > Event Webhooks, "
            "Signature Verification",
        )
    return key


def is_signed(keys: Sequence[Any], signature: str, timestamp: str, body: bytes) -> bool:
    """Return whether one of the keys signed this body at this time."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        given = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    for key in keys:
        try:
            key.verify(given, timestamp.encode() + body, ECDSA(SHA256()))
        except InvalidSignature:
            continue
        return True
    return False

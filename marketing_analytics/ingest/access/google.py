"""Access tokens of Google: from a refresh token, or from a file of credentials.

The file is what GOOGLE_APPLICATION_CREDENTIALS names for all tools of Google: of a service
account, or of a person (`gcloud auth application-default login`).
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from marketing_analytics.core.errors import AuthError, RemoteError, UserError
from marketing_analytics.ingest.engine.governor import Governor, Token
from marketing_analytics.ingest.engine.job import Job

if TYPE_CHECKING:
    import httpx

CREDENTIALS_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
TOKEN_ADDRESS = "https://oauth2.googleapis.com/token"  # noqa: S105
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFE_SECONDS = 3600
REFRESH_FIELDS = ("client_id", "client_secret", "refresh_token")
# kinds of credentials, and what of their file is needed
FIELDS = {
    "service_account": ("client_email", "private_key"),
    "authorized_user": REFRESH_FIELDS,
}

Form = Mapping[str, str]


def file_token(job: Job, scope: str) -> Token:
    """Return the token of the credentials file. Raise UserError when it is of no use."""
    path = Path(job.setting(CREDENTIALS_FILE, purpose="file of a service account")).expanduser()
    credentials = read_credentials(path)
    address = credentials.get("token_uri") or TOKEN_ADDRESS
    hint = f"check {CREDENTIALS_FILE}"
    form: Callable[[], Form] = partial(service_form, credentials, scope, address)
    if credentials["type"] == "authorized_user":
        form = partial(refresh_form, credentials)
    return granted(job, address, form, hint, f"token_uri in {CREDENTIALS_FILE}")


def refresh_token(job: Job, prefix: str) -> Token:
    """Return the token of the settings <prefix>_CLIENT_ID, _CLIENT_SECRET and _REFRESH_TOKEN."""
    settings = {name: f"{prefix}_{name.upper()}" for name in REFRESH_FIELDS}
    values = {name: job.setting(setting) for name, setting in settings.items()}
    address = job.settings.get(f"{prefix}_TOKEN_URL") or TOKEN_ADDRESS
    *first, last = settings.values()
    hint = f"check {', '.join(first)} and {last}"
    return granted(job, address, lambda: refresh_form(values), hint, f"{prefix}_TOKEN_URL")


def read_credentials(path: Path) -> dict[str, str]:
    """Return the fields of a credentials file; no message holds any of them."""
    try:
        found = orjson.loads(path.read_bytes())
    except OSError as error:
        raise UserError(
            f"cannot read {CREDENTIALS_FILE} {path}: {error.strerror}",
            hint="name the JSON file of a key of the service account",
        ) from None
    except ValueError:
        found = None
    kind = found.get("type") if isinstance(found, dict) else None
    needed = FIELDS.get(str(kind), ("type",))
    if kind not in FIELDS or not all(isinstance(found.get(name), str) for name in needed):
        raise UserError(
            f"{CREDENTIALS_FILE} {path} is no file of credentials: {', '.join(needed)} expected",
            hint=f"of type {' or '.join(FIELDS)}",
        )
    return dict(found)


def granted(job: Job, address: str, form: Callable[[], Form], hint: str, setting: str) -> Token:
    """Return the token that a token server gives for a form."""

    def renew() -> str:
        server = Governor(
            "the Google token server",
            "",
            setting=setting,
            limits=job.limits,
            stop=job.stop,
            classify=lambda response: refusal(response, hint),
        )
        try:
            return str(server.post(address, data=dict(form())).get("access_token") or "")
        finally:
            server.close()

    return Token(renew)


def refresh_form(values: Mapping[str, str]) -> Form:
    """Return the grant of a refresh token."""
    return {"grant_type": "refresh_token"} | {name: values[name] for name in REFRESH_FIELDS}


def service_form(credentials: Mapping[str, str], scope: str, audience: str) -> Form:
    """Return the grant of a service account: a claim signed with its key."""
    now = int(time.time())
    claim = {
        "iss": credentials["client_email"],
        "scope": scope,
        "aud": audience,
        "iat": now,
        "exp": now + LIFE_SECONDS,
    }
    return {"grant_type": JWT_GRANT, "assertion": signed(claim, credentials["private_key"])}


def signed(claim: Mapping[str, Any], private_key: str) -> str:
    """Return a JSON web token, RS256. Raise UserError when the key is none."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    try:
        key = serialization.load_pem_private_key(private_key.encode(), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise UserError(
            f"the private key in {CREDENTIALS_FILE} cannot be read",
            hint="make a new key of the service account",
        )
    text = ".".join(encoded(orjson.dumps(part)) for part in ({"alg": "RS256", "typ": "JWT"}, claim))
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{text}.{encoded(signature)}"


def encoded(content: bytes) -> str:
    """Return base 64 for addresses, without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def refusal(response: httpx.Response, hint: str) -> RemoteError | None:
    """Return what a refusal of the token server means."""
    if response.status_code not in {400, 401}:
        return None
    try:
        reason = str(response.json().get("error", ""))
    except (ValueError, AttributeError):
        return None
    return AuthError(
        f"Google gave no access token: {reason}",
        hint=hint,
        # not 401: renewing a token that cannot be renewed would not end
        status_code=400,
    )


def error_of(response: httpx.Response) -> dict[str, Any]:
    """Return the error object of an answer of Google, empty where it has none."""
    try:
        body = response.json()
    except ValueError:
        return {}
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}

"""How HubSpot says no: one JSON shape for every error, with a category and a correlation id."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

CORRELATION_ID = "00000000-0000-4000-8000-000000000000"


class RefusalError(Exception):
    """An answer with HubSpot's error body."""

    def __init__(self, status: int, category: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.headers: dict[str, str] = {}
        self.body: dict[str, Any] = {
            "status": "error",
            "message": message,
            "correlationId": CORRELATION_ID,
            "category": category,
            **more,
        }

    def answer(self) -> Response:
        """Return the HTTP answer."""
        return JSONResponse(self.body, self.status, headers=self.headers)


def invalid(message: str, *, where: str = "") -> RefusalError:
    """Return the refusal of a parameter or a body."""
    error = {"message": message, **({"in": where} if where else {})}
    return RefusalError(400, "VALIDATION_ERROR", message, errors=[error])


def missing(what: str = "resource not found") -> RefusalError:
    """Return the refusal of an address that leads nowhere."""
    return RefusalError(404, "OBJECT_NOT_FOUND", what)


def invalid_token() -> RefusalError:
    """Return the refusal of a token that HubSpot never gave."""
    return RefusalError(
        401,
        "INVALID_AUTHENTICATION",
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you "
        "can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
    )


def expired_token() -> RefusalError:
    """Return the refusal of a token whose time is over."""
    message = "The access token is expired! It was valid for 30 minute(s)."
    return RefusalError(401, "EXPIRED_AUTHENTICATION", message)


def over_limit(policy: str, retry_after: float | None = None) -> RefusalError:
    """Return the refusal of a call beyond a limit: TEN_SECONDLY_ROLLING, SECONDLY or DAILY."""
    refusal = RefusalError(
        429,
        "RATE_LIMITS",
        f"You have reached your {policy.lower()} limit.",
        errorType="RATE_LIMIT",
        policyName=policy,
    )
    if retry_after is not None:
        refusal.headers["Retry-After"] = str(round(retry_after))
    return refusal

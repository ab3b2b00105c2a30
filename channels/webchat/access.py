"""Who may call: origins, CORS, tokens, and the errors that say why not. Pure but for reading a body."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

from channels import json_input


class Refused(Exception):  # noqa: N818 - it names the answer, as web.HTTPException does
    """An answer other than 2xx. `code` is for programs, the text for people."""

    def __init__(self, status: int, code: str, message: str, retry_after: float = 0) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after

    def response(self) -> web.Response:
        answer = json_response({"error": {"code": self.code, "message": str(self)}}, self.status)
        if self.retry_after:
            answer.headers["Retry-After"] = str(math.ceil(self.retry_after))
        return answer


def json_response(body: Any, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )


def origin_allowed(
    origin: str | None, fetch_site: str | None, allowed: frozenset[str], *, reads: bool
) -> bool:
    """Browsers send Origin with every cross-origin request and every POST; a missing one is believed only
    for a read that no other site's page can have made."""
    if origin is not None:
        return origin in allowed
    return reads and fetch_site in {None, "same-origin", "none"}


def cors(origin: str | None, allowed: frozenset[str]) -> dict[str, str]:
    headers = {"Vary": "Origin"}
    if origin is not None and origin in allowed:
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = "Retry-After"
    return headers


def is_loopback(address: str | None) -> bool:
    """A process on this host. A proxy that hides its visitors looks like one, and must not make one
    visitor of them all."""
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False


PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID",
    "Access-Control-Max-Age": "600",
}


def bearer(headers: Mapping[str, str]) -> str:
    """The session's token, or empty. It is never read from a URL."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def body_bytes(request: web.Request, limit: int) -> bytes:
    """The body, refused with 413 as soon as it grows over `limit`."""
    collected = bytearray()
    async for chunk in request.content.iter_any():
        collected += chunk
        if len(collected) > limit:
            raise Refused(413, "too_large", f"more than {limit} bytes")
    return bytes(collected)


def json_object(raw: bytes) -> dict[str, Any]:
    """A JSON object, or a refusal with 400. An empty body is an empty object."""
    if not raw:
        return {}
    try:
        value = json_input.decode(raw)
    except json_input.JsonInputError as error:
        raise Refused(400, "bad_request", str(error)) from error
    if not isinstance(value, dict):
        raise Refused(400, "bad_request", "the body is not a JSON object")
    return value

"""Answers that say no, and the headers that every answer carries."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

# A channel's route may set its own value of any of these.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


def refuse(status: int, code: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """A refusal that tells a stranger nothing but its kind."""
    return web.json_response({"error": code}, status=status, headers=headers)


async def add_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """For `Application.on_response_prepare`."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "omni"

"""The page on which the owner of an address confirms that it is his.

Mail scanners fetch links: looking at the page confirms nothing and says nothing, only its button does.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec
from aiohttp import web

from server.store.errors import StoreUnavailableError
from server.wording import Phrase, say

PATH = "/confirm/{token:[A-Za-z0-9_-]{1,64}}"

_STYLE = (
    "body{font:17px/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.2rem;"
    "color:#1c1c1c;background:#fff}"
    "button{font:inherit;padding:.7rem 1.2rem;border:0;border-radius:.6rem;background:#2f6f5e;color:#fff}"
    "button:focus-visible{outline:3px solid #111;outline-offset:2px}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}}"
)
_POLICY = (
    "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    + "'"
)


class Confirming(msgspec.Struct, frozen=True, kw_only=True):
    """`confirm`: take a token; whether it was good. Raises StoreUnavailableError."""

    site_name: str
    language: str
    confirm: Callable[[str], Awaitable[bool]]

    def page(self, *paragraphs: Phrase, button: bool = False, status: int = 200) -> web.Response:
        write = partial(say, self.language, site=self.site_name)
        shown = "".join(f"<p>{html.escape(write(phrase))}</p>" for phrase in paragraphs)
        # Its own address is where the form goes: the token stands nowhere else in the page.
        form = f'<form method="post"><button>{html.escape(write("page_button"))}</button></form>'
        return web.Response(
            text=f'<!doctype html><html lang="{self.language}"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta name="robots" content="noindex">'
            f"<title>{html.escape(write('page_title'))}</title><style>{_STYLE}</style>"
            f"<main>{shown}{form if button else ''}</main></html>",
            status=status,
            content_type="text/html",
            headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"},
        )

    async def look(self, request: web.Request) -> web.Response:
        return self.page("page_ask", "page_warn", button=True)

    async def press(self, request: web.Request) -> web.Response:
        try:
            right = await self.confirm(request.match_info["token"])
        except StoreUnavailableError:
            return self.page("page_later", button=True, status=503)
        return self.page("page_done") if right else self.page("page_over", status=410)

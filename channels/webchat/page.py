"""The panel's page, its scripts and its style, and the headers that keep them harmless."""

from __future__ import annotations

import hashlib
import html
import string
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files

import msgspec
from aiohttp import web

from channels.base import Route

# In the order in which they are run: each declares one thing that those after it use.
SCRIPTS = ("words.js", "keeping.js", "history.js", "link.js", "writing.js", "panel.js")
STYLE = "panel.css"
_TYPES = {"js": "text/javascript", "css": "text/css"}


@cache
def asset(name: str) -> tuple[bytes, str, str]:
    """Content, media type and a tag that changes with the content, of a file in static/."""
    content = (files("channels.webchat") / "static" / name).read_bytes()
    return content, _TYPES[name.rpartition(".")[2]], hashlib.sha256(content).hexdigest()[:16]


def versioned(name: str) -> str:
    """The address of a file that may be kept for ever: it is another one when the content changes."""
    return f"{name}?v={asset(name)[2]}"


@cache
def _template() -> string.Template:
    return string.Template((files("channels.webchat") / "static" / "frame.html").read_text(encoding="utf-8"))


def frame_policy(origins: Sequence[str]) -> str:
    """Nothing from anywhere else, no inline script or style, and only the site's pages may frame it."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' blob:; media-src blob:; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors {' '.join(origins)}"
    )


def frame_headers(origins: Sequence[str]) -> dict[str, str]:
    return {
        "Content-Security-Policy": frame_policy(origins),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }


def frame_page(config: Mapping[str, object]) -> str:
    return _template().substitute(
        config=html.escape(msgspec.json.encode(config).decode(), quote=True),
        scripts="\n".join(f'<script src="{versioned(name)}" defer></script>' for name in SCRIPTS),
        style=versioned(STYLE),
        title=html.escape(str(config.get("title", ""))),
    )


def static_routes(config: Callable[[], Mapping[str, object]], origins: Sequence[str]) -> list[Route]:
    """The loader, the panel's page, its scripts and its style."""

    def file_route(name: str, lasting: bool) -> Route:
        async def answer(request: web.Request) -> web.StreamResponse:
            content, content_type, tag = asset(name)
            headers = {
                "ETag": f'"{tag}"',
                "X-Content-Type-Options": "nosniff",
                # The panel's own files are asked for by a name that changes with them.
                "Cache-Control": "public, max-age=31536000, immutable" if lasting else "public, max-age=300",
                "Cross-Origin-Resource-Policy": "cross-origin",
                "Vary": "Accept-Encoding",
            }
            if request.headers.get("If-None-Match") == f'"{tag}"':
                return web.Response(status=304, headers=headers)
            response = web.Response(body=content, content_type=content_type, charset="utf-8", headers=headers)
            response.enable_compression()
            return response

        return Route(method="GET", path=f"/{name}", handler=answer, body_max=0)

    async def panel(request: web.Request) -> web.StreamResponse:
        return web.Response(
            text=frame_page(config()),
            content_type="text/html",
            headers=frame_headers(origins),
        )

    return [
        file_route("widget.js", lasting=False),
        *(file_route(name, lasting=True) for name in (*SCRIPTS, STYLE)),
        Route(method="GET", path="/frame", handler=panel, body_max=0),
    ]

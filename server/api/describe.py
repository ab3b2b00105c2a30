"""What a handler says of itself for the OpenAPI document: `@describes(...)` below its route.

The path, its parameters and the method are the route's own; errors that any route can answer with are
added by the document. Nothing here decides anything at run time: tests hold the words to the deeds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from aiohttp import web

from server.operators import Action

H = TypeVar("H", bound=Callable[[web.Request], Awaitable[web.StreamResponse]])


class Query(msgspec.Struct, frozen=True):
    """One parameter after the `?`. `kind` is what msgspec makes a JSON schema of."""

    name: str
    kind: Any
    meaning: str


class Media(msgspec.Struct, frozen=True):
    """An answer that is no JSON."""

    content_type: str


class Empty(msgspec.Struct, frozen=True):
    """An answer without a body."""


class Description(msgspec.Struct, frozen=True, kw_only=True):
    summary: str
    action: Action | None  # None: whoever was let in may
    body: Any  # a wire type, or None
    answer: Any  # a wire type, or a Media; None: the connection becomes a WebSocket
    query: tuple[Query, ...]
    codes: tuple[str, ...]  # of errors that are this route's own
    also: Mapping[int, Any]  # status → what else it answers with


_DESCRIBED: dict[Any, Description] = {}


def describes(
    summary: str,
    action: Action | None = "read",
    *,
    body: Any = None,
    answer: Any,
    query: tuple[Query, ...] = (),
    codes: tuple[str, ...] = (),
    also: Mapping[int, Any] | None = None,
) -> Callable[[H], H]:
    """Decorator of a handler; the first line of the document's entry is `summary`."""

    def described(handler: H) -> H:
        _DESCRIBED[handler] = Description(
            summary=summary,
            action=action,
            body=body,
            answer=answer,
            query=query,
            codes=codes,
            also=also or {},
        )
        return handler

    return described


def description(handler: object) -> Description | None:
    return _DESCRIBED.get(handler)


def limit(default: int, most: int) -> Query:
    """Goes with `context.limit`."""
    meaning = f"How many at most; {default} if not given, and never more than {most}."
    return Query("limit", Annotated[int, msgspec.Meta(ge=0, le=999_999)], meaning)


def number(name: str, meaning: str) -> Query:
    """The number of something, as we gave it out; empty: none. Goes with `context.key`."""
    return Query(name, Annotated[str, msgspec.Meta(pattern="^([0-9]{1,19})?$")], meaning)


def page_key(name: str, parts: int, most: int = 0) -> Query:
    """Goes with `context.key`; up to `most` parts where lists of the route are ordered differently."""
    numbers = r"\.".join(["[0-9]{1,19}"] * parts) + r"(\.[0-9]{1,19})?" * max(0, most - parts)
    kind = Annotated[str, msgspec.Meta(pattern=f"^({numbers})?$")]
    return Query(name, kind, "The key that the page before gave for the next one; opaque.")

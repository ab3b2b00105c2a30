"""The OpenAPI 3.1 document, made of the routes, what handlers say of themselves, and the wire types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from aiohttp import web

from server.api.context import CONTEXT, answer
from server.api.describe import Description, Empty, Media, describes, description
from server.protocol import PROTOCOL, Envelope, ErrorAnswer, EventBody, Subscribe
from server.webhooks.body import Body, EventFacts, Gap, Ping

routes = web.RouteTableDef()

REFERENCE = "#/components/schemas/{name}"

# What a path's parameter is, where it is not the number of a row.
NAME = {"type": "string", "minLength": 1}
NAMES: dict[str, dict[str, Any]] = dict.fromkeys(("login", "name", "kind", "number", "channel"), NAME)
NAMES["template"] = {"type": "string", "pattern": r"^\w[\w.-]{0,31}$"}
NUMBER = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}

STATUS = {
    "bad_request": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "taken": 409,
    "stale": 409,
    "held": 409,
    "missing": 409,
    "known": 409,
    "illegal_state": 409,
    "too_large": 413,
    "compressed": 415,
    "version": 426,
    "limited": 429,
    "unavailable": 503,
}
ANYWHERE = ("bad_request", "unauthenticated", "forbidden", "version", "limited", "unavailable")
WITH_BODY = ("too_large", "compressed")
REASONS = {
    400: "The request makes no sense as it is.",
    401: "Nobody, or nobody who may come in; over TCP always without a reason.",
    403: "The role or the token's scope does not allow it, or it comes from a browser.",
    404: "There is no such thing.",
    409: "Not as things are now.",
    413: "The body is too large.",
    415: "The body is compressed.",
    426: "The console speaks another protocol: update the older of the two.",
    429: "Too many requests with this token; Retry-After says when the next may come.",
    503: "Nothing can be written or read now, and nothing was changed; try again later.",
}

ABOUT = f"""What consoles and programs ask of an Omni agent server.

By the Unix socket the kernel says which account it is. Over TCP every request carries
`Authorization: Bearer TOKEN`; a token's scope (read, write, admin) limits it within its operator's role.
Send `Omni-Protocol: {PROTOCOL}` to be told when the server speaks another protocol. Times are UTC
milliseconds. Fields that you do not know are to be ignored: new ones come without a new protocol.
"""

SCOPES = {
    "look": "read",
    "remark": "write",
    "read": "read",
    "write": "write",
    "curate": "write",
    "administer": "admin",
}


# What the systems of `[[webhooks]]` get, by type; every kind of event is an "event" (docs/webhooks.md).
TOLD: dict[str, Any] = {"event": Body[EventFacts], "gap": Body[Gap], "ping": Body[Ping]}


class UndescribedError(Exception):
    """A route without `@describes(...)`."""


@routes.get("/v1/openapi.json")
@describes("This document.", None, answer=dict[str, Any])
async def openapi(request: web.Request) -> web.Response:
    return answer(document(request.app, request.app[CONTEXT].version))


def described_routes(app: web.Application) -> Iterator[tuple[str, str, Any, Description]]:
    """(method, path, handler, description) of every route. Raises UndescribedError."""
    for route in app.router.routes():
        if route.method == "HEAD":
            continue  # aiohttp adds one to every GET
        path = route.resource.canonical if route.resource is not None else ""
        found = description(route.handler)
        if found is None:
            raise UndescribedError(f"{route.method} {path} has no @describes(...)")
        yield route.method, path, route.handler, found


def document(app: web.Application, version: str) -> dict[str, Any]:
    """Raises UndescribedError."""
    found = list(described_routes(app))
    frame = _frame()
    kinds: list[Any] = [ErrorAnswer, Subscribe, frame, *TOLD.values()]
    for _, _, _, one in found:
        wanted = (one.body, one.answer, *one.also.values(), *(query.kind for query in one.query))
        kinds += [kind for kind in wanted if kind is not None and not isinstance(kind, Media | Empty)]
    shown, components = msgspec.json.schema_components(kinds, ref_template=REFERENCE)
    schemas = {_key(kind): schema for kind, schema in zip(kinds, shown, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for method, path, handler, one in found:
        paths.setdefault(path, {})[method.lower()] = _operation(path, handler, one, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Omni Console operator API",
            "version": version,
            "description": ABOUT,
            "license": {"name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "webhooks": {name: _told(schemas[_key(body)]) for name, body in TOLD.items()},
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "omni_ID_SECRET"}
            },
        },
    }


def _told(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "post": {
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
            "responses": {"2XX": {"description": "Taken: whatever else is answered, it comes again."}},
        }
    }


def _frame() -> type[msgspec.Struct]:
    """Envelope as readers of the stream see it: its body is an EventBody, or null."""
    fields = [
        (field.name, EventBody | None if field.name == "body" else field.type, _default(field))
        for field in msgspec.structs.fields(Envelope)
    ]
    made = msgspec.defstruct(Envelope.__name__, fields, kw_only=True)
    made.__doc__ = Envelope.__doc__
    return made


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return None if field.name == "body" else field.default


def _key(kind: Any) -> str:
    return repr(kind)


def _operation(path: str, handler: Any, one: Description, schemas: dict[str, Any]) -> dict[str, Any]:
    resource = handler.__module__.rpartition(".")[2]
    shown: dict[str, Any] = {
        "operationId": f"{resource}.{handler.__name__}",
        "tags": [resource],
        "summary": one.summary,
        "security": [{"token": [] if one.action is None else [SCOPES[one.action]]}],
        "responses": _responses(path, one, schemas),
    }
    if handler.__doc__:
        shown["description"] = handler.__doc__
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": NAMES.get(name, NUMBER)}
        for name in re.findall(r"\{(\w+)\}", path)
    ]
    parameters += [
        {"name": query.name, "in": "query", "description": query.meaning, "schema": schemas[_key(query.kind)]}
        for query in one.query
    ]
    if parameters:
        shown["parameters"] = parameters
    if isinstance(one.body, Media):
        shown["requestBody"] = {"required": True, "content": {one.body.content_type: {}}}
    elif one.body is not None:
        needed = any(field.required for field in msgspec.structs.fields(one.body))
        schema = schemas[_key(one.body)]
        shown["requestBody"] = {"required": needed, "content": {"application/json": {"schema": schema}}}
    if one.answer is None:
        shown["x-websocket"] = {
            "client": {"$ref": REFERENCE.format(name=Subscribe.__name__)},
            "server": {"$ref": REFERENCE.format(name=Envelope.__name__)},
        }
    return shown


def _responses(path: str, one: Description, schemas: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for status, what in ((200 if one.answer is not None else 101, one.answer), *one.also.items()):
        shown[str(status)] = _response(what, schemas)
    codes = {*ANYWHERE, *one.codes}
    if "{" in path:
        codes.add("not_found")
    if one.body is not None:
        codes |= set(WITH_BODY)
    by_status: dict[int, list[str]] = {}
    for code in STATUS:
        if code in codes:
            by_status.setdefault(STATUS[code], []).append("bad_request" if code == "compressed" else code)
    for status, names in by_status.items():
        if str(status) in shown:
            continue
        content = {"application/json": {"schema": schemas[_key(ErrorAnswer)]}}
        shown[str(status)] = {
            "description": f"{REASONS[status]} Code: {', '.join(names)}.",
            "content": content,
        }
        if status == 429:
            shown["429"]["headers"] = {
                "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}
            }
    return dict(sorted(shown.items()))


def _response(what: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    if what is None:
        return {"description": "The connection is a WebSocket now. The client speaks first: Subscribe."}
    if isinstance(what, Empty):
        return {"description": "No body."}
    if isinstance(what, Media):
        return {"description": "The bytes.", "content": {what.content_type: {}}}
    return {"description": "Done.", "content": {"application/json": {"schema": schemas[_key(what)]}}}

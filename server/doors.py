"""How the two doors of a server are opened, and closed with the stack that holds them."""

from __future__ import annotations

from contextlib import AsyncExitStack

from aiohttp import web

from server.api import socket as operator_socket
from server.api.app import create_operator_app
from server.api.context import Context
from server.api.listen import ApiDoor
from server.public.listen import PublicServer, protocol_log
from server.settings import Config, PublicLimits, PublicSettings

PATIENCE_S = 1.0  # for requests under way when a door is closed
KEEPALIVE_S = 75.0  # an idle connection of the operator API


async def open_public_door(
    stack: AsyncExitStack, app: web.Application, settings: PublicSettings
) -> PublicServer:
    """Raises ListenError."""
    public = PublicServer(app, settings, patience=PATIENCE_S)
    await public.start()
    stack.push_async_callback(public.stop)
    return public


async def open_operator_door(stack: AsyncExitStack, context: Context, config: Config) -> ApiDoor | None:
    """The Unix socket, and where one is configured the address for tokens. Raises SocketError and
    ListenError."""
    bound = operator_socket.bind(config.server.socket, config.server.socket_group)
    stack.callback(bound.close)
    app = create_operator_app(context)
    api = ApiDoor(app, config.api, PublicLimits()) if config.api.listen else None
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=protocol_log("server.api.protocol"),
        shutdown_timeout=PATIENCE_S,
        handle_signals=False,
        keepalive_timeout=KEEPALIVE_S,
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    stack.callback(context.hub.end_all, "the server is stopping")
    if api is not None:
        await api.start(runner)
        stack.push_async_callback(api.stop)
    await web.SockSite(runner, bound.socket, backlog=256).start()
    return api

"""A public door without limits, on which an adapter can be tried alone."""

from __future__ import annotations

from aiohttp import web

from channels.base import Channel, Delivery, HookRequest, HostUnavailableError, Rejected
from channels.testkit.memory import MemoryHost


def door(channel: Channel, host: MemoryHost) -> web.Application:
    """The channel's routes, and its hook at /hooks/CHANNEL."""
    app = web.Application(client_max_size=64 * 1024 * 1024)

    async def hook(request: web.Request) -> web.Response:
        names = {name.lower() for name in request.headers}
        heard = HookRequest(
            method=request.method,
            headers={name: ", ".join(request.headers.getall(name)) for name in names},
            body=await request.read(),
            received_at=host.now(),
        )
        if isinstance(channel.verify(heard), Rejected):
            return web.Response(status=401)
        batch = [
            Delivery(dedupe_key=event.dedupe_key, raw=heard.body, event=event)
            for event in await channel.complete(channel.parse(heard))
        ]
        try:
            await host.submit(batch)
        except HostUnavailableError:
            return web.Response(status=503, headers={"Retry-After": "5"})
        status, text = channel.answer(heard)
        return web.Response(status=status, text=text)

    if channel.spec.takes_hooks:
        app.router.add_post(f"/hooks/{channel.id}", hook)
    for route in channel.routes():
        path = f"/{channel.spec.kind}/{channel.id}{route.path}"
        app.router.add_route(route.method, path, route.handler)
    return app

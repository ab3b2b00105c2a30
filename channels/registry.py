"""Which kinds of channel there are: the built-in ones, then entry points.

A distribution of a third party declares, in the group `omni_console.channels`:

    [project.entry-points."omni_console.channels"]
    pigeon = "omni_pigeon:PigeonChannel"
"""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points

from channels.base import Channel, ChannelError

GROUP = "omni_console.channels"

BUILT_IN = {
    "email": "channels.email:EmailChannel",
    "telegram": "channels.telegram:TelegramChannel",
    "webchat": "channels.webchat:WebchatChannel",
    "webhook": "channels.webhook:WebhookChannel",
}


def kinds() -> list[str]:
    """Every kind that a configuration may name, built-in ones first."""
    return [*BUILT_IN, *sorted({point.name for point in entry_points(group=GROUP)} - set(BUILT_IN))]


def channel_class(kind: str) -> type[Channel]:
    """The class for a kind. Raises ChannelError naming the known kinds."""
    if kind in BUILT_IN:
        module_name, _, attribute = BUILT_IN[kind].partition(":")
        loaded = getattr(importlib.import_module(module_name), attribute)
    else:
        for point in entry_points(group=GROUP):
            if point.name == kind:
                loaded = point.load()
                break
        else:
            raise ChannelError(
                f"unknown kind of channel {kind!r}", key="kind", hint=f"known kinds: {', '.join(kinds())}"
            )
    if not (isinstance(loaded, type) and issubclass(loaded, Channel)):
        raise ChannelError(f"the entry point for {kind!r} is not a Channel", key="kind")
    return loaded

"""`omni inspect`: what a channel makes of a payload that somebody has as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from omni_console.commands.errors import Code, CommandError
from omni_console.commands.inspect_mail import mail
from omni_console.commands.options import Options

if TYPE_CHECKING:
    from channels.base import Channel, InboundEvent


@click.group()
def inspect() -> None:
    """Show what a channel makes of a payload, without a server."""


inspect.add_command(mail)


@inspect.command()
@click.argument("channel")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.pass_obj
def webhook(options: Options, channel: str, files: tuple[Path, ...]) -> None:
    """Parse raw bodies of webhooks: one JSON object a FILE, on a line of its own.

    CHANNEL is a channel of the configuration, or a kind of channel; a kind needs neither configuration nor
    secrets. Nothing is verified, fetched or stored; what cannot be understood is told in "problems".
    """
    import msgspec

    from omni_console.commands.output import quiet_logs

    quiet_logs()
    reader = _reader(options, channel)
    for file in files:
        shown = {"file": str(file), **_read(reader, file.read_bytes())}
        click.echo(msgspec.json.encode(_whole(shown)).decode())


def _reader(options: Options, name: str) -> Channel:
    """The channel of that name, else one of that kind. Raises CommandError, ConfigError, ChannelError."""
    from channels.registry import channel_class, kinds
    from server.settings import Config
    from server.tables import ConfigError

    config: Config | None = None
    try:
        config = options.load()
    except ConfigError:
        # A kind is understood without any configuration, also beside a broken one.
        if name not in kinds():
            raise
    made: Channel
    if config is not None and name in config.channels:
        settings = config.channels[name]
        made = channel_class(settings.kind)(name, settings)
    elif name in kinds():
        found = channel_class(name)
        if not found.spec.takes_hooks:
            raise _no_hooks(name)
        made = found.for_reading()
    else:
        raise CommandError(
            f"there is no channel and no kind of channel {name!r}",
            where=str(config.config_path or "") if config is not None else "",
            hint=f"channels: {', '.join(config.channels) if config else '-'}; kinds: {', '.join(kinds())}",
            code=Code.USAGE,
        )
    if not made.spec.takes_hooks:
        raise _no_hooks(name)
    return made


def _no_hooks(name: str) -> CommandError:
    return CommandError(
        f"{name!r} takes no webhooks", hint="name a channel that does, such as telegram", code=Code.USAGE
    )


def _read(channel: Channel, body: bytes) -> dict[str, Any]:
    from channels.base import HookRequest

    try:
        events = channel.parse(HookRequest(method="POST", headers={}, body=body, received_at=0))
    except Exception as error:  # an adapter may be anybody's; the server, too, keeps such a body
        return {"events": [], "problems": [f"the adapter failed: {type(error).__name__}: {error}"]}
    problems = [event.detail["problem"] for event in events if event.detail.get("problem")]
    problems += [
        f"{file.name}: {file.problem}" for event in events for file in event.attachments if file.problem
    ]
    return {"events": [_event(event, channel.spec.scheme) for event in events], "problems": problems}


def _event(event: InboundEvent, scheme: str) -> dict[str, Any]:
    phones = [
        contact.external_id
        for contact in event.sender.contacts
        if contact.scheme == "phone" and contact.verified
    ]
    if scheme == "phone":
        phones.insert(0, event.sender.external_id)
    return {
        "kind": event.kind,
        "dedupe_key": event.dedupe_key,
        "remote_sender": event.sender.external_id,
        "sender_name": event.sender.name,
        "phone": phones[0] if phones else None,
        "text": event.text,
        "attachments": [
            {
                "kind": file.kind,
                "name": file.name,
                "content_type": file.content_type,
                "size": len(file.data) if file.data is not None else file.size,
            }
            for file in event.attachments
        ],
        "location": _location(event),
        "reply_to": event.references[0].remote_id if event.references else None,
        "remote_message_id": event.remote_message_id,
        "occurred_at": event.occurred_at,
        "is_echo": event.is_echo,
    }


def _location(event: InboundEvent) -> dict[str, float] | None:
    """Channels tell a place in `detail`, as decimal degrees."""
    try:
        return {"lat": float(event.detail["lat"]), "lon": float(event.detail["lon"])}
    except (KeyError, ValueError):
        return None


def _whole(value: Any) -> Any:
    """Without halves of characters, which no reader of JSON takes."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_whole(name): _whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return value

"""The checks of `omni doctor` that look at the service: configuration, server, door and channels."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec

from omni_console.commands.errors import understand
from omni_console.commands.finding import Finding, account
from omni_console.commands.options import Options

if TYPE_CHECKING:
    from channels.base import Channel, ChannelSettings
    from server.settings import Config, PublicSettings, ServerSettings

S = TypeVar("S")

PROBE_S = 30.0


def configuration(options: Options) -> tuple[Config | None, Finding]:
    try:
        config = options.load()
    except Exception as error:
        told = understand(error)
        if told is None:
            raise
        detail = f"{told.where}: {told.message}" if told.where else told.message
        return None, Finding(name="configuration", state="broken", detail=detail, hint=told.hint)
    path = config.config_path
    if path is not None and path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return config, Finding(
            name="configuration",
            state="broken",
            detail=f"others may write {path}",
            hint=f"chmod go-w {path}",
        )
    return config, Finding(name="configuration", detail=str(path))


def secrecy(config: Config) -> Iterator[Finding]:
    """Files with secrets belong to who reads them."""
    from channels.secret import Secret

    base = config.config_path.parent if config.config_path is not None else Path()
    tables: list[tuple[str, object]] = [*config.channels.items()]
    tables += [(f"webhook {one.name or one.url}", one) for one in config.webhooks]
    for name, settings in tables:
        for secret in _secrets(settings, Secret):
            kind, _, place = secret.source.partition(":")
            if kind != "file":
                continue
            path = base / place
            owner = path.stat().st_uid
            if owner not in (os.geteuid(), 0) and os.geteuid() != 0:
                yield Finding(
                    name=f"secret of {name}",
                    state="warning",
                    detail=f"{path} belongs to {account(owner)}, who can change it",
                    hint=f"chown {account(os.geteuid())} {path}",
                )


def server(options: Options, settings: ServerSettings) -> tuple[bool, Finding]:
    """Does one run, and does it answer?"""
    from omni_console.commands.api import Api, AwayError
    from omni_console.commands.errors import CommandError
    from server.lock import holder
    from server.protocol import Hello

    path = options.socket if options.socket is not None else settings.socket
    try:
        pid = holder(settings.data_dir)
    except OSError:
        pid = None
    try:
        hello = Api(path).get("/v1/hello", Hello)
    except AwayError as error:
        if pid is None:
            return False, Finding(name="server", detail="none runs")
        return True, Finding(
            name="server",
            state="broken",
            detail=f"process {pid or '?'} holds {settings.data_dir}, but {path}: {error.message}",
            hint="is it starting, or does it run with another server.socket?",
        )
    except CommandError as error:
        return True, Finding(name="server", state="warning", detail=error.message, hint=error.hint)
    if hello.trouble:
        return True, Finding(name="server", state="broken", detail=hello.trouble, hint="see its log")
    return True, Finding(name="server", detail=f"version {hello.version} answers at {path}")


async def _greets(path: Path) -> str:
    """Why nobody parses there, or ""."""
    from server.parsing import ParserAwayError
    from server.parsing.distant import DistantParser
    from server.version import product_version

    parser = DistantParser(path, product_version())
    try:
        await parser.ready()
    except ParserAwayError as error:
        return str(error)
    finally:
        parser.kill()
    return ""


def mail_worker(settings: ServerSettings) -> Iterator[Finding]:
    """Where mail is parsed by a worker apart: is it there?"""
    if settings.parse_worker is None:
        return
    away = asyncio.run(_greets(settings.parse_worker))
    yield Finding(
        name="mail worker",
        state="broken" if away else "ok",
        detail=away or f"answers at {settings.parse_worker}",
        hint="systemctl status omni-mail-worker" if away else "",
    )


def public(settings: PublicSettings, channels: Iterable[ChannelSettings], running: bool) -> Iterator[Finding]:
    from channels.registry import channel_class

    wanted = any(one.enabled and channel_class(one.kind).spec.takes_hooks for one in channels)
    if not settings.enabled:
        yield Finding(
            name="public",
            state="warning" if wanted else "ok",
            detail="the public door is shut" + (", and channels wait for webhooks" if wanted else ""),
            hint="set public.enabled = true",
        )
        return
    host, port = settings.address
    if not running:
        try:
            with socket.create_server(
                (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
            ):
                pass
        except OSError as error:
            yield Finding(
                name="public",
                state="broken",
                detail=f"cannot listen on {settings.listen}: {error.strerror}",
                hint="stop what uses the port (ss -ltnp), or change public.listen",
            )
            return
    if host not in ("localhost", "::1") and not host.startswith("127."):
        yield Finding(
            name="public",
            state="warning",
            detail=f"{settings.listen} speaks plain HTTP to the network",
            hint="listen on 127.0.0.1 behind Caddy or nginx; see docs/operating.md",
        )
    else:
        yield Finding(name="public", detail=f"listens on {settings.listen}")
    address = urlsplit(settings.base_url)
    if not settings.base_url:
        state: Literal["ok", "warning"] = "warning" if wanted else "ok"
        yield Finding(
            name="base_url",
            state=state,
            detail="not set: links and webhooks name this host only",
            hint='set public.base_url = "https://..." as the world sees it',
        )
    elif address.scheme != "https" and address.hostname not in ("localhost", "127.0.0.1", "::1"):
        yield Finding(
            name="base_url",
            state="warning",
            detail=f"{settings.base_url} is not encrypted",
            hint="let the reverse proxy speak TLS and write https://",
        )
    else:
        yield Finding(name="base_url", detail=settings.base_url)


def operators(settings: ServerSettings, running: bool) -> Iterator[Finding]:
    """Is there anybody who may administer? Asked of the file, so only while no server has it."""
    from server.lock import DataLock, DataLockedError
    from server.store.offline import DATABASE, list_operators

    if running or not (settings.data_dir / DATABASE).exists():
        return
    try:
        with DataLock(settings.data_dir):
            everybody = list_operators(settings.data_dir)
    except DataLockedError:
        return  # a server started meanwhile
    except Exception as error:
        told = understand(error)
        yield Finding(
            name="operators",
            state="broken",
            detail=f"the database cannot be read: {told.message if told else error}",
            hint=told.hint if told and told.hint else "restore it from a backup, and keep the damaged file",
        )
        return
    if any(one.role == "admin" and not one.disabled for one in everybody):
        yield Finding(name="operators", detail=f"{sum(not one.disabled for one in everybody)} may sign in")
    else:
        yield Finding(
            name="operators",
            state="broken",
            detail="there is no administrator",
            hint="omni operators add LOGIN --role admin",
        )


def channels(config: Config) -> tuple[dict[str, Channel], list[Finding]]:
    """Those that take their settings, and a finding for each that does not."""
    from server.config import make_channels
    from server.tables import ConfigError

    made: dict[str, Channel] = {}
    refused = []
    for name, settings in config.channels.items():
        one = msgspec.structs.replace(config, channels={name: settings})
        try:
            made.update(make_channels(one))
        except ConfigError as error:
            refused.append(
                Finding(
                    name=f"channel {name}",
                    state="broken",
                    detail=f"{error.key}: {error.message}",
                    hint=error.hint,
                )
            )
        else:
            if not settings.enabled:
                refused.append(Finding(name=f"channel {name}", detail="switched off"))
    orphans = [name for name, settings in config.channels.items() if settings.enabled and not settings.owner]
    if orphans:
        refused.append(
            Finding(
                name="owners",
                state="warning",
                detail=f"nobody answers for {', '.join(orphans)}",
                hint='write owner = "LOGIN" (or a team) in the channel\'s table: the alarm names him',
            )
        )
    if not config.channels:
        refused.append(
            Finding(
                name="channels",
                state="warning",
                detail="there are none: nobody can write",
                hint="add [channels.NAME] to the configuration; config.example.toml shows each kind",
            )
        )
    return made, refused


async def webhooks(config: Config) -> list[Finding]:
    """Whether the receivers of events can be reached, all asked at the same time."""
    from server.webhooks.link import reach
    from server.webhooks.webhook import Webhook, read_webhooks

    async def look(one: Webhook) -> Finding:
        answer = await reach(one)
        return Finding(
            name=f"webhook {one.name}",
            state="broken" if answer.problem else "ok",
            detail=answer.problem or f"answers ({answer.status})",
            hint="is the receiver running, and is its address right?",
        )

    return list(await asyncio.gather(*(look(one) for one in read_webhooks(config.webhooks))))


async def probes(made: dict[str, Channel]) -> list[Finding]:
    """What each channel says of its own peer, all asked at the same time."""
    told = await asyncio.gather(*(_probe(name, channel) for name, channel in made.items()))
    return [finding for findings in told for finding in findings]


async def _probe(name: str, channel: Channel) -> list[Finding]:
    try:
        async with asyncio.timeout(PROBE_S):
            results = await channel.probe()
    except TimeoutError:
        detail, hint = f"no answer within {PROBE_S:g} s", "is the peer reachable from this host?"
        return [Finding(name=f"channel {name}", state="broken", detail=detail, hint=hint)]
    except Exception as error:  # an adapter's fault is a finding like any other
        detail = f"its probe failed: {type(error).__name__}: {error}"
        return [
            Finding(name=f"channel {name}", state="broken", detail=detail, hint="report it to its authors")
        ]
    if not results:
        return [Finding(name=f"channel {name}", detail="takes its settings; it has nothing to probe")]
    return [
        Finding(
            name=f"channel {name}: {result.name}",
            state="ok" if result.ok else "broken",
            detail=result.detail,
            hint=result.hint,
        )
        for result in results
    ]


def _secrets(value: object, kind: type[S]) -> Iterator[S]:
    if isinstance(value, kind):
        yield value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _secrets(getattr(value, name), kind)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secrets(item, kind)

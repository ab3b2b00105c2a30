"""`omni doctor`: every check says what it found and, where that is not well, what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import click
import msgspec

from omni_console.commands import host_checks, service_checks
from omni_console.commands.errors import plain
from omni_console.commands.finding import Finding
from omni_console.commands.options import Options
from omni_console.commands.output import json_option, print_json, quiet_logs

MARKS = {"ok": "ok", "warning": "WARNING", "broken": "BROKEN"}


class Diagnosis(msgspec.Struct):
    """What --json prints."""

    ok: bool
    findings: list[Finding]


@click.command()
@click.option("--offline", is_flag=True, help="Do not talk to mail servers and other peers of channels.")
@json_option
@click.pass_obj
def doctor(options: Options, offline: bool, as_json: bool) -> int:
    """Check this installation and say what to mend.

    Exit code 1 where something is broken; warnings alone leave it 0.
    """
    quiet_logs()
    found = list(examine(options, offline))
    ok = all(finding.state != "broken" for finding in found)
    if as_json:
        print_json(Diagnosis(ok=ok, findings=found))
    else:
        for finding in found:
            click.echo(f"{MARKS[finding.state]:8} {plain(finding.name)}: {plain(finding.detail)}")
            if finding.hint and finding.state != "ok":
                click.echo(f"{'':8} to do: {plain(finding.hint)}")
        broken = sum(finding.state == "broken" for finding in found)
        warnings = sum(finding.state == "warning" for finding in found)
        click.echo(f"\n{broken} broken, {warnings} warnings, {len(found) - broken - warnings} ok")
    return int(not ok)


def examine(options: Options, offline: bool) -> Iterable[Finding]:
    """All checks, in the order in which a person would mend what they find."""
    modules = host_checks.modules()
    yield modules
    if modules.state == "broken":
        return  # everything below would examine somebody else's code
    yield from host_checks.platform()
    yield host_checks.sqlite()
    config, finding = service_checks.configuration(options)
    yield finding
    if config is None:
        return
    yield from service_checks.secrecy(config)
    yield from host_checks.data(config.server)
    yield host_checks.disk(config.server)
    yield host_checks.clock(config.server)
    running, finding = service_checks.server(options, config.server)
    yield finding
    yield from service_checks.mail_worker(config.server)
    yield from service_checks.public(config.public, config.channels.values(), running)
    yield host_checks.files(config.public)
    yield from service_checks.operators(config.server, running)
    channels, refused = service_checks.channels(config)
    yield from refused
    if not offline:
        yield from asyncio.run(service_checks.probes(channels))
        yield from asyncio.run(service_checks.webhooks(config))

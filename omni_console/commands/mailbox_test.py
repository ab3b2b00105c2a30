"""A mailbox tried out: what `omni init` and `omni mail test` print."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from omni_console.commands.errors import plain

if TYPE_CHECKING:
    from channels.email.settings import EmailSettings


def try_and_tell(settings: EmailSettings) -> bool:
    """Print each finding as it comes; whether all of them are well."""

    async def run() -> bool:
        from channels.email.self_test import try_mailbox

        well = True
        async for result in try_mailbox(settings, waits=lambda why: click.echo(f"{'wait':8} {plain(why)}")):
            well = well and result.ok
            click.echo(f"{'ok' if result.ok else 'BROKEN':8} {plain(result.name)}: {plain(result.detail)}")
            if result.hint and not result.ok:
                click.echo(f"{'':8} to do: {plain(result.hint)}")
        return well

    return asyncio.run(run())

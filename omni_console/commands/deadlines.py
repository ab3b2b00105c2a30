"""`omni deadlines`: when replies are due, by the hours and rules of today."""

from __future__ import annotations

import click

from omni_console.commands.options import Options
from omni_console.commands.output import json_option, print_json


@click.group()
def deadlines() -> None:
    """When replies and resolutions are due."""


@deadlines.command()
@json_option
@click.pass_obj
def recompute(options: Options, as_json: bool) -> None:
    """Compute all of them anew, also those of closed conversations.

    What is not closed follows omni.toml by itself when the server starts.
    """
    from omni_console.commands.api import Api
    from server.protocol import Recomputed

    done = Api(options.socket_path()).post("/v1/deadlines/recompute", None, Recomputed)
    if as_json:
        print_json(done)
    else:
        click.echo(f"{done.conversations} conversations looked at, the deadlines of {done.changed} changed")

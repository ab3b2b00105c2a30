from __future__ import annotations

import click

from omni_console.commands.options import Options
from omni_console.commands.output import json_option, moment, print_json, print_table


@click.command()
@json_option
@click.pass_obj
def channels(options: Options, as_json: bool) -> int:
    """Which channels there are, and how they do. Exit code 1 where one of them does not work."""
    from omni_console.commands.api import Api
    from server.protocol import ChannelInfo

    found = Api(options.socket_path()).get("/v1/channels", list[ChannelInfo])
    if as_json:
        print_json(found)
    elif not found:
        click.echo("no channels; add one to the configuration: [channels.NAME]")
    else:
        print_table(
            ("CHANNEL", "KIND", "STATE", "OWNER", "HOURS", "LAST IN", "LAST OUT", "REFUSED", "LAST ERROR"),
            [
                (
                    one.id,
                    one.kind,
                    one.state,
                    one.owner or "-",
                    one.hours or "-",
                    moment(one.last_in_at),
                    moment(one.last_out_at),
                    str(one.refused),
                    one.detail,
                )
                for one in found
            ],
        )
    return int(any(one.state in ("failed", "bad_credentials") for one in found))

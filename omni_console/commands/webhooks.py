"""`omni webhooks`: how the receivers of events do, and one request to try them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from omni_console.commands.options import Options
from omni_console.commands.output import json_option, moment, print_json, print_table

if TYPE_CHECKING:
    from server.protocol import WebhookInfo

PING_S = 75.0  # longer than any receiver is waited for


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def webhooks(context: click.Context, as_json: bool) -> int:
    """The company's systems that are told of events. Exit code 1 where one does not take them."""
    if context.invoked_subcommand is not None:
        return 0
    from omni_console.commands.api import Api
    from server.protocol import WebhookInfo

    options: Options = context.obj
    found = Api(options.socket_path()).get("/v1/webhooks", list[WebhookInfo])
    if as_json:
        print_json(found)
    elif not found:
        click.echo("no webhooks; add one to the configuration: [[webhooks]]")
    else:
        now = int(time.time() * 1000)
        print_table(
            ("WEBHOOK", "RECEIVER", "STATE", "OWNER", "WAITING", "BEHIND", "LAST TAKEN", "LAST TRY", "WHY"),
            [_row(one, now) for one in found],
        )
    return int(any(one.state != "connected" for one in found))


def _row(one: WebhookInfo, now: int) -> tuple[str, ...]:
    behind = "-" if one.oldest_at is None else f"{max(0, now - one.oldest_at) // 1000} s"
    return (
        one.name,
        one.receiver,
        one.state,
        one.owner or "-",
        str(one.waiting),
        behind,
        moment(one.delivered_at),
        moment(one.answered_at),
        one.detail,
    )


@webhooks.command()
@click.argument("name")
@json_option
@click.pass_obj
def test(options: Options, name: str, as_json: bool) -> int:
    """Send one signed ping to the receiver of NAME. Exit code 1 where it does not take it."""
    from urllib.parse import quote

    from omni_console.commands.api import Api
    from server.protocol import WebhookTested

    path = f"/v1/webhooks/{quote(name, safe='')}/test"
    tested = Api(options.socket_path(), PING_S).post(path, None, WebhookTested)
    if as_json:
        print_json(tested)
    elif tested.ok:
        click.echo(f"{tested.webhook} took the ping: {tested.status}, after {tested.ms} ms")
    else:
        click.echo(f"{tested.webhook} did not take the ping: {tested.problem}")
    return int(not tested.ok)

"""`omni webhooks`: how the receivers of events do, one request to try them, and what one never takes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from omni_console.commands.options import Options
from omni_console.commands.output import json_option, moment, print_json, print_table

if TYPE_CHECKING:
    from server.protocol import SkipCommand, WebhookInfo, WebhookTested

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
        f"{one.stuck}: {one.detail}" if one.stuck else one.detail,
    )


@webhooks.command()
@click.argument("name")
@json_option
@click.pass_obj
def test(options: Options, name: str, as_json: bool) -> int:
    """Send one signed ping to the receiver of NAME. Exit code 1 where it does not take it."""
    tested = _post(options, name, "test", None)
    if as_json:
        print_json(tested)
    elif tested.ok:
        click.echo(f"{tested.webhook} took the ping: {tested.status}, after {tested.ms} ms")
    else:
        click.echo(f"{tested.webhook} did not take the ping: {tested.problem}")
    return int(not tested.ok)


@webhooks.command()
@click.argument("name")
@click.argument("event")
@json_option
@click.pass_obj
def skip(options: Options, name: str, event: str, as_json: bool) -> int:
    """Tell the receiver of NAME of a gap instead of EVENT, which it never takes, and go on behind it.

    EVENT is the id that `omni webhooks` shows. Exit code 1 where it does not take the gap either: then
    nothing is skipped.
    """
    from server.protocol import SkipCommand

    told = _post(options, name, "skip", SkipCommand(id=event))
    if as_json:
        print_json(told)
    elif told.ok:
        click.echo(f"{told.webhook} knows that it does not get {event}: {told.status}")
    else:
        click.echo(f"nothing is skipped: {told.webhook} does not take the gap either: {told.problem}")
    return int(not told.ok)


def _post(options: Options, name: str, what: str, command: SkipCommand | None) -> WebhookTested:
    from urllib.parse import quote

    from omni_console.commands.api import Api
    from server.protocol import WebhookTested

    path = f"/v1/webhooks/{quote(name, safe='')}/{what}"
    return Api(options.socket_path(), PING_S).post(path, command, WebhookTested)

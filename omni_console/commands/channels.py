"""`omni channels`: how each channel does, and what each kind of channel can."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from omni_console.commands.options import Options
from omni_console.commands.output import json_option, moment, print_json, print_table

if TYPE_CHECKING:
    from channels.base import Capabilities


@click.command()
@click.option("--matrix", is_flag=True, help="What each kind of channel can do; needs no server.")
@json_option
@click.pass_obj
def channels(options: Options, matrix: bool, as_json: bool) -> int:
    """Which channels there are, and how they do. Exit code 1 where one of them does not work."""
    if matrix:
        print_matrix(as_json)
        return 0
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
                    f"{one.hours or '-'}{' (closed)' if one.is_open is False else ''}",
                    moment(one.last_in_at),
                    moment(one.last_out_at),
                    str(one.refused),
                    one.detail,
                )
                for one in found
            ],
        )
    return int(any(one.state in ("failed", "bad_credentials") for one in found))


def print_matrix(as_json: bool) -> None:
    """Actions × kinds of channel. A no says why."""
    from channels.registry import channel_class, kinds

    known = {kind: channel_class(kind).spec.capabilities for kind in kinds()}
    table = {kind: abilities(capabilities) for kind, capabilities in known.items()}
    if as_json:
        print_json(table)
        return
    rows = [(action, *(table[kind][action] for kind in table)) for action in next(iter(table.values()))]
    print_table(("ACTION", *(kind.upper() for kind in table)), rows)


def abilities(can: Capabilities) -> dict[str, str]:
    """What an operator may do on a channel, in words."""

    def supported(yes: bool, why_not: str) -> str:
        return "yes" if yes else f"no: {why_not}"

    window = can.reply_window_s
    return {
        "reply": "always" if window is None else f"within {window / 3600:g} h of the customer's message",
        "text": f"{can.text_max} {can.text_unit}",
        "attach files": f"up to {can.files_max}" if can.files_max else "no: it carries no files",
        "subject": supported(can.subject, "it has none"),
        "several recipients": supported(can.recipients_max > 1, "one person at the other end"),
        "write first": supported(can.start_by_us, "the customer must have written before"),
        "continue in it": "by a link that is sent there"
        if can.start_by_us and not can.continue_links
        else supported(can.continue_links, "no link leads to a conversation there"),
        "see delivery": supported(can.delivery_receipts, "it does not tell"),
        "see reading": supported(can.read_receipts, "it does not tell"),
        "send again by itself": supported(can.idempotent, "a doubtful reply is shown instead"),
        "templates, send later": "yes",
        "call back": "yes: as a promise with its time (omni about), and the call noted (omni contact)",
        "ask for a score": "no: scores come in by the API, from what the company asks with",
        "note, close, reopen, snooze, hand over, tag": "yes",
    }

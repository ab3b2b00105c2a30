"""`omni next`, `why`, `presence`, `mentions`: where I am needed, and whether I am there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from omni_console.commands.errors import plain
from omni_console.commands.output import json_option, moment, print_json, print_table
from omni_console.commands.reach import Server, at_server

if TYPE_CHECKING:
    from server.protocol import Presence, Urgency


@click.command(name="next")
@json_option
@at_server
def next_(server: Server, as_json: bool) -> int:
    """Take the most urgent conversation, mine or from the queue. Exit code 1 where nobody waits."""
    found = server.run(lambda client: client.take_next([]))
    return _tell(found, as_json=as_json)


@click.command()
@click.argument("number", metavar="CONVERSATION", type=click.IntRange(min=1))
@json_option
@at_server
def why(server: Server, number: int, as_json: bool) -> int:
    """How urgent a conversation is, and why."""
    return _tell(server.run(lambda client: client.why(number)), as_json=as_json)


def _tell(found: Urgency, *, as_json: bool) -> int:
    row = found.conversation
    if as_json:
        print_json(found)
    elif row is None:
        click.echo("nobody waits for you")
    else:
        click.echo(plain(f"{row.id}: {row.customer}, {found.points} points"))
        for part in found.parts:
            at = f" ({moment(part.at)})" if part.at is not None else ""
            click.echo(f"    {part.points:+d} {part.name}{at}")
    return 0 if row is not None else 1


@click.command()
@click.argument("state", required=False, type=click.Choice(["available", "pause", "away", "offline"]))
@json_option
@at_server
def presence(server: Server, state: Presence | None, as_json: bool) -> None:
    """How I am: whether new work comes to me. With a STATE: from now on."""
    if state is not None:
        me = server.run(lambda client: client.be(state))
    else:
        me = server.run(lambda client: client.hello()).operator
    if as_json:
        print_json(me)
    else:
        click.echo(plain(f"{me.name}: {me.presence or 'offline'}"))


@click.command()
@click.option("--seen", type=click.IntRange(min=1), metavar="NUMBER", help="I have seen this one.")
@json_option
@at_server
def mentions(server: Server, seen: int | None, as_json: bool) -> None:
    """Notes of colleagues that name me, and that I have not seen."""
    if seen is not None:
        one = server.run(lambda client: client.mention_seen(seen))
        if as_json:
            print_json(one)
        else:
            click.echo(f"{seen}: seen")
        return
    page = server.run(lambda client: client.mentions())
    if as_json:
        print_json(page)
        return
    rows = [
        (str(each.id), str(each.conversation_id), each.customer, moment(each.note.at), each.note.text)
        for each in page.items
    ]
    print_table(("number", "conversation", "customer", "at", "note"), rows)
